/** Sizes that hands need: targets large enough for a thumb, and no sideways scrolling on the narrowest phone or with text
 *  twice as large. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fixtureTime, openFixtures, screens, showFixture, viewports } from './browser.ts'
import type { Fixtures } from './browser.ts'
import type { Page } from 'playwright-core'

let fixtures: Fixtures
beforeAll(async () => {
  fixtures = await openFixtures()
})
afterAll(() => fixtures.close())

const open = async (viewport: { width: number; height: number }): Promise<Page> => {
  const context = await fixtures.browser.newContext({ viewport })
  await context.clock.setFixedTime(fixtureTime)
  return context.newPage()
}

/** Visible things to press below 44 × 44; radios and checkboxes count through their labels, links inside text are exempt
 *  (WCAG 2.5.8, inline). */
const smallTargets = (page: Page): Promise<readonly string[]> =>
  page.evaluate(() => {
    const small: string[] = []
    const targets = document.querySelectorAll<HTMLElement>(
      'button, a[href], input:not([type=radio], [type=checkbox], [type=file]), select, textarea, summary, label:has(input)',
    )
    for (const target of targets) {
      if (target.closest('.message-text, .skip') !== null) continue
      if (target.matches('.skip') || !target.checkVisibility({ contentVisibilityAuto: true }))
        continue
      const { width, height } = target.getBoundingClientRect()
      if (width < 43.9 || height < 43.9) {
        small.push(`${Math.round(width)}×${Math.round(height)} ${target.outerHTML.slice(0, 120)}`)
      }
    }
    return small
  })

const sidewaysPixels = (page: Page): Promise<number> =>
  page.evaluate(() => {
    const boxes = [
      document.documentElement,
      ...document.querySelectorAll<HTMLElement>('main, aside, nav'),
    ]
    return Math.max(...boxes.map(box => box.scrollWidth - box.clientWidth))
  })

/** What stands out beyond the window although nothing scrolls: it would be cut off. */
const cutOff = (page: Page): Promise<readonly string[]> =>
  page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>('button, a, input, select, textarea, h2, h3, p, dd')]
      .filter(
        element => element.checkVisibility() && element.closest('.visually-hidden, .skip') === null,
      )
      .filter(element => !element.matches('.skip'))
      .filter(element => element.getBoundingClientRect().right > innerWidth + 1)
      .map(element => element.outerHTML.slice(0, 120)),
  )

test.each(Object.entries(viewports))(
  'on a %s every target is large enough',
  async (_, viewport) => {
    const page = await open(viewport)
    const found: string[] = []
    for (const [name, screen] of Object.entries(screens)) {
      await showFixture(page, fixtures.origin, screen)
      for (const target of await smallTargets(page)) found.push(`${name}: ${target}`)
    }
    await page.context().close()
    expect(found).toEqual([])
  },
)

test.each([
  ['320 pixels', 100],
  ['360 pixels and text twice as large', 200],
] as const)('at %s nothing scrolls sideways and nothing is cut off', async (name, size) => {
  const page = await open({ width: name.startsWith('320') ? 320 : 360, height: 640 })
  const found: string[] = []
  for (const [screenName, screen] of Object.entries(screens)) {
    for (const lang of ['zh-CN', 'en'] as const) {
      await showFixture(page, fixtures.origin, { ...screen, lang, size })
      const sideways = await sidewaysPixels(page)
      if (sideways > 0) found.push(`${screenName} ${lang}: ${sideways} px sideways`)
      for (const element of await cutOff(page)) found.push(`${screenName} ${lang}: ${element}`)
    }
  }
  await page.context().close()
  expect(found).toEqual([])
})

test('a conversation of 500 messages keeps at most 200 rows in the page and reaches both ends', async () => {
  const page = await open(viewports.phone)
  await showFixture(page, fixtures.origin, {
    case: 'many',
    hash: '#/g/0123456789abcdef0123456789abcdef',
  })
  const rows = page.locator('li.message')
  expect(await rows.count()).toBe(200)
  await page.getByText('第 500 条').waitFor()
  for (let step = 0; step < 3; step++) {
    await page.getByRole('button', { name: '载入较早的消息' }).click()
    expect(await rows.count()).toBeLessThanOrEqual(200)
  }
  expect(await page.getByText('第 1 条').count()).toBe(1)
  await page.getByRole('button', { name: '回到最新' }).click()
  await page.getByText('第 500 条').waitFor()
  await page.context().close()
})

test('without animation wishes nothing moves, and forced colours keep every screen', async () => {
  const page = await open(viewports.phone)
  await page.emulateMedia({ reducedMotion: 'reduce', forcedColors: 'active' })
  await showFixture(page, fixtures.origin, { hash: '#/g/0123456789abcdef0123456789abcdef' })
  const moving = await page.evaluate(
    () =>
      [...document.querySelectorAll('*')].filter(element => {
        const { transitionDuration, animationName } = getComputedStyle(element)
        return animationName !== 'none' || /[1-9]/.test(transitionDuration)
      }).length,
  )
  expect(moving).toBe(0)
  await page.getByRole('textbox', { name: '写消息' }).waitFor()
  await page.context().close()
})
