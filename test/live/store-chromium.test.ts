/** The store of the web app in a real Chromium, over IndexedDB: the same claims as on Node, and what only a disk behind a
 *  browser can break: durability that is asked for, a reload or a crash between writes, a quota that is used up. */
import { join } from 'node:path'
import { build } from 'vite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { claimsOfStores } from '../conformance/store.ts'
import { startBrowser, type Browser } from '../support/browser.ts'
import { createCleanup, repositoryRoot, temporaryDirectory } from '../support/host.ts'
import { untilValue } from '../support/until.ts'
import { serveFolder } from '../web/browser.ts'
import type { Page } from 'playwright-core'
import type { StorePage } from './browser-store/page.ts'

declare const stores: StorePage

const cleanup = createCleanup()
let browser: Browser
let origin = ''

beforeAll(async () => {
  const folder = await temporaryDirectory('petrel-store-page')
  cleanup.add(folder.remove)
  await build({
    root: join(repositoryRoot, 'test/live/browser-store'),
    configFile: false,
    logLevel: 'warn',
    base: './',
    resolve: {
      alias: {
        events: 'events/',
        buffer: 'buffer/',
        vitest: join(repositoryRoot, 'test/live/browser-store/expect.ts'),
      },
    },
    build: { outDir: folder.path, target: 'es2024', minify: false, emptyOutDir: true },
  })
  const served = await serveFolder(folder.path)
  cleanup.add(served.close)
  origin = served.origin
  browser = await startBrowser()
  cleanup.add(browser.close)
  await openPage()
})
afterAll(() => cleanup.run())

const openPage = async (page = browser.page): Promise<void> => {
  await page.goto(origin)
  await page.waitForFunction(() => 'stores' in window)
}

for (const { claim } of claimsOfStores) {
  test(`browser-level: ${claim}`, () => browser.page.evaluate(name => stores.prove(name), claim))
}

/** The browser's own word on how transactions were opened; opening a database (`versionchange`) is told apart. */
const expectStrict = async (page: Page): Promise<void> => {
  const opened = await page.evaluate(() => stores.opened)
  expect(opened).toContainEqual({ mode: 'readwrite', durability: 'strict' })
  const weak = opened.filter(
    ({ mode, durability }) => mode === 'readwrite' && durability !== 'strict',
  )
  expect(weak).toEqual([])
}

test('every transaction that writes is opened with strict durability', async () => {
  await browser.page.evaluate(() => stores.write(0))
  await expectStrict(browser.page)
})

/** The numbers that the page said were durable. */
const saidSaved = (): readonly number[] =>
  browser.log().flatMap(line => {
    const number = /saved (\d+)$/.exec(line)?.[1]
    return number === undefined ? [] : [Number(number)]
  })

test('a reload in the middle of writes loses nothing that was acknowledged', async () => {
  for (let round = 1; round <= 5; round++) {
    const before = saidSaved().length
    await browser.page.evaluate(from => void stores.writeOn(from), round * 10_000)
    await untilValue(saidSaved, saved => saved.length >= before + 7 * round, {
      every: 1,
      that: 'the first writes',
    })
    await openPage()
    const held = new Set(await browser.page.evaluate(() => stores.readNumbers()))
    expect(saidSaved().filter(number => !held.has(number))).toEqual([])
  }
})

test('a write beyond the quota is not acknowledged, loses nothing, and goes on when there is room', async () => {
  const full = await startBrowser()
  cleanup.add(full.close)
  const devtools = await full.context.newCDPSession(full.page)
  // Before the first use of the database: Chromium remembers for a while how much room there was.
  await devtools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 1_000_000 })
  await openPage(full.page)
  const write = (number: number): Promise<string> =>
    full.page.evaluate(n => stores.write(n, 150_000), number)
  const numbers = (): Promise<readonly number[]> => full.page.evaluate(() => stores.readNumbers())

  const saved: number[] = []
  let answer = await write(1)
  for (let number = 2; answer === 'saved' && number < 20; number++) {
    saved.push(number - 1)
    answer = await write(number)
  }
  expect(answer).toBe('QuotaExceededError')
  expect(saved.length).toBeGreaterThan(2)
  expect(await write(100)).toBe('QuotaExceededError')
  expect(await numbers()).toEqual(saved)

  await devtools.send('Storage.overrideQuotaForOrigin', { origin })
  expect(await write(101)).toBe('saved')
  expect(await write(102)).toBe('saved')
  await expectStrict(full.page)
  await openPage(full.page)
  expect(await numbers()).toEqual([...saved, 101, 102])
})
