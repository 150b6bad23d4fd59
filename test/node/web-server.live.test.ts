/** The public HTTP server under bad manners: what is not a plain request for a file of the web app gets a plain refusal, and the
 *  server lives on. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readWebFiles } from '../../node/web-files.ts'
import { startWebServer } from '../../node/web-server.ts'
import { createCleanup, temporaryDirectory } from '../support/host.ts'

const cleanup = createCleanup()
let port = 0
let place = ''

const script = 'console.log(1)\n'.repeat(50)

beforeEach(async () => {
  const { path, remove } = await temporaryDirectory('petrel-web')
  place = path
  cleanup.add(remove)
  const dist = join(path, 'dist')
  mkdirSync(join(dist, 'assets'), { recursive: true })
  writeFileSync(join(path, 'secret.txt'), 'secret')
  writeFileSync(join(dist, 'index.html'), '<!doctype html>')
  writeFileSync(join(dist, 'assets', 'shell-AbCd1234.js'), script)
  writeFileSync(join(dist, 'assets', 'shell-AbCd1234.js.gz'), gzipSync(script))
  writeFileSync(join(dist, '.hidden'), 'x')
  const server = await startWebServer({
    host: '127.0.0.1',
    port: 0,
    furtherPorts: 0,
    files: readWebFiles(dist),
    missingText: 'not built',
    patience: { headerMillis: 300, requestMillis: 600, checkMillis: 50 },
    card: () => ({ v: 1, type: 'node', version: '0', peer: 'p', addresses: ['/ip4/127.0.0.1'] }),
  })
  cleanup.add(server.stop)
  port = server.port
})
afterEach(() => cleanup.run())

/** Sends bytes as they are and gives everything that comes back. */
const raw = (request: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () =>
      socket.write(request.replaceAll('HOST', `127.0.0.1:${port}`)),
    )
    let answer = ''
    socket.setEncoding('utf8').on('data', (text: string) => {
      answer += text
    })
    socket.on('close', () => resolve(answer))
    socket.on('error', reject)
  })
const statusOf = async (request: string): Promise<number> =>
  Number(/^HTTP\/1\.1 (\d{3})/.exec(await raw(request))?.[1])
const get = (path: string, head = 'Host: HOST\r\n'): string =>
  `GET ${path} HTTP/1.1\r\n${head}Connection: close\r\n\r\n`

test('the page, its assets and the card are served with the headers that protect them', async () => {
  const page = await fetch(`http://127.0.0.1:${port}/`)
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
  expect(page.headers.get('cache-control')).toBe('no-cache')
  expect(page.headers.get('x-content-type-options')).toBe('nosniff')
  const policy = page.headers.get('content-security-policy') ?? ''
  expect(policy).toContain("script-src 'self'")
  expect(policy).not.toContain('unsafe')
  expect(
    await statusOf(get('/', `Host: HOST\r\nIf-None-Match: ${page.headers.get('etag')}\r\n`)),
  ).toBe(304)
  const asset = await fetch(`http://127.0.0.1:${port}/assets/shell-AbCd1234.js`)
  expect(asset.headers.get('cache-control')).toContain('immutable')
  expect(asset.headers.get('content-encoding')).toBe('gzip')
  expect(await asset.text()).toBe(script)
  const plain = await raw(
    get('/assets/shell-AbCd1234.js', 'Host: HOST\r\nAccept-Encoding: gzip;q=0\r\n'),
  )
  expect(plain).toContain(script)
  const card = await fetch(`http://localhost:${port}/petrel.json`)
  expect(card.headers.get('cache-control')).toBe('no-store')
  expect(await card.json()).toMatchObject({ type: 'node', peer: 'p' })
  expect(gunzipSync(gzipSync(script)).toString()).toBe(script)
})

test('a name that is not this machine is refused', async () => {
  const hosts = [
    'evil.com',
    `evil.com:${port}`,
    `127.0.0.1.evil.com:${port}`,
    `0x7f000001:${port}`,
    `0177.0.0.1:${port}`,
    `2130706433:${port}`,
    `localhost:${port + 1}`,
    'localhost',
    `user@127.0.0.1:${port}`,
    `127.0.0.1:${port}:1`,
    '',
  ]
  for (const host of hosts) {
    expect([host, await statusOf(get('/', `Host: ${host}\r\n`))]).toEqual([host, 421])
  }
  expect(await statusOf(get('/', ''))).toBe(400)
  for (const host of [
    `localhost:${port}`,
    `LocalHost:${port}`,
    `127.0.0.1:${port}`,
    `[::1]:${port}`,
  ]) {
    expect([host, await statusOf(get('/', `Host: ${host}\r\n`))]).toEqual([host, 200])
  }
})

