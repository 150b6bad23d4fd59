/** Bounds for whoever connects to one of our HTTP servers: how many at once, how many from one address, and how long a
 *  request may take to arrive. Whoever comes above the bound is told so and let go; those who were served go on. */
import type { Server } from 'node:http'
import type { Socket } from 'node:net'

export type Patience = {
  /** Until the headers are whole. */
  readonly headerMillis: number
  /** Until the body is whole. */
  readonly requestMillis: number
  /** How often Node looks for those who are over their time. */
  readonly checkMillis: number
}

/** A phone on a slow link needs a second or two; ten times that is somebody who means something else. */
export const patient: Patience = { headerMillis: 10_000, requestMillis: 30_000, checkMillis: 5_000 }

export const arrivalLimits = ({ headerMillis, requestMillis, checkMillis }: Patience) => ({
  headersTimeout: headerMillis,
  requestTimeout: requestMillis,
  connectionsCheckingInterval: checkMillis,
})

export type ConnectionBounds = { readonly most: number; readonly mostPerAddress: number }

/** Beyond these the kernel's own answer has to do. */
const refusedAtOnce = 32

/** `refusal`: a whole HTTP answer for whoever is above the bounds. Answers whether a socket got it: what it asked for all the
 *  same must not be done. */
export const boundConnections = (
  server: Server,
  { most, mostPerAddress }: ConnectionBounds,
  refusal: string,
): ((socket: Socket) => boolean) => {
  const refused = new WeakSet<Socket>()
  const countByAddress = new Map<string, number>()
  let open = 0
  server.maxConnections = most + refusedAtOnce
  server.prependListener('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? ''
    const count = (countByAddress.get(address) ?? 0) + 1
    open += 1
    countByAddress.set(address, count)
    socket.once('close', () => {
      open -= 1
      const left = (countByAddress.get(address) ?? 1) - 1
      if (left === 0) countByAddress.delete(address)
      else countByAddress.set(address, left)
    })
    if (open <= most && count <= mostPerAddress) return
    refused.add(socket)
    socket.on('error', () => undefined)
    socket.end(refusal, () => {
      socket.destroy()
    })
  })
  return socket => refused.has(socket)
}
