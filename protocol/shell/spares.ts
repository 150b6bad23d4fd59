/** Two pages that dial each other at the same moment get two WebRTC connections, and each of them costs its keep-alives for
 *  as long as both pages live. The peer with the smaller id closes the one that neither uses; before that it moves to the
 *  connection that the other one uses (neighbour.ts). Only connections that pages made for each other: a node's may hold a
 *  place at a relay. */
import { bounds } from './bounds.ts'
import { channelProtocols } from './neighbour.ts'
import type { Connection } from '@libp2p/interface'
import type { PeerId } from '#protocol'
import type { Link } from './neighbour.ts'
import type { Clock } from './ports.ts'

export type SparesOptions = {
  readonly clock: Clock
  readonly links: ReadonlyMap<PeerId, Link>
  /** The neighbours whose spare connections are this peer's to close. */
  readonly isOurs: (peer: PeerId) => boolean
}

const isIntroduced = ({ remoteAddr, limits }: Connection): boolean =>
  limits === undefined && /\/webrtc(\/|$)/.test(remoteAddr.toString())

const ownProtocols = new Set(Object.values(channelProtocols))

/** Gossip does not count: its stream is opened anew within seconds. */
const isUsed = ({ streams }: Connection): boolean =>
  streams.some(({ protocol }) => ownProtocols.has(protocol))

export const createSpares = (
  options: SparesOptions,
): { readonly start: () => void; readonly stop: () => void } => {
  const { clock, links, isOurs } = options
  let cancelTick = (): void => undefined

  const shed = (link: Link): void => {
    const introduced = link.connections().filter(isIntroduced)
    if (introduced.length < 2) return
    link.refresh()
    const kept = link.best()
    const { wall } = clock.now()
    for (const connection of introduced) {
      const isNew = wall - connection.timeline.open < bounds.spareMillis
      if (connection === kept || isNew || isUsed(connection)) continue
      connection.close().catch(() => connection.abort(new Error('could not close')))
    }
  }

  const tick = (): void => {
    cancelTick = clock.at(clock.now().instant + bounds.livenessTickMillis, () => {
      for (const [peer, link] of links) if (isOurs(peer)) shed(link)
      tick()
    })
  }

  return { start: tick, stop: () => cancelTick() }
}
