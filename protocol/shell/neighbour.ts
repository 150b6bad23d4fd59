/** One neighbour: its open connections, the outbound lanes over the best of them, and whether the core may count on it.
 *  The link is up when the neighbour speaks `/petrel/sync/1` and at least one connection is open. Lost frames turn into a
 *  short down and up, so that the two cores start their sync anew. */
import { bounds } from './bounds.ts'
import { createLane } from './lane.ts'
import type { Connection } from '@libp2p/interface'
import type { Clock, LinkKind } from './ports.ts'
import type { Lane } from './lane.ts'

export type ChannelName = 'sync' | 'join'
export const channelProtocols: Readonly<Record<ChannelName, string>> = {
  sync: '/petrel/sync/1',
  join: '/petrel/join/1',
}

export type Link = {
  readonly add: (connection: Connection) => void
  readonly remove: (connection: Connection) => void
  readonly connections: () => readonly Connection[]
  readonly send: (channel: ChannelName, frame: Uint8Array) => void
  /** The neighbour proved that it speaks the sync channel. */
  readonly spoke: () => void
  readonly heard: (connection: Connection) => void
  readonly heardAt: (connection: Connection) => number
  /** The one in use, or to be used. */
  readonly best: () => Connection | undefined
  readonly refresh: () => void
  readonly kind: () => LinkKind | undefined
  readonly close: () => void
}

export type LinkOptions = {
  readonly clock: Clock
  /** Of two connections that are equally good it uses the one that the neighbour uses; only one of the two follows. */
  readonly isFollower?: boolean
  readonly up: () => void
  readonly down: () => void
}

const isDirect = (connection: Connection): boolean =>
  connection.limits === undefined && connection.direct

/** The neighbour's own stream to us is there. */
const isUsedByNeighbour = ({ streams }: Connection): boolean =>
  streams.some(
    ({ direction, protocol }) => direction === 'inbound' && protocol === channelProtocols.sync,
  )

export const createLink = ({ clock, isFollower = false, up, down }: LinkOptions): Link => {
  /** Own instant of the last sign of life on each open connection. */
  const heardAtByConnection = new Map<Connection, number>()
  let isUp = false
  let losses = 0
  let lostAt = Number.NEGATIVE_INFINITY
  let cancelUp = (): void => undefined

  const openConnections = (): readonly Connection[] =>
    [...heardAtByConnection.keys()].filter(connection => connection.status === 'open')

  const heardAt = (connection: Connection): number =>
    heardAtByConnection.get(connection) ?? Number.NEGATIVE_INFINITY

  /** As good as each other, and only this one is used by the neighbour. */
  const shouldFollow = (from: Connection, to: Connection): boolean =>
    isFollower &&
    isDirect(from) === isDirect(to) &&
    heardAt(from) - heardAt(to) < bounds.idleMillis &&
    isUsedByNeighbour(to) &&
    !isUsedByNeighbour(from)

  /** Direct before relayed, then the one that spoke last. */
  const best = (): Connection | undefined => {
    const [first, ...others] = openConnections().toSorted(
      (a, b) => Number(isDirect(b)) - Number(isDirect(a)) || heardAt(b) - heardAt(a),
    )
    return first === undefined
      ? undefined
      : (others.find(other => shouldFollow(first, other)) ?? first)
  }

  /** From a relay to a direct connection, or away from one that fell silent. */
  const shouldMove = (from: Connection, to: Connection): boolean =>
    isDirect(from) === isDirect(to)
      ? heardAt(to) - heardAt(from) > 2 * bounds.idleMillis || shouldFollow(from, to)
      : isDirect(to)

  const goUp = (): void => {
    cancelUp()
    if (isUp || openConnections().length === 0) return
    isUp = true
    up()
    for (const lane of Object.values(lanes)) lane.refresh()
  }

  const goDown = (): void => {
    if (!isUp) return
    isUp = false
    for (const lane of Object.values(lanes)) lane.clear()
    down()
  }

  /** Frames are gone: down, and up again once the neighbour is there; slower when it happens again and again. */
  const lost = (): void => {
    const now = clock.now().instant
    losses = now - lostAt > bounds.dialBackoffMillisMax ? 0 : losses + 1
    lostAt = now
    goDown()
    const wait = losses === 0 ? 0 : Math.min(500 * 2 ** losses, bounds.dialBackoffMillisMax)
    cancelUp()
    cancelUp = clock.at(now + wait, () => {
      if (lanes.sync.isOpen()) goUp()
      else lanes.sync.refresh()
    })
  }

  const createChannel = (channel: ChannelName): Lane =>
    createLane({
      protocol: channelProtocols[channel],
      isEager: channel === 'sync',
      clock,
      best,
      shouldMove,
      events: { opened: channel === 'sync' ? goUp : () => undefined, lost },
    })
  const lanes: Readonly<Record<ChannelName, Lane>> = {
    sync: createChannel('sync'),
    join: createChannel('join'),
  }

  return {
    add: connection => {
      heardAtByConnection.set(connection, clock.now().instant)
      lanes.sync.refresh()
    },
    remove: connection => {
      heardAtByConnection.delete(connection)
      if (openConnections().length === 0) goDown()
      else lanes.sync.refresh()
    },
    connections: openConnections,
    send: (channel, frame) => {
      if (isUp) lanes[channel].send(frame)
    },
    spoke: goUp,
    heard: connection => {
      if (heardAtByConnection.has(connection)) {
        heardAtByConnection.set(connection, clock.now().instant)
      }
    },
    heardAt,
    best,
    refresh: () => lanes.sync.refresh(),
    kind: () => {
      const connection = best()
      if (connection === undefined) return undefined
      return isDirect(connection) ? 'direct' : 'relayed'
    },
    close: () => {
      cancelUp()
      goDown()
      for (const lane of Object.values(lanes)) lane.close()
    },
  }
}
