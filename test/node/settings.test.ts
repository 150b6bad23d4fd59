/** Settings: the order of their sources, and refusals that point at the place. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readSettings, settingKeys, variableOf } from '../../node/settings.ts'
import { parseSpan } from '../../node/span.ts'

let home = ''
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'petrel-settings-'))
  mkdirSync(join(home, 'petrel'))
})
afterEach(() => {
  rmSync(home, { recursive: true })
})

const file = (): string => join(home, 'petrel', 'config.toml')
const read = (
  toml: string | undefined,
  flags: Readonly<Record<string, string>> = {},
  environment: Readonly<Record<string, string>> = {},
) => {
  if (toml !== undefined) writeFileSync(file(), toml)
  return readSettings(flags, undefined, { HOME: home, XDG_CONFIG_HOME: home, ...environment })
}
const valueOf = (settings: ReturnType<typeof readSettings>, key: 'http.port' | 'data' | 'lang') => {
  if (!settings.ok) throw new Error(JSON.stringify(settings.error))
  return settings.value.at(key)
}
const faultOf = (settings: ReturnType<typeof readSettings>) => {
  if (settings.ok) throw new Error('it was accepted')
  const { where, line, key, expected } = settings.error
  return { where, line, key, expected }
}

test('a flag beats a variable, a variable the file, the file the default', () => {
  const toml = '[http]\nport = 1001\n'
  const variable = { PETREL_HTTP_PORT: '1002' }
  expect(valueOf(read(undefined), 'http.port')).toEqual({ value: 8080, origin: '' })
  expect(valueOf(read(toml), 'http.port')).toEqual({ value: 1001, origin: `${file()}:2` })
  expect(valueOf(read(toml, {}, variable), 'http.port').origin).toBe('PETREL_HTTP_PORT')
  expect(valueOf(read(toml, { 'http.port': '1003' }, variable), 'http.port').value).toBe(1003)
})

test('a byte order mark, CRLF, tabs, dotted keys and comments are read as meant', () => {
  const toml = '\uFEFF# x\r\n\thttp.port\t=\t1004 # y\r\n'
  expect(valueOf(read(toml), 'http.port')).toEqual({ value: 1004, origin: `${file()}:2` })
})

test('an unknown key is refused with file, line, key and what is known there', () => {
  expect(faultOf(read('lang = "en"\n[http]\nprot = 1\n'))).toEqual({
    where: file(),
    line: 3,
    key: 'http.prot',
    expected: 'http.host | http.port',
  })
  expect(faultOf(read('nmae = "x"\n')).expected).toBe(settingKeys.join(' | '))
})

test('a wrong value is refused with file, line, key and what was expected', () => {
  const ports = ['-1', '65536', '1e99', '"80"', '80.5', 'true', '[1]', '1979-05-27']
  for (const value of ports) {
    expect(faultOf(read(`[http]\nport = ${value}\n`))).toEqual({
      where: file(),
      line: 2,
      key: 'http.port',
      expected: '0–65535',
    })
  }
  expect(faultOf(read('lang = "fr"\n')).expected).toBe('"zh-CN" | "en"')
  expect(faultOf(read('[invite]\nexpires = "4"\n')).key).toBe('invite.expires')
  expect(faultOf(read(undefined, {}, { PETREL_HTTP_PORT: '0x50' }))).toMatchObject({
    where: 'PETREL_HTTP_PORT',
    key: 'http.port',
  })
})

test('a file that is not TOML, or holds a key twice, is refused with its line', () => {
  expect(faultOf(read('lang = "en"\nlang = "zh-CN"\n')).line).toBe(2)
  expect(faultOf(read('[http\n')).where).toBe(file())
  expect(faultOf(read('__proto__ = 1\n')).where).toBe(file())
  expect(faultOf(read('x'.repeat(70_000))).expected).toBe('≤ 64 KiB')
})

test('paths in a file start from that file, and ~ is home', () => {
  expect(valueOf(read('data = "here"\n'), 'data').value).toBe(join(home, 'petrel', 'here'))
  expect(valueOf(read('data = "~/d"\n'), 'data').value).toBe(join(home, 'd'))
})

test('the language follows the locale unless it is set', () => {
  expect(valueOf(read(undefined, {}, { LC_ALL: 'zh_CN.UTF-8' }), 'lang').value).toBe('zh-CN')
  expect(valueOf(read(undefined, {}, { LANG: 'zh_CN.UTF-8', LC_ALL: 'C' }), 'lang').value).toBe(
    'en',
  )
  expect(valueOf(read('lang = "zh-CN"\n', {}, { LC_ALL: 'C' }), 'lang').value).toBe('zh-CN')
})

test('every setting has a variable of its own', () => {
  expect(new Set(settingKeys.map(variableOf)).size).toBe(settingKeys.length)
})

test('spans need a number and a unit', () => {
  expect(['500ms', '90s', '15m', '4h', '2d', ' 1s '].map(parseSpan)).toEqual([
    500, 90_000, 900_000, 14_400_000, 172_800_000, 1_000,
  ])
  for (const text of ['', '4', 'h', '-1s', '1.5h', '0s', '1w', '99999999d', '1s1s', '４s']) {
    expect(parseSpan(text)).toBeUndefined()
  }
})
