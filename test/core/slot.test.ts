/** A slot holds the newest signed word of an author about itself, and only that author's. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { bytesToHex, concatBytes, idBytes } from '../../protocol/core/base.ts'
import { createWriter } from '../../protocol/core/codec.ts'
import { verifyStrict } from '../../protocol/core/crypto.ts'
import { limits } from '../../protocol/core/limits.ts'
import {
  type SlotHead,
  createSlot,
  decodeSlot,
  encodeSlot,
  openSlot,
  slotMessage,
} from '../../protocol/core/slot.ts'
import { expectGolden } from './golden.ts'
import { cryptography } from './people.ts'
import { firstHlc, testGroup, testLog } from './writer.ts'

const group = testGroup('slot')
const { gid, epoch, creatorSecret } = group
const log = testLog(group)
const sign = (message: Uint8Array): Uint8Array => cryptography.sign(creatorSecret, message)
const head: SlotHead = {
  author: log.author,
  number: 0,
  hlc: firstHlc,
  ttlSeconds: 300,
  keyId: epoch.keyId,
}
const body = Uint8Array.of(1, 2, 3, 4)
const slot = createSlot(gid, head, epoch.slot, body, sign)

test('a slot reads back and opens as written', () => {
  fc.assert(
    fc.property(
      fc.nat({ max: limits.slotsPerAuthorMax - 1 }),
      fc.nat({ max: 2 ** 48 - 1 }),
      fc.maxSafeNat(),
      fc.uint8Array({ maxLength: limits.slotBytesMax - 16 }),
      (number, hlc, ttlSeconds, text) => {
        const given = { ...head, number, hlc, ttlSeconds }
        const made = createSlot(gid, given, epoch.slot, text, () => new Uint8Array(64))
        const decoded = decodeSlot(encodeSlot(made))
        expect(decoded).toEqual({ ok: true, value: made })
        expect(openSlot(epoch.slot, made)).toEqual(text)
      },
    ),
  )
})

test('no strict prefix of a slot reads, and none with a byte too many', () => {
  const bytes = encodeSlot(slot)
  for (let length = 0; length < bytes.length; length++) {
    expect(decodeSlot(bytes.subarray(0, length))).toEqual({
      ok: false,
      error: { type: 'malformed' },
    })
  }
  expect(decodeSlot(concatBytes(bytes, Uint8Array.of(0))).ok).toBe(false)
})

test('whatever bytes read at all are the one form of what they say', () => {
  const valid = encodeSlot(slot)
  const bent = fc
    .tuple(fc.nat({ max: valid.length - 1 }), fc.nat({ max: 255 }))
    .map(([at, value]) => valid.with(at, value))
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), bent), bytes => {
      const decoded = decodeSlot(bytes)
      if (decoded.ok) expect(encodeSlot(decoded.value)).toEqual(bytes)
    }),
    { numRuns: 3_000 },
  )
})

test('every bit is under the signature, or the slot does not read', () => {
  const bytes = encodeSlot(slot)
  const isGood = (given: Uint8Array): boolean => {
    const decoded = decodeSlot(given)
    if (!decoded.ok) return false
    const message = slotMessage(gid, decoded.value)
    return verifyStrict(cryptography.verify, log.publicKey, message, decoded.value.signature)
  }
  expect(isGood(bytes)).toBe(true)
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    expect(isGood(bytes.with(bit >> 3, (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))))).toBe(false)
  }
})

test('a slot of one group says nothing in another', () => {
  const elsewhere = testGroup('elsewhere')
  expect(bytesToHex(slotMessage(elsewhere.gid, slot))).not.toBe(bytesToHex(slotMessage(gid, slot)))
  expect(openSlot(elsewhere.epoch.slot, slot)).toBeUndefined()
  expect(openSlot(epoch.slot, { ...slot, head: slot.head.with(8, 1) })).toBeUndefined()
})

test('slot numbers, lengths and times out of bounds are refused by name', () => {
  const start = createWriter().bytes(idBytes(log.author))
  const build = (number: number, ttl: Uint8Array, length: Uint8Array): Uint8Array =>
    concatBytes(
      start.done(),
      Uint8Array.of(number),
      new Uint8Array(6),
      ttl,
      concatBytes(epoch.keyId, length, new Uint8Array(80)),
    )
  const [one, sixteen] = [Uint8Array.of(1), Uint8Array.of(16)]
  const fault = (type: string) => ({ ok: false, error: { type } })
  expect(decodeSlot(build(0, one, sixteen)).ok).toBe(true)
  expect(decodeSlot(build(limits.slotsPerAuthorMax, one, sixteen))).toEqual(fault('malformed'))
  expect(decodeSlot(build(0, Uint8Array.of(0x81, 0), sixteen))).toEqual(fault('non-canonical'))
  for (const length of [limits.slotBytesMax + 1, 2 ** 31, Number.MAX_SAFE_INTEGER]) {
    const bytes = build(0, one, createWriter().varint(length).done())
    expect(decodeSlot(bytes)).toEqual(fault('too-large'))
  }
})

test('slots are the ones of the vectors', () => {
  const given = { gid, ...head, authorSecret: creatorSecret, key: epoch.slot, opened: body }
  expectGolden('slot', 'slot', { ...given, signed: slotMessage(gid, slot) }, encodeSlot(slot))
})
