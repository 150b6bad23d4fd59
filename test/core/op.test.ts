/** An operation has one form in gossip, one in the store and one in a run, and none of them can be bent. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concatBytes, equalBytes, hexToBytes, idBytes } from '../../protocol/core/base.ts'
import { createWriter } from '../../protocol/core/codec.ts'
import { limits } from '../../protocol/core/limits.ts'
import {
  type Op,
  type OpHeader,
  decodeRecord,
  decodeRun,
  encodeOp,
  encodeRecord,
  encodeRun,
  kinds,
  openPayload,
  priorities,
} from '../../protocol/core/op.ts'
import { seededRandom } from '../../protocol/core/random.ts'
import { expectGolden } from './golden.ts'
import { cryptography } from './people.ts'
import { firstHlc, testGroup, testLog, unsigned } from './writer.ts'

const group = testGroup('op')
const { gid, epoch } = group

const header = fc.record({
  kind: fc.nat({ max: 15 }),
  priority: fc.constantFrom(...priorities),
  hlc: fc.nat({ max: 2 ** 47 }),
  expiry: fc.option(fc.maxSafeNat(), { nil: undefined }),
  keyId: fc.constantFrom(epoch.keyId, Uint8Array.of(1, 2, 3, 4), Uint8Array.of(9, 9, 9, 9)),
})
const payload = fc.uint8Array({ maxLength: 300 })
const change = (given: Partial<OpHeader>): Partial<OpHeader> => {
  const { expiry, ...rest } = given
  return expiry === undefined ? rest : given
}

/** A run of operations with growing time. */
const run = fc
  .tuple(
    fc.nat({ max: limits.seqMax - 20 }),
    fc.array(fc.tuple(header, payload), { minLength: 1, maxLength: 12 }),
  )
  .map(([firstSeq, parts]) => {
    const log = testLog(group, seededRandom('run').bytes(32))
    let hlc = 0
    return parts.map(([given, bytes], index): Op => {
      hlc += 1 + (given.hlc % 100_000)
      const seq = index === 0 ? { seq: firstSeq } : {}
      const op = log.write(bytes, { ...change(given), hlc, ...seq })
      return index === parts.length - 1 ? op : unsigned(op)
    })
  })

const expectEqualOps = (decoded: readonly Op[], ops: readonly Op[]): void => {
  expect(decoded.map(op => op.id)).toEqual(ops.map(op => op.id))
  expect(decoded).toEqual(ops.map(op => ({ ...op })))
}

describe('gossip form and record', () => {
  test('read back as written', () => {
    fc.assert(
      fc.property(header, payload, (given, bytes) => {
        const op = testLog(group).write(bytes, change(given))
        const whole = decodeRecord(gid, encodeOp(op))
        const bare = decodeRecord(gid, encodeRecord(unsigned(op)))
        expect(whole).toEqual({ ok: true, value: op })
        expect(bare).toEqual({ ok: true, value: unsigned(op) })
      }),
    )
  })

  test('no strict prefix reads, but the one without the signature, which is a record and never gossip', () => {
    const log = testLog(group)
    for (const op of [log.genesis(), log.say('撤离', { expiry: 300 })]) {
      const bytes = encodeOp(op)
      for (let length = 0; length < bytes.length; length++) {
        const decoded = decodeRecord(gid, bytes.subarray(0, length))
        expect(decoded.ok).toBe(length === bytes.length - 64)
      }
      expect(decodeRecord(gid, concatBytes(bytes, Uint8Array.of(0)))).toMatchObject({ ok: false })
    }
  })

  test('whatever bytes read at all are the one form of what they say', () => {
    const valid = encodeOp(testLog(group).say('x'))
    const bent = fc
      .tuple(fc.nat({ max: valid.length - 1 }), fc.nat({ max: 255 }))
      .map(([at, value]) => valid.with(at, value))
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 400 }), bent), bytes => {
        const decoded = decodeRecord(gid, bytes)
        if (decoded.ok) expect(encodeRecord(decoded.value)).toEqual(bytes)
      }),
      { numRuns: 3_000 },
    )
  })

  test('another suite is unsupported, an unknown flag malformed, an unknown kind is kept', () => {
    const log = testLog(group)
    const bytes = encodeOp(log.say('x'))
    for (const first of [0x01, 0x21, 0xf1]) {
      const decoded = decodeRecord(gid, bytes.with(0, first))
      expect(decoded).toEqual({ ok: false, error: { type: 'unsupported' } })
    }
    expect(decodeRecord(gid, bytes.with(1, 0x0a))).toMatchObject({ error: { type: 'malformed' } })
    const later = decodeRecord(gid, encodeOp(log.write(Uint8Array.of(1), { kind: 9 })))
    expect(later).toMatchObject({ ok: true, value: { kind: 9 } })
  })

  test('a length, a seq or an expiry in a longer form is not canonical', () => {
    const { author, prev, keyId } = testLog(group).header()
    const start = (seq: Uint8Array): Uint8Array =>
      concatBytes(Uint8Array.of(0x11, 2), idBytes(author), seq, new Uint8Array(6), prev, keyId)
    const end = concatBytes(Uint8Array.of(0x81, 0x00, 7), new Uint8Array(64))
    const plain = concatBytes(Uint8Array.of(1, 7), new Uint8Array(64))
    const decode = (...parts: readonly Uint8Array[]) => decodeRecord(gid, concatBytes(...parts))
    expect(decode(start(Uint8Array.of(5)), plain)).toMatchObject({ ok: true })
    const wrong = { ok: false, error: { type: 'non-canonical' } }
    expect(decode(start(Uint8Array.of(0x85, 0x00)), plain)).toEqual(wrong)
    expect(decode(start(Uint8Array.of(5)), end)).toEqual(wrong)
  })

  test('a seq beyond any log is too large', () => {
    const log = testLog(group)
    const highest = log.write(Uint8Array.of(1), { seq: limits.seqMax })
    expect(decodeRecord(gid, encodeOp(highest)).ok).toBe(true)
    for (const seq of [limits.seqMax + 1, Number.MAX_SAFE_INTEGER]) {
      const bytes = encodeOp(log.write(Uint8Array.of(1), { seq }))
      expect(decodeRecord(gid, bytes)).toEqual({ ok: false, error: { type: 'too-large' } })
    }
  })

  test('lengths that promise more than is there are refused at once', () => {
    const { author, prev, keyId } = testLog(group).header()
    const start = concatBytes(
      Uint8Array.of(0x11, 2),
      idBytes(author),
      Uint8Array.of(5),
      new Uint8Array(6),
      concatBytes(prev, keyId),
    )
    const before = performance.now()
    for (const length of [2 ** 14, 2 ** 31, Number.MAX_SAFE_INTEGER]) {
      const decoded = decodeRecord(gid, concatBytes(start, createWriter().varint(length).done()))
      expect(decoded.ok).toBe(false)
    }
    expect(decodeRecord(gid, concatBytes(start, new Uint8Array(10).fill(0xff))).ok).toBe(false)
    expect(performance.now() - before).toBeLessThan(100)
  })
})

