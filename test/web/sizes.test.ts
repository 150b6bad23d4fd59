/** The promise on a slow link, as the build itself writes it down: 35 KB before the first screen, 290 KB in all. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { builtApp } from './browser.ts'

type Report = Readonly<
  Record<
    'shellBytesGz' | 'styleBytesGz' | 'soonBytesGz' | 'networkBytesGz' | 'firstUseBytesGz',
    number
  >
>

const report: Report = JSON.parse(readFileSync(join(builtApp, 'sizes.json'), 'utf8'))

test('the shell stays within 35 KB', () => {
  expect(report.shellBytesGz).toBeGreaterThan(10_000)
  expect(report.shellBytesGz).toBeLessThanOrEqual(35 * 1_024)
})

test('page and styles stay within 8 KB, the page itself within 6 KB', () => {
  expect(report.styleBytesGz).toBeLessThanOrEqual(8 * 1_024)
  expect(readFileSync(join(builtApp, 'index.html')).length).toBeLessThanOrEqual(6 * 1_024)
})

test('everything for the first use stays within 290 KB', () => {
  expect(report.networkBytesGz).toBeGreaterThan(100_000)
  expect(report.firstUseBytesGz).toBeLessThanOrEqual(290 * 1_024)
})

test('every file is there compressed both ways, and no fixture among them', () => {
  const files = readdirSync(builtApp, { recursive: true }).map(String)
  const plain = files.filter(file => /\.(js|css|html|svg)$/.test(file))
  expect(plain.length).toBeGreaterThan(5)
  for (const file of plain) {
    expect(files).toContain(`${file}.gz`)
    expect(files).toContain(`${file}.br`)
  }
  expect(files.filter(file => /fixture/i.test(file))).toEqual([])
})

test('the page names the network files with their sizes, for the progress line', () => {
  const page = readFileSync(join(builtApp, 'index.html'), 'utf8')
  const [, entries = ''] = /name="petrel-network" content="([^"]+)"/.exec(page) ?? []
  expect(entries).toMatch(/network-/)
  for (const entry of entries.split(',')) {
    const [file = '', bytes] = entry.split(' ')
    expect(readFileSync(join(builtApp, file)).length).toBe(Number(bytes))
  }
  expect(page).toMatch(/name="petrel-fingerprint" content="[0-9A-F]{4}-[0-9A-F]{4}"/)
})
