/** Frames of sync and join: one form each, bounded before anything is allocated, and no bytes that make a reader throw. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { authorId, bytesToHex, concatBytes, groupId } from '../../protocol/core/base.ts'
import { createWriter } from '../../protocol/core/codec.ts'
import { limits } from '../../protocol/core/limits.ts'
import {
  type JoinFrame,
  type SyncFrame,
  decodeJoinFrame,
  decodeSyncFrame,
  encodeJoinFrame,
  encodeSyncFrame,
} from '../../protocol/core/message.ts'
import { type Ranges, addRange, noRanges } from '../../protocol/core/ranges.ts'
import { refusalTypes } from '../../protocol/core/refusal.ts'
import { expectGolden } from './golden.ts'

const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const author = bytesOf(8).map(bytes => authorId(bytesToHex(bytes)))
const gid = bytesOf(16).map(bytes => groupId(bytesToHex(bytes)))
const index = fc.nat({ max: 300 })
const ranges = fc
  .array(fc.tuple(fc.nat({ max: 5_000 }), fc.nat({ max: 300 })), { maxLength: 6 })
  .map((pairs): Ranges => pairs.reduce((all, [at, more]) => addRange(all, at, at + more), noRanges))
const entries = fc.array(fc.record({ author, ranges }), { maxLength: 8 })
const vector = fc.oneof(
  fc.record({ mode: fc.constant('equal' as const) }),
  fc.record({
    mode: fc.constant('table' as const),
    tableHash: bytesOf(8),
    ranges: fc.array(ranges, { maxLength: 8 }),
  }),
  fc.record({ mode: fc.constant('named' as const), entries }),
  fc.record({ mode: fc.constant('changed' as const), entries }),
)
const parts = fc.array(fc.uint8Array({ minLength: 100, maxLength: 300 }), { maxLength: 5 })
const helloGroup = fc.record({ tag: bytesOf(8), setHash: bytesOf(8), tableHash: bytesOf(8) })

const syncFrames = {
  hello: fc.record({
    type: fc.constant('hello' as const),
    features: fc.nat(),
    nonce: bytesOf(16),
    groups: fc.array(helloGroup, { maxLength: 5 }),
  }),
  have: fc.record({
    type: fc.constant('have' as const),
    group: index,
    setHash: bytesOf(8),
    vector,
  }),
  run: fc.record({
    type: fc.constant('run' as const),
    group: index,
    run: fc.uint8Array({ maxLength: 300 }),
  }),
  ops: fc.record({ type: fc.constant('ops' as const), group: index, ops: parts }),
  want: fc.record({
    type: fc.constant('want' as const),
    group: index,
    refs: fc.array(fc.record({ author, seq: fc.nat() }), { maxLength: 8 }),
  }),
  slots: fc.record({ type: fc.constant('slots' as const), group: index, slots: parts }),
  ack: fc.record({
    type: fc.constant('ack' as const),
    frames: fc.nat(),
    refused: fc.array(fc.nat(), { maxLength: 8 }),
  }),
  done: fc.record({ type: fc.constant('done' as const), group: index, setHash: bytesOf(8) }),
  heads: fc.record({
    type: fc.constant('heads' as const),
    group: index,
    heads: fc.array(fc.record({ author, seq: fc.nat(), prefix: bytesOf(16) }), { maxLength: 8 }),
  }),
  carry: fc.record({
    type: fc.constant('carry' as const),
    groups: fc.array(gid, { maxLength: 8 }),
  }),
}
const syncFrame = fc.oneof(...Object.values(syncFrames))
const joinFrame: fc.Arbitrary<JoinFrame> = fc.oneof(
  fc.record({
    type: fc.constant('join-request' as const),
    request: fc.uint8Array({ maxLength: limits.joinRequestBytesMax }),
  }),
  fc.record({
    type: fc.constant('join-refused' as const),
    gid,
    refusal: fc.constantFrom(...refusalTypes),
    request: fc.uint8Array({ minLength: 8, maxLength: 8 }),
  }),
  fc.record({ type: fc.constant('join-answer' as const), gid, ops: parts }),
)

/** Frames whose last part takes whatever is left; its length is checked by whoever reads that part. */
const endsOpen = (frame: SyncFrame | JoinFrame): boolean =>
  frame.type === 'run' ||
  frame.type === 'join-request' ||
  (frame.type === 'have' && frame.vector.mode === 'table')

