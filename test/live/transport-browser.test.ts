/** Two real browsers (two Chromium processes) and a Node peer that introduces them: WebSocket to the node, WebRTC between
 *  the browsers, and what is left when the node is gone. */
import { createServer } from 'node:http'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'vite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bytesToMultiaddr } from '../../protocol/shell/addresses.ts'
import { topicName } from '../../protocol/core/base.ts'
import { sourcePatchPlugin } from '../../protocol/shell/source-patches.ts'
import { startBrowser } from '../support/browser.ts'
import { createCleanup, repositoryRoot, temporaryDirectory } from '../support/host.ts'
import { until, untilValue } from '../support/until.ts'
import { startMeshPeer } from './mesh.ts'
import type { Browser } from '../support/browser.ts'
import type { MeshPage } from './browser-mesh/page.ts'
import type { MeshPeer } from './mesh.ts'

const cleanup = createCleanup()
afterAll(() => cleanup.run(), 60_000)
let url = ''

beforeAll(async () => {
  const directory = await temporaryDirectory('petrel-mesh-page')
  cleanup.add(directory.remove)
  await build({
    root: join(repositoryRoot, 'test/live/browser-mesh'),
    configFile: false,
    logLevel: 'warn',
    base: './',
    resolve: { alias: { events: 'events/', buffer: 'buffer/' } },
    plugins: [sourcePatchPlugin()],
    build: { outDir: directory.path, target: 'es2022', minify: false, emptyOutDir: true },
  })
  const server = createServer((request, response) => {
    const file = request.url === '/' ? 'index.html' : (request.url ?? '').slice(1)
    readFile(join(directory.path, file)).then(
      content => {
        const type = file.endsWith('.js') ? 'text/javascript' : 'text/html'
        response.writeHead(200, { 'content-type': type }).end(content)
      },
      () => response.writeHead(404).end(),
    )
  })
  const port = await new Promise<number>(resolve => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : 0)
    })
  })
  cleanup.add(() => server.close())
  url = `http://127.0.0.1:${port}/`
}, 120_000)

type Page = {
  readonly browser: Browser
  readonly peer: string
  readonly call: <K extends keyof MeshPage>(
    name: K,
    ...given: Parameters<Extract<MeshPage[K], (...given: never[]) => unknown>>
  ) => Promise<ReturnType<Extract<MeshPage[K], (...given: never[]) => unknown>>>
}

const openPage = async (): Promise<Page> => {
  const browser = await startBrowser()
  cleanup.add(browser.close)
  await browser.page.goto(url)
  await browser.page.waitForFunction(() => 'mesh' in window)
  const call = (name: string, ...given: unknown[]) =>
    browser.page.evaluate(
      ([member, values]) => {
        const mesh: unknown = Reflect.get(window, 'mesh')
        const method: unknown =
          typeof mesh === 'object' && mesh !== null && Reflect.get(mesh, member)
        return typeof method === 'function' ? method(...values) : method
      },
      [name, given] as const,
    )
  return { browser, peer: await call('peer'), call: call as Page['call'] }
}

const happened = (page: Page): Promise<readonly string[]> => page.call('happened')

