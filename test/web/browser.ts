/** A Chromium and a tiny static server for the tests of the web app: the server knows nothing of Petrel, it only hands out
 *  the files of one folder, so that what is tested is what was built. */
import { createServer } from 'node:http'
import { readFile } from 'node:fs/promises'
import { join, normalize } from 'node:path'
import { build } from 'vite'
import { chromium } from 'playwright-core'
import type { Browser } from 'playwright-core'

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

export const openBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath: process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium',
    args: flags,
  })

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
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ')

export type Served = {
  readonly port: number
  readonly origin: string
  /** Every path asked for, in order. */
  readonly asked: readonly string[]
  readonly close: () => Promise<void>
}

/** Serves a folder on a free port of 127.0.0.1. `answer` may serve a path itself. */
export const serveFolder = async (
  folder: string,
  answer?: (path: string) => string | undefined,
): Promise<Served> => {
  const asked: string[] = []
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname
    asked.push(request.url ?? '')
    const own = answer?.(path)
    const file = normalize(path === '/' ? '/index.html' : path)
    const headers = {
      'content-type': types[file.split('.').at(-1) ?? ''] ?? 'application/octet-stream',
      'content-security-policy': contentPolicy,
      'cache-control': file.includes('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
    }
    if (own !== undefined) {
      response.writeHead(200, { ...headers, 'content-type': 'application/json' }).end(own)
      return
    }
    readFile(join(folder, file)).then(
      bytes => response.writeHead(200, headers).end(bytes),
      () => response.writeHead(404, headers).end(),
    )
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    port,
    origin: `http://127.0.0.1:${port}`,
    asked,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
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

/** Waits until a question is answered with something true. */
export const until = async <T>(
  question: () => Promise<T | undefined | false> | T | undefined | false,
  what: string,
  millis = 10_000,
): Promise<T> => {
  const deadline = performance.now() + millis
  for (;;) {
    const answer = await question()
    if (answer !== undefined && answer !== false) return answer
    if (performance.now() > deadline) throw new Error(`not within ${millis} ms: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 25))
  }
}