const bent = (bytes: Uint8Array) =>
  fc
    .array(fc.tuple(fc.nat({ max: bytes.length - 1 }), fc.nat({ max: 255 })), {
      minLength: 1,
      maxLength: 3,
    })
    .map(changes => changes.reduce((all, [at, value]) => all.with(at, value), bytes))

describe('a sync frame', () => {
  test.each(Object.entries(syncFrames))('%s reads back as written', (_, frame) => {
    fc.assert(
      fc.property(frame, given => {
        expect(decodeSyncFrame(encodeSyncFrame(given))).toEqual({ ok: true, value: given })
      }),
    )
  })

  test('no strict prefix reads, where the frame has an end of its own, and no byte may follow', () => {
    fc.assert(
      fc.property(syncFrame, frame => {
        const bytes = encodeSyncFrame(frame)
        const more = decodeSyncFrame(concatBytes(bytes, Uint8Array.of(0)))
        if (!endsOpen(frame)) expect(more).toEqual({ ok: false, error: { type: 'malformed' } })
        for (let length = 0; length < bytes.length; length++) {
          const decoded = decodeSyncFrame(bytes.subarray(0, length))
          if (decoded.ok) expect(endsOpen(frame)).toBe(true)
          else expect(decoded.error).toEqual({ type: 'malformed' })
        }
      }),
    )
  })

  test('whatever bytes read at all are the one form of what they say', () => {
    const noise = fc
      .tuple(fc.integer({ min: 1, max: 11 }), fc.uint8Array({ maxLength: 200 }))
      .map(([code, rest]) => concatBytes(Uint8Array.of(code), rest))
    const nearly = syncFrame.chain(frame => bent(encodeSyncFrame(frame)))
    fc.assert(
      fc.property(fc.oneof(noise, nearly, fc.uint8Array({ maxLength: 100 })), bytes => {
        const decoded = decodeSyncFrame(bytes)
        if (decoded.ok) expect(encodeSyncFrame(decoded.value)).toEqual(bytes)
      }),
      { numRuns: 5_000 },
    )
  })

  test('of an unknown code or version is unsupported', () => {
    const unsupported = { ok: false, error: { type: 'unsupported' } }
    for (const code of [0, 3, 12, 255]) {
      expect(decodeSyncFrame(Uint8Array.of(code, 1, 2))).toEqual(unsupported)
    }
    const hello = encodeSyncFrame({
      type: 'hello',
      features: 0,
      nonce: new Uint8Array(16),
      groups: [],
    })
    for (const version of [0, 2, 255]) {
      expect(decodeSyncFrame(hello.with(1, version))).toEqual(unsupported)
    }
  })

  test('above the limit of frames is too large, at the limit it is read', () => {
    const run = new Uint8Array(limits.frameBytesMax - 2)
    const largest = encodeSyncFrame({ type: 'run', group: 0, run })
    expect(largest.length).toBe(limits.frameBytesMax)
    expect(decodeSyncFrame(largest).ok).toBe(true)
    const larger = concatBytes(largest, Uint8Array.of(0))
    expect(decodeSyncFrame(larger)).toEqual({ ok: false, error: { type: 'too-large' } })
  })

  const group = Uint8Array.of(0)
  const nonce = new Uint8Array(16)
  const hash = new Uint8Array(8)
  const counted: readonly (readonly [string, number, Uint8Array])[] = [
    ['groups of HELLO', limits.helloGroupsMax, concatBytes(Uint8Array.of(1, 1, 0), nonce)],
    [
      'entries of HAVE',
      limits.authorsMax,
      concatBytes(Uint8Array.of(2), group, Uint8Array.of(2), hash),
    ],
    ['operations of OPS', limits.runOpsMax, concatBytes(Uint8Array.of(5), group)],
    ['references of WANT', limits.runOpsMax, concatBytes(Uint8Array.of(6), group)],
    ['slots of SLOTS', limits.runOpsMax, concatBytes(Uint8Array.of(7), group)],
    ['refusals of ACK', limits.ackRefusedMax, Uint8Array.of(8, 1)],
    ['heads of HEADS', limits.authorsMax, concatBytes(Uint8Array.of(10), group)],
    ['groups of CARRY', limits.helloGroupsMax, Uint8Array.of(11)],
  ]
  test.each(counted)(
    '%s: a count beyond its bound, or beyond what is there, is refused at once',
    (_, max, start) => {
      const before = performance.now()
      const decode = (count: number) =>
        decodeSyncFrame(concatBytes(start, createWriter().varint(count).done(), new Uint8Array(8)))
      for (const count of [max + 1, 2 ** 31, Number.MAX_SAFE_INTEGER]) {
        expect(decode(count)).toEqual({ ok: false, error: { type: 'too-large' } })
      }
      expect(decode(max)).toEqual({ ok: false, error: { type: 'malformed' } })
      const endless = decodeSyncFrame(concatBytes(start, new Uint8Array(10).fill(0xff)))
      expect(endless).toEqual({ ok: false, error: { type: 'too-large' } })
      const long = decodeSyncFrame(concatBytes(start, Uint8Array.of(0x80, 0x00)))
      expect(long).toEqual({ ok: false, error: { type: 'non-canonical' } })
      expect(performance.now() - before).toBeLessThan(100)
    },
  )

  test('one part longer than any operation or slot is too large', () => {
    const part = (code: number, length: number): Uint8Array =>
      createWriter().u8(code).varint(0).varint(1).varint(length).bytes(new Uint8Array(200)).done()
    for (const code of [5, 7]) {
      const decoded = decodeSyncFrame(part(code, 2 ** 31))
      expect(decoded).toEqual({ ok: false, error: { type: 'too-large' } })
    }
  })

  test('a vector by table of more authors than a group may have is refused', () => {
    const tooMany = Array.from({ length: limits.authorsMax + 1 }, () => noRanges)
    const bytes = encodeSyncFrame({
      type: 'have',
      group: 0,
      setHash: new Uint8Array(8),
      vector: { mode: 'table', tableHash: new Uint8Array(8), ranges: tooMany },
    })
    expect(decodeSyncFrame(bytes).ok).toBe(false)
    expect(decodeSyncFrame(bytes.subarray(0, -1)).ok).toBe(true)
  })
})

