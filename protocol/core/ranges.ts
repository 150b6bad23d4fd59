/** Sets of sequence numbers as sorted, disjoint, non-touching inclusive ranges: what one side holds of one log.
 *  Plain data; every function makes a new array.
 *    ranges := varint(last · 2 + 2)                       for exactly 0..last; varint 0 for none
 *            | varint(count · 2 + 1) • { gap • length }*   otherwise; gap from the end of the range before, length − 1 */
import type { Reader, Writer } from './codec.ts'
import { limits } from './limits.ts'

export type Range = { readonly from: number; readonly to: number }
export type Ranges = readonly Range[]

export const noRanges: Ranges = []

export const hasSeq = (ranges: Ranges, seq: number): boolean => {
  let low = 0
  let high = ranges.length - 1
  while (low <= high) {
    const middle = (low + high) >> 1
    const range = ranges[middle]
    if (range === undefined) return false
    if (seq < range.from) high = middle - 1
    else if (seq > range.to) low = middle + 1
    else return true
  }
  return false
}

export const addRange = (ranges: Ranges, from: number, to: number): Ranges => {
  const last = ranges.at(-1)
  if (last !== undefined && from === last.to + 1) {
    return [...ranges.slice(0, -1), { from: last.from, to }]
  }
  const result: Range[] = []
  let start = from
  let end = to
  let placed = false
  for (const range of ranges) {
    if (range.to + 1 < start) result.push(range)
    else if (range.from > end + 1) {
      if (!placed) result.push({ from: start, to: end })
      placed = true
      result.push(range)
    } else {
      start = Math.min(start, range.from)
      end = Math.max(end, range.to)
    }
  }
  if (!placed) result.push({ from: start, to: end })
  return result
}

export const unionRanges = (a: Ranges, b: Ranges): Ranges => {
  if (a.length === 0) return b
  let result = a
  for (const range of b) result = addRange(result, range.from, range.to)
  return result
}

/** What is in `a` and not in `b`. */
export const subtractRanges = (a: Ranges, b: Ranges): Ranges => {
  if (b.length === 0) return a
  const result: Range[] = []
  let index = 0
  for (const range of a) {
    let from = range.from
    while (index < b.length && (b[index]?.to ?? 0) < from) index += 1
    let at = index
    while (from <= range.to) {
      const cut = b[at]
      if (cut === undefined || cut.from > range.to) {
        result.push({ from, to: range.to })
        break
      }
      if (cut.from > from) result.push({ from, to: cut.from - 1 })
      from = cut.to + 1
      at += 1
    }
  }
  return result
}

export const countRanges = (ranges: Ranges): number => {
  let total = 0
  for (const range of ranges) total += range.to - range.from + 1
  return total
}

export const equalRanges = (a: Ranges, b: Ranges): boolean =>
  a.length === b.length &&
  a.every((range, index) => range.from === b[index]?.from && range.to === b[index]?.to)

export const writeRanges = (writer: Writer, ranges: Ranges): void => {
  const [first] = ranges
  if (first === undefined) {
    writer.varint(0)
    return
  }
  if (ranges.length === 1 && first.from === 0) {
    writer.varint(first.to * 2 + 2)
    return
  }
  const kept = ranges.slice(-limits.rangesMax)
  writer.varint(kept.length * 2 + 1)
  let end = 0
  for (const range of kept) {
    writer.varint(range.from - end).varint(range.to - range.from)
    end = range.to + 1
  }
}

export const readRanges = (reader: Reader): Ranges => {
  const head = reader.varint()
  if (head === 0) return noRanges
  if (head % 2 === 0) {
    const to = head / 2 - 1
    if (to > limits.seqMax) reader.fail('too-large')
    return reader.fault() === undefined ? [{ from: 0, to }] : noRanges
  }
  const count = (head - 1) / 2
  if (count === 0 || count > limits.rangesMax) reader.fail('too-large')
  const ranges: Range[] = []
  let end = 0
  for (let index = 0; index < count && reader.fault() === undefined; index++) {
    const gap = reader.varint()
    if (index > 0 && gap === 0) reader.fail('non-canonical')
    const from = end + gap
    const to = from + reader.varint()
    if (to > limits.seqMax) reader.fail('too-large')
    if (index === 0 && count === 1 && from === 0) reader.fail('non-canonical')
    ranges.push({ from, to })
    end = to + 1
  }
  return reader.fault() === undefined ? ranges : noRanges
}