test('browsers meet through a node, talk directly, and go on when the node is gone', async () => {
  const relay: MeshPeer = await startMeshPeer({
    listen: { host: '127.0.0.1', ws: 0, webrtcDirect: 0 },
    relay: true,
  })
  cleanup.add(relay.stop)
  relay.transport.subscribe([topicName('browsers')])
  const [alice, bob] = await Promise.all([openPage(), openPage()])
  const door = relay.addresses().map(own => bytesToMultiaddr(own)?.toString() ?? '')
  for (const page of [alice, bob]) await page.call('connect', relay.peer, door)
  await until(async () => {
    const pages = await Promise.all([alice, bob].map(happened))
    return pages.every(events => events.includes(`up ${relay.peer}`))
  })

  const introduced = await untilValue(
    () => bob.call('addresses'),
    own => own.some(address => address.includes('/p2p-circuit/webrtc')),
    { within: 20_000, that: 'a place at the relay' },
  )
  await alice.call('connect', bob.peer, introduced)
  await until(
    async () =>
      (await alice.call('kind', bob.peer)) === 'direct' &&
      (await bob.call('kind', alice.peer)) === 'direct',
    { within: 30_000, that: 'a direct link between the browsers' },
  )
  await until(async () => (await happened(bob)).includes(`up ${alice.peer}`))
  await alice.call('send', bob.peer, 'by WebRTC')
  await until(async () => (await happened(bob)).includes('frame by WebRTC'))

  await relay.stop()
  await until(async () => (await happened(alice)).includes(`down ${relay.peer}`), {
    within: 30_000,
  })
  await alice.call('send', bob.peer, 'without the node')
  await bob.call('send', alice.peer, 'still here')
  await until(async () => (await happened(bob)).includes('frame without the node'))
  await until(async () => (await happened(alice)).includes('frame still here'))
  let round = 0
  await until(
    async () => {
      round += 1
      await alice.call('publish', `news ${round}`)
      return (await happened(bob)).some(event => event.startsWith('gossip news'))
    },
    { every: 250, within: 15_000, that: 'gossip between the browsers' },
  )
  expect(await alice.call('kind', bob.peer)).toBe('direct')
}, 180_000)

test('of two connections between the same pages one is left, and nothing is lost meanwhile', async () => {
  const relay = await startMeshPeer({
    listen: { host: '127.0.0.1', ws: 0 },
    relay: true,
  })
  cleanup.add(relay.stop)
  const [alice, bob] = await Promise.all([openPage(), openPage()])
  const door = relay.addresses().map(own => bytesToMultiaddr(own)?.toString() ?? '')
  for (const page of [alice, bob]) await page.call('connect', relay.peer, door)
  const placeOf = (page: Page): Promise<readonly string[]> =>
    untilValue(
      () => page.call('addresses'),
      own => own.some(address => address.includes('/p2p-circuit/webrtc')),
      { within: 20_000, that: 'a place at the relay' },
    )
  const [ofAlice, ofBob] = [await placeOf(alice), await placeOf(bob)]
  await alice.call('connect', bob.peer, ofBob)
  await until(
    async () =>
      (await alice.call('kind', bob.peer)) === 'direct' &&
      (await bob.call('kind', alice.peer)) === 'direct',
    { within: 30_000, that: 'a direct link between the browsers' },
  )
  const directTo = async (page: Page, peer: string): Promise<number> =>
    (await page.call('connections')).filter(own => own.peer === peer && !own.isLimited).length
  const directs = (): Promise<readonly number[]> =>
    Promise.all([directTo(alice, bob.peer), directTo(bob, alice.peer)])

  await Promise.all([
    alice.call('dialBeside', bob.peer, ofBob),
    bob.call('dialBeside', alice.peer, ofAlice),
  ])
  // each page may have dialled the other in the first place already
  await until(async () => (await directs()).every(count => count > 1), { within: 20_000 })
  const sent: string[] = []
  await until(
    async () => {
      const frame = `frame ${sent.length}`
      sent.push(frame)
      await alice.call('send', bob.peer, frame)
      await bob.call('send', alice.peer, frame)
      return (await directs()).every(count => count === 1)
    },
    { within: 60_000, every: 100, that: 'one connection on both sides' },
  )
  for (const [page, other] of [
    [alice, bob],
    [bob, alice],
  ] as const) {
    const heard = async (): Promise<readonly string[]> =>
      (await happened(page)).filter(event => event.startsWith('frame '))
    await until(async () => (await heard()).length >= sent.length)
    expect((await heard()).map(event => event.slice(6))).toEqual(sent)
    expect((await happened(page)).filter(event => event === `down ${other.peer}`)).toEqual([])
  }
}, 180_000)
