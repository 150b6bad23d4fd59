/** The page as a peer, against a real node: joining, writing before the network is there, tabs, and what lies on disk. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { temporaryDirectory } from '../support/host.ts'
import { startPetrel } from '../support/petrel-process.ts'
import { until } from '../support/until.ts'
import { builtApp, openBrowser, serveFolder } from './browser.ts'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import type { RunningProcess } from '../support/petrel-process.ts'

let browser: Browser
let node: RunningProcess
let home: Awaited<ReturnType<typeof temporaryDirectory>>
/** As a browser on this machine opens it. */
let link = ''
/** As a phone on the LAN opens it: no secure origin. */
let lanLink = ''

beforeAll(async () => {
  browser = await openBrowser()
  home = await temporaryDirectory('petrel-web')
  node = startPetrel(
    ['up', '--http', '0', '--tcp', '0', '--ws', '0', '--webrtc', '0', '--no-mdns', '--show-link'],
    home.path,
  )
  const [found = ''] = await node.printed(/http:\/\/127\.0\.0\.1:\d+\/#\S+/)
  link = found
  const [lan = ''] = /http:\/\/(?!127\.)[\d.]+:\d+(?=[\s/])/.exec(node.stdout()) ?? []
  lanLink = lan === '' ? '' : `${lan}/#${found.split('#')[1]}`
})
afterAll(async () => {
  await browser.close()
  await node.stop()
  await home.remove()
})

const newContext = (): Promise<BrowserContext> =>
  browser.newContext({ locale: 'zh-CN', viewport: { width: 1_280, height: 800 } })

const box = (page: Page) => page.getByRole('textbox', { name: '写消息' })
const log = (page: Page) => page.getByRole('log')
const netBar = (page: Page) => page.locator('.net-bar')

const write = async (page: Page, text: string): Promise<void> => {
  await box(page).fill(text)
  await page.keyboard.press('Enter')
}

const join = async (page: Page, name: string): Promise<void> => {
  await page.goto(link)
  await page.getByLabel('你的姓名').fill(name)
  await page.getByRole('button', { name: '加入', exact: true }).click()
  await box(page).waitFor()
}

const isHandedOver = (page: Page, text: string) =>
  until(
    async () => {
      const row = page.locator('li.message[data-id]', { hasText: text })
      return (await row.count()) === 1 && /已交给|已送达|已读/.test((await row.textContent()) ?? '')
    },
    { within: 40_000, that: `${text} with a node` },
  )

/** The values of every database of this page, as text: those under keys that begin so, or all. */
const storedText = (page: Page, prefix = ''): Promise<string> =>
  page.evaluate(async start => {
    const settled = <T>(request: IDBRequest<T>): Promise<T> =>
      new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result)
        request.onerror = () => reject(request.error ?? new Error('failed'))
      })
    const textOf = (value: unknown): string => {
      if (typeof value === 'string') return value
      if (value instanceof ArrayBuffer) return new TextDecoder().decode(value)
      if (ArrayBuffer.isView(value)) return new TextDecoder().decode(value)
      return JSON.stringify(value) ?? ''
    }
    const all: string[] = []
    for (const { name } of await indexedDB.databases()) {
      if (name === undefined || name === 'petrel-writer') continue
      const database = await settled(indexedDB.open(name))
      for (const store of database.objectStoreNames) {
        const rows = database.transaction(store).objectStore(store)
        const [keys, values] = await Promise.all([
          settled(rows.getAllKeys()),
          settled<unknown[]>(rows.getAll()),
        ])
        const isMeant = (key: IDBValidKey | undefined): boolean =>
          start === '' || (typeof key === 'string' && key.startsWith(start))
        all.push(...values.filter((_value, at) => isMeant(keys[at])).map(textOf))
      }
      database.close()
    }
    return all.join('\n')
  }, prefix)

