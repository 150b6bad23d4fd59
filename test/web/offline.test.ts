/** A secure page opens again while no node answers: with its history, able to write, whole, and never as a mixture of two
 *  versions. The first on a real node, the versions on a plain server that can change its files. */
import { afterEach, expect, test } from 'vitest'
import { join } from 'node:path'
import { readFileSync, readdirSync } from 'node:fs'
import { build } from 'vite'
import { createCleanup, repositoryRoot, temporaryDirectory } from '../support/host.ts'
import { petrel } from '../support/petrel-process.ts'
import { until, untilValue } from '../support/until.ts'
import { firstStart, lastingPorts, startPerson, startUp } from '../live/people.ts'
import { openBrowser, serveFolder } from './browser.ts'
import type { Page } from 'playwright-core'
import type { Person } from '../live/people.ts'

const cleanup = createCleanup()
afterEach(() => cleanup.run())

/** Names of the caches that hold a page. */
const keptVersions = (page: Page): Promise<readonly string[]> =>
  page.evaluate(async () => {
    const whole: string[] = []
    for (const name of await caches.keys()) {
      if ((await caches.match('./', { cacheName: name })) !== undefined) whole.push(name)
    }
    return whole
  })

const untilKept = (page: Page): Promise<unknown> =>
  until(
    () =>
      page.evaluate(
        async () =>
          navigator.serviceWorker.controller?.state === 'activated' &&
          (await caches.match('./')) !== undefined,
      ),
    { within: 30_000, that: 'the program to be kept' },
  )

const givenAlice = async () => {
  const home = await temporaryDirectory('petrel-offline')
  cleanup.add(home.remove)
  const ports = await lastingPorts()
  const node = await firstStart(home.path, ports)
  cleanup.add(node.running.kill)
  const alice = await startPerson('Alice')
  cleanup.add(alice.leave)
  await alice.join(node.link)
  return { home: home.path, ports, node, alice }
}

const textsOf = async (home: string): Promise<readonly string[]> => {
  const { stdout } = await petrel(['tail', '--json', '--count', '100'], home)
  return stdout
    .split('\n')
    .filter(line => line.startsWith('{'))
    .map(line => JSON.parse(line))
    .filter(record => record.type === 'message')
    .map(record => record.body.text)
}

const isHandedOver = (person: Person, text: string): Promise<unknown> =>
  untilValue(
    () => person.ledgerOf(text),
    words => /^(With|Delivered|Read)/.test(words ?? ''),
    { within: 60_000, that: `${text} with a node` },
  )

test('a reload while the node is stopped shows the history, and what is written then is delivered once', async () => {
  const { home, ports, node, alice } = await givenAlice()
  const { page } = alice.browser
  await alice.write('while the node runs')
  await isHandedOver(alice, 'while the node runs')
  await untilKept(page)
  await node.running.stop()

  await page.reload()
  await alice.sees(['while the node runs'])
  await alice.write('while it is stopped')
  expect(await alice.ledgerOf('while it is stopped')).toMatch(/^On this device only/)
  // once more, now with something that only this browser holds
  await page.reload()
  await alice.sees(['while the node runs', 'while it is stopped'])
  expect(await alice.network()).toMatch(/^Offline/)

  const again = startUp(home, ports)
  cleanup.add(again.stop)
  await again.printed(/Petrel/)
  await isHandedOver(alice, 'while it is stopped')
  expect(await textsOf(home)).toEqual(['while the node runs', 'while it is stopped'])
  await alice.sees(['while the node runs', 'while it is stopped'])
  const own = alice.browser
    .errors()
    .filter(error => !/ERR_CONNECTION_REFUSED|WebSocket/.test(error))
  expect(own).toEqual([])
})

test('a node that takes a connection and never answers does not keep the page from opening', async () => {
  const { node, alice } = await givenAlice()
  await alice.write('before it hung')
  await isHandedOver(alice, 'before it hung')
  await untilKept(alice.browser.page)
  node.running.signal('SIGSTOP')
  await alice.browser.page.reload()
  await alice.sees(['before it hung'])
})

test('after such a reload a page goes on with another node of the group', async () => {
  const { node, alice } = await givenAlice()
  const home = await temporaryDirectory('petrel-offline')
  cleanup.add(home.remove)
  const other = startUp(home.path, undefined, ['--no-mdns', '--no-first-group', '--name', 'Gate'])
  cleanup.add(other.stop)
  await other.printed(/Web app/)
  const joined = await petrel(['join', '-', '--name', 'Gate'], home.path, { input: node.link })
  expect(joined).toMatchObject({ code: 0 })
  await untilValue(alice.links, links => links.some(({ name }) => name === 'Gate'), {
    within: 60_000,
    every: 500,
    that: 'a link from Alice to the other node',
  })
  await untilKept(alice.browser.page)
  await node.running.stop()

  await alice.browser.page.reload()
  await alice.write('without the node that served me')
  await isHandedOver(alice, 'without the node that served me')
  expect(await textsOf(home.path)).toEqual(['without the node that served me'])
})

