/** The mesh as the drive loop sees it, over one libp2p node: links that are up or down, frames on long-lived streams,
 *  gossip on topics. libp2p's own connection list, streams and gossip registry are never trusted to heal by themselves:
 *  neighbour.ts, liveness.ts, supervisor.ts and gossip.ts do. */
import { TopicValidatorResult } from '@libp2p/gossipsub'
import { peerIdFromString } from '@libp2p/peer-id'
import { limits } from '../core/limits.ts'
import { compareText, equalBytes, peerId, topicName } from '../core/base.ts'
import { bytesToMultiaddr, claimedFrom, multiaddrToBytes, ownAddresses } from './addresses.ts'
import { createAllowance } from './allowance.ts'
import { bounds } from './bounds.ts'
import { createBrake } from './brake.ts'
import { systemClock } from './clock.ts'
import { mostCrowding } from './crowding.ts'
import { createFrameDecoder } from './frames.ts'
import { guardGossip } from './gossip-guard.ts'
import { createLiveness, pingOn } from './liveness.ts'
import { channelProtocols, createLink } from './neighbour.ts'
import { connectionsMax } from './profile.ts'
import { createSpares } from './spares.ts'
import { createSupervisor } from './supervisor.ts'
import type { GossipSub, TopicValidatorFn } from '@libp2p/gossipsub'
import type { Connection, IdentifyResult, Libp2p, Stream } from '@libp2p/interface'
import type { PeerId, Topic } from '#protocol'
import type { ChannelName, Link } from './neighbour.ts'
import type { Clock, Transport, TransportEvents } from './ports.ts'

/** Any node with gossipsub under the name `pubsub`. */
export type MeshNode = Libp2p<{ pubsub: GossipSub }>

export type TransportOptions = {
  readonly clock?: Clock
}

const channels: readonly ChannelName[] = ['sync', 'join']

