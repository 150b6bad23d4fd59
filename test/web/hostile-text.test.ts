/** Text is text: whatever others write or call themselves appears as it was typed, runs nothing and asks for nothing
 *  (reliability-security.md, T18). */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { floodHash, openFixtures, showFixture } from './browser.ts'
import { naughtyStrings } from '../support/naughty-strings.ts'
import type { Page } from 'playwright-core'
import type { Fixtures } from './browser.ts'

let fixtures: Fixtures
beforeAll(async () => {
  fixtures = await openFixtures()
})
afterAll(() => fixtures.close())

const payloads: readonly string[] = [
  '<script>alert(1)</script>',
  '"><script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '<img src="http://evil.test/p.png">',
  '<svg onload=alert(1)>',
  '<svg><script>alert(1)</script></svg>',
  '<iframe src="javascript:alert(1)"></iframe>',
  '<body onload=alert(1)>',
  '<a href="javascript:alert(1)">x</a>',
  '<math><mi xlink:href="data:x,<script>alert(1)</script>">',
  '<input autofocus onfocus=alert(1)>',
  '<details open ontoggle=alert(1)>',
  '<style>@import "http://evil.test/x.css";</style>',
  '<link rel=stylesheet href=http://evil.test/x.css>',
  '<meta http-equiv=refresh content="0;url=http://evil.test">',
  '<object data="http://evil.test/x"></object>',
  '<form action=http://evil.test><input type=submit autofocus>',
  '{{constructor.constructor("alert(1)")()}}',
  '${alert(1)}',
  '`${alert(1)}`',
  'javascript:alert(1)',
  'data:text/html,<script>alert(1)</script>',
  '[x](javascript:alert(1))',
  '![x](http://evil.test/p.png)',
  '**<b onmouseover=alert(1)>x</b>**',
  '`<img src=x onerror=alert(1)>`',
  '&lt;script&gt;alert(1)&lt;/script&gt;',
  '&#60;img src=x onerror=alert(1)&#62;',
  '\u202Egpj.exe\u202C',
  '\u2066\u202Eabc\u2069',
  '\u200B\u200C\u200D\uFEFF',
  '\0\u0007\u001B[31mred\u001B[0m',
  'Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘!͖̬̰̙̗̿̋ͥͥ̂ͣ̐́́͜͞',
  '👩‍👩‍👧‍👦🏳️‍🌈',
  '__proto__',
  'constructor',
  '[object Object]',
  'null',
  'x'.repeat(5_000),
  '字'.repeat(2_000),
]

/** Everything that must not happen while hostile text is on screen. */
const watch = (page: Page): readonly string[] => {
  const trouble: string[] = []
  page.on('dialog', dialog => {
    trouble.push(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  page.on('console', message => {
    if (message.type() === 'error') trouble.push(`console: ${message.text()}`)
  })
  page.on('pageerror', error => trouble.push(`error: ${error.message}`))
  page.on('request', request => {
    const { origin, pathname } = new URL(request.url())
    const isOurs = origin === fixtures.origin && /^\/(assets\/|fixtures\.html$)/.test(pathname)
    if (!isOurs) trouble.push(`request: ${request.url()}`)
  })
  return trouble
}

/** marks of bold and code are the only characters that may be missing */
const bare = (text: string): string => text.replaceAll('**', '').replaceAll('`', '')

const places = [
  '#/',
  '#/mesh',
  '#/me',
  `${floodHash}/info`,
  `${floodHash}/m/bbbbbbbbbbbbbbbb.3`,
  floodHash,
]

/** Shows the texts as messages and as every name, and says what came of it. */
const showEverywhere = async (page: Page, texts: readonly string[]): Promise<void> => {
  await page.addInitScript(value => (window.name = value), JSON.stringify(texts))
  for (const hash of places) {
    await showFixture(page, fixtures.origin, { case: 'hostile', hash })
    const injected = page.locator(
      '#app :is(script, iframe, object, embed, img, style, link, form[action], math, meta, base, audio, video, marquee, font)',
    )
    expect(await injected.count()).toBe(0)
    expect(await page.locator('#app [onclick], #app [onerror], #app [onmouseover]').count()).toBe(0)
    const isSideways = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)
    expect(isSideways).toBe(false)
  }
  const shown = await page.locator('.message-text').allTextContents()
  expect(shown.map(bare)).toEqual(texts.map(bare))
  // names, titles and previews: whatever stands there is one of the texts, whole
  const given = new Set(texts)
  const names = await page.locator('.author bdi, .group-title bdi').allTextContents()
  expect(names.length).toBeGreaterThan(2 * texts.length)
  expect(names.filter(name => !given.has(name))).toEqual([])
}

const openPage = (width = 1_280) => fixtures.browser.newPage({ viewport: { width, height: 800 } })

test('hostile names and texts are shown as typed, run nothing and fetch nothing', async () => {
  const page = await openPage()
  const trouble = watch(page)
  await showEverywhere(page, payloads)
  await page.close()
  expect(trouble).toEqual([])
})

/** At most so many messages stand in a page at once. */
const batch = 150

test('so is every string of the published list of naughty strings', async () => {
  for (let from = 0; from < naughtyStrings.length; from += batch) {
    const page = await openPage()
    const trouble = watch(page)
    await showEverywhere(page, naughtyStrings.slice(from, from + batch))
    await page.close()
    expect(trouble).toEqual([])
  }
})

test('characters that show nothing or turn a line are made visible, and turn nothing', async () => {
  const page = await openPage()
  const text = 'invoice \u202Egpj.exe and \u001B[31mred'
  await page.addInitScript(value => (window.name = value), JSON.stringify([text]))
  await showFixture(page, fixtures.origin, { case: 'hostile', hash: floodHash })
  const message = page.locator('.message-text').last()
  expect(await message.textContent()).toBe(text)
  const signs = message.locator('.sign')
  expect(await signs.evaluateAll(all => all.map(sign => sign.getAttribute('data-sign')))).toEqual([
    'U+202E',
    '␛',
  ])
  // each letter stands to the right of the one before: the line was not turned
  const lefts = await message.evaluate(element => {
    const range = document.createRange()
    const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT)
    const found: number[] = []
    for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
      if (node.parentElement?.classList.contains('sign') === true) continue
      for (let at = 0; at < (node.textContent ?? '').length; at++) {
        range.setStart(node, at)
        range.setEnd(node, at + 1)
        found.push(range.getBoundingClientRect().left)
      }
    }
    return found
  })
  expect(lefts).toEqual(lefts.toSorted((a, b) => a - b))
  await page.close()
})

test('only web addresses become links, and they give nothing away', async () => {
  const context = await fixtures.browser.newContext()
  const page = await context.newPage()
  const text =
    'see https://example.org/a?b=1. or http://x.test) not javascript:alert(1) nor ftp://x'
  await page.addInitScript(value => (window.name = value), JSON.stringify([text]))
  await showFixture(page, fixtures.origin, { case: 'hostile', hash: floodHash })
  const links = page.locator('.message-text').last().locator('a')
  expect(await links.evaluateAll(all => all.map(link => link.getAttribute('href')))).toEqual([
    'https://example.org/a?b=1',
    'http://x.test/',
  ])
  expect(await links.first().getAttribute('rel')).toContain('noopener noreferrer')
  await context.close()
})
