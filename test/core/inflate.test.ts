/** What inflates here is what zlib inflates, and nothing else: another program must not see a message differently. */
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { concatBytes, utf8ToBytes } from '../../protocol/core/base.ts'
import { dictionary } from '../../protocol/core/compress.ts'
import { inflateStrict } from '../../protocol/core/inflate.ts'

const bytesMax = 65_536

/** zlib's verdict; it says nothing of bytes behind the end, so they are looked for by leaving one off. */
const zlibOf = (bytes: Uint8Array): Uint8Array | undefined => {
  const inflated = inflateWhole(bytes)
  return inflated === undefined || inflateWhole(bytes.subarray(0, -1)) !== undefined
    ? undefined
    : inflated
}
const inflateWhole = (bytes: Uint8Array): Uint8Array | undefined => {
  if (bytes.length === 0) return undefined
  try {
    const options = { dictionary, maxOutputLength: bytesMax }
    return Uint8Array.from(inflateRawSync(bytes, options))
  } catch {
    return undefined
  }
}
const ourOf = (bytes: Uint8Array): Uint8Array | undefined => {
  const inflated = inflateStrict(bytes, dictionary, bytesMax)
  return inflated.ok ? inflated.value : undefined
}

const text = fc.oneof(
  fc.uint8Array({ maxLength: 400 }),
  fc.string({ unit: 'grapheme', maxLength: 300 }).map(utf8ToBytes),
  fc
    .array(fc.constantFrom('water', 'level ', '水位', 'a', 'road '), { maxLength: 300 })
    .map(parts => utf8ToBytes(parts.join(''))),
)
const strategy = fc.constantFrom(
  constants.Z_DEFAULT_STRATEGY,
  constants.Z_FIXED,
  constants.Z_HUFFMAN_ONLY,
  constants.Z_RLE,
)
const stream = fc
  .tuple(text, fc.nat({ max: 9 }), strategy)
  .map(([bytes, level, chosen]) =>
    Uint8Array.from(deflateRawSync(bytes, { level, strategy: chosen, dictionary })),
  )

test('every stream that zlib writes is read, whole and to the same bytes', () => {
  fc.assert(
    fc.property(stream, bytes => {
      expect(ourOf(bytes)).toEqual(zlibOf(bytes))
      expect(ourOf(bytes)).toBeDefined()
      expect(ourOf(bytes.subarray(0, -1))).toBeUndefined()
      expect(ourOf(concatBytes(bytes, Uint8Array.of(0)))).toBeUndefined()
    }),
    { numRuns: 500 },
  )
})

test('of bent streams and of noise exactly those are read that zlib reads', () => {
  const bent = fc
    .tuple(stream, fc.array(fc.tuple(fc.nat(), fc.nat({ max: 7 })), { minLength: 1, maxLength: 3 }))
    .map(([bytes, flips]) =>
      flips.reduce(
        (all, [at, bit]) => all.with(at % all.length, (all[at % all.length] ?? 0) ^ (1 << bit)),
        bytes,
      ),
    )
  const noise = fc
    .tuple(fc.constantFrom(1, 3, 5, 0, 2, 4), fc.uint8Array({ minLength: 1, maxLength: 60 }))
    .map(([kind, bytes]) => bytes.with(0, ((bytes[0] ?? 0) & 0xf8) | kind))
  fc.assert(
    fc.property(fc.oneof(bent, noise), bytes => {
      expect(ourOf(bytes)).toEqual(zlibOf(bytes))
    }),
    { numRuns: 10_000 },
  )
})

test('what would grow beyond the limit is too large, what fits exactly is not', () => {
  const fitting = Uint8Array.from(deflateRawSync(new Uint8Array(bytesMax), { dictionary }))
  const growing = Uint8Array.from(deflateRawSync(new Uint8Array(bytesMax + 1), { dictionary }))
  expect(ourOf(fitting)).toEqual(new Uint8Array(bytesMax))
  expect(inflateStrict(growing, dictionary, bytesMax)).toEqual({
    ok: false,
    error: { type: 'too-large' },
  })
})
