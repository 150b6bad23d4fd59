/** Writing: the input method owns Enter while it composes, text is kept before anything else happens, limits are said. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { floodHash, openFixtures, showFixture } from './browser.ts'
import type { Fixtures } from './browser.ts'
import type { Page } from 'playwright-core'

let fixtures: Fixtures
let page: Page
beforeAll(async () => {
  fixtures = await openFixtures()
  const context = await fixtures.browser.newContext({ viewport: { width: 1_280, height: 800 } })
  page = await context.newPage()
})
afterAll(() => fixtures.close())

beforeEach(() => showFixture(page, fixtures.origin, { hash: floodHash }))

const box = () => page.getByRole('textbox', { name: '写消息' })
// read by textContent: innerText is empty for a row the browser has not drawn yet (content-visibility)
const waiting = () => page.locator('li.message[data-waiting=true]')

test('Enter inside a composition chooses a word and sends nothing', async () => {
  await box().focus()
  const session = await page.context().newCDPSession(page)
  await session.send('Input.imeSetComposition', {
    text: '收到',
    selectionStart: 2,
    selectionEnd: 2,
  })
  await box().dispatchEvent('keydown', {
    key: 'Enter',
    code: 'Enter',
    isComposing: true,
    bubbles: true,
  })
  await box().dispatchEvent('keydown', { key: 'Enter', code: 'Enter', keyCode: 229, bubbles: true })
  expect(await waiting().count()).toBe(0)
  await session.send('Input.insertText', { text: '收到' })
  await page.keyboard.press('Enter')
  await waiting().waitFor()
  expect(await waiting().textContent()).toContain('收到')
  expect(await box().inputValue()).toBe('')
})

test('Shift and Enter start a line, Enter sends both', async () => {
  await box().fill('第一行')
  await page.keyboard.press('Shift+Enter')
  await page.keyboard.type('第二行')
  await page.keyboard.press('Enter')
  expect(await waiting().locator('.message-text').textContent()).toBe('第一行\n第二行')
})

test('only spaces are not a message', async () => {
  await box().fill('   \n ')
  expect(await page.getByRole('button', { name: '发送' }).isDisabled()).toBe(true)
  await page.keyboard.press('Enter')
  expect(await waiting().count()).toBe(0)
})

test('bytes are counted, and one too many is said and not sent', async () => {
  await box().fill('水'.repeat(100))
  await page.getByText('300 字节').waitFor()
  await box().fill('水'.repeat(1_366))
  await page.getByText('超出 2 字节').waitFor()
  expect(await page.getByRole('button', { name: '发送' }).isDisabled()).toBe(true)
})

test('the level goes with one message and falls back to routine', async () => {
  await page.getByLabel('级别').selectOption('flash')
  await page.getByText('特急：最先传送').waitFor()
  await box().fill('立即撤离')
  await page.keyboard.press('Enter')
  await waiting().waitFor()
  expect(await waiting().getAttribute('data-priority')).toBe('flash')
  expect(await page.getByLabel('级别').inputValue()).toBe('routine')
})

test('a message can be answered from the keyboard', async () => {
  await page.getByRole('log').focus()
  await page.keyboard.press('k')
  await page.keyboard.press('k')
  await page.keyboard.press('r')
  await page.getByText('回复 周洋').waitFor()
  await page.getByRole('log').focus()
  await page.keyboard.press('k')
  await page.keyboard.press('i')
  await page.getByRole('heading', { name: '消息详情' }).waitFor()
})

test('a dialog closes with Escape and gives the focus back', async () => {
  const opener = page.getByRole('button', { name: '邀请', exact: true })
  await opener.focus()
  await page.keyboard.press('Enter')
  await page.getByRole('dialog').waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  expect(await opener.evaluate(element => element === document.activeElement)).toBe(true)
})

test('what the other side writes is announced once, as name and text', async () => {
  await page.evaluate(() => {
    const { groups } = Reflect.get(globalThis, 'petrelFixture')
    const view = groups.get('0123456789abcdef0123456789abcdef')
    const template = view.value.messages.findLast((message: { mine: boolean }) => !message.mine)
    const message = { ...template, id: 'x.1', body: { type: 'text', text: '水位回落' } }
    view.value = { ...view.value, messages: [...view.value.messages, message] }
  })
  const region = page.locator('[aria-live=polite]').first()
  await page.waitForFunction(() => document.querySelector('[aria-live=polite]')?.textContent !== '')
  expect(await region.textContent()).toBe('周洋：水位回落')
})

test('what was seen is reported only while the page is looked at', async () => {
  const asked = () =>
    page.evaluate(() =>
      Reflect.get(globalThis, 'petrelFixture')
        .asked.filter((intent: { type: string }) => intent.type === 'mark-displayed')
        .map((intent: { message: string }) => intent.message),
    )
  await page.bringToFront()
  await page.waitForFunction(() =>
    Reflect.get(globalThis, 'petrelFixture').asked.some(
      (intent: { type: string }) => intent.type === 'mark-displayed',
    ),
  )
  // the newest message of somebody else, not the own one below it
  expect(await asked()).toEqual(['cccccccccccccccc.12'])
})