/** What was shown last is kept anew every few seconds; resolves when that happened. */
const snapshotKept = async (page: Page): Promise<void> => {
  const before = await storedText(page, 'snapshot/group/')
  await until(async () => (await storedText(page, 'snapshot/group/')) !== before, {
    within: 20_000,
    that: 'a newer snapshot',
  })
}

test('an invite leaves the address before anything is asked for, and its secret is never sent', async () => {
  const served = await serveFolder(builtApp)
  const context = await newContext()
  const page = await context.newPage()
  const token = link.split('#j=')[1] ?? ''
  const asked: string[] = []
  const errors: string[] = []
  page.on('console', message => {
    // the policy of this server forbids inline code, eval and strings as code (Trusted Types)
    if (/Content Security Policy|Trusted/i.test(message.text())) errors.push(message.text())
  })
  page.on('request', request => asked.push(request.url() + (request.postData() ?? '')))
  await page.goto(`${served.origin}/#j=${token}`)
  await page.getByLabel('你的姓名').waitFor()
  expect(new URL(page.url()).hash).toBe('#/join')
  await until(() => served.asked.some(path => path.includes('network-')), {
    that: 'the network chunk',
  })
  expect(await page.evaluate(() => history.length)).toBeLessThanOrEqual(2)
  await page.getByLabel('你的姓名').fill('周洋')
  await page.getByRole('button', { name: '加入', exact: true }).click()
  await until(async () => /离线/.test(await netBar(page).innerText()), { within: 30_000 })
  expect(errors).toEqual([])
  // counted for the progress line and run from the cache: one transfer
  expect(served.asked.filter(path => path.includes('network-'))).toHaveLength(1)
  const secret = token.slice(24, 60)
  expect(secret.length).toBe(36)
  // the fragment of the first address is the browser's own; it is never part of a request
  expect(served.asked.join('\n')).not.toContain(secret)
  expect(asked.slice(1).join('\n')).not.toContain(secret)
  await context.close()
  await served.close()
})