describe('a join frame', () => {
  test('reads back as written; no strict prefix reads but a shorter request', () => {
    fc.assert(
      fc.property(joinFrame, frame => {
        const bytes = encodeJoinFrame(frame)
        expect(decodeJoinFrame(bytes)).toEqual({ ok: true, value: frame })
        for (let length = 0; length < bytes.length; length++) {
          const decoded = decodeJoinFrame(bytes.subarray(0, length))
          if (decoded.ok) expect(endsOpen(frame)).toBe(true)
          else expect(decoded.error.type).toMatch(/malformed|unsupported/)
        }
      }),
    )
  })

  test('whatever bytes read at all are the one form of what they say, but for refusals yet unknown', () => {
    const noise = fc
      .tuple(fc.integer({ min: 1, max: 2 }), fc.uint8Array({ maxLength: 200 }))
      .map(([code, rest]) => concatBytes(Uint8Array.of(code), rest))
    const nearly = joinFrame.chain(frame => bent(encodeJoinFrame(frame)))
    fc.assert(
      fc.property(fc.oneof(noise, nearly), bytes => {
        const decoded = decodeJoinFrame(bytes)
        if (!decoded.ok) return
        const again = encodeJoinFrame(decoded.value)
        const isUnknown =
          decoded.value.type === 'join-refused' && (bytes.at(18) ?? 0) >= refusalTypes.length
        if (isUnknown) expect(decoded.value).toMatchObject({ refusal: 'unexpected' })
        else expect(again).toEqual(bytes)
      }),
      { numRuns: 3_000 },
    )
  })

  test('a request above its limit is too large, an unknown code unsupported', () => {
    const request = new Uint8Array(limits.joinRequestBytesMax + 1)
    const large = encodeJoinFrame({ type: 'join-request', request })
    expect(decodeJoinFrame(large)).toEqual({ ok: false, error: { type: 'too-large' } })
    for (const code of [0, 3, 255]) {
      const decoded = decodeJoinFrame(Uint8Array.of(code, 1, 2))
      expect(decoded).toEqual({ ok: false, error: { type: 'unsupported' } })
    }
  })
})

