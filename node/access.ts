/** How a command reaches the peer: through the daemon that holds the data directory, or, when nobody does, by opening the
 *  store itself without links. Both answer the same requests. */
import { setTimeout as wait } from 'node:timers/promises'
import type { Result } from '#protocol'
import { apiPath } from './api-path.ts'
import type { Api, ApiAnswers } from './api.ts'
import { overSocket } from './client.ts'
import { lockHolder, openDataDir, takeLock } from './data-dir.ts'
import type { DataDirFault } from './data-dir.ts'
import type { LedgerNews, MessageNews } from './follow.ts'
import { hasKeys, readKeys } from './keys.ts'
import type { KeyFault } from './keys.ts'
import { rfc3339 } from './times.ts'
import { version } from './version.ts'

export type AccessFault =
  | DataDirFault
  | KeyFault
  | { readonly type: 'no-identity' }
  | { readonly type: 'other-version' }
  | { readonly type: 'daemon-gone' }
  | { readonly type: 'daemon-silent' }
  | { readonly type: 'api'; readonly code: string; readonly detail: string | undefined }

export type News = MessageNews | LedgerNews

export type Access = {
  readonly isDaemon: boolean
  readonly get: <Name extends keyof ApiAnswers>(
    name: Name,
    path: string,
  ) => Promise<Result<ApiAnswers[Name], AccessFault>>
  readonly post: <Name extends keyof ApiAnswers>(
    name: Name,
    path: string,
    body: object,
  ) => Promise<Result<ApiAnswers[Name], AccessFault>>
  /** Lines as they come; ends with the signal. GET without a body, POST with one. */
  readonly stream: (
    path: string,
    body: object | undefined,
    signal: AbortSignal,
  ) => Promise<Result<AsyncIterable<News>, AccessFault>>
  readonly close: () => Promise<void>
}

/** A daemon that is starting has the lock but no socket yet. */
const startingMillisMax = 10_000

export const openAccess = async (dataDir: string): Promise<Result<Access, AccessFault>> => {
  const deadline = performance.now() + startingMillisMax
  for (;;) {
    const holder = lockHolder(dataDir)
    if (holder?.socket !== undefined) return { ok: true, value: overSocket(holder.socket) }
    if (holder === undefined) {
      const opened = await overStore(dataDir)
      if (opened.ok || opened.error.type !== 'in-use') return opened
    }
    if (performance.now() > deadline) {
      return { ok: false, error: { type: 'in-use', path: dataDir, pid: holder?.pid ?? 0 } }
    }
    await wait(100)
  }
}

const overStore = async (dataDir: string): Promise<Result<Access, AccessFault>> => {
  if (!hasKeys(dataDir)) return { ok: false, error: { type: 'no-identity' } }
  const opened = openDataDir(dataDir)
  if (!opened.ok) return opened
  const lock = takeLock(dataDir)
  if (!lock.ok) return lock
  const keys = readKeys(dataDir)
  if (!keys.ok) {
    lock.value.release()
    return keys
  }
  try {
    // Loaded only here: with a daemon a command needs neither the core nor the shell.
    const [{ openHost }, { createApi }] = await Promise.all([
      import('./host.ts'),
      import('./api.ts'),
    ])
    const host = await openHost({ dataDir, keys: keys.value })
    const startedAt = new Date().toISOString()
    const api = createApi(host, () => ({
      version,
      pid: process.pid,
      startedAt,
      dataDir,
      protection: 'file-permissions',
      online: false,
      peer: host.peer,
      addresses: [],
      origins: [],
      ...(host.movedAt !== undefined && { movedAt: rfc3339(host.movedAt) }),
    }))
    const close = async (): Promise<void> => {
      await host.stop()
      lock.value.release()
    }
    return { ok: true, value: directly(api, close) }
  } catch (reason) {
    lock.value.release()
    throw reason
  }
}

const directly = (api: Api, close: () => Promise<void>): Access => {
  const signal = new AbortController().signal
  const call = async <Name extends keyof ApiAnswers>(
    method: 'GET' | 'POST',
    route: string,
    body: unknown,
  ): Promise<Result<ApiAnswers[Name], AccessFault>> => {
    const reply = await api({ method, path: apiPath(route), body, signal })
    if (reply.type === 'error') {
      return { ok: false, error: { type: 'api', code: reply.code, detail: reply.detail } }
    }
    // The same round through JSON as over the socket, so that both ways give the same.
    const value: ApiAnswers[Name] = JSON.parse(
      JSON.stringify(reply.type === 'object' ? reply.body : {}),
    )
    return { ok: true, value }
  }
  return {
    isDaemon: false,
    get: (_, route) => call('GET', route, undefined),
    post: (_, route, body) => call('POST', route, body),
    stream: async (route, body, ending) => {
      const method = body === undefined ? 'GET' : 'POST'
      const reply = await api({ method, path: apiPath(route), body, signal: ending })
      if (reply.type === 'stream') return { ok: true, value: reply.lines }
      const code = reply.type === 'error' ? reply.code : 'internal'
      return { ok: false, error: { type: 'api', code, detail: undefined } }
    },
    close,
  }
}
