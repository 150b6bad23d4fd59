/** The public HTTP server: the web app and `/petrel.json`, nothing else. It reads, it never writes; the API is on the unix
 *  socket alone. Names it does not go by are refused (DNS rebinding), slow and many clients are bounded. */
import { createServer } from 'node:http'
import { hostname, networkInterfaces } from 'node:os'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { arrivalLimits, boundConnections, patient } from './connections.ts'
import type { Patience } from './connections.ts'
import { systemCode } from './files.ts'
import type { Encoding, WebFile, WebFiles } from './web-files.ts'

/** What a web app that was served here must know to find this node. */
export type NodeCard = {
  readonly v: 1
  readonly type: 'node'
  readonly version: string
  readonly peer: string
  /** Multiaddrs with `/p2p/…`, nearest first. */
  readonly addresses: readonly string[]
}

export type WebServerOptions = {
  readonly host: string
  readonly port: number
  /** Also tried, one by one, when the port is taken; then any. 0: the port or nothing. */
  readonly furtherPorts: number
  readonly files: WebFiles
  readonly card: () => NodeCard
  /** Shown when the web app was not built. */
  readonly missingText: string
  readonly patience?: Patience
}

export type WebServer = { readonly port: number; readonly stop: () => Promise<void> }

/** A phone opens about six connections; this is a large room of them, and many behind one address translator. */
const bounds = { most: 256, mostPerAddress: 96 }
const headerBytesMax = 8_192
/** Nothing sent and nothing taken for so long: a link that is gone, or a reader that only holds the place. */
const idleMillis = 120_000
const busy =
  'HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 5\r\ncontent-length: 0\r\n\r\n'

/** reliability-security.md 6.6. `ws:` must be wide: nodes of the LAN go by addresses nobody knows beforehand. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob:",
  'media-src blob:',
  "connect-src 'self' ws: wss:",
  "worker-src 'self'",
  "manifest-src 'self'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  // the one address that becomes code by name: the worker that keeps the program
  'trusted-types petrel-worker',
].join('; ')

const commonHeaders = {
  'content-security-policy': policy,
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy':
    'accelerometer=(), browsing-topics=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), payment=(), usb=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}

export const startWebServer = async (options: WebServerOptions): Promise<WebServer> => {
  const server = createServer(
    { maxHeaderSize: headerBytesMax, ...arrivalLimits(options.patience ?? patient) },
    (request, response) => {
      if (!isRefused(request.socket)) answer(options, server, request, response)
    },
  )
  const isRefused = boundConnections(server, bounds, busy)
  server.setTimeout(idleMillis)
  server.on('clientError', (reason, socket) => {
    const isLate = systemCode(reason) === 'ERR_HTTP_REQUEST_TIMEOUT'
    const status = isLate ? '408 Request Timeout' : '400 Bad Request'
    // Whoever does not read this either is not waited for.
    if (socket.writable) socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\n\r\n`)
    setTimeout(() => socket.destroy(), 1_000).unref()
  })
  const port = await listenSomewhere(server, options)
  return {
    port,
    stop: () =>
      new Promise(resolve => {
        server.close(() => {
          resolve()
        })
        server.closeAllConnections()
      }),
  }
}

const listen = (server: Server, host: string, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, exclusive: true }, () => {
      server.off('error', reject)
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })

const listenSomewhere = async (server: Server, options: WebServerOptions): Promise<number> => {
  const { host, port, furtherPorts } = options
  for (let offset = 0; offset <= furtherPorts && port + offset <= 65_535; offset++) {
    try {
      return await listen(server, host, port + offset)
    } catch (reason) {
      const code = systemCode(reason)
      if ((code !== 'EADDRINUSE' && code !== 'EACCES') || furtherPorts === 0) throw reason
    }
  }
  return listen(server, host, 0)
}

const answer = (
  options: WebServerOptions,
  server: Server,
  request: IncomingMessage,
  response: ServerResponse,
): void => {
  for (const [name, value] of Object.entries(commonHeaders)) response.setHeader(name, value)
  if (!isOwnHost(request, server)) return refuse(response, 421)
  if (isSecureOrigin(request)) response.setHeader('cross-origin-opener-policy', 'same-origin')
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD')
    return refuse(response, 405)
  }
  const path = (request.url ?? '').split('?', 1)[0] ?? ''
  if (path === '/petrel.json') return sendCard(options.card(), request, response)
  const file = options.files.get(path)
  if (file !== undefined) return sendFile(file, request, response)
  if (path === '/' && options.files.size === 0) {
    response.writeHead(503, { 'content-type': 'text/plain; charset=utf-8' })
    response.end(`${options.missingText}\n`)
    return undefined
  }
  return refuse(response, 404)
}

const refuse = (response: ServerResponse, status: number): void => {
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'cache-control': 'no-store',
  })
  response.end(`${status}\n`)
}

/** Browsers heed the opener policy only here, and complain elsewhere. */
const isSecureOrigin = (request: IncomingMessage): boolean =>
  /^(localhost|127\.|\[::1\])/i.test(request.headers.host ?? '')

/** Own addresses and names, with this server's port. Node itself refuses a missing or doubled Host with 400. */
const isOwnHost = (request: IncomingMessage, server: Server): boolean => {
  const host = request.headers.host?.toLowerCase()
  const address = server.address()
  if (host === undefined || typeof address !== 'object' || address === null) return false
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::(\d{1,5}))?$/.exec(host)
  if (match === null || Number(match[2] ?? 80) !== address.port) return false
  const name = (match[1] ?? '').replaceAll(/[[\]]/g, '')
  return ownNames().has(name)
}

const ownNames = (): ReadonlySet<string> => {
  const names = new Set(['localhost', '127.0.0.1', '::1'])
  const own = hostname().toLowerCase()
  names.add(own)
  names.add(`${own}.local`)
  for (const addresses of Object.values(networkInterfaces())) {
    for (const { address } of addresses ?? []) names.add(address.toLowerCase())
  }
  return names
}

const sendCard = (card: NodeCard, request: IncomingMessage, response: ServerResponse): void => {
  const body = Buffer.from(`${JSON.stringify(card)}\n`)
  response.writeHead(200, {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
    'content-length': body.length,
  })
  response.end(request.method === 'HEAD' ? undefined : body)
}

const accepts = (request: IncomingMessage, encoding: Encoding): boolean => {
  const header = request.headers['accept-encoding']
  const list = (typeof header === 'string' ? header : '').toLowerCase().split(',')
  return list.some(entry => {
    const [name, quality] = entry.split(';').map(part => part.trim())
    return name === encoding && quality !== 'q=0'
  })
}

const encodings: readonly Encoding[] = ['br', 'gzip']

const sendFile = (file: WebFile, request: IncomingMessage, response: ServerResponse): void => {
  response.setHeader('vary', 'accept-encoding')
  response.setHeader('etag', file.etag)
  response.setHeader(
    'cache-control',
    file.isHashed ? 'public, max-age=31536000, immutable' : 'no-cache',
  )
  if (request.headers['if-none-match'] === file.etag) {
    response.writeHead(304)
    response.end()
    return
  }
  const encoding = encodings.find(name => file.compressed.has(name) && accepts(request, name))
  const body = (encoding === undefined ? undefined : file.compressed.get(encoding)) ?? file.bytes
  if (encoding !== undefined) response.setHeader('content-encoding', encoding)
  response.writeHead(200, { 'content-type': file.type, 'content-length': body.length })
  response.end(request.method === 'HEAD' ? undefined : body)
}
