/** Every screen against WCAG 2.2 A and AA and axe's best practices, in every size, every theme and every language. Colours do
 *  not change with the language, so English is looked at in one theme: a check costs a second. */
import { AxeBuilder } from '@axe-core/playwright'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fixtureTime, floodHash, openFixtures, screens, showFixture, viewports } from './browser.ts'
import type { FixtureChoice, Fixtures } from './browser.ts'
import type { Page } from 'playwright-core'

const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

let fixtures: Fixtures
beforeAll(async () => {
  fixtures = await openFixtures()
})
afterAll(() => fixtures.close())

const violationsOf = async (page: Page): Promise<readonly string[]> => {
  const { violations } = await new AxeBuilder({ page })
    .options({
      runOnly: { type: 'tag', values: tags },
      // 7 : 1 everywhere, not only where it is promised
      rules: { 'color-contrast-enhanced': { enabled: true } },
    })
    .analyze()
  return violations.flatMap(violation =>
    violation.nodes.map(node => `${violation.id}: ${node.html.slice(0, 160)}`),
  )
}

const themes = ['light', 'dark', 'sun'] as const
const looks: readonly FixtureChoice[] = [
  ...themes.map(theme => ({ theme, lang: 'zh-CN' as const })),
  { theme: 'dark', lang: 'en' },
]

describe.each(Object.entries(viewports))('on a %s', (_, viewport) => {
  test.each(Object.entries(screens))(
    '%s breaks no rule in any theme or language',
    async (_name, screen) => {
      const context = await fixtures.browser.newContext({ viewport })
      await context.clock.setFixedTime(fixtureTime)
      const look = async (choice: FixtureChoice): Promise<readonly string[]> => {
        const page = await context.newPage()
        await showFixture(page, fixtures.origin, { ...screen, ...choice })
        const found = await violationsOf(page)
        await page.close()
        return found.map(violation => `${choice.theme} ${choice.lang} ${violation}`)
      }
      const found = (await Promise.all(looks.map(look))).flat()
      await context.close()
      expect(found).toEqual([])
    },
  )
})

const dialogs: Readonly<Record<string, (page: Page) => Promise<void>>> = {
  'the sheet that jumps to a group': page => page.keyboard.press('Control+k'),
  'the list of keys': page => page.keyboard.press('?'),
  'the sheet that makes an invite': async page => {
    await page.getByRole('button', { name: '邀请他人' }).click()
  },
  'the sheet with an invite': async page => {
    await page.getByRole('button', { name: '邀请他人' }).click()
    await page.getByRole('button', { name: '生成邀请' }).click()
    await page.getByRole('img', { name: '邀请二维码' }).waitFor()
  },
  'the sheet that changes a group': async page => {
    await page.getByRole('button', { name: '修改群名和用途' }).click()
  },
  'the sheet that leaves a group': async page => {
    await page.getByRole('button', { name: '退出此群' }).click()
  },
}

test.each(Object.entries(dialogs))('%s breaks no rule', async (_, open) => {
  const found: string[] = []
  for (const theme of themes) {
    const context = await fixtures.browser.newContext({ viewport: viewports.phone })
    const page = await context.newPage()
    await showFixture(page, fixtures.origin, { hash: `${floodHash}/info`, theme })
    await open(page)
    await page.getByRole('dialog').waitFor()
    for (const violation of await violationsOf(page)) found.push(`${theme} ${violation}`)
    await context.close()
  }
  expect(found).toEqual([])
})