describe('a run', () => {
  test('reads back with ids and links computed, and every one of its prefixes is refused', () => {
    fc.assert(
      fc.property(run, ops => {
        const bytes = encodeRun(ops)
        const decoded = decodeRun(gid, bytes)
        expect(decoded.ok).toBe(true)
        if (decoded.ok) expectEqualOps(decoded.value, ops)
        const step = Math.max(1, Math.floor(bytes.length / 100))
        for (let length = 0; length < bytes.length; length += step) {
          expect(decodeRun(gid, bytes.subarray(0, length)).ok).toBe(false)
        }
      }),
      { numRuns: 60 },
    )
  })

  test('costs less than single operations, and one signature', () => {
    const log = testLog(group)
    const ops = [log.genesis(), ...Array.from({ length: 19 }, (_, index) => log.say(`${index}`))]
    const bytes = encodeRun(ops)
    const single = ops.reduce((sum, op) => sum + encodeOp(op).length, 0)
    expect(bytes.length).toBeLessThan(single - 19 * (64 + 16 + 8))
  })

  test('whatever bytes read at all are the one form of what they say', () => {
    const log = testLog(group)
    const valid = encodeRun([
      log.say('a'),
      log.say('b', { keyId: Uint8Array.of(1, 1, 1, 1) }),
      log.say('c', { expiry: 9 }),
    ])
    const bent = fc
      .array(fc.tuple(fc.nat({ max: valid.length - 1 }), fc.nat({ max: 255 })), {
        minLength: 1,
        maxLength: 3,
      })
      .map(changes => changes.reduce((bytes, [at, value]) => bytes.with(at, value), valid))
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), bent), bytes => {
        const decoded = decodeRun(gid, bytes)
        if (decoded.ok) expect(encodeRun(decoded.value)).toEqual(bytes)
      }),
      { numRuns: 5_000 },
    )
  })

  test('whose time does not grow, whose keys repeat or stand unused, is refused', () => {
    const { author, prev, keyId } = testLog(group).header()
    const build = (keys: readonly Uint8Array[], items: readonly (readonly number[])[]) => {
      const writer = createWriter().bytes(idBytes(author)).varint(5).bytes(prev)
      writer.varint(keys.length)
      for (const key of keys) writer.bytes(key)
      writer.varint(items.length)
      for (const item of items) writer.bytes(Uint8Array.from(item))
      return decodeRun(gid, writer.bytes(new Uint8Array(64)).done())
    }
    const other = Uint8Array.of(1, 2, 3, 4)
    const fault = (type: string) => ({ ok: false, error: { type } })
    expect(
      build(
        [keyId],
        [
          [0x11, 2, 9, 0],
          [0x11, 2, 1, 0],
        ],
      ).ok,
    ).toBe(true)
    expect(
      build(
        [keyId],
        [
          [0x11, 2, 9, 0],
          [0x11, 2, 0, 0],
        ],
      ),
    ).toEqual(fault('malformed'))
    expect(build([keyId], [])).toEqual(fault('malformed'))
    expect(build([], [[0x11, 2, 9, 0]])).toEqual(fault('malformed'))
    const two = [
      [0x11, 2, 9, 0, 0],
      [0x11, 2, 1, 1, 0],
    ]
    expect(build([keyId, other], two).ok).toBe(true)
    expect(build([keyId, keyId], two)).toEqual(fault('non-canonical'))
    expect(build([keyId, other], [[0x11, 2, 9, 0, 0]])).toEqual(fault('non-canonical'))
    expect(
      build(
        [keyId, other],
        [
          [0x11, 2, 9, 1, 0],
          [0x11, 2, 1, 0, 0],
        ],
      ),
    ).toEqual(fault('non-canonical'))
    expect(build([keyId, other], [[0x11, 2, 9, 2, 0]]).ok).toBe(false)
  })

  test('with counts that promise more than is there is refused at once', () => {
    const { author, prev } = testLog(group).header()
    const start = createWriter().bytes(idBytes(author)).varint(5).bytes(prev).done()
    const before = performance.now()
    for (const count of [limits.runOpsMax + 1, 2 ** 31, Number.MAX_SAFE_INTEGER]) {
      const keys = createWriter().varint(count).done()
      const items = createWriter().varint(1).bytes(new Uint8Array(4)).varint(count).done()
      for (const rest of [keys, items, new Uint8Array(10).fill(0xff)]) {
        const decoded = decodeRun(gid, concatBytes(start, rest, new Uint8Array(100)))
        expect(decoded.ok).toBe(false)
      }
    }
    expect(performance.now() - before).toBeLessThan(100)
  })
})

