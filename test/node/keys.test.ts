/** Keys at rest and the one-writer rule: private files, refusal of anything doubtful, nothing replaced by accident. */
import {
  chmodSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { lockHolder, openDataDir, takeLock } from '../../node/data-dir.ts'
import { openOwnDataDir } from '../../node/identity.ts'
import { createKeys, keyFiles, readKeys } from '../../node/keys.ts'

let home = ''
let before = 0
beforeEach(() => {
  before = process.umask()
  home = mkdtempSync(join(tmpdir(), 'petrel-keys-'))
})
afterEach(() => {
  process.umask(before)
  rmSync(home, { recursive: true })
})

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8)
const faultOf = (result: { ok: boolean; error?: { type: string } }): string | undefined =>
  result.ok ? undefined : result.error?.type

test('directories are 0700 and key files 0600 whatever the umask', () => {
  const dir = join(home, 'a', 'b')
  const opened = openDataDir(dir)
  expect(opened.ok).toBe(true)
  createKeys(dir)
  expect(modeOf(dir)).toBe('700')
  expect(keyFiles(dir).map(modeOf)).toEqual(['600', '600'])
})

test('keys come back as they were made', () => {
  const keys = createKeys(home)
  expect(readKeys(home)).toEqual({ ok: true, value: keys })
})

test('the data key is not in its file in clear', () => {
  const keys = createKeys(home)
  const text = keyFiles(home)
    .map(path => readFileSync(path, 'utf8'))
    .join('')
  expect(text).not.toContain(Buffer.from(keys.dataKey).toString('base64').slice(0, 40))
})

test('a key file that others may read is refused, and named', () => {
  createKeys(home)
  for (const path of keyFiles(home)) {
    for (const mode of [0o640, 0o604, 0o620]) {
      chmodSync(path, mode)
      expect(readKeys(home)).toMatchObject({
        ok: false,
        error: { type: 'key-open-to-others', path },
      })
    }
    chmodSync(path, 0o600)
  }
  expect(readKeys(home).ok).toBe(true)
})

test('a missing, cut, swapped or flipped key file is refused', () => {
  const [wrapping = '', data = ''] = keyFiles(home)
  createKeys(home)
  const [goodWrapping, goodData] = [readFileSync(wrapping, 'utf8'), readFileSync(data, 'utf8')]
  for (const [path, good] of [
    [wrapping, goodWrapping],
    [data, goodData],
  ] as const) {
    const changed = good.replace(
      /"bytes":"(.)/,
      (_, first: string) => `"bytes":"${first === 'A' ? 'B' : 'A'}`,
    )
    for (const bad of [
      '',
      '{}',
      'null',
      good.slice(0, -20),
      changed,
      good === goodData ? goodWrapping : goodData,
    ]) {
      writeFileSync(path, bad)
      expect(faultOf(readKeys(home))).toBe('key-damaged')
    }
    unlinkSync(path)
    expect(faultOf(readKeys(home))).toBe('key-missing')
    writeFileSync(path, good, { mode: 0o600 })
  }
  expect(readKeys(home).ok).toBe(true)
})

test('lost keys beside a store are never replaced by new ones', () => {
  const first = openOwnDataDir(home)
  if (!first.ok) throw new Error('a new directory opens')
  first.value.lock.release()
  writeFileSync(join(home, 'store'), '')
  unlinkSync(join(home, 'wrapping.key'))
  expect(faultOf(openOwnDataDir(home))).toBe('key-missing')
  expect(lockHolder(home)).toBeUndefined()
})

test('a directory with other files is left alone', () => {
  writeFileSync(join(home, 'thesis.txt'), 'x')
  chmodSync(home, 0o755)
  expect(faultOf(openDataDir(home))).toBe('not-petrel')
  expect(modeOf(home)).toBe('755')
})

test('one process holds the lock; a dead or recycled pid does not', () => {
  const lock = takeLock(home)
  if (!lock.ok) throw new Error('a free directory locks')
  lock.value.announce('/run/x.sock')
  expect(lockHolder(home)).toEqual({ pid: process.pid, socket: '/run/x.sock' })
  expect(takeLock(home)).toMatchObject({ ok: false, error: { type: 'in-use', pid: process.pid } })
  lock.value.release()
  expect(lockHolder(home)).toBeUndefined()
  const stale = [
    '',
    'garbage',
    '{"pid":-1}',
    '{"pid":4194305}',
    JSON.stringify({ pid: process.ppid, start: '1' }),
  ]
  for (const text of stale) {
    writeFileSync(join(home, 'petrel.lock'), text)
    const taken = takeLock(home)
    expect(taken.ok).toBe(true)
    if (taken.ok) taken.value.release()
  }
})
