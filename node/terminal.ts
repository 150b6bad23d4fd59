/** What a terminal shows and how: columns, colour, and other people's text made harmless. Control characters, escapes and
 *  direction overrides never reach the terminal as themselves; they are shown as visible signs. */
import { styleText } from 'node:util'

/** C0 as its Unicode picture (␛ for escape); C1, direction overrides and lone surrogates as U+FFFD. Joiners stay: Persian and
 *  emoji need them. */
const neutral = (character: string): string => {
  const code = character.charCodeAt(0)
  if (code < 0x20) return String.fromCharCode(0x2400 + code)
  return code === 0x7f ? '\u2421' : '\ufffd'
}
const dangerous = /[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/gu

/** One line of somebody's text, safe to print. */
export const harmless = (text: string): string => text.toWellFormed().replaceAll(dangerous, neutral)

/** Somebody's text with its line breaks kept; every further line starts with `indent`. */
export const harmlessLines = (text: string, indent: string): string =>
  text.replaceAll('\r\n', '\n').split('\n').map(harmless).join(`\n${indent}`)

/** JSON that is safe to print too: what JSON.stringify leaves unescaped of the above is escaped. */
export const harmlessJson = (value: unknown): string =>
  JSON.stringify(value).replaceAll(
    dangerous,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )

/** Chinese, Japanese, Korean and emoji take two columns, combining marks and joiners none. */
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{1f300}-\u{1faff}]|[\u{20000}-\u{3fffd}]/u
const widthless = /^[\p{Mn}\p{Me}\p{Cf}]$/u

export const columnsOf = (text: string): number => {
  let columns = 0
  for (const character of text) {
    if (!widthless.test(character)) columns += wide.test(character) ? 2 : 1
  }
  return columns
}

export const padTo = (text: string, columns: number): string =>
  text + ' '.repeat(Math.max(0, columns - columnsOf(text)))

export const cutTo = (text: string, columns: number): string => {
  if (columnsOf(text) <= columns) return text
  let kept = ''
  let used = 0
  for (const character of text) {
    used += columnsOf(character)
    if (used > columns - 1) break
    kept += character
  }
  return `${kept}…`
}

/** Rows under each other; the last column is cut where the terminal ends. */
export const table = (rows: readonly (readonly string[])[], columns: number): string => {
  const widths: number[] = []
  for (const row of rows) {
    for (const [at, cell] of row.entries()) {
      widths[at] = Math.max(widths[at] ?? 0, columnsOf(cell))
    }
  }
  const line = (row: readonly string[]): string =>
    row.map((cell, at) => (at === row.length - 1 ? cell : padTo(cell, widths[at] ?? 0))).join('  ')
  return rows.map(row => cutTo(line(row).trimEnd(), columns)).join('\n')
}

export type Style = {
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  readonly red: (text: string) => string
  readonly green: (text: string) => string
  readonly yellow: (text: string) => string
  readonly cyan: (text: string) => string
}

/** styleText honours NO_COLOR and whether the stream is a terminal. */
export const styleFor = (stream: NodeJS.WriteStream, wanted: boolean): Style => {
  const paint =
    (format: 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan') =>
    (text: string): string =>
      wanted ? styleText(format, text, { stream }) : text
  return {
    bold: paint('bold'),
    dim: paint('dim'),
    red: paint('red'),
    green: paint('green'),
    yellow: paint('yellow'),
    cyan: paint('cyan'),
  }
}