describe('a page of this machine', () => {
  test('writes before the network code is there, keeps it over a reload, and sends it once', async () => {
    const context = await newContext()
    const page = await context.newPage()
    await context.route('**/network-*.js', route => route.abort())
    await join(page, '周洋')
    await write(page, '断网时写的一句')
    await page.getByText('仅在本机，通信模块就绪后交出').waitFor()
    await box(page).fill('还没写完的草稿')
    await until(async () => (await storedText(page, 'draft/')) !== '', { that: 'a stored draft' })
    await page.reload()
    await page.getByText('断网时写的一句').waitFor()
    await until(async () => (await box(page).inputValue()) === '还没写完的草稿', {
      within: 10_000,
      that: 'the draft',
    })
    await context.unroute('**/network-*.js')
    await page.reload()
    await isHandedOver(page, '断网时写的一句')
    expect(await log(page).getByText('断网时写的一句').count()).toBe(1)

    // history is there from disk, before any network code
    await context.route('**/network-*.js', route => route.abort())
    await snapshotKept(page)
    await page.reload()
    await log(page).getByText('断网时写的一句').waitFor()
    expect(await storedText(page)).not.toMatch(/断网时写的一句|还没写完的草稿|周洋/)
    await context.close()
  })

  test('two tabs are one peer, and the second takes over when the first closes', async () => {
    const context = await newContext()
    const first = await context.newPage()
    await join(first, '李工')
    await write(first, '第一页')
    await isHandedOver(first, '第一页')
    const second = await context.newPage()
    await second.goto(first.url())
    await log(second).getByText('第一页').waitFor()
    await write(second, '第二页')
    await log(first).getByText('第二页').waitFor()
    await isHandedOver(second, '第二页')
    await first.close()
    await write(second, '接手以后')
    await isHandedOver(second, '接手以后')
    expect(await second.locator('li.message[data-mine=true]').count()).toBe(3)
    await context.close()
  })

  test('an invite made here lets another one in, and each sees the other', async () => {
    const [context, other] = [await newContext(), await newContext()]
    const [page, guest] = [await context.newPage(), await other.newPage()]
    await join(page, '张主任')
    // a guest of the node's group may not invite, and is not offered it; in an own group one may
    expect(await page.getByRole('button', { name: '邀请', exact: true }).count()).toBe(0)
    await page.getByRole('button', { name: '新建群' }).click()
    await page.getByRole('dialog').getByLabel('群名').fill('三号闸专班')
    await page.getByRole('button', { name: '建群', exact: true }).click()
    await page.getByRole('heading', { name: '三号闸专班' }).waitFor()
    await page.getByRole('button', { name: '邀请', exact: true }).click()
    await page.getByRole('button', { name: '生成邀请' }).click()
    const made = await page.getByLabel('邀请链接').innerText()
    expect(made).toMatch(/^http:\/\/[\d.]+:\d+\/#j=[\w-]+$/)
    await page.getByRole('img', { name: '邀请二维码' }).waitFor()
    await page.keyboard.press('Escape')
    await guest.goto(`${new URL(link).origin}/#j=${made.split('#j=')[1]}`)
    await guest.getByLabel('你的姓名').fill('赵敏')
    await guest.getByRole('button', { name: '加入', exact: true }).click()
    await write(guest, '我是赵敏')
    await log(page).getByText('我是赵敏').waitFor({ timeout: 40_000 })
    await write(page, '欢迎')
    await log(guest).getByText('欢迎').waitFor({ timeout: 40_000 })
    await context.close()
    await other.close()
  })
})

describe('a page of the LAN, without a secure origin', () => {
  test('keeps its content under a passphrase, and opens it only with that one', async () => {
    expect(lanLink).not.toBe('')
    const context = await newContext()
    const page = await context.newPage()
    await page.goto(lanLink)
    expect(await page.evaluate(() => isSecureContext)).toBe(false)
    await page.getByText('传输未加密').first().waitFor()
    await page.getByLabel('你的姓名').fill('王强')
    await page.getByLabel('本机口令').fill('正确的口令 horse')
    await page.getByRole('button', { name: '加入', exact: true }).click()
    await write(page, '局域网里写的')
    await isHandedOver(page, '局域网里写的')
    await snapshotKept(page)
    expect(await storedText(page)).not.toMatch(/局域网里写的|王强/)
    await page.reload()
    await page.getByRole('heading', { name: '打开本机内容' }).waitFor()
    await page.getByLabel('本机口令').fill('另一个口令')
    await page.getByRole('button', { name: '打开', exact: true }).click()
    await page.getByText('口令不对').waitFor()
    await page.getByLabel('本机口令').fill('正确的口令 horse')
    await page.getByRole('button', { name: '打开', exact: true }).click()
    await log(page).getByText('局域网里写的').waitFor()
    await until(async () => /在线/.test(await netBar(page).innerText()), { within: 30_000 })

    // a second tab, and the lock that works without Web Locks
    const second = await context.newPage()
    await second.goto(page.url())
    await second.getByLabel('本机口令').fill('正确的口令 horse')
    await second.getByRole('button', { name: '打开', exact: true }).click()
    await write(second, '从第二页')
    await log(page).getByText('从第二页').waitFor()
    await page.close()
    await write(second, '第二页接手')
    await isHandedOver(second, '第二页接手')
    await context.close()
  })

  test('may keep nothing at all, and says so', async () => {
    const context = await newContext()
    const page = await context.newPage()
    await page.goto(lanLink)
    await page.getByLabel('你的姓名').fill('陈刚')
    await page.getByText('不保存，只在内存').click()
    await page.getByRole('button', { name: '加入', exact: true }).click()
    await write(page, '只在内存里')
    await isHandedOver(page, '只在内存里')
    await page.getByText('只在内存', { exact: true }).waitFor()
    expect(await storedText(page)).not.toMatch(/只在内存里|陈刚/)
    await context.close()
  })
})
