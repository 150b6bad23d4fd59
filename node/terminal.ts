/** What a terminal shows and how: columns, colour, and other people's text made harmless. Control characters, escapes and
 *  direction overrides never reach the terminal as themselves; they are shown as visible signs. */
import { stripVTControlCharacters, styleText } from 'node:util'

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
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{1f300}-\u{1faff}]|[\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u
const widthless = /^[\p{Mn}\p{Me}\p{Cf}]$/u

/** Our own colours take none either; other people's escapes are made harmless before. */
export const columnsOf = (text: string): number => {
  let columns = 0
  for (const character of stripVTControlCharacters(text)) {
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

/** A column that is too wide gives way down to this. */
const cellColumnsMin = 8

/** Rows under each other. Where they are wider than the terminal, the widest cells are cut, so that no line wraps and the
 *  short columns stay whole. */
export const table = (rows: readonly (readonly string[])[], columns: number): string => {
  const widths: number[] = []
  for (const row of rows) {
    for (const [at, cell] of row.entries()) {
      widths[at] = Math.max(widths[at] ?? 0, columnsOf(cell))
    }
  }
  const used = (): number => widths.reduce((sum, width) => sum + width + 2, -2)
  while (used() > columns) {
    const widest = Math.max(...widths)
    if (widest <= cellColumnsMin) break
    widths[widths.indexOf(widest)] = widest - 1
  }
  const cellOf = (cell: string, at: number): string => {
    const width = widths[at] ?? 0
    return padTo(cutTo(cell, width), width)
  }
  return rows.map(row => cutTo(row.map(cellOf).join('  ').trimEnd(), columns)).join('\n')
}

/** What is known under a label: `Label  part · part`, with the parts under each other where the terminal is too narrow. A part
 *  is never cut: it may be a path or an address that somebody copies. */
export type Facts = readonly (readonly [label: string, parts: readonly string[]])[]

export const factsText = (
  facts: Facts,
  columns: number,
  paint: (label: string) => string,
): string => {
  const width = Math.max(...facts.map(([label]) => columnsOf(label)))
  return facts
    .flatMap(([label, parts]) =>
      joinedToFit(parts, columns - width - 2).map(
        (text, at) => `${paint(padTo(at === 0 ? label : '', width))}  ${text}`,
      ),
    )
    .join('\n')
}

const joinedToFit = (parts: readonly string[], columns: number): readonly string[] => {
  const lines: string[] = []
  for (const part of parts) {
    const last = lines.at(-1)
    const joined = `${last} · ${part}`
    if (last !== undefined && columnsOf(joined) <= columns) lines[lines.length - 1] = joined
    else lines.push(part)
  }
  return lines
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
