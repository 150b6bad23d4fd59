/** What can be set, and where each value came from: flag, then PETREL_* variable, then the user's config.toml, then the one
 *  in /etc. Parsed once at the start into one readonly object; nobody reads the environment elsewhere. An unknown key or a
 *  wrong value is refused with file, line, key and what was expected: never a silent default. */
import { dirname } from 'node:path'
import { langOf } from '#words'
import type { Result } from '#protocol'
import { readToml } from './config-file.ts'
import { defaultDataDir, expandPath, systemConfigFile, userConfigFile } from './paths.ts'
import type { Environment } from './paths.ts'
import { parseSpan } from './span.ts'

type Kind = 'text' | 'path' | 'port' | 'count' | 'flag' | 'span' | 'lang' | 'group-kind'
type Value = string | number | boolean

/** Key in config.toml → kind and default. The variable of `http.port` is PETREL_HTTP_PORT. */
const options = {
  lang: { kind: 'lang', fallback: '' },
  data: { kind: 'path', fallback: '' },
  name: { kind: 'text', fallback: '' },
  unit: { kind: 'text', fallback: '' },
  'http.host': { kind: 'text', fallback: '0.0.0.0' },
  'http.port': { kind: 'port', fallback: 8080 },
  'peer.host': { kind: 'text', fallback: '0.0.0.0' },
  'peer.tcp': { kind: 'port', fallback: 9000 },
  'peer.ws': { kind: 'port', fallback: 9001 },
  'peer.webrtc': { kind: 'port', fallback: 9002 },
  'peer.mdns': { kind: 'flag', fallback: true },
  'first-group.create': { kind: 'flag', fallback: true },
  'first-group.title': { kind: 'text', fallback: '' },
  'first-group.kind': { kind: 'group-kind', fallback: 'emergency' },
  'invite.uses': { kind: 'count', fallback: 10 },
  'invite.expires': { kind: 'span', fallback: '24h' },
} as const satisfies Readonly<Record<string, { kind: Kind; fallback: Value }>>

export type SettingKey = keyof typeof options
const isKey = (key: string): key is SettingKey => Object.hasOwn(options, key)
export const settingKeys = Object.keys(options).filter(isKey)

/** What each kind accepts, in the words that a refusal shows. */
const expected: Readonly<Record<Kind, string>> = {
  text: '"…"',
  path: '"/…"',
  port: '0–65535',
  count: '1–1000',
  flag: 'true | false',
  span: '"90s" | "15m" | "4h" | "2d"',
  lang: '"zh-CN" | "en"',
  'group-kind': '"emergency" | "special" | "temporary" | "daily"',
}

const isWhole = (value: unknown, least: number, most: number): boolean =>
  typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most

const isOneOf = (value: unknown, ...choices: readonly string[]): boolean =>
  typeof value === 'string' && choices.includes(value)

const isValid = (kind: Kind, value: unknown): value is Value => {
  switch (kind) {
    case 'text':
      return typeof value === 'string' && value.length <= 256
    case 'path':
      return typeof value === 'string' && value !== '' && !value.includes('\0')
    case 'port':
      return isWhole(value, 0, 65_535)
    case 'count':
      return isWhole(value, 1, 1_000)
    case 'flag':
      return typeof value === 'boolean'
    case 'span':
      return typeof value === 'string' && parseSpan(value) !== undefined
    case 'lang':
      return isOneOf(value, 'zh-CN', 'en')
    case 'group-kind':
      return isOneOf(value, 'emergency', 'special', 'temporary', 'daily')
  }
}

/** Flags and variables are text; numbers and flags are read from it. */
const fromText = (kind: Kind, text: string): Value => {
  if ((kind === 'port' || kind === 'count') && /^\d{1,6}$/.test(text)) return Number(text)
  if (kind === 'flag' && (text === 'true' || text === 'false')) return text === 'true'
  return text
}

export type SettingFault = {
  /** The file, or the name of the flag or variable. */
  readonly where: string
  readonly line: number | undefined
  readonly key: string
  readonly expected: string
}

export type Setting = { readonly value: Value; readonly origin: string }
export type Settings = {
  readonly at: (key: SettingKey) => Setting
  readonly text: (key: SettingKey) => string
  readonly number: (key: SettingKey) => number
  readonly flag: (key: SettingKey) => boolean
  readonly dataDir: string
  readonly environment: Environment
}

