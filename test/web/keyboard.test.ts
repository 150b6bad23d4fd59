/** The keyboard map (research/ux.md 4.3): groups and sections without a mouse, out again with Esc, and single keys that
 *  never act while somebody writes and can be switched off. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { fixtureTime, floodHash, openFixtures, showFixture } from './browser.ts'
import type { Fixtures } from './browser.ts'
import type { Page } from 'playwright-core'

let fixtures: Fixtures
let page: Page
beforeAll(async () => {
  fixtures = await openFixtures()
  const context = await fixtures.browser.newContext({ viewport: { width: 1_280, height: 800 } })
  await context.clock.setFixedTime(fixtureTime)
  page = await context.newPage()
})
afterAll(() => fixtures.close())

beforeEach(async () => {
  await showFixture(page, fixtures.origin, { hash: floodHash, lang: 'en' })
})

const title = (): Promise<string> => page.locator('.head-title h2').first().innerText()
const dialog = () => page.getByRole('dialog')
const hash = (): Promise<string> => page.evaluate(() => location.hash)
const box = () => page.getByRole('textbox', { name: 'Write a message' })

test('Ctrl+K jumps to a group by a part of its name, also while writing', async () => {
  await box().focus()
  await page.keyboard.press('Control+k')
  await dialog().waitFor()
  await page.keyboard.type('三号')
  await page.keyboard.press('Enter')
  await dialog().waitFor({ state: 'detached' })
  expect(await title()).toBe('三号闸专班')
})

test('a name that no group has is said, and Esc goes back to where one was', async () => {
  await box().focus()
  await page.keyboard.press('Control+k')
  await dialog().waitFor()
  await page.keyboard.type('no such place')
  await dialog().getByText('No such group').first().waitFor()
  await page.keyboard.press('Enter')
  await page.keyboard.press('Escape')
  await dialog().waitFor({ state: 'detached' })
  expect(await hash()).toBe(floodHash)
  expect(await box().evaluate(element => element === document.activeElement)).toBe(true)
})

test('Alt and the arrows walk the groups in the order of the list', async () => {
  const listed = await page.locator('.group-title').allInnerTexts()
  const seen = [await title()]
  for (let step = 1; step < listed.length; step++) {
    await page.keyboard.press('Alt+ArrowDown')
    await page.waitForFunction(
      before => document.querySelector('.head-title h2')?.textContent !== before,
      seen.at(-1),
    )
    seen.push(await title())
  }
  expect(seen).toEqual(listed)
  await page.keyboard.press('Alt+ArrowDown')
  await page.keyboard.press('Alt+ArrowUp')
  await page.waitForFunction(
    wanted => document.querySelector('.head-title h2')?.textContent === wanted,
    listed.at(-2),
  )
})

test('Alt and a number opens a section, Esc closes details', async () => {
  await page.keyboard.press('Alt+2')
  await page.getByRole('heading', { name: 'Network' }).waitFor()
  await page.keyboard.press('Alt+3')
  await page.getByRole('heading', { name: 'Me', exact: true }).waitFor()
  await showFixture(page, fixtures.origin, { hash: `${floodHash}/info`, lang: 'en' })
  await page.keyboard.press('Escape')
  await page.waitForFunction(wanted => location.hash === wanted, floodHash)
  expect(await page.getByRole('heading', { name: 'Group info' }).count()).toBe(0)
})

test('Esc gives up the answer before it leaves anything', async () => {
  await page.getByRole('log').focus()
  await page.keyboard.press('k')
  await page.keyboard.press('k')
  await page.keyboard.press('r')
  await page.getByText('Reply to 周洋').waitFor()
  await page.keyboard.press('Escape')
  await page.getByText('Reply to 周洋').waitFor({ state: 'detached' })
  expect(await hash()).toBe(floodHash)
})

test('the question mark shows the keys, but not while somebody writes', async () => {
  await box().focus()
  await page.keyboard.press('?')
  expect(await box().inputValue()).toBe('?')
  expect(await dialog().count()).toBe(0)
  await page.getByRole('log').focus()
  await page.keyboard.press('?')
  await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor()
  expect(await dialog().locator('dt').count()).toBeGreaterThanOrEqual(9)
})

test('single keys can be switched off, and the list of keys is still to be had', async () => {
  await showFixture(page, fixtures.origin, { hash: '#/me', lang: 'en' })
  await page.getByLabel('Single-letter keys').uncheck()
  await page.locator('main').focus()
  await page.keyboard.press('?')
  expect(await dialog().count()).toBe(0)
  await page.evaluate(wanted => (location.hash = wanted), floodHash)
  await page.getByRole('log').focus()
  await page.keyboard.press('k')
  expect(await page.evaluate(() => document.activeElement?.getAttribute('role'))).toBe('log')
  await page.keyboard.press('Alt+3')
  await page.getByRole('button', { name: 'Keyboard shortcuts' }).click()
  await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor()
  await page.keyboard.press('Escape')
  await page.getByLabel('Single-letter keys').check()
})
