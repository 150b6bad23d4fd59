/** A config.toml as a flat list of keys with the line of each, so that a refusal can point at it. Knows no setting. */
import { readFileSync } from 'node:fs'
import { TomlError, parse } from 'smol-toml'
import type { Result } from '#protocol'

export type ConfigEntry = {
  /** Dotted: `http.port`. */
  readonly key: string
  readonly value: unknown
  readonly line: number | undefined
}

export type ConfigFault = { readonly line: number | undefined; readonly expected: string }

/** A configuration is a page, not a book. */
const configBytesMax = 65_536

const isTable = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !(value instanceof Date) && !Array.isArray(value)

const flatten = (table: object, prefix: string): readonly (readonly [string, unknown])[] =>
  Object.entries(table).flatMap(([key, value]: [string, unknown]) =>
    isTable(value) ? flatten(value, `${prefix}${key}.`) : [[`${prefix}${key}`, value] as const],
  )

/** The line where `key` stands, following [tables]; the file has been parsed already, so its grammar is sound. */
const lineOf = (toml: string, key: string): number | undefined => {
  const plain = (name: string | undefined): string => (name ?? '').replaceAll(/["'\s]/g, '')
  let table = ''
  for (const [index, line] of toml.split('\n').entries()) {
    const header = /^\s*\[\[?([^\]]+)\]/.exec(line)
    if (header !== null) table = `${plain(header[1])}.`
    const name = header === null ? /^\s*([\w\-."' ]+?)\s*=/.exec(line)?.[1] : undefined
    if (name !== undefined && `${table}${plain(name)}` === key) return index + 1
  }
  return undefined
}

const readText = (file: string): string | undefined | ConfigFault => {
  try {
    const text = readFileSync(file, 'utf8')
    return text.length > configBytesMax ? { line: undefined, expected: '≤ 64 KiB' } : text
  } catch (reason) {
    const missing = reason instanceof Error && 'code' in reason && reason.code === 'ENOENT'
    return missing ? undefined : { line: undefined, expected: 'readable' }
  }
}

/** No entries when the file is missing and not `required`. */
export const readToml = (
  file: string,
  required: boolean,
): Result<readonly ConfigEntry[], ConfigFault> => {
  const text = readText(file)
  if (text === undefined) {
    return required
      ? { ok: false, error: { line: undefined, expected: 'readable' } }
      : { ok: true, value: [] }
  }
  if (typeof text !== 'string') return { ok: false, error: text }
  const toml = text.replace(/^\uFEFF/, '')
  try {
    const entries = flatten(parse(toml, { maxDepth: 8, unsafeKeyBehaviour: 'throw' }), '')
    return {
      ok: true,
      value: entries.map(([key, value]) => ({ key, value, line: lineOf(toml, key) })),
    }
  } catch (reason) {
    if (!(reason instanceof TomlError)) throw reason
    return {
      ok: false,
      error: { line: reason.line, expected: `TOML (${reason.message.split('\n')[0] ?? ''})` },
    }
  }
}
