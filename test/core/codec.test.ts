/** Reading never throws, never allocates more than it was given, and knows one form of every number. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bytesToHex, utf8ToBytes } from '../../protocol/core/base.ts'
import { type Reader, createReader, createWriter } from '../../protocol/core/codec.ts'

const varintOf = (value: number): Uint8Array => createWriter().varint(value).done()
const isSafe = fc.maxSafeNat()

describe('a varint', () => {
  test('reads back as written, and takes 7 bits a byte', () => {
    fc.assert(
      fc.property(isSafe, value => {
        const bytes = varintOf(value)
        const reader = createReader(bytes)
        expect(reader.varint()).toBe(value)
        expect(reader.end()).toBeUndefined()
        const bits = Math.max(1, BigInt(value).toString(2).length)
        expect(bytes.length).toBe(Math.ceil(bits / 7))
      }),
      { examples: [[0], [127], [128], [2 ** 31], [2 ** 32], [Number.MAX_SAFE_INTEGER]] },
    )
  })

  test('in a longer form than needed is not canonical', () => {
    fc.assert(
      fc.property(fc.nat({ max: 2 ** 40 }), fc.integer({ min: 1, max: 2 }), (value, extra) => {
        const shortest = varintOf(value)
        const last = shortest.length - 1
        const longer = new Uint8Array(shortest.length + extra)
        longer.set(shortest)
        for (let at = last; at < longer.length - 1; at++) longer[at] = (longer[at] ?? 0) | 0x80
        const reader = createReader(longer)
        reader.varint()
        expect(reader.end()).toBe('non-canonical')
      }),
      { examples: [[0, 1]] },
    )
  })

  test.each([
    ['2^53', '8080808080808010'],
    ['of eight bytes all set', 'ffffffffffffff7f'],
    ['of ten bytes', 'ffffffffffffffffff01'],
    ['that never ends', 'ff'.repeat(4_096)],
  ])('%s is too large', (_, hex) => {
    const reader = createReader(Uint8Array.from(Buffer.from(hex, 'hex')))
    expect(reader.varint()).toBe(0)
    expect(reader.fault()).toBe('too-large')
  })

  test('cut short is malformed', () => {
    for (const bytes of [new Uint8Array(0), Uint8Array.of(0x80), Uint8Array.of(0xff, 0xff)]) {
      const reader = createReader(bytes)
      reader.varint()
      expect(reader.end()).toBe('malformed')
    }
  })
})

test('fixed numbers, bytes and text read back as written', () => {
  fc.assert(
    fc.property(
      fc.nat({ max: 2 ** 48 - 1 }),
      fc.uint8Array({ maxLength: 600 }),
      fc.string({ unit: 'grapheme' }),
      (number, bytes, text) => {
        const writer = createWriter(1).unsigned(number, 6).sized(bytes).sized(utf8ToBytes(text))
        const reader = createReader(writer.u8(7).done())
        expect(reader.unsigned(6)).toBe(number)
        expect(reader.sized(600)).toEqual(bytes)
        expect(reader.text(10_000)).toBe(text)
        expect(reader.u8()).toBe(7)
        expect(reader.end()).toBeUndefined()
      },
    ),
  )
})

describe('a length or count', () => {
  const huge = [2 ** 16, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER]

  test('beyond its bound is too large, before anything is allocated', () => {
    for (const length of huge) {
      const reader = createReader(varintOf(length))
      expect(reader.sized(65_535).length).toBeLessThanOrEqual(64)
      expect(reader.fault()).toBe('too-large')
      const counting = createReader(varintOf(length))
      expect(counting.count(65_535, 1)).toBe(0)
      expect(counting.fault()).toBe('too-large')
    }
  })

  test('within its bound and beyond the bytes that are there is malformed', () => {
    for (const length of huge) {
      const reader = createReader(varintOf(length))
      expect(reader.sized(Number.MAX_SAFE_INTEGER).length).toBeLessThanOrEqual(64)
      expect(reader.fault()).toBe('malformed')
      const counting = createReader(varintOf(length))
      expect(counting.count(Number.MAX_SAFE_INTEGER, 2)).toBe(0)
      expect(counting.fault()).toBe('malformed')
      expect(createReader(new Uint8Array(3)).bytes(length).length).toBeLessThanOrEqual(64)
    }
  })
})

test('the first fault stays, and everything after it reads as nothing', () => {
  const reader = createReader(Uint8Array.of(0x80, 0x00, 1, 2, 3, 4))
  reader.varint()
  reader.bytes(100)
  expect([reader.u8(), reader.varint(), reader.unsigned(4), reader.left()]).toEqual([0, 0, 0, 0])
  expect(reader.end()).toBe('non-canonical')
})

test('bytes left over are malformed', () => {
  const reader = createReader(Uint8Array.of(1, 2))
  reader.u8()
  expect(reader.end()).toBe('malformed')
})

test('text that is not UTF-8 is malformed', () => {
  for (const hex of ['c328', 'eda080', 'f8888080', 'c080']) {
    const bytes = Uint8Array.from(Buffer.from(hex, 'hex'))
    const reader = createReader(createWriter().sized(bytes).done())
    expect(reader.text(100)).toBe('')
    expect(reader.end()).toBe('malformed')
  }
})

test('no order of reads over any bytes throws or answers with bytes that were not there', () => {
  const read: readonly ((reader: Reader) => unknown)[] = [
    reader => reader.u8(),
    reader => reader.varint(),
    reader => reader.unsigned(6),
    reader => reader.bytes(32),
    reader => reader.sized(1_000),
    reader => reader.count(1_000, 3),
    reader => reader.text(1_000),
    reader => reader.author(),
    reader => reader.group(),
    reader => reader.epoch(),
  ]
  const plan = fc.array(fc.nat({ max: read.length - 1 }), { maxLength: 20 })
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), plan, (bytes, steps) => {
      const before = bytesToHex(bytes)
      const reader = createReader(bytes)
      for (const step of steps) read[step]?.(reader)
      expect(reader.at()).toBeLessThanOrEqual(bytes.length)
      expect(bytesToHex(bytes)).toBe(before)
    }),
  )
})
