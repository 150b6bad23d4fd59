/** The daemon's API over its unix socket. Its answers are JSON from our own other end, whose version is checked first: here,
 *  and only here, they get their types without being looked at. */
import { request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { Result } from '#protocol'
import type { Access, AccessFault, News } from './access.ts'
import { apiPath, apiVersion } from './api-path.ts'
import type { ApiAnswers } from './api.ts'
import { systemCode } from './files.ts'

type Method = 'GET' | 'POST'
type Opened = Result<IncomingMessage, AccessFault>

/** A daemon answers within milliseconds, or, when asked to verify its whole store, within minutes. One that is stopped
 *  or stuck must not hold a terminal for ever. */
const answerMillisMax = 30_000
const verificationMillisMax = 1_800_000

const goneCodes = ['ECONNREFUSED', 'ENOENT', 'ECONNRESET', 'EPIPE']

const isGone = (reason: unknown): boolean => goneCodes.includes(systemCode(reason) ?? '')

const open = (
  socketPath: string,
  method: Method,
  route: string,
  body: unknown,
  { patience, signal }: { readonly patience: number; readonly signal?: AbortSignal },
): Promise<Opened> =>
  new Promise((resolve, reject) => {
    const outgoing = request(
      {
        socketPath,
        method,
        path: apiPath(route),
        headers: { host: 'petrel', 'content-type': 'application/json' },
        timeout: patience,
        ...(signal !== undefined && { signal }),
      },
      incoming => {
        if (incoming.statusCode === 503) {
          incoming.destroy()
          resolve({ ok: false, error: { type: 'daemon-silent' } })
        } else if (incoming.headers['petrel-api'] === apiVersion)
          resolve({ ok: true, value: incoming })
        else {
          incoming.destroy()
          resolve({ ok: false, error: { type: 'other-version' } })
        }
      },
    )
    outgoing.on('timeout', () => {
      resolve({ ok: false, error: { type: 'daemon-silent' } })
      outgoing.destroy()
    })
    outgoing.on('error', reason => {
      if (isGone(reason) || signal?.aborted === true) {
        resolve({ ok: false, error: { type: 'daemon-gone' } })
      } else reject(reason)
    })
    outgoing.end(body === undefined ? undefined : JSON.stringify(body))
  })

const textOf = async (incoming: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks).toString('utf8')
}

type ErrorBody = { readonly error?: { readonly code?: string; readonly detail?: string } }

const errorOf = (body: string): AccessFault => {
  const parsed: ErrorBody = JSON.parse(body)
  return { type: 'api', code: parsed.error?.code ?? 'internal', detail: parsed.error?.detail }
}

export const overSocket = (
  socketPath: string,
  { patience }: { readonly patience: number } = { patience: answerMillisMax },
): Access => {
  const call = async <Name extends keyof ApiAnswers>(
    method: Method,
    route: string,
    body: unknown,
  ): Promise<Result<ApiAnswers[Name], AccessFault>> => {
    const waits = route === 'verification' ? verificationMillisMax : patience
    const opened = await open(socketPath, method, route, body, { patience: waits })
    if (!opened.ok) return opened
    try {
      const text = await textOf(opened.value)
      if (opened.value.statusCode !== 200) return { ok: false, error: errorOf(text) }
      const value: ApiAnswers[Name] = JSON.parse(text)
      return { ok: true, value }
    } catch (reason) {
      if (!isGone(reason)) throw reason
      return { ok: false, error: { type: 'daemon-gone' } }
    }
  }
  return {
    isDaemon: true,
    get: (_, route) => call('GET', route, undefined),
    post: (_, route, body) => call('POST', route, body),
    stream: async (route, body, signal) => {
      const method = body === undefined ? 'GET' : 'POST'
      const opened = await open(socketPath, method, route, body, { patience, signal })
      if (!opened.ok) return opened
      // From here on silence means that nothing happens.
      opened.value.socket.setTimeout(0)
      if (opened.value.statusCode !== 200) {
        return { ok: false, error: errorOf(await textOf(opened.value)) }
      }
      return { ok: true, value: readNews(opened.value, signal) }
    },
    close: () => Promise.resolve(),
  }
}

/** One JSON object a line, until the other end stops or the signal ends it. */
async function* readNews(incoming: IncomingMessage, signal: AbortSignal): AsyncGenerator<News> {
  incoming.setEncoding('utf8')
  let rest = ''
  try {
    for await (const text of incoming) {
      const lines = (rest + String(text)).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        const news: News = JSON.parse(line)
        yield news
      }
    }
  } catch (reason) {
    if (!signal.aborted && !isGone(reason)) throw reason
  }
}
