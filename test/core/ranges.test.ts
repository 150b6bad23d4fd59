/** Ranges are a set of whole numbers, told in few bytes. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createReader, createWriter } from '../../protocol/core/codec.ts'
import { limits } from '../../protocol/core/limits.ts'
import {
  type Ranges,
  addRange,
  countRanges,
  equalRanges,
  hasSeq,
  noRanges,
  readRanges,
  subtractRanges,
  unionRanges,
  writeRanges,
} from '../../protocol/core/ranges.ts'

const span = fc.tuple(fc.nat({ max: 60 }), fc.nat({ max: 6 }))
const spans = fc.array(span, { maxLength: 30 })

const rangesOf = (pairs: readonly (readonly [number, number])[]): Ranges =>
  pairs.reduce((ranges, [from, length]) => addRange(ranges, from, from + length), noRanges)
const setOf = (pairs: readonly (readonly [number, number])[]): Set<number> =>
  new Set(
    pairs.flatMap(([from, length]) => Array.from({ length: length + 1 }, (_, at) => from + at)),
  )
const membersOf = (ranges: Ranges): readonly number[] =>
  ranges.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, at) => from + at))
const sorted = (set: ReadonlySet<number>): readonly number[] => [...set].toSorted((a, b) => a - b)
const encode = (ranges: Ranges): Uint8Array => {
  const writer = createWriter()
  writeRanges(writer, ranges)
  return writer.done()
}

test('ranges behave as the set of numbers that was put in, in any order', () => {
  fc.assert(
    fc.property(spans, spans, (first, second) => {
      const [a, b] = [rangesOf(first), rangesOf(second)]
      const [setA, setB] = [setOf(first), setOf(second)]
      expect(membersOf(a)).toEqual(sorted(setA))
      expect(rangesOf(first.toReversed())).toEqual(a)
      expect(membersOf(unionRanges(a, b))).toEqual(sorted(new Set([...setA, ...setB])))
      expect(membersOf(subtractRanges(a, b))).toEqual(
        sorted(new Set([...setA].filter(seq => !setB.has(seq)))),
      )
      expect(countRanges(a)).toBe(setA.size)
      expect(equalRanges(a, b)).toBe(sorted(setA).join() === sorted(setB).join())
      for (let seq = 0; seq < 70; seq++) expect(hasSeq(a, seq)).toBe(setA.has(seq))
    }),
  )
})

test('ranges are sorted, disjoint and do not touch', () => {
  fc.assert(
    fc.property(spans, pairs => {
      const ranges = rangesOf(pairs)
      for (const [index, { from, to }] of ranges.entries()) {
        expect(from).toBeLessThanOrEqual(to)
        expect(from).toBeGreaterThan((ranges[index - 1]?.to ?? -2) + 1)
      }
    }),
  )
})

describe('told to a neighbour', () => {
  const wide = fc.array(fc.tuple(fc.nat({ max: 2 ** 39 }), fc.nat({ max: 1_000 })), {
    maxLength: 20,
  })

  test('they read back the same, and no strict prefix reads at all', () => {
    fc.assert(
      fc.property(fc.oneof(spans, wide), pairs => {
        const ranges = rangesOf(pairs)
        const bytes = encode(ranges)
        const reader = createReader(bytes)
        expect(readRanges(reader)).toEqual(ranges)
        expect(reader.end()).toBeUndefined()
        for (let length = 0; length < bytes.length; length++) {
          const cut = createReader(bytes.subarray(0, length))
          expect(readRanges(cut)).toEqual(noRanges)
          expect(cut.end()).toBeDefined()
        }
      }),
    )
  })

  test('any bytes are refused by name or are the one form of what they say', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), bytes => {
        const reader = createReader(bytes)
        const ranges = readRanges(reader)
        if (reader.end() !== undefined) return
        expect(encode(ranges)).toEqual(bytes)
      }),
      { numRuns: 2_000 },
    )
  })

  test('a log without holes takes as many bytes as its length', () => {
    expect(encode(rangesOf([[0, 50]])).length).toBe(1)
    expect(encode(rangesOf([[0, 5_000]])).length).toBe(2)
    expect(encode(noRanges)).toEqual(Uint8Array.of(0))
  })

  test('the newest are told when there are more than can be asked for', () => {
    const many = Array.from({ length: limits.rangesMax + 10 }, (_, at) => [3 * at, 0] as const)
    const all = rangesOf(many)
    const reader = createReader(encode(all))
    expect(readRanges(reader)).toEqual(all.slice(-limits.rangesMax))
    expect(reader.end()).toBeUndefined()
  })

  test('more ranges than that, and ends beyond any log, are too large', () => {
    const tooMany = createWriter()
      .varint((limits.rangesMax + 1) * 2 + 1)
      .done()
    const tooFar = createWriter()
      .varint(3)
      .varint(1)
      .varint(Number.MAX_SAFE_INTEGER - 2)
      .done()
    const endless = createWriter()
      .varint(Number.MAX_SAFE_INTEGER - 1)
      .done()
    for (const bytes of [tooMany, tooFar, endless]) {
      const reader = createReader(bytes)
      readRanges(reader)
      expect(reader.end()).toBe('too-large')
    }
  })
})
