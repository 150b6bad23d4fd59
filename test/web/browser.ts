/** A Chromium and a tiny static server for the tests of the web app: the server knows nothing of Petrel, it only hands out
 *  the files of one folder, so that what is tested is what was built. */
import { createServer } from 'node:http'
import { readFile } from 'node:fs/promises'
import { join, normalize } from 'node:path'
import { build } from 'vite'
import { chromium } from 'playwright-core'
import { findChromium } from '../support/chromium-path.ts'
import { temporaryDirectory } from '../support/host.ts'
import type { Browser, Page } from 'playwright-core'

/** Fonts and colours drawn alike everywhere, nothing phoned home (research/ux.md 4.1). */
const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
  '--font-render-hinting=none',
  '--force-color-profile=srgb',
  '--disable-lcd-text',
  // a host that is no secure origin, as a LAN address is to a phone
  '--host-resolver-rules=MAP mesh.test 127.0.0.1',
]

export const openBrowser = (): Promise<Browser> => {
  const executablePath = findChromium()
  if (executablePath === undefined) {
    throw new Error('no Chromium: node test/support/ensure-chromium.ts')
  }
  return chromium.launch({ executablePath, args: flags })
}

const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  json: 'application/json',
}

/** The policy of reliability-security.md 6.6, as a node sends it; connections to nodes on the LAN are allowed. */
export const contentPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob:",
  "connect-src 'self' ws: wss:",
  "worker-src 'self'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types petrel-worker',
].join('; ')

export type Served = {
  readonly port: number
  readonly origin: string
  /** Every path asked for, in order. */
  readonly asked: readonly string[]
  /** Nobody answers at this port until `resume`. */
  readonly pause: () => Promise<void>
  readonly resume: () => Promise<void>
  readonly close: () => Promise<void>
}

/** Serves a folder on a free port of 127.0.0.1; a function may choose another one for each path. */
export const serveFolder = async (folder: string | ((path: string) => string)): Promise<Served> => {
  const asked: string[] = []
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname
    asked.push(request.url ?? '')
    const file = normalize(path === '/' ? '/index.html' : path)
    const headers = {
      'content-type': types[file.split('.').at(-1) ?? ''] ?? 'application/octet-stream',
      'content-security-policy': contentPolicy,
      'cache-control': file.includes('/assets/')
        ? 'public, max-age=31536000, immutable'
        : 'no-cache',
    }
    readFile(join(typeof folder === 'string' ? folder : folder(path), file)).then(
      bytes => response.writeHead(200, headers).end(bytes),
      () => response.writeHead(404, headers).end(),
    )
  })
  const listen = (at: number): Promise<void> =>
    new Promise(resolve => {
      server.listen(at, '127.0.0.1', resolve)
    })
  const stop = (): Promise<void> =>
    new Promise(resolve => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  await listen(0)
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    port,
    origin: `http://127.0.0.1:${port}`,
    asked,
    pause: stop,
    resume: () => listen(port),
    close: stop,
  }
}

const webRoot = join(import.meta.dirname, '../../web')

/** Builds the screens with made-up views into a folder of their own. */
export const buildFixtures = async (outDir: string): Promise<void> => {
  await build({
    root: webRoot,
    configFile: join(webRoot, 'vite.config.ts'),
    mode: 'fixtures',
    logLevel: 'error',
    build: { outDir },
  })
}

export const builtApp = join(webRoot, 'dist')

export type Fixtures = {
  readonly browser: Browser
  readonly origin: string
  readonly close: () => Promise<void>
}

/** The built fixtures, served, with a browser before them. */
export const openFixtures = async (): Promise<Fixtures> => {
  const folder = await temporaryDirectory('petrel-fixtures')
  await buildFixtures(folder.path)
  const served = await serveFolder(folder.path)
  const browser = await openBrowser()
  return {
    browser,
    origin: served.origin,
    close: async () => {
      await browser.close()
      await served.close()
      await folder.remove()
    },
  }
}

/** The moment that the made-up views are made for. */
export const fixtureTime = new Date('2026-11-22T14:12:00')

export type FixtureChoice = {
  readonly case?: string
  readonly hash?: string
  readonly lang?: 'zh-CN' | 'en'
  readonly theme?: 'light' | 'dark' | 'sun'
  readonly size?: 100 | 200
}

export const showFixture = async (
  page: Page,
  origin: string,
  choice: FixtureChoice,
): Promise<void> => {
  const { hash = '#/', ...query } = choice
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) parameters.set(name, String(value))
  // another document even when only the fragment differs
  await page.goto('about:blank')
  await page.goto(`${origin}/fixtures.html?${parameters}${hash}`)
  await page.waitForSelector('html[data-ready]')
}

export const floodHash = '#/g/0123456789abcdef0123456789abcdef'

/** Every screen with the states that look different. */
export const screens: Readonly<Record<string, FixtureChoice>> = {
  'the group list': { hash: '#/' },
  'an empty group list': { case: 'empty', hash: '#/' },
  'a conversation': { hash: floodHash },
  'an offline conversation': { case: 'offline', hash: floodHash },
  'a group waited for': { hash: '#/g/2123456789abcdef0123456789abcdef' },
  'a group refused': { hash: '#/g/3123456789abcdef0123456789abcdef' },
  'an empty conversation': { hash: '#/g/1123456789abcdef0123456789abcdef' },
  'group info': { hash: `${floodHash}/info` },
  'message details': { hash: `${floodHash}/m/aaaaaaaaaaaaaaaa.8` },
  'the join form': { case: 'join', hash: '#/join' },
  'the join form on a LAN page': { case: 'join-lan', hash: '#/join' },
  'a refused invite': { case: 'join-refused', hash: '#/join' },
  'the network': { hash: '#/mesh' },
  'the network, alone': { case: 'empty', hash: '#/mesh' },
  settings: { hash: '#/me' },
  'a new passphrase': { case: 'vault-new', hash: '#/' },
  'a locked page': { case: 'vault-locked', hash: '#/' },
}

export const viewports = {
  phone: { width: 360, height: 720 },
  desktop: { width: 1_280, height: 800 },
} as const
