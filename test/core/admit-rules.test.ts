/** What admission refuses although it reads well: another's group, channel, key, chain, capability or size. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type AdmitContext, admit } from '../../protocol/core/admit.ts'
import { writeMessage } from '../../protocol/core/genesis.ts'
import { limits } from '../../protocol/core/limits.ts'
import { encodeJoinFrame, encodeSyncFrame } from '../../protocol/core/message.ts'
import {
  type Op,
  encodeOp,
  encodeRecord,
  encodeRun,
  kinds,
  opBytesMax,
} from '../../protocol/core/op.ts'
import { seededRandom } from '../../protocol/core/random.ts'
import type { Refusal } from '../../protocol/core/refusal.ts'
import { type Slot, createSlot, encodeSlot } from '../../protocol/core/slot.ts'
import { createNodeCryptography } from '../../node/cryptography.ts'
import { firstHlc, testGroup, testLog, unsigned } from './writer.ts'

const cryptography = createNodeCryptography()
const { verify } = cryptography
const group = testGroup('admit', cryptography)
const elsewhere = testGroup('elsewhere', cryptography)
const { gid, epoch } = group
const creator = testLog(group, group.creatorSecret, cryptography)
const guestSecret = seededRandom('guest').bytes(32)
const guest = () => testLog(group, guestSecret, cryptography)

/** A peer that knows `group`, its creator and its epoch; index 0 is that group, index 1 the other. */
const contextOf = (parts: Partial<AdmitContext> = {}): AdmitContext => ({
  channel: 'sync',
  gossipGroup: gid,
  groupAt: index => [gid, elsewhere.gid][index],
  keyOf: (_, author) => (author === creator.author ? creator.publicKey : undefined),
  writeKeyOf: (_, id) => (id === epoch.id ? epoch.writePublic : undefined),
  ...parts,
})
/** Who wrote `op` is known as well. */
const knowing = (log: { readonly author: string; readonly publicKey: Uint8Array }): AdmitContext =>
  contextOf({ keyOf: (_, author) => (author === log.author ? log.publicKey : undefined) })

/** Every way an operation can come, and why it was refused on each; undefined: it was admitted. */
const outcomes = (op: Op, context: AdmitContext, index = 0): readonly (string | undefined)[] => {
  const frames: readonly (readonly [AdmitContext['channel'], Uint8Array])[] = [
    ['sync', encodeSyncFrame({ type: 'run', group: index, run: encodeRun([op]) })],
    ['sync', encodeSyncFrame({ type: 'ops', group: index, ops: [encodeRecord(op)] })],
    ['gossip', encodeOp(op)],
    [
      'join',
      encodeJoinFrame({
        type: 'join-answer',
        gid: [gid, elsewhere.gid][index] ?? gid,
        ops: [encodeRecord(op)],
      }),
    ],
  ]
  return frames.map(([channel, bytes]) => {
    const gossipGroup = [gid, elsewhere.gid][index]
    const message = admit(bytes, { ...context, channel, gossipGroup }, verify)
    if (!message.ok) return message.error.type
    const { value } = message
    if (value.type !== 'ops') return value.type
    if (value.refusals[0] === undefined) expect(value.ops).toEqual([op])
    else expect(value.ops).toEqual([])
    return value.refusals[0]?.type
  })
}
const always = (type: string | undefined) => [type, type, type, type]
const runOutcome = (ops: readonly Op[], context: AdmitContext): Refusal | undefined => {
  const bytes = encodeSyncFrame({ type: 'run', group: 0, run: encodeRun(ops) })
  const message = admit(bytes, context, verify)
  if (!message.ok || message.value.type !== 'ops') throw new Error('not a run')
  return message.value.refusals[0]
}