test("only the files of the build are kept, not the node's card", async () => {
  const { alice } = await givenAlice()
  const { page } = alice.browser
  await untilKept(page)
  const paths = await page.evaluate(async () => {
    const found: string[] = []
    for (const name of await caches.keys()) {
      const requests = await (await caches.open(name)).keys()
      found.push(...requests.map(request => new URL(request.url).pathname))
    }
    return found
  })
  const dist = join(repositoryRoot, 'web', 'dist')
  const built = readdirSync(join(dist, 'assets')).filter(file => !/\.(gz|br)$/.test(file))
  expect(paths.toSorted()).toEqual(['/', ...built.map(file => `/assets/${file}`)].toSorted())
})

test('a page without a secure origin keeps no program and works as before', async () => {
  const { node } = await givenAlice()
  const bob = await startPerson('Bob')
  cleanup.add(bob.leave)
  const { page } = bob.browser
  await page.goto(node.lanLink)
  await page.getByLabel('Keep in memory only').waitFor()
  expect(await page.evaluate(() => 'serviceWorker' in navigator)).toBe(false)
})

/** A build of its own number in a folder of its own. */
const buildVersion = async (version: string): Promise<string> => {
  const folder = await temporaryDirectory('petrel-version')
  cleanup.add(folder.remove)
  await build({
    root: join(repositoryRoot, 'web'),
    configFile: join(repositoryRoot, 'web', 'vite.config.ts'),
    logLevel: 'error',
    define: { PETREL_VERSION: JSON.stringify(version) },
    build: { outDir: folder.path },
  })
  return folder.path
}

const fingerprintIn = (folder: string): string =>
  /petrel-fingerprint" content="([^"]+)"/.exec(
    readFileSync(join(folder, 'index.html'), 'utf8'),
  )?.[1] ?? ''

test('a new version is taken whole at the next load, and the old one goes', async () => {
  const [first, second] = [await buildVersion('1.0.0'), await buildVersion('2.0.0')]
  const names = [first, second].map(folder => `petrel ${fingerprintIn(folder)}`)
  expect(names[0]).not.toBe(names[1])
  let folder = first
  /** What the page itself is taken from, one after the other, before `folder` is. */
  let pages: readonly string[] = []
  const served = await serveFolder(path => {
    const [page = folder] = path === '/' ? pages : []
    if (path === '/') pages = pages.slice(1)
    return page
  })
  cleanup.add(served.close)
  const browser = await openBrowser()
  cleanup.add(() => browser.close())
  const page = await browser.newPage({ locale: 'en' })
  const shown = async (): Promise<string> => {
    await page.getByText('Version', { exact: true }).waitFor()
    return page.locator('main').innerText()
  }
  const loadedFiles = (): Promise<readonly string[]> =>
    page.evaluate(() =>
      performance
        .getEntriesByType('resource')
        .map(({ name }) => new URL(name).pathname.slice(1))
        .filter(path => path.startsWith('assets/')),
    )
  /** Files that the page loaded and that are not of this version. */
  const strangers = async (of: string): Promise<readonly string[]> => {
    const own = new Set(readdirSync(of, { recursive: true }).map(String))
    return (await loadedFiles()).filter(file => !own.has(file))
  }

  await page.goto(`${served.origin}/#/me`)
  expect(await shown()).toContain('1.0.0')
  await untilKept(page)
  expect(await keptVersions(page)).toEqual([names[0]])

  // a second version, of which the worker is given the page of the first: nothing of it is kept
  folder = second
  pages = [second, first]
  await page.reload()
  expect(await shown()).toContain('2.0.0')
  await until(() => pages.length === 0, { that: 'the try to keep it' })
  expect(await keptVersions(page)).toEqual([names[0]])
  await served.pause()
  await page.reload()
  expect(await shown()).toContain('1.0.0')
  expect(await strangers(first)).toEqual([])

  await served.resume()
  await page.reload()
  expect(await shown()).toContain('2.0.0')
  await untilValue(
    () => keptVersions(page),
    kept => kept.length === 1 && kept[0] === names[1],
    {
      within: 30_000,
      that: 'the second version alone',
    },
  )
  await served.pause()
  await page.reload()
  expect(await shown()).toContain('2.0.0')
  expect(await strangers(second)).toEqual([])
})

test('a version that an open tab still runs is kept for it', async () => {
  const [first, second] = [await buildVersion('1.0.0'), await buildVersion('2.0.0')]
  let folder = first
  const served = await serveFolder(() => folder)
  cleanup.add(served.close)
  const browser = await openBrowser()
  cleanup.add(() => browser.close())
  const context = await browser.newContext({ locale: 'en' })
  const old = await context.newPage()
  await old.goto(`${served.origin}/#/`)
  await untilKept(old)
  folder = second
  const fresh = await context.newPage()
  await fresh.goto(`${served.origin}/#/me`)
  await fresh.getByText('2.0.0').waitFor()
  await untilValue(
    () => keptVersions(fresh),
    kept => kept.length === 2,
    {
      within: 30_000,
      that: 'both versions',
    },
  )
  // a chunk that the old tab had not needed so far
  await old.evaluate(() => (location.hash = '#/me'))
  await old.getByText('1.0.0').waitFor()
  await old.close()
  folder = await buildVersion('3.0.0')
  await fresh.reload()
  await fresh.getByText('3.0.0').waitFor()
  await untilValue(
    () => keptVersions(fresh),
    kept => kept.length === 1,
    {
      within: 30_000,
      that: 'the newest version alone',
    },
  )
})