export const createTransport = (node: MeshNode, options: TransportOptions = {}): Transport => {
  const clock = options.clock ?? systemClock
  const { pubsub } = node.services
  const publicKey = node.peerId.publicKey
  if (publicKey === undefined) throw new Error('the libp2p identity must be an Ed25519 key')
  const ownId = peerId(node.peerId.toString())
  const links = new Map<PeerId, Link>()
  const bannedUntil = new Map<PeerId, number>()
  let events: TransportEvents | undefined
  let toldAddresses: readonly Uint8Array[] = []

  const remote = (connection: Connection): PeerId => peerId(connection.remotePeer.toString())

  const isBanned = (peer: PeerId): boolean => {
    const until = bannedUntil.get(peer)
    if (until === undefined) return false
    if (until > clock.now().instant) return true
    bannedUntil.delete(peer)
    return false
  }

  const supervisor = createSupervisor({
    node,
    clock,
    linkKind: peer => links.get(peer)?.kind(),
    linkCount: () => links.size,
    isBanned,
  })
  const liveness = createLiveness({
    clock,
    links,
    ping: pingOn,
    dialBeside: supervisor.dialBeside,
  })
  /** One of the two follows the other, and closes what then nobody uses. */
  const isFollowerOf = (peer: PeerId): boolean => compareText(ownId, peer) < 0
  const spares = createSpares({ clock, links, isOurs: isFollowerOf })
  const gossipAllowance = createAllowance({
    clock,
    perSecond: bounds.gossipPerSecondMax,
    burst: bounds.gossipPerSecondMax * bounds.gossipBurstSeconds,
  })

  const linkOf = (peer: PeerId): Link => {
    const known = links.get(peer)
    if (known !== undefined) return known
    const link = createLink({
      clock,
      isFollower: isFollowerOf(peer),
      up: () => events?.linkUp(peer),
      down: () => events?.linkDown(peer),
    })
    links.set(peer, link)
    return link
  }

  /** Against one peer with many connections, and one host with many peers. */
  const makeRoom = (link: Link): void => {
    const own = link.connections()
    if (own.length > bounds.connectionsPerPeerMax) {
      const [oldest] = own.toSorted((a, b) => link.heardAt(a) - link.heardAt(b))
      oldest?.abort(new Error('more connections than one needs'))
    }
    const all = node.getConnections()
    if (all.length <= connectionsMax.node - bounds.spareConnections) return
    mostCrowding(all, other => supervisor.isNamed(remote(other)))?.abort(new Error('no room'))
  }

  const opened = (connection: Connection): void => {
    const peer = remote(connection)
    if (isBanned(peer)) {
      connection.abort(new Error('not welcome for a while'))
      return
    }
    const link = linkOf(peer)
    link.add(connection)
    makeRoom(link)
    if (connection.direction === 'outbound') supervisor.reached(peer, connection.remoteAddr)
  }

  const closed = (connection: Connection): void => {
    const peer = remote(connection)
    const link = links.get(peer)
    if (link === undefined) return
    link.remove(connection)
    if (link.connections().length > 0) return
    links.delete(peer)
    link.close()
    supervisor.changed(peer)
  }

  const ban = (peer: PeerId): void => {
    if (bannedUntil.size >= bounds.bannedPeersMax) {
      const [oldest] = bannedUntil.keys()
      if (oldest !== undefined) bannedUntil.delete(oldest)
    }
    bannedUntil.set(peer, clock.now().instant + bounds.banMillis)
    for (const connection of node.getConnections(peerIdFromString(peer))) {
      connection.abort(new Error('not welcome for a while'))
    }
  }

  const listen = (channel: ChannelName, stream: Stream, connection: Connection): void => {
    const peer = remote(connection)
    if (isBanned(peer) || connection.status !== 'open') {
      stream.abort(new Error('not welcome for a while'))
      return
    }
    const link = linkOf(peer)
    if (!link.connections().includes(connection)) link.add(connection)
    link.spoke()
    const decoder = createFrameDecoder(limits.frameBytesMax)
    const brake = createBrake(stream)
    stream.addEventListener('message', ({ data }) => {
      link.heard(connection)
      const frames = decoder.push(data.subarray())
      for (const frame of frames ?? []) {
        if (isBanned(peer)) return
        events?.frame(peer, channel, frame, brake.waits(frame.length))
      }
      if (frames === undefined) ban(peer)
    })
    stream.addEventListener('remoteCloseWrite', () => {
      stream.close().catch(() => stream.abort(new Error('could not close')))
    })
  }

  guardGossip(pubsub, (neighbour, cost) => {
    const isWelcome = !isBanned(neighbour) && gossipAllowance.take(neighbour, cost)
    if (!isWelcome) ban(neighbour)
    return isWelcome
  })

  const onOpen = ({ detail }: CustomEvent<Connection>): void => opened(detail)
  const onClose = ({ detail }: CustomEvent<Connection>): void => closed(detail)
  /** Whoever speaks Petrel is worth a new connection when this one is lost. */
  const onIdentify = ({ detail }: CustomEvent<IdentifyResult>): void => {
    if (!detail.protocols.includes(channelProtocols.sync)) return
    const peer = peerId(detail.peerId.toString())
    supervisor.want(peer, claimedFrom(detail.connection.remoteAddr, detail.listenAddrs))
    links.get(peer)?.refresh()
  }
  /** Judges a message before gossipsub passes it on, and hands it to the drive loop in any case: what is refused there is
   *  charged to its sender. */
  const onGossip: TopicValidatorFn = async (neighbour, { topic, data }) => {
    const from = peerId(neighbour.toString())
    const isOurs = events !== undefined && data.length <= limits.gossipBytesMax
    const mayPass = isOurs && (await events?.mayPassOn(from, topicName(topic), data)) === true
    events?.gossip(from, topicName(topic), data)
    return mayPass ? TopicValidatorResult.Accept : TopicValidatorResult.Ignore
  }

  const tellAddresses = (): void => {
    const addresses = ownAddresses(node.getMultiaddrs()).map(multiaddrToBytes)
    const isSame =
      addresses.length === toldAddresses.length &&
      addresses.every((address, index) => equalBytes(address, toldAddresses[index] ?? address))
    if (isSame) return
    toldAddresses = addresses
    events?.addresses(addresses)
  }

  const subscribe = (topics: readonly Topic[]): void => {
    const wanted = new Set<string>(topics)
    for (const topic of pubsub.getTopics()) {
      if (wanted.has(topic)) continue
      pubsub.unsubscribe(topic)
      pubsub.topicValidators.delete(topic)
    }
    const subscribed = new Set(pubsub.getTopics())
    for (const topic of wanted) {
      if (subscribed.has(topic)) continue
      pubsub.topicValidators.set(topic, onGossip)
      pubsub.subscribe(topic)
    }
  }

  return {
    peer: ownId,
    publicKey: publicKey.raw,
    start: async given => {
      events = given
      node.addEventListener('connection:open', onOpen)
      node.addEventListener('connection:close', onClose)
      node.addEventListener('self:peer:update', tellAddresses)
      for (const channel of channels) {
        const protocol = channelProtocols[channel]
        await node.handle(protocol, (stream, connection) => listen(channel, stream, connection), {
          maxInboundStreams: bounds.streamsPerChannelMax,
          maxOutboundStreams: bounds.streamsPerChannelMax,
          runOnLimitedConnection: true,
        })
      }
      node.addEventListener('peer:identify', onIdentify)
      supervisor.start()
      liveness.start()
      spares.start()
      for (const connection of node.getConnections()) opened(connection)
      tellAddresses()
    },
    send: (to, channel, bytes) => links.get(to)?.send(channel, bytes),
    publish: (topic, bytes) => {
      pubsub.publish(topic, bytes).catch(() => undefined)
    },
    subscribe,
    connect: (peer, addresses) => {
      if (isBanned(peer)) return
      supervisor.want(
        peer,
        addresses.map(bytesToMultiaddr).filter(address => address !== undefined),
        true,
      )
    },
    rememberIn: supervisor.useBook,
    disconnect: ban,
    linkKind: peer => links.get(peer)?.kind(),
    stop: async () => {
      if (events === undefined) return
      events = undefined
      node.removeEventListener('connection:open', onOpen)
      node.removeEventListener('connection:close', onClose)
      node.removeEventListener('self:peer:update', tellAddresses)
      node.removeEventListener('peer:identify', onIdentify)
      supervisor.stop()
      liveness.stop()
      spares.stop()
      for (const link of links.values()) link.close()
      links.clear()
      await node.unhandle(Object.values(channelProtocols))
    },
  }
}
