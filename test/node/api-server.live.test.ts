/** The unix socket under slow, broken and many clients: each has its time and its bound, the others are served, and stopping
 *  waits for nobody. */
import { statSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startApiServer } from '../../node/api-server.ts'
import type { ApiServer } from '../../node/api-server.ts'
import type { Api, ApiReply } from '../../node/api.ts'
import { overSocket } from '../../node/client.ts'
import { createCleanup, temporaryDirectory } from '../support/host.ts'
import { until } from '../support/until.ts'

const cleanup = createCleanup()
const patience = { headerMillis: 300, requestMillis: 600, checkMillis: 50 }
let path = ''
let server: ApiServer
let asked: string[] = []
let troubles: unknown[] = []
let streams = 0

async function* endless(signal: AbortSignal) {
  streams += 1
  try {
    while (!signal.aborted) {
      yield { type: 'filler', text: 'x'.repeat(65_536) }
      await new Promise(resolve => setImmediate(resolve))
    }
  } finally {
    streams -= 1
  }
}

const api: Api = ({ path: asking, signal }) => {
  asked.push(asking)
  if (asking === '/api/v1/status') return Promise.resolve({ type: 'object', body: {} })
  if (asking !== '/api/v1/tail') return Promise.resolve({ type: 'error', status: 404, code: 'x' })
  const lines = endless(signal) as unknown as Extract<ApiReply, { type: 'stream' }>['lines']
  return Promise.resolve({ type: 'stream', lines })
}

beforeEach(async () => {
  const place = await temporaryDirectory('petrel-api')
  cleanup.add(place.remove)
  path = join(place.path, 's')
  asked = []
  troubles = []
  streams = 0
  server = await startApiServer(api, [path], reason => troubles.push(reason), patience)
  cleanup.add(server.stop)
})
afterEach(() => cleanup.run())

type Raw = { readonly socket: Socket; readonly text: () => string; readonly closed: Promise<void> }

const raw = (first: string): Raw => {
  const socket = connect(path, () => socket.write(first))
  let text = ''
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  socket.on('error', () => undefined)
  cleanup.add(() => socket.destroy())
  const closed = new Promise<void>(resolve => {
    socket.on('close', () => resolve())
  })
  return { socket, text: () => text, closed }
}
const isServed = async (): Promise<boolean> => (await overSocket(path).get('status', 'status')).ok
const head = 'POST /api/v1/status HTTP/1.1\r\nHost: petrel\r\nContent-Type: application/json\r\n'

test('the socket is its owner\u2019s alone', () => {
  expect(statSync(path).mode & 0o777).toBe(0o600)
})

test('half a request is let go after its time; meanwhile others are served', async () => {
  const halves = ['', 'POST /api', head, `${head}Content-Length: 100\r\n\r\n{"a":`].map(raw)
  const chunked = raw(`${head}Transfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\n`)
  expect(await isServed()).toBe(true)
  for (const half of [...halves, chunked]) await half.closed
  expect(asked).toEqual(['/api/v1/status'])
  expect(troubles).toEqual([])
})

test('a request that trickles in is cut off, however lively it is', async () => {
  const slow = raw(`${head}Content-Length: 100000\r\n\r\n`)
  const drip = setInterval(() => slow.socket.write(' '), 20)
  cleanup.add(() => clearInterval(drip))
  await slow.closed
  expect(slow.text()).toMatch(/^HTTP\/1\.1 408/)
  expect(await isServed()).toBe(true)
})

test('a body above the bound is refused, said or unsaid, and never kept', async () => {
  const said = raw(`${head}Content-Length: 99999999\r\n\r\n`)
  await said.closed
  expect(said.text()).toMatch(/^HTTP\/1\.1 413[^]*too-large/)
  const unsaid = raw(`${head}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n`)
  unsaid.socket.write(`200000\r\n${' '.repeat(0x200000)}\r\n`)
  await unsaid.closed
  expect(unsaid.text()).toMatch(/^HTTP\/1\.1 400/)
  expect(asked).toEqual([])
})

test('what is no JSON, no known method, or no HTTP is refused by name', async () => {
  const post = (body: string): string =>
    `${head}Connection: close\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  const cases = [
    [post(''), 400],
    [post('{'), 400],
    [post('\u0000'), 400],
    [post('['.repeat(50_000)), 400],
    [post(`${'['.repeat(50_000)}${']'.repeat(50_000)}`), 200],
    [post('{"__proto__":{"x":1},"constructor":1}'), 200],
    ['DELETE /api/v1/status HTTP/1.1\r\nHost: petrel\r\nConnection: close\r\n\r\n', 405],
    ['\u0016\u0003\u0001\r\n\r\n', 400],
    [`GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: petrel\r\n\r\n`, 431],
  ] as const
  for (const [request, status] of cases) {
    const answer = raw(request)
    await answer.closed
    expect([request.slice(0, 40), /^HTTP\/1\.1 (\d+)/.exec(answer.text())?.[1]]).toEqual([
      request.slice(0, 40),
      String(status),
    ])
  }
  expect(await isServed()).toBe(true)
})

test('a reader that stops reading holds up itself alone; one that goes away ends its stream', async () => {
  const stuck = raw('GET /api/v1/tail HTTP/1.1\r\nHost: petrel\r\n\r\n')
  stuck.socket.pause()
  await until(() => streams === 1)
  expect(await isServed()).toBe(true)
  const leaving = raw('GET /api/v1/tail HTTP/1.1\r\nHost: petrel\r\n\r\n')
  await until(() => leaving.text().includes('filler'))
  leaving.socket.destroy()
  await until(() => streams <= 1)
  stuck.socket.destroy()
  await until(() => asked.length === 3)
  expect(troubles).toEqual([])
})

test('a crowd above the bound is told so and changes nothing; the next one after it is served', async () => {
  const crowd = Array.from({ length: 400 }, () => raw(`${head}Content-Length: 2\r\n\r\n`))
  await until(() => crowd.filter(({ text }) => text().includes('503')).length >= 16)
  const late = await overSocket(path).post('status', 'status', {})
  expect([late.ok, late.ok ? '' : late.error.type]).not.toEqual([false, 'other-version'])
  for (const { socket } of crowd) socket.destroy()
  await until(isServed)
  expect(troubles).toEqual([])
})

test('stopping waits neither for half a request nor for a stuck reader', async () => {
  raw(`${head}Content-Length: 100\r\n\r\n{`)
  raw('GET /api/v1/tail HTTP/1.1\r\nHost: petrel\r\n\r\n').socket.pause()
  await until(() => streams === 1)
  await server.stop()
  expect(troubles).toEqual([])
})

test('a daemon that accepts and never answers is given up with a name', async () => {
  const silent = createServer(() => undefined)
  const place = `${path}2`
  await new Promise<void>(resolve => {
    silent.listen(place, resolve)
  })
  cleanup.add(() => silent.close())
  const answer = await overSocket(place, { patience: 200 }).get('status', 'status')
  expect(answer).toEqual({ ok: false, error: { type: 'daemon-silent' } })
})
