/** Lengths of time as people write them: `90s`, `15m`, `4h`, `2d`, `500ms`. A unit is always asked for. */

const unitMillis = new Map([
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
])

/** Milliseconds; undefined for anything else, zero, and more than ten years. */
export const parseSpan = (text: string): number | undefined => {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text.trim())
  const unit = unitMillis.get(match?.[2] ?? '')
  if (unit === undefined) return undefined
  const span = Number(match?.[1]) * unit
  return span > 0 && span <= 3_650 * 86_400_000 ? span : undefined
}