describe('an operation', () => {
  test('is admitted from an author whose key is known, whichever way it comes', () => {
    const log = testLog(group, group.creatorSecret, cryptography)
    expect(outcomes(log.genesis(), contextOf())).toEqual(always(undefined))
    expect(outcomes(log.say('x'), contextOf())).toEqual(always(undefined))
  })

  test('of an author not known yet is author-unknown', () => {
    const log = guest()
    log.genesis()
    expect(outcomes(log.say('x'), contextOf())).toEqual(always('author-unknown'))
  })

  test('signed by another key is a bad signature', () => {
    const stolen = creator.sign(guest().say('x', { seq: 3 }))
    expect(outcomes(stolen, knowing(guest()))).toEqual(always('bad-signature'))
  })

  test('carrying a signature made for another purpose is a bad signature', () => {
    const op = guest().say('x', { seq: 3 })
    const { writeSecret, writePublic } = epoch
    const asCapability = cryptography.sign(writeSecret, writeMessage(gid, guest().publicKey))
    const log = { author: op.author, publicKey: writePublic }
    expect(outcomes({ ...op, signature: asCapability }, knowing(log))).toEqual(
      always('bad-signature'),
    )
  })

  test('of one group says nothing in another, even if its author were known there', () => {
    const log = testLog(group, group.creatorSecret, cryptography)
    const [first, op] = [log.genesis(), log.say('x')]
    expect(outcomes(first, contextOf(), 1)).toEqual(always('bad-context'))
    expect(outcomes(op, contextOf(), 1)).toEqual(always('bad-signature'))
    expect(outcomes(op, contextOf({ keyOf: () => undefined }), 1)).toEqual(always('author-unknown'))
  })

  test('of a group that this link does not share is group-unknown', () => {
    const op = guest().say('x', { seq: 3 })
    const context = { ...knowing(guest()), groupAt: () => undefined, gossipGroup: undefined }
    for (const frame of [
      encodeSyncFrame({ type: 'run', group: 0, run: encodeRun([op]) }),
      encodeSyncFrame({ type: 'ops', group: 9, ops: [encodeOp(op)] }),
    ]) {
      expect(admit(frame, context, verify)).toEqual({
        ok: false,
        error: { type: 'group-unknown', isPaced: true },
      })
    }
    const gossip = admit(encodeOp(op), { ...context, channel: 'gossip' }, verify)
    expect(gossip).toEqual({ ok: false, error: { type: 'group-unknown' } })
  })

  test('without its signature is never admitted alone', () => {
    const op = unsigned(guest().write(new Uint8Array(100), { seq: 3 }))
    const context = knowing(guest())
    const gossip = admit(encodeRecord(op), { ...context, channel: 'gossip' }, verify)
    expect(gossip).toEqual({ ok: false, error: { type: 'bad-signature' } })
    const ops = encodeSyncFrame({ type: 'ops', group: 0, ops: [encodeRecord(op)] })
    expect(admit(ops, context, verify)).toMatchObject({
      value: { ops: [], refusals: [{ type: 'bad-signature' }] },
    })
  })

  test('does not pass on another channel', () => {
    const log = testLog(group, group.creatorSecret, cryptography)
    const [first, op] = [log.genesis(), log.say('x')]
    const frames = [
      encodeOp(op),
      encodeSyncFrame({ type: 'run', group: 0, run: encodeRun([first]) }),
      encodeSyncFrame({ type: 'ops', group: 0, ops: [encodeOp(first), encodeOp(op)] }),
      encodeJoinFrame({ type: 'join-answer', gid, ops: [encodeOp(first), encodeOp(op)] }),
    ]
    const channels = ['gossip', 'sync', 'sync', 'join']
    for (const [index, bytes] of frames.entries()) {
      for (const channel of ['gossip', 'sync', 'join'] as const) {
        const message = admit(bytes, contextOf({ channel }), verify)
        const isAdmitted =
          message.ok && message.value.type === 'ops' && message.value.ops.length > 0
        expect([channel, isAdmitted]).toEqual([channel, channel === channels[index]])
      }
    }
  })

  test('that is good stays when others of its frame are bad, and each of those is named', () => {
    const log = testLog(group, group.creatorSecret, cryptography)
    const [first, second, third] = [log.genesis(), log.say('a'), log.say('b')]
    const stranger = guest().say('x', { seq: 4 })
    const bent = encodeOp(second).with(60, 0)
    const parts = [encodeOp(first), bent, encodeOp(stranger), encodeOp(third)]
    const bytes = encodeSyncFrame({ type: 'ops', group: 0, ops: parts })
    expect(admit(bytes, contextOf({ keyOf: () => undefined }), verify)).toMatchObject({
      value: {
        ops: [{ id: first.id }, { id: third.id }],
        refusals: [{ type: 'bad-signature' }, { type: 'author-unknown' }],
      },
    })
  })
})

