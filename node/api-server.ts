/** The API on a unix socket that only its owner can open: one JSON object per answer, or one per line for streams. */
import { chmodSync } from 'node:fs'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { apiVersion } from './api-path.ts'
import type { Api, ApiReply } from './api.ts'
import { arrivalLimits, boundConnections, patient } from './connections.ts'
import type { Patience } from './connections.ts'
import { removeFile, systemCode } from './files.ts'

export type ApiServer = { readonly path: string; readonly stop: () => Promise<void> }

const bodyBytesMax = 1_048_576
/** All of one person: terminals that follow, and scripts. */
const bounds = { most: 64, mostPerAddress: 64 }
/** What is still under way when the node stops: streams end at once, a request that never becomes whole does not. */
const closingMillis = 1_000
const busyBody = '{"error":{"code":"busy"}}'
const busy = `HTTP/1.1 503 Service Unavailable\r\npetrel-api: ${apiVersion}\r\nconnection: close\r\ncontent-length: ${busyBody.length}\r\n\r\n${busyBody}`

/** Listens at the first of `paths` that no living daemon uses. */
export const startApiServer = async (
  api: Api,
  paths: readonly string[],
  failed: (reason: unknown) => void,
  patience: Patience = patient,
): Promise<ApiServer> => {
  const ending = new AbortController()
  const server = createServer(arrivalLimits(patience), (request, response) => {
    if (isRefused(request.socket)) return
    answer(api, request, response, ending.signal).catch((reason: unknown) => {
      // A client that goes away in the middle is no trouble of ours, nor is our own end.
      if (!response.destroyed && !request.destroyed && !ending.signal.aborted) failed(reason)
      response.destroy()
    })
  })
  const isRefused = boundConnections(server, bounds, busy)
  for (const path of paths) {
    if (await isAnswered(path)) continue
    try {
      removeFile(path)
      const listening = once(server, 'listening')
      server.listen(path)
      await listening
    } catch (reason) {
      if (path === paths.at(-1)) throw reason
      continue
    }
    chmodSync(path, 0o600)
    return { path, stop: () => stop(path) }
  }
  throw new Error('no place for the socket')

  function stop(path: string): Promise<void> {
    ending.abort()
    return new Promise(resolve => {
      const late = setTimeout(() => {
        server.closeAllConnections()
      }, closingMillis)
      server.close(() => {
        clearTimeout(late)
        removeFile(path)
        resolve()
      })
      server.closeIdleConnections()
    })
  }
}

const isAnswered = (path: string): Promise<boolean> =>
  new Promise(resolve => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', reason => {
      resolve(systemCode(reason) === 'EACCES')
    })
  })

const readJson = async (request: IncomingMessage): Promise<unknown> => {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk)
    length += bytes.length
    if (length > bodyBytesMax) return undefined
    chunks.push(bytes)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch {
    return undefined
  }
}

const answer = async (
  api: Api,
  request: IncomingMessage,
  response: ServerResponse,
  ending: AbortSignal,
): Promise<void> => {
  const gone = new AbortController()
  response.once('close', () => {
    gone.abort()
  })
  const { method, url = '' } = request
  response.setHeader('petrel-api', apiVersion)
  response.setHeader('cache-control', 'no-store')
  if (method !== 'GET' && method !== 'POST') return sendError(response, 405, 'bad-method')
  if (Number(request.headers['content-length'] ?? 0) > bodyBytesMax) {
    response.setHeader('connection', 'close')
    return sendError(response, 413, 'too-large')
  }
  const body = method === 'POST' ? await readJson(request) : undefined
  if (method === 'POST' && body === undefined) return sendError(response, 400, 'bad-json')
  const signal = AbortSignal.any([ending, gone.signal])
  return send(response, await api({ method, path: url, body, signal }), signal)
}

const send = async (
  response: ServerResponse,
  reply: ApiReply,
  signal: AbortSignal,
): Promise<void> => {
  if (reply.type === 'error') return sendError(response, reply.status, reply.code, reply.detail)
  if (reply.type === 'object') {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(reply.body))
    return
  }
  response.writeHead(200, { 'content-type': 'application/x-ndjson' })
  response.flushHeaders()
  for await (const line of reply.lines) {
    if (signal.aborted) break
    // A reader that does not read holds up its own stream alone: nothing is gathered for it meanwhile.
    if (!response.write(`${JSON.stringify(line)}\n`)) await once(response, 'drain', { signal })
  }
  response.end()
}

const sendError = (
  response: ServerResponse,
  status: number,
  code: string,
  detail?: string,
): void => {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ error: { code, ...(detail !== undefined && { detail }) } }))
}