test('frames are the ones of the vectors', () => {
  const [a, b] = [authorId('a1a2a3a4a5a6a7a8'), authorId('b1b2b3b4b5b6b7b8')]
  const group = groupId('000102030405060708090a0b0c0d0e0f')
  const hash = (first: number): Uint8Array => Uint8Array.from({ length: 8 }, (_, at) => first + at)
  const whole: Ranges = [{ from: 0, to: 200 }]
  const holes: Ranges = [
    { from: 0, to: 5 },
    { from: 7, to: 7 },
    { from: 300, to: 310 },
  ]
  const nonce = Uint8Array.from({ length: 16 }, (_, at) => at)
  const part = new Uint8Array(100).fill(7)
  const told: readonly Ranges[] = [whole, noRanges, holes]
  const entriesOf = [
    { author: a, ranges: whole },
    { author: b, ranges: holes },
  ]
  const have = (name: SyncFrame & { readonly type: 'have' }): SyncFrame => name
  const frames: Readonly<Record<string, SyncFrame>> = {
    hello: {
      type: 'hello',
      features: 1,
      nonce,
      groups: [{ tag: hash(1), setHash: hash(2), tableHash: hash(3) }],
    },
    'have, equal': have({ type: 'have', group: 0, setHash: hash(2), vector: { mode: 'equal' } }),
    'have, by table': have({
      type: 'have',
      group: 1,
      setHash: hash(2),
      vector: { mode: 'table', tableHash: hash(3), ranges: told },
    }),
    'have, by name': have({
      type: 'have',
      group: 200,
      setHash: hash(2),
      vector: { mode: 'named', entries: entriesOf },
    }),
    'have, changed': have({
      type: 'have',
      group: 0,
      setHash: hash(2),
      vector: { mode: 'changed', entries: entriesOf.slice(1) },
    }),
    run: { type: 'run', group: 0, run: Uint8Array.of(1, 2, 3) },
    ops: { type: 'ops', group: 0, ops: [part, part] },
    want: {
      type: 'want',
      group: 0,
      refs: [
        { author: a, seq: 0 },
        { author: b, seq: 300 },
      ],
    },
    slots: { type: 'slots', group: 0, slots: [part] },
    ack: { type: 'ack', frames: 300, refused: [] },
    'ack with refusals': { type: 'ack', frames: 300, refused: [7, 250] },
    done: { type: 'done', group: 0, setHash: hash(2) },
    heads: { type: 'heads', group: 0, heads: [{ author: a, seq: 200, prefix: nonce }] },
    carry: { type: 'carry', groups: [group] },
  }
  for (const [name, frame] of Object.entries(frames)) {
    expectGolden('message', name, frame, encodeSyncFrame(frame))
  }
  const joins: Readonly<Record<string, JoinFrame>> = {
    'join-request': { type: 'join-request', request: Uint8Array.of(0x88, 1) },
    'join-refused': {
      type: 'join-refused',
      gid: group,
      refusal: 'invite-used',
      request: hash(4),
    },
    'join-answer': { type: 'join-answer', gid: group, ops: [part] },
  }
  for (const [name, frame] of Object.entries(joins)) {
    expectGolden('message', name, frame, encodeJoinFrame(frame))
  }
})