describe('the first operation of a log', () => {
  const sealedElsewhere = elsewhere.epoch

  test('is admitted with the write capability of a known epoch', () => {
    expect(outcomes(guest().genesis(), contextOf())).toEqual(always(undefined))
  })

  test('with a capability of another epoch, another author or another group is a bad signature', () => {
    const { publicKey } = guest()
    for (const writeSignature of [
      cryptography.sign(sealedElsewhere.writeSecret, writeMessage(gid, publicKey)),
      cryptography.sign(epoch.writeSecret, writeMessage(gid, creator.publicKey)),
      cryptography.sign(epoch.writeSecret, writeMessage(elsewhere.gid, publicKey)),
      cryptography.sign(epoch.writeSecret, publicKey),
      new Uint8Array(64),
    ]) {
      const first = guest().genesis({ writeSignature })
      expect(outcomes(first, contextOf())).toEqual(always('bad-signature'))
    }
  })

  test('of an epoch nobody told of waits as author-unknown', () => {
    const first = guest().genesis({ epoch: sealedElsewhere.id })
    expect(outcomes(first, contextOf())).toEqual(always('author-unknown'))
  })

  test('under the name of another author, or as the root of another group, is in a bad context', () => {
    const { publicKey } = creator
    const first = guest().genesis({ authorKey: publicKey })
    expect(outcomes(first, contextOf())).toEqual(always('bad-context'))
    const root = guest().genesis({ root: group.root })
    expect(outcomes(root, contextOf())).toEqual(always('bad-context'))
    const [byte = 0] = group.root.random
    const otherRoot = { ...group.root, random: group.root.random.with(0, byte ^ 1) }
    const log = testLog(group, group.creatorSecret, cryptography)
    expect(outcomes(log.genesis({ root: otherRoot }), contextOf())).toEqual(always('bad-context'))
  })

  test('stands at place 0 without a past, and nothing else does', () => {
    const context = knowing(guest())
    const genesis = guest().genesis()
    expect(outcomes(guest().say('x', { seq: 0 }), context)).toEqual(always('bad-context'))
    expect(
      outcomes(guest().write(genesis.payload, { kind: kinds.genesis, seq: 1 }), context),
    ).toEqual(always('bad-context'))
    const past = guest().write(genesis.payload, {
      kind: kinds.genesis,
      prev: new Uint8Array(16).fill(1),
    })
    expect(outcomes(past, context)).toEqual(always('bad-context'))
  })

  test('cut inside its clear part is malformed', () => {
    const { payload } = guest().genesis()
    for (const length of [0, 31, 47, 111, 112]) {
      const cut = guest().write(payload.slice(0, length), { kind: kinds.genesis })
      expect(outcomes(cut, contextOf())).toEqual(always('malformed'))
    }
  })
})

describe('a run', () => {
  const write = () => {
    const log = guest()
    const first = log.genesis()
    const rest = ['a', 'b', 'c', 'd'].map(text => log.say(text))
    return [first, ...rest]
  }
  const asRun = (ops: readonly Op[]): readonly Op[] =>
    ops.map((op, index) => (index === ops.length - 1 ? op : unsigned(op)))

  test('is vouched for by the signature of its last operation', () => {
    expect(runOutcome(write().slice(1), knowing(guest()))).toBeUndefined()
    expect(runOutcome(asRun(write().slice(1)), knowing(guest()))).toBeUndefined()
  })

  test('with another beginning, body, order or end is a bad signature', () => {
    const ops = write().slice(1)
    const [a, b, c, d] = ops
    if (a === undefined || b === undefined || c === undefined || d === undefined) throw new Error()
    const bad = { type: 'bad-signature' }
    const knowsGuest = knowing(guest())
    expect(runOutcome([{ ...a, prev: new Uint8Array(16) }, b, c, d], knowsGuest)).toEqual(bad)
    expect(runOutcome([a, { ...b, payload: c.payload }, c, d], knowsGuest)).toEqual(bad)
    expect(runOutcome([a, { ...b, priority: 'flash' }, c, d], knowsGuest)).toEqual(bad)
    expect(runOutcome([a, { ...b, hlc: b.hlc + 1 }, c, d], knowsGuest)).toEqual(bad)
    expect(runOutcome([a, c, d], knowsGuest)).toEqual(bad)
    expect(runOutcome([{ ...a, seq: 9 }, b, c, d], knowsGuest)).toEqual(bad)
    expect(runOutcome([a, b, c, { ...d, signature: c.signature }], knowsGuest)).toEqual(bad)
    expect(runOutcome([a, b, c, creator.sign(d)], knowsGuest)).toEqual(bad)
    expect(runOutcome([a, b], knowsGuest)).toBeUndefined()
  })
})

