/** A bad line on loopback: a TCP proxy that delays, limits the rate, freezes and cuts. What is written into it arrives in
 *  order, late, as over a satellite or a crowded radio. The SYN itself is not delayed: one round trip less than in life. */
import { connect, createServer } from 'node:net'
import { multiaddr } from '@multiformats/multiaddr'
import { multiaddrToBytes } from '../../protocol/shell/addresses.ts'
import type { Socket } from 'node:net'

export type SlowLink = {
  readonly port: number
  /** The proxy's address in the binary form that `connect` takes. */
  readonly address: (kind: 'tcp' | 'ws') => Uint8Array
  /** Milliseconds each way; bytes per second each way. */
  readonly set: (line: { readonly delay?: number; readonly rate?: number }) => void
  /** Nothing passes any more, and nobody is told. */
  readonly freeze: () => void
  readonly thaw: () => void
  /** Resets every connection. */
  readonly cut: () => void
  readonly connections: () => number
  readonly close: () => Promise<void>
}

/** What the line itself holds before the sender feels it. */
const bufferBytes = 65_536

export const slowLink = async (targetPort: number): Promise<SlowLink> => {
  let delay = 0
  let rate = Number.POSITIVE_INFINITY
  let isFrozen = false
  const waiting = new Set<() => void>()
  const sockets = new Set<Socket>()

  const forward = (from: Socket, to: Socket): void => {
    let freeAt = 0
    let held = 0
    const queue: { readonly chunk: Buffer; readonly at: number }[] = []
    let timer: NodeJS.Timeout | undefined
    const flush = (): void => {
      timer = undefined
      if (isFrozen) {
        waiting.add(flush)
        return
      }
      const next = queue[0]
      if (next === undefined || to.destroyed) return
      const left = next.at - performance.now()
      if (left > 0) {
        timer = setTimeout(flush, left)
        return
      }
      queue.shift()
      held -= next.chunk.length
      to.write(next.chunk)
      if (held < bufferBytes) from.resume()
      flush()
    }
    from.on('data', (chunk: Buffer) => {
      for (let at = 0; at < chunk.length; at += 512) {
        const piece = chunk.subarray(at, at + 512)
        freeAt = Math.max(performance.now(), freeAt) + (piece.length / rate) * 1_000
        queue.push({ chunk: piece, at: freeAt + delay })
      }
      held += chunk.length
      if (held >= bufferBytes) from.pause()
      if (timer === undefined) flush()
    })
    from.on('close', () => to.destroy())
    from.on('error', () => to.destroy())
  }

  const server = createServer(client => {
    const upstream = connect(targetPort, '127.0.0.1')
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true)
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
    }
    forward(client, upstream)
    forward(upstream, client)
  })
  const port = await new Promise<number>(resolve => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : 0)
    })
  })
  const cut = (): void => {
    for (const socket of sockets) socket.resetAndDestroy()
  }
  return {
    port,
    address: kind =>
      multiaddrToBytes(multiaddr(`/ip4/127.0.0.1/tcp/${port}${kind === 'ws' ? '/ws' : ''}`)),
    set: line => {
      delay = line.delay ?? delay
      rate = line.rate ?? rate
    },
    freeze: () => {
      isFrozen = true
    },
    thaw: () => {
      isFrozen = false
      const again = [...waiting]
      waiting.clear()
      for (const flush of again) flush()
    },
    cut,
    connections: () => sockets.size / 2,
    close: () =>
      new Promise(resolve => {
        cut()
        server.close(() => resolve())
      }),
  }
}
