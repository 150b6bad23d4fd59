/** The same invites that do not work, opened in a real browser: the page says which of them it is and what to do. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { inviteLink } from '#shell'
import { words } from '../../protocol/shell/words/index.ts'
import { startBrowser } from '../support/browser.ts'
import { createCleanup } from '../support/host.ts'
import { aheadOf, guessed, newLink, officeAt, revoke } from './invite-office.ts'
import { joinWith, newHome, up } from './running.ts'

const cleanup = createCleanup()
afterEach(() => cleanup.run())

const said = words('zh-CN').refusals
const nameLabel = '你的姓名'

test('a page that opens a bad invite says which it is, in words that lead on', async () => {
  const [office, li] = [await newHome(cleanup), await newHome(cleanup)]
  const start = await officeAt(cleanup, office)
  const first = await start()
  const once = await newLink(office)
  const revoked = await newLink(office)
  const late = await newLink(office, '--expires', '1h')
  const inPage = (link: string): string => `${first.origin}/#${link.split('#')[1] ?? ''}`

  await up(cleanup, li, ['--no-first-group'])
  writeFileSync(join(li, 'link'), once)
  await joinWith(li, join(li, 'link'), 'Li')

  const opened = async (link: string, type: keyof typeof said, asks: boolean): Promise<void> => {
    const { page, close } = await startBrowser({ language: 'zh-CN' })
    try {
      await page.goto(inPage(link))
      if (asks) {
        await page.getByLabel(nameLabel).fill('王强')
        await page.getByRole('button', { name: '加入', exact: true }).click()
      }
      const { what, next } = said[type]
      await page.getByText(what).first().waitFor({ timeout: 40_000 })
      expect(await page.locator('body').innerText()).toContain(next)
      expect(page.url()).not.toContain('#j=')
    } finally {
      await close()
    }
  }

  await opened(once.slice(0, -1), 'invite-damaged', false)
  await opened(inviteLink(first.origin, new Uint8Array(70).fill(2)), 'invite-newer-version', false)
  await opened(once, 'invite-used', true)
  await opened(guessed(once), 'invite-unknown', true)
  await first.running.stop()
  await revoke(office, revoked)
  const second = await start()
  await opened(revoked, 'invite-revoked', true)
  await second.running.stop()
  await start({ NODE_OPTIONS: aheadOf(office) })
  await opened(late, 'invite-expired', true)
})