describe('an operation of every kind', () => {
  const every = { ...kinds, unknown: 9 }
  test.each(Object.entries(every))('%s passes at its limit and not one byte above', (_, kind) => {
    const log = guest()
    const first = log.genesis()
    const isFirst = kind === kinds.genesis
    const context = isFirst ? contextOf() : knowing(log)
    const change = isFirst ? { kind, seq: 0, prev: new Uint8Array(16), hlc: firstHlc } : { kind }
    const room = opBytesMax(kind) - 66 - first.header.length
    const payload = new Uint8Array(room + 1)
    if (isFirst) payload.set(first.payload)
    const fits = log.write(payload.subarray(0, room), change)
    expect(fits.header.length + fits.payload.length + 66).toBe(opBytesMax(kind))
    const isLarge = room > limits.gossipBytesMax
    const [run, ops, gossip, join] = outcomes(fits, context)
    expect([run, ops, join]).toEqual([undefined, undefined, undefined])
    expect(gossip).toBe(isLarge ? 'too-large' : undefined)
    const change1 = isFirst ? change : { ...change, seq: fits.seq, prev: fits.prev, hlc: fits.hlc }
    expect(outcomes(log.write(payload, change1), context)).toEqual(always('too-large'))
  })
})

describe('a slot', () => {
  const secret = guestSecret
  const make = (author: Op['author'] = guest().author, by: Uint8Array = secret): Slot =>
    createSlot(
      gid,
      { author, number: 0, hlc: firstHlc, ttlSeconds: 60, keyId: epoch.keyId },
      epoch.slot,
      Uint8Array.of(1),
      message => cryptography.sign(by, message),
    )
  const outcome = (slot: Slot, context: AdmitContext, index = 0) => {
    const bytes = encodeSyncFrame({ type: 'slots', group: index, slots: [encodeSlot(slot)] })
    const message = admit(bytes, context, verify)
    if (!message.ok || message.value.type !== 'slots') throw new Error('not slots')
    expect(message.value.slots.length).toBe(message.value.refusals.length === 0 ? 1 : 0)
    return message.value.refusals[0]?.type
  }

  test('is admitted from its known author, in its own group, and from nobody else', () => {
    expect(outcome(make(), knowing(guest()))).toBeUndefined()
    expect(outcome(make(), contextOf())).toBe('author-unknown')
    expect(outcome(make(), knowing(guest()), 1)).toBe('bad-signature')
    expect(outcome(make(guest().author, group.creatorSecret), knowing(guest()))).toBe(
      'bad-signature',
    )
  })

  test('is no operation, and an operation no slot, whatever is signed', () => {
    const op = guest().say('x', { seq: 3 })
    const swapped = { ...make(), signature: op.signature ?? new Uint8Array(64) }
    expect(outcome(swapped, knowing(guest()))).toBe('bad-signature')
    const asOp = { ...op, signature: make().signature }
    expect(outcomes(asOp, knowing(guest()))).toEqual(always('bad-signature'))
  })
})

test('a control-class operation keeps its own signature: it never stands inside a run', () => {
  const write = (after: readonly number[]): readonly Op[] => {
    const log = testLog(group, group.creatorSecret, cryptography)
    const ops = [log.genesis(), ...after.map(kind => log.write(Uint8Array.of(1), { kind }))]
    return ops.map((op, index) => (index === after.length ? op : unsigned(op)))
  }
  for (const kind of [kinds.control, kinds.epoch]) {
    const [, ...ops] = write([kinds.fact, kind, kinds.fact])
    expect(runOutcome(ops, contextOf())?.type).toBe('bad-signature')
    const [, ...ending] = write([kinds.fact, kinds.fact, kind])
    expect(runOutcome(ending, contextOf())).toBeUndefined()
  }
  expect(runOutcome(write([kinds.fact]), contextOf())?.type).toBe('bad-signature')
})

test('no bytes on any channel make admission throw, and nothing unsigned becomes an operation', () => {
  const log = testLog(group, group.creatorSecret, cryptography)
  const valid = [
    encodeOp(log.genesis()),
    encodeSyncFrame({ type: 'run', group: 0, run: encodeRun([log.say('a'), log.say('b')]) }),
  ]
  const bent = fc
    .tuple(
      fc.constantFrom(...valid),
      fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 }),
    )
    .map(([bytes, changes]) =>
      changes.reduce((all, [at, value]) => all.with(at % all.length, value), bytes),
    )
  const known = new Set(valid.map(bytes => bytes.join()))
  fc.assert(
    fc.property(
      fc.oneof(fc.uint8Array({ maxLength: 500 }), bent),
      fc.constantFrom('gossip', 'sync', 'join'),
      (bytes, channel) => {
        const message = admit(bytes, contextOf({ channel }), verify)
        if (!message.ok || message.value.type !== 'ops' || known.has(bytes.join())) return
        expect(message.value.ops).toEqual([])
      },
    ),
    { numRuns: 3_000 },
  )
})
