/** Text is text: whatever others write or call themselves appears as it was typed, runs nothing and asks for nothing
 *  (reliability-security.md, T18). */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { floodHash, openFixtures, showFixture } from './browser.ts'
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

test('hostile names and texts are shown as typed, run nothing and fetch nothing', async () => {
  const context = await fixtures.browser.newContext({ viewport: { width: 1_280, height: 800 } })
  const page = await context.newPage()
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
    if (!request.url().startsWith(fixtures.origin)) trouble.push(`request: ${request.url()}`)
  })
  const given = JSON.stringify(payloads)
  await page.addInitScript(value => (window.name = value), given)
  const places = [
    '#/',
    '#/mesh',
    '#/me',
    floodHash,
    `${floodHash}/info`,
    `${floodHash}/m/bbbbbbbbbbbbbbbb.3`,
  ]
  for (const hash of places) {
    await showFixture(page, fixtures.origin, { case: 'hostile', hash })
    const injected = page.locator(
      '#app :is(script, iframe, object, embed, img, style, link, form[action], math, meta)',
    )
    expect(await injected.count()).toBe(0)
    const isSideways = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)
    expect(isSideways).toBe(false)
  }
  await showFixture(page, fixtures.origin, { case: 'hostile', hash: floodHash })
  // marks of bold and code are the only characters that may be missing
  const bare = (text: string): string => text.replaceAll('**', '').replaceAll('`', '')
  const shown = await page.locator('.message-text').allTextContents()
  expect(shown.map(bare)).toEqual(payloads.map(bare))
  await context.close()
  expect(trouble).toEqual([])
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
