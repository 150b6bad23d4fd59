/** Tells a slow link from a dead one. libp2p's own monitor kills slow links (research/libp2p.md 1.2), so it is off. Here a
 *  connection that was silent for a while is asked for a sign of life; when that is late, a second connection is dialled
 *  beside it, and the old one goes only when another one answers, or after minutes without any sign. */
import { bounds } from './bounds.ts'
import type { Connection } from '@libp2p/interface'
import type { PeerId } from '#protocol'
import type { Clock } from './ports.ts'
import type { Link } from './neighbour.ts'

export type LivenessOptions = {
  readonly clock: Clock
  readonly links: ReadonlyMap<PeerId, Link>
  /** Resolves with the answer's round trip in milliseconds. */
  readonly ping: (connection: Connection) => Promise<number>
  readonly dialBeside: (peer: PeerId) => void
}

type Probe = { readonly askedAt: number; hasRedialled: boolean; hasFailed: boolean }

export const createLiveness = (
  options: LivenessOptions,
): { readonly start: () => void; readonly stop: () => void } => {
  const { clock, links, ping, dialBeside } = options
  const probes = new WeakMap<Connection, Probe>()
  /** Smoothed round trip of each connection. */
  const roundTrips = new WeakMap<Connection, number>()
  let tickedAt = 0
  let cancelTick = (): void => undefined

  const now = (): number => clock.now().instant

  const ask = async (link: Link, connection: Connection): Promise<void> => {
    const probe: Probe = { askedAt: now(), hasRedialled: false, hasFailed: false }
    probes.set(connection, probe)
    try {
      const roundTrip = await ping(connection)
      const smoothed = roundTrips.get(connection)
      roundTrips.set(
        connection,
        smoothed === undefined ? roundTrip : smoothed + (roundTrip - smoothed) / 8,
      )
      link.heard(connection)
      probes.delete(connection)
    } catch {
      probe.hasFailed = true
    }
  }

  const check = (peer: PeerId, link: Link, connection: Connection): void => {
    const silence = now() - link.heardAt(connection)
    const probe = probes.get(connection)
    if (probe === undefined) {
      if (silence >= bounds.idleMillis) void ask(link, connection)
      return
    }
    // It spoke by other means since it was asked.
    if (link.heardAt(connection) > probe.askedAt) {
      probes.delete(connection)
      return
    }
    const waited = now() - probe.askedAt
    const patience = 2 * (roundTrips.get(connection) ?? bounds.lateMillis) + bounds.lateMillis
    if (waited < patience) return
    const isReplaced = link
      .connections()
      .some(other => other !== connection && link.heardAt(other) > probe.askedAt)
    if (isReplaced || silence >= bounds.deadMillis) {
      connection.abort(new Error('no sign of life'))
    } else if (!probe.hasRedialled) {
      probe.hasRedialled = true
      dialBeside(peer)
    } else if (probe.hasFailed) {
      void ask(link, connection)
    }
  }

  const look = (): void => {
    const isAwake = now() - tickedAt > bounds.wakeGapMillis
    tickedAt = now()
    for (const [peer, link] of links) {
      for (const connection of link.connections()) {
        // After a sleep nobody knows which links are left.
        if (isAwake && probes.get(connection) === undefined) void ask(link, connection)
        else check(peer, link, connection)
      }
    }
  }

  const tick = (): void => {
    cancelTick = clock.at(now() + bounds.livenessTickMillis, () => {
      look()
      tick()
    })
  }

  return {
    start: () => {
      tickedAt = now()
      tick()
    },
    stop: () => cancelTick(),
  }
}

const pingProtocol = '/ipfs/ping/1.0.0'
const pingBytes = 32

/** libp2p's ping on this very connection; the ping service would choose one itself. */
export const pingOn = async (connection: Connection): Promise<number> => {
  const signal = AbortSignal.timeout(bounds.pingMillis)
  const stream = await connection.newStream(pingProtocol, { runOnLimitedConnection: true, signal })
  try {
    const sentAt = performance.now()
    await new Promise<void>((resolve, reject) => {
      let received = 0
      stream.addEventListener('message', ({ data }) => {
        received += data.byteLength
        if (received >= pingBytes) resolve()
      })
      stream.addEventListener('close', () => reject(new Error('closed before it answered')))
      signal.addEventListener('abort', () => reject(new Error('no answer in time')))
      stream.send(crypto.getRandomValues(new Uint8Array(pingBytes)))
    })
    return performance.now() - sentAt
  } finally {
    stream.close().catch(() => stream.abort(new Error('could not close')))
  }
}