type Layer = ReadonlyMap<SettingKey, Setting>
type LayerResult = Result<Layer, SettingFault>

/** Keys of the same table, or all of them. */
const nearestKeys = (key: string): string => {
  const table = key.slice(0, key.lastIndexOf('.') + 1)
  const near = settingKeys.filter(known => table !== '' && known.startsWith(table))
  return (near.length > 0 ? near : settingKeys).join(' | ')
}

const fileLayer = (file: string, required: boolean, environment: Environment): LayerResult => {
  const entries = readToml(file, required)
  if (!entries.ok) return { ok: false, error: { where: file, key: '', ...entries.error } }
  const layer = new Map<SettingKey, Setting>()
  for (const { key, value, line } of entries.value) {
    const where = { where: file, line, key }
    if (!isKey(key)) return { ok: false, error: { ...where, expected: nearestKeys(key) } }
    const { kind } = options[key]
    if (!isValid(kind, value)) return { ok: false, error: { ...where, expected: expected[kind] } }
    const path = kind === 'path' ? expandPath(String(value), dirname(file), environment) : value
    layer.set(key, { value: path, origin: line === undefined ? file : `${file}:${line}` })
  }
  return { ok: true, value: layer }
}

const textLayer = (
  texts: Readonly<Record<string, string | undefined>>,
  nameOf: (key: SettingKey) => string,
  environment: Environment,
): LayerResult => {
  const layer = new Map<SettingKey, Setting>()
  for (const key of settingKeys) {
    const origin = nameOf(key)
    const text = texts[key] ?? texts[origin]
    if (text === undefined) continue
    const { kind } = options[key]
    const value = fromText(kind, text)
    if (!isValid(kind, value)) {
      return { ok: false, error: { where: origin, line: undefined, key, expected: expected[kind] } }
    }
    const path = kind === 'path' ? expandPath(text, process.cwd(), environment) : value
    layer.set(key, { value: path, origin })
  }
  return { ok: true, value: layer }
}

/** Flags that are not spelled as their key. */
const flags: Readonly<Partial<Record<SettingKey, string>>> = {
  'http.port': '--http',
  'http.host': '--http-host',
  'peer.tcp': '--tcp',
  'peer.ws': '--ws',
  'peer.webrtc': '--webrtc',
  'peer.mdns': '--no-mdns',
  'first-group.create': '--no-first-group',
  'first-group.title': '--group-title',
  'first-group.kind': '--group-kind',
  'invite.uses': '--uses',
  'invite.expires': '--expires',
}
const flagOf = (key: SettingKey): string => flags[key] ?? `--${key}`

export const variableOf = (key: SettingKey): string =>
  `PETREL_${key.toUpperCase().replaceAll(/[.-]/g, '_')}`

/** `given`: text of flags by setting key; `configFile`: the one named by --config, read instead of the user's. */
export const readSettings = (
  given: Readonly<Record<string, string | undefined>>,
  configFile: string | undefined,
  environment: Environment,
): Result<Settings, SettingFault> => {
  const userFile = configFile ?? userConfigFile(environment)
  const sources = [
    () => textLayer(given, flagOf, environment),
    () => textLayer(environment, variableOf, environment),
    () => fileLayer(userFile, configFile !== undefined, environment),
    () => fileLayer(systemConfigFile, false, environment),
  ]
  const layers: Layer[] = []
  for (const source of sources) {
    const layer = source()
    if (!layer.ok) return layer
    layers.push(layer.value)
  }
  return { ok: true, value: settingsOf(layers, environment) }
}

const settingsOf = (layers: readonly Layer[], environment: Environment): Settings => {
  const locale = [environment['LC_ALL'], environment['LC_MESSAGES'], environment['LANG']]
  const fallbacks: Layer = new Map([
    ['lang', { value: langOf(locale.find(text => text !== undefined && text !== '')), origin: '' }],
    ['data', { value: defaultDataDir(environment), origin: '' }],
  ])
  const at = (key: SettingKey): Setting => {
    for (const layer of [...layers, fallbacks]) {
      const setting = layer.get(key)
      if (setting !== undefined) return setting
    }
    return { value: options[key].fallback, origin: '' }
  }
  return {
    at,
    text: key => String(at(key).value),
    number: key => Number(at(key).value),
    flag: key => at(key).value === true,
    dataDir: String(at('data').value),
    environment,
  }
}
