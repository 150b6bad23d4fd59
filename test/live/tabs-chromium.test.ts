/** Tabs of one browser that start at the same moment: one key, one writer, and everybody knows which it is. On a LAN page
 *  there are no Web Locks; there an open database is the lock. */
import { join } from 'node:path'
import { build } from 'vite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startBrowser, type Browser } from '../support/browser.ts'
import { createCleanup, repositoryRoot, temporaryDirectory } from '../support/host.ts'
import { serveFolder } from '../web/browser.ts'
import type { TabsPage } from './browser-tabs/page.ts'

declare const tabs: TabsPage

const cleanup = createCleanup()
let browser: Browser
/** Secure and not: the same server by two names. */
let origins: readonly string[] = []

beforeAll(async () => {
  const folder = await temporaryDirectory('petrel-tabs-page')
  cleanup.add(folder.remove)
  await build({
    root: join(repositoryRoot, 'test/live/browser-tabs'),
    configFile: false,
    logLevel: 'warn',
    base: './',
    build: { outDir: folder.path, target: 'es2024', minify: false, emptyOutDir: true },
  })
  const served = await serveFolder(folder.path)
  cleanup.add(served.close)
  origins = [served.origin, `http://mesh.test:${served.port}`]
  browser = await startBrowser({ hosts: { 'mesh.test': '127.0.0.1' } })
  cleanup.add(browser.close)
})
afterAll(() => cleanup.run())

const open = async (origin: string | undefined): Promise<Browser['page']> => {
  await browser.page.goto(origin ?? '')
  await browser.page.waitForFunction(() => 'tabs' in window)
  return browser.page
}

test('two tabs that open for the first time at once seal with one key', async () => {
  const page = await open(origins[0])
  expect(await page.evaluate(() => tabs.keysAgree())).toBe(true)
})

test('two LAN tabs that set a passphrase at once seal with one key', async () => {
  const page = await open(origins[1])
  expect(await page.evaluate(() => tabs.passphrasesAgree())).toBe(true)
})

test.each(['secure', 'lan'])('of five %s tabs one writes and all others look on', async kind => {
  const page = await open(origins[kind === 'secure' ? 0 : 1])
  expect(await page.evaluate(() => typeof navigator.locks === 'object')).toBe(kind === 'secure')
  const seen = await page.evaluate(async () => {
    const { writers, viewers } = await tabs.compete('five', 5)
    const endsAt = performance.now() + 10_000
    while (writers() + viewers() < 5 && performance.now() < endsAt) {
      await new Promise(resolve => {
        setTimeout(resolve, 50)
      })
    }
    return [writers(), viewers()]
  })
  expect(seen).toEqual([1, 4])
})

test('a LAN tab becomes the writer although the clock was set back since the last time', async () => {
  const page = await open(origins[1])
  await page.evaluate(() => tabs.writeInTheFuture('clock'))
  const writers = await page.evaluate(async () => {
    const state = await tabs.compete('clock', 1)
    const endsAt = performance.now() + 5_000
    while (state.writers() === 0 && performance.now() < endsAt) {
      await new Promise(resolve => {
        setTimeout(resolve, 50)
      })
    }
    return state.writers()
  })
  expect(writers).toBe(1)
})
