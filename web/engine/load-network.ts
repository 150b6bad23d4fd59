/** Brings the network module: streams its files once to count the bytes for the progress line, then imports them (the
 *  browser takes them from its cache). Tries again by itself; a page without network stays usable meanwhile. */
import { networkFiles } from '../ui/program.ts'
import type * as network from './network.ts'

export type Progress = {
  readonly received: number
  readonly total: number
  readonly seconds: number
}

type Network = typeof network

/** After a failed try, in milliseconds; also tried when the browser says it is online again. */
const retryMillis = 5_000

const streamFile = async (file: string, onBytes: (count: number) => void): Promise<void> => {
  const response = await fetch(new URL(file, document.baseURI), { credentials: 'same-origin' })
  if (!response.ok || response.body === null) throw new Error(`status ${response.status}`)
  const reader = response.body.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    onBytes(value.length)
  }
}

const streamAll = async (onProgress: (progress: Progress) => void): Promise<void> => {
  const files = networkFiles()
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0)
  const startedAt = performance.now()
  let received = 0
  const onBytes = (count: number): void => {
    received += count
    const elapsed = (performance.now() - startedAt) / 1_000
    const seconds = received === 0 ? 0 : (elapsed * Math.max(0, total - received)) / received
    onProgress({ received, total, seconds })
  }
  await Promise.all(files.map(({ file }) => streamFile(file, onBytes)))
}

const waitForRetry = (): Promise<void> =>
  new Promise(resolve => {
    const timer = setTimeout(go, retryMillis)
    function go(): void {
      clearTimeout(timer)
      removeEventListener('online', go)
      resolve()
    }
    addEventListener('online', go)
  })

export const loadNetwork = async (
  onProgress: (progress: Progress) => void,
  onFailed: () => void,
): Promise<Network> => {
  for (;;) {
    try {
      await streamAll(onProgress)
      return await import('./network.ts')
    } catch {
      onFailed()
      await waitForRetry()
    }
  }
}
