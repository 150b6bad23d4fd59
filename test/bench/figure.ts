/** What a benchmark yields: one measured number with its unit, the bar it is held against and the conditions it was measured
 *  under. A number without its conditions is a rumour. */
import { availableParallelism, cpus } from 'node:os'

export type Bar =
  | { readonly atMost: number }
  | { readonly atLeast: number }
  | { readonly exactly: number }

export type Figure = {
  readonly figure: string
  readonly value: number
  readonly unit: string
  /** Left out for figures that are reported only. */
  readonly bar?: Bar
  readonly conditions: string
}

export type Bench = { readonly run: () => AsyncIterable<Figure> }

export const barText = (bar: Bar | undefined): string => {
  if (bar === undefined) return ''
  if ('atMost' in bar) return `<= ${bar.atMost}`
  return 'atLeast' in bar ? `>= ${bar.atLeast}` : `= ${bar.exactly}`
}

export const isMet = ({ bar, value }: Figure): boolean => {
  if (bar === undefined) return true
  if ('atMost' in bar) return value <= bar.atMost
  return 'atLeast' in bar ? value >= bar.atLeast : value === bar.exactly
}

/** This machine, for the conditions of every figure that depends on it. */
export const machine = (): string =>
  `node ${process.versions.node}, ${availableParallelism()} × ${cpus()[0]?.model.trim() ?? 'cpu'}`

export const round = (value: number, digits = 0): number => Number(value.toFixed(digits))

/** The value below which `share` of the sorted numbers lie. */
export const percentile = (values: readonly number[], share: number): number => {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}

/** A progress line on a terminal; never in the data. */
export const say = (line: string): void => {
  process.stderr.write(`${line}\n`)
}