test('the sealed body opens under its key and header only', () => {
  const op = testLog(group).say('only here')
  expect(openPayload(epoch.content, op)).toBeDefined()
  expect(openPayload(epoch.control, op)).toBeUndefined()
  const moved = { ...op, header: op.header.with(1, 3) }
  expect(openPayload(epoch.content, moved)).toBeUndefined()
  for (let at = 0; at < op.payload.length; at++) {
    const bent = { ...op, payload: op.payload.with(at, (op.payload[at] ?? 0) ^ 1) }
    expect(openPayload(epoch.content, bent)).toBeUndefined()
  }
})

test('the id depends on the group, every byte of the header and every byte of the payload', () => {
  const op = testLog(group).say('x', { expiry: 60 })
  const bytes = encodeRecord(unsigned(op))
  const ids = new Set([op.id])
  for (let at = 0; at < bytes.length; at++) {
    const decoded = decodeRecord(gid, bytes.with(at, (bytes[at] ?? 0) ^ 1))
    if (decoded.ok) ids.add(decoded.value.id)
  }
  const elsewhere = decodeRecord(testGroup('elsewhere').gid, bytes)
  if (elsewhere.ok) ids.add(elsewhere.value.id)
  expect(ids.size).toBeGreaterThan(bytes.length - 15)
})

test('operations and runs are the ones of the vectors', () => {
  const log = testLog(group)
  const first = log.genesis()
  const second = log.say('请各组十五分钟内撤离到二号高地')
  const third = log.say('flash', { priority: 'flash', expiry: 86_400 })
  const { creatorSecret } = group
  const given = { gid, authorSecret: creatorSecret, publicKey: log.publicKey }
  for (const [name, op] of Object.entries({ fact: second, 'fact with expiry': third })) {
    const { header: head, payload: body, id, kind, priority, author, seq, hlc, prev, keyId } = op
    const fields = { kind, priority, author, seq, hlc, prev, keyId, expiry: op.expiry }
    const bytes = encodeOp(op)
    expectGolden('op', name, { ...given, ...fields, header: head, payload: body, id }, bytes)
    expect(cryptography.verify(log.publicKey, idBytes(op.id), bytes.slice(-64))).toBe(true)
  }
  const fourth = log.say('under the next key', { keyId: Uint8Array.of(1, 2, 3, 4) })
  const expectRun = (name: string, ops: readonly Op[]): void => {
    const bare = ops.map((op, index) => (index === ops.length - 1 ? op : unsigned(op)))
    const bytes = encodeRun(bare)
    expectGolden('op', name, { gid, ids: ops.map(({ id }) => id) }, bytes)
    const decoded = decodeRun(gid, bytes)
    expect(decoded.ok && decoded.value).toEqual(bare)
  }
  expectRun('run', [second, third])
  expectRun('run under two keys', [second, third, fourth])
  const other = log.say('not what I said', { seq: 2, hlc: third.hlc, prev: third.prev })
  for (const [name, op] of Object.entries({ 'fork, one side': third, 'fork, other side': other })) {
    expectGolden('op', name, { gid, publicKey: log.publicKey, id: op.id }, encodeOp(op))
  }
  expect(other.seq).toBe(third.seq)
  expect(other.id).not.toBe(third.id)
  expect(first.hlc).toBe(firstHlc)
  expect(kinds.genesis).toBe(15)
  expect(equalBytes(second.prev, hexToBytes(first.id.slice(0, 32)) ?? new Uint8Array(0))).toBe(true)
})
