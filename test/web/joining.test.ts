/** The ways to an invite: a link, pasted text, a photo of a QR code; and what is said when it is none. */
import { encodeQR } from 'qr'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { openFixtures, showFixture } from './browser.ts'
import type { Fixtures } from './browser.ts'
import type { Page } from 'playwright-core'

let fixtures: Fixtures
let page: Page
beforeAll(async () => {
  fixtures = await openFixtures()
  page = await fixtures.browser.newPage({ viewport: { width: 360, height: 720 } })
})
afterAll(() => fixtures.close())

const link = `http://192.168.1.5:8080/#j=${'AbCdEfGh1234'.repeat(14)}`

beforeEach(() => showFixture(page, fixtures.origin, { hash: '#/join' }))

const photoOf = (text: string) => ({
  name: 'photo.gif',
  mimeType: 'image/gif',
  buffer: Buffer.from(encodeQR(text, 'gif', { scale: 5, border: 4 })),
})

test('a photo of a QR code opens the invite in it', async () => {
  await page.locator('input[type=file]').setInputFiles(photoOf(link))
  await page.getByLabel('你的姓名').waitFor()
})

test('a photo without a QR code says what to do', async () => {
  const empty = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64')
  const photo = { name: 'empty.gif', mimeType: 'image/gif', buffer: empty }
  await page.locator('input[type=file]').setInputFiles(photo)
  await page.getByText('照片里没有找到二维码').waitFor()
})

test('a pasted link opens, a scrap of one is refused in words', async () => {
  await page.getByLabel('粘贴邀请链接或邀请码').fill('abc')
  await page.getByRole('button', { name: '打开邀请' }).click()
  await page.getByText('邀请不完整或有错字').waitFor()
  await page.getByLabel('粘贴邀请链接或邀请码').fill(link)
  await page.getByRole('button', { name: '打开邀请' }).click()
  await page.getByLabel('你的姓名').waitFor()
})

test('a name is asked for in words, at the field', async () => {
  await showFixture(page, fixtures.origin, { case: 'join', hash: '#/join' })
  await page.getByRole('button', { name: '加入', exact: true }).click()
  const field = page.getByLabel('你的姓名')
  expect(await field.getAttribute('aria-invalid')).toBe('true')
  const described = await field.getAttribute('aria-describedby')
  expect(await page.locator(`[id="${described}"]`).innerText()).toContain('请填写姓名')
})

test('a LAN page says what it cannot do, and wants a passphrase or a plain word for none', async () => {
  await showFixture(page, fixtures.origin, { case: 'join-lan', hash: '#/join' })
  await page.getByText('传输未加密').waitFor()
  await page.getByLabel('你的姓名').fill('王强')
  await page.getByLabel('本机口令').fill('short')
  await page.getByRole('button', { name: '加入', exact: true }).click()
  await page.locator('.error', { hasText: '至少 8 个字符' }).waitFor()
  await page.getByText('不保存，只在内存').click()
  await page.getByText('关闭页面后，本机的身份和消息都会消失').waitFor()
})
