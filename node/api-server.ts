/** The API on a unix socket that only its owner can open: one JSON object per answer, or one per line for streams. */
import { chmodSync } from 'node:fs'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { apiVersion } from './api-path.ts'
import type { Api, ApiReply } from './api.ts'
import { removeFile, systemCode } from './files.ts'

export type ApiServer = { readonly path: string; readonly stop: () => Promise<void> }

const bodyBytesMax = 1_048_576
const connectionsMax = 64

/** Listens at the first of `paths` that no living daemon uses. */
export const startApiServer = async (
  api: Api,
  paths: readonly string[],
  failed: (reason: unknown) => void,
): Promise<ApiServer> => {
  const ending = new AbortController()
  const server = createServer(
    { headersTimeout: 10_000, requestTimeout: 30_000 },
    (request, response) => {
      answer(api, request, response, ending.signal).catch((reason: unknown) => {
        failed(reason)
        response.destroy()
      })
    },
  )
  server.maxConnections = connectionsMax
  for (const path of paths) {
    if (await isAnswered(path)) continue
    removeFile(path)
    const listening = once(server, 'listening')
    server.listen(path)
    try {
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
      server.close(() => {
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
  const body = method === 'POST' ? await readJson(request) : undefined
  if (method === 'POST' && body === undefined) return sendError(response, 400, 'bad-json')
  const signal = AbortSignal.any([ending, gone.signal])
  return send(response, await api({ method, path: url, body, signal }))
}

const send = async (response: ServerResponse, reply: ApiReply): Promise<void> => {
  if (reply.type === 'error') return sendError(response, reply.status, reply.code, reply.detail)
  if (reply.type === 'object') {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(reply.body))
    return
  }
  response.writeHead(200, { 'content-type': 'application/x-ndjson' })
  response.flushHeaders()
  for await (const line of reply.lines) {
    if (!response.write(`${JSON.stringify(line)}\n`)) await once(response, 'drain')
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