test('no path leaves the web app', async () => {
  const paths = [
    '/../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/assets/../../secret.txt',
    '/assets%2f..%2f..%2fsecret.txt',
    '//secret.txt',
    '/assets/',
    '/.hidden',
    '/index.html%00.js',
    '/__proto__',
    '/constructor',
    `${place}/secret.txt`,
    '/assets/shell-AbCd1234.js.gz',
    `/${'a'.repeat(4_000)}`,
  ]
  for (const path of paths) {
    const answer = await raw(get(path))
    expect([path, /^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]]).toEqual([path, '404'])
    expect(answer).not.toContain('secret')
  }
})

test('only GET and HEAD are answered', async () => {
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'PATCH']) {
    const request = `${method} / HTTP/1.1\r\nHost: HOST\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`
    expect([method, await statusOf(request)]).toEqual([method, 405])
  }
  const head = await raw('HEAD / HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n')
  expect(head).toMatch(/^HTTP\/1\.1 200/)
  expect(head.endsWith('\r\n\r\n')).toBe(true)
})

test('requests that are not HTTP, or two at once in disguise, are cut off', async () => {
  const broken = [
    '\u0000\u0001\u0002\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: HOST\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n',
    `GET / HTTP/1.1\r\nHost: HOST\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
    'GET / HTTP/1.1\r\nHost : HOST\r\n\r\n',
  ]
  for (const request of broken) {
    const answer = await raw(request)
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d/)
    expect(answer).not.toContain('<!doctype')
  }
  expect(await statusOf(get('/'))).toBe(200)
})

/** Until the other end closes; whatever it said before. */
const untilClosed = (first: string, drip = ''): Promise<string> =>
  new Promise(resolve => {
    const socket = connect(port, '127.0.0.1', () => socket.write(first))
    const timer = setInterval(() => socket.write(drip), 20)
    let answer = ''
    socket.setEncoding('utf8').on('data', (text: string) => {
      answer += text
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      clearInterval(timer)
      resolve(answer)
    })
  })

test('half a request, and one that trickles in, are let go after their time', async () => {
  expect(await untilClosed('')).toMatch(/^$|408/)
  expect(await untilClosed('GET / HT')).toMatch(/^$|408/)
  expect(await untilClosed('GET / HTTP/1.1\r\nX: ', 'x')).toMatch(/^HTTP\/1\.1 4(08|31)/)
  expect(await statusOf(get('/'))).toBe(200)
})

test('one that never reads what it asked for keeps nobody else from it', async () => {
  const lazy = Array.from({ length: 20 }, () => {
    const socket = connect(port, '127.0.0.1', () =>
      socket.write(get('/assets/shell-AbCd1234.js', `Host: 127.0.0.1:${port}\r\n`).repeat(50)),
    )
    socket.pause()
    return socket
  })
  cleanup.add(() => lazy.forEach(socket => socket.destroy()))
  expect(await statusOf(get('/'))).toBe(200)
})

test('a crowd from one address is told 503 above its bound; others are served meanwhile', async () => {
  const answers: string[] = []
  const crowd = Array.from({ length: 200 }, () => {
    const socket = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.2' })
    socket.setEncoding('utf8').on('data', (text: string) => answers.push(text))
    socket.on('error', () => undefined)
    return socket
  })
  cleanup.add(() => crowd.forEach(socket => socket.destroy()))
  await expect.poll(() => answers.filter(text => text.includes('503')).length).toBeGreaterThan(50)
  expect(await statusOf(get('/'))).toBe(200)
})

test('a crowd of idle connections neither stops the server nor grows without bound', async () => {
  const sockets = Array.from({ length: 1_000 }, () => connect(port, '127.0.0.1'))
  cleanup.add(() => sockets.forEach(socket => socket.destroy()))
  await Promise.all(
    sockets.map(
      socket =>
        new Promise(resolve => {
          socket.on('connect', resolve)
          socket.on('error', resolve)
        }),
    ),
  )
  for (const socket of sockets) socket.destroy()
  await expect.poll(() => statusOf(get('/')).catch(() => 0), { timeout: 10_000 }).toBe(200)
})
