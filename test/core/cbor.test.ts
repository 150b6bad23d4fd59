/** Bodies have one form: what is not exactly that form is refused by name, and nothing that arrives can throw. */
import { encode } from 'cborg'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bytesToHex, concatBytes, hexToBytes } from '../../protocol/core/base.ts'
import { type Cbor, decodeCbor, encodeCbor } from '../../protocol/core/cbor.ts'
import { limits } from '../../protocol/core/limits.ts'

const bytesOf = (hex: string): Uint8Array => hexToBytes(hex.replaceAll(' ', '')) ?? new Uint8Array()

const cbor: fc.Arbitrary<Cbor> = fc.letrec<{ value: Cbor }>(tie => ({
  value: fc.oneof(
    { maxDepth: 6, depthSize: 'small' },
    fc.maxSafeInteger(),
    fc.integer(),
    fc.string({ unit: 'grapheme' }).map(text => text.replace(/^\uFEFF+/, '')),
    fc.boolean(),
    fc.constant(null),
    fc.uint8Array({ maxLength: 300 }),
    fc.array(tie('value'), { maxLength: 5 }),
  ),
})).value

const refusalOf = (bytes: Uint8Array): string => {
  const decoded = decodeCbor(bytes)
  return decoded.ok ? `decoded ${JSON.stringify(decoded.value)}` : decoded.error.type
}

describe('what is written is read back', () => {
  test('any value survives, and its bytes are the only ones', () => {
    fc.assert(
      fc.property(cbor, value => {
        const bytes = encodeCbor(value)
        const decoded = decodeCbor(bytes)
        expect(decoded).toEqual({ ok: true, value })
        if (decoded.ok) expect(encodeCbor(decoded.value)).toEqual(bytes)
      }),
    )
  })

  test('depth is allowed up to the limit and refused above it', () => {
    const nested = (depth: number): Uint8Array => bytesOf(`${'81'.repeat(depth)}00`)
    expect(decodeCbor(nested(limits.cborDepthMax)).ok).toBe(true)
    expect(refusalOf(nested(limits.cborDepthMax + 1))).toBe('too-deep')
    expect(refusalOf(nested(60_000))).toBe('too-deep')
  })

  test('size is allowed up to the limit and refused above it', () => {
    const sized = (length: number): Uint8Array =>
      concatBytes(bytesOf('59'), Uint8Array.of(length >> 8, length & 255), new Uint8Array(length))
    expect(decodeCbor(sized(limits.inflatedBytesMax - 3)).ok).toBe(true)
    expect(refusalOf(sized(limits.inflatedBytesMax - 2))).toBe('too-large')
  })

  test('a byte order mark at the start is dropped, a lone surrogate replaced', () => {
    expect(decodeCbor(encodeCbor('\uFEFF\uFEFFa\uFEFF'))).toEqual({ ok: true, value: 'a\uFEFF' })
    expect(decodeCbor(encodeCbor('a\uD800'))).toEqual({ ok: true, value: 'a\uFFFD' })
  })
})

describe('everything else is refused', () => {
  test.each([
    ['', 'malformed', 'nothing'],
    ['00 00', 'malformed', 'bytes after the value'],
    ['18 17', 'non-canonical', 'a long form of a small number'],
    ['19 00ff', 'non-canonical', 'two bytes where one is enough'],
    ['1a 0000ffff', 'non-canonical', 'four bytes where two are enough'],
    ['1b 00000000ffffffff', 'non-canonical', 'eight bytes where four are enough'],
    ['1b 0020000000000000', 'malformed', 'a number above the safe range'],
    ['3b 001fffffffffffff', 'malformed', 'a number below the safe range'],
    ['58 01 00', 'non-canonical', 'a long length of bytes'],
    ['78 01 61', 'non-canonical', 'a long length of text'],
    ['98 01 00', 'non-canonical', 'a long length of a list'],
    ['5f 41 00 ff', 'malformed', 'bytes of indefinite length'],
    ['7f 61 61 ff', 'malformed', 'text of indefinite length'],
    ['9f 00 ff', 'malformed', 'a list of indefinite length'],
    ['bf ff', 'malformed', 'a map of indefinite length'],
    ['a0', 'malformed', 'an empty map'],
    ['a1 00 00', 'malformed', 'a map'],
    ['c0 00', 'malformed', 'a tag'],
    ['c2 41 01', 'malformed', 'a big number'],
    ['f7', 'malformed', 'undefined'],
    ['e0', 'malformed', 'a simple value'],
    ['f8 20', 'malformed', 'a long simple value'],
    ['f9 3c00', 'malformed', 'a half float'],
    ['fa 3f800000', 'malformed', 'a float'],
    ['fb 3ff0000000000000', 'malformed', 'a double that is whole'],
    ['fb 7ff8000000000000', 'malformed', 'not a number'],
    ['ff', 'malformed', 'a break'],
    ['1c', 'malformed', 'a reserved head'],
    ['61 ff', 'non-canonical', 'text that is not UTF-8'],
    ['62 c080', 'non-canonical', 'an overlong zero'],
    ['63 eda080', 'non-canonical', 'a surrogate in UTF-8'],
    ['64 f4908080', 'non-canonical', 'a code point too high'],
    ['64 efbbbf 61', 'non-canonical', 'text that begins with a byte order mark'],
    ['9a ffffffff', 'malformed', 'a list longer than the bytes'],
    ['9b 001fffffffffffff', 'malformed', 'a list longer than memory'],
    ['5b 001fffffffffffff', 'malformed', 'bytes longer than memory'],
    ['82 00', 'malformed', 'a list cut short'],
  ])('%s is %s: %s', (hex, type) => {
    expect(refusalOf(bytesOf(hex))).toBe(type)
  })

  test('noise never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
        const decoded = decodeCbor(bytes)
        if (decoded.ok) expect(encodeCbor(decoded.value)).toEqual(bytes)
      }),
      { numRuns: 2_000 },
    )
  })

  test('every prefix of a value is refused', () => {
    fc.assert(
      fc.property(cbor, value => {
        const bytes = encodeCbor(value)
        for (let end = 0; end < bytes.length; end += Math.ceil(bytes.length / 40)) {
          expect(decodeCbor(bytes.slice(0, end)).ok).toBe(false)
        }
      }),
      { numRuns: 50 },
    )
  })

  test('a flipped bit is refused or read as exactly what it now says', () => {
    fc.assert(
      fc.property(cbor, fc.nat(), (value, where) => {
        const bytes = Uint8Array.from(encodeCbor(value))
        const at = where % (bytes.length * 8)
        bytes[at >> 3] = (bytes[at >> 3] ?? 0) ^ (1 << (at & 7))
        const decoded = decodeCbor(bytes)
        if (decoded.ok) expect(encodeCbor(decoded.value)).toEqual(bytes)
      }),
    )
  })

  test('our own bytes are plain ones on every runtime, and what the library writes', () => {
    const bytes = encodeCbor([0, 'text'])
    expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype)
    expect(bytesToHex(bytes)).toBe(bytesToHex(Uint8Array.from(encode([0, 'text']))))
  })

  test('a fraction or a number that is not safe is a bug of ours', () => {
    expect(() => encodeCbor(1.5)).toThrow('whole')
    expect(() => encodeCbor([2 ** 53])).toThrow('whole')
  })
})
