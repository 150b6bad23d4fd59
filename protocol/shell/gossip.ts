/** Gossipsub with settings that do not silence, flood or forget, and the repair of two of its habits: streams to new peers
 *  are opened one after another (one stalled peer holds up all), and a stream that dies with one of two connections is
 *  never opened again. Measured in research/libp2p.md 1.4–1.6 and 3. Gossip is a hint; sync is the delivery. */
import { gossipsub } from '@libp2p/gossipsub'
import { bounds } from './bounds.ts'
import { sha256 } from './crypto.ts'
import type { GossipSub, GossipSubComponents } from '@libp2p/gossipsub'
import type { Connection, Libp2p, PeerId } from '@libp2p/interface'

/** `slow`: few neighbours, for uplinks that carry five copies of everything badly. */
export type GossipDegree = 'normal' | 'slow'

const degrees = {
  normal: { D: 6, Dlo: 4, Dhi: 12, Dout: 2, Dlazy: 6 },
  slow: { D: 3, Dlo: 2, Dhi: 4, Dout: 1, Dlazy: 3 },
} as const

/** `maxTopicBytesPerPeer` bounds the subscriptions that a neighbour can make us remember; messages on topics that are not
 *  ours are turned away by gossip-guard.ts. */
export const createGossip = (
  degree: GossipDegree = 'normal',
): ((components: GossipSubComponents) => GossipSub) =>
  gossipsub({
    ...degrees[degree],
    globalSignaturePolicy: 'StrictNoSign',
    // Of the whole data: an id that a forger can copy would suppress the true message.
    msgIdFn: message => sha256(message.data).subarray(0, 16),
    allowPublishToZeroTopicPeers: true,
    ignoreDuplicatePublishError: true,
    fallbackToFloodsub: false,
    floodPublish: false,
    batchPublish: true,
    doPX: false,
    runOnLimitedConnection: false,
    // Links are slow: a message asked for may take a minute, and late is not a crime.
    gossipsubIWantFollowupMs: 60_000,
    mcacheLength: 120,
    mcacheGossip: 60,
    seenTTL: 600_000,
    maxInboundDataLength: bounds.gossipRpcBytesMax,
    maxOutboundBufferSize: bounds.gossipOutboundBytesMax,
    maxTopicBytesPerPeer: bounds.gossipTopicBytesMax,
    decodeRpcLimits: {
      maxSubscriptions: bounds.gossipTopicsMax,
      maxMessages: 64,
      maxIhaveMessageIDs: bounds.gossipIdsMax,
      maxIwantMessageIDs: bounds.gossipIdsMax,
      maxIdontwantMessageIDs: 128,
      maxControlMessages: bounds.gossipTopicsMax,
      maxPeerInfos: 0,
    },
    // More than ten peers behind one address (NAT, hotspot, relay) must not be silenced.
    scoreParams: { IPColocationFactorWeight: 0 },
  })

/** Members of the pinned version that the repair needs; a test fails when an update takes them away. */
type GossipInside = {
  readonly peers: ReadonlyMap<string, PeerId>
  readonly streamsOutbound: ReadonlyMap<string, unknown>
  readonly protocols: readonly string[]
  readonly outboundInflightQueue: { push: (entry: Outbound) => unknown }
  readonly createOutboundStream: (peer: PeerId, connection: Connection) => Promise<void>
  readonly addPeer: (
    peer: PeerId,
    direction: Connection['direction'],
    address: Connection['remoteAddr'],
  ) => void
}
type Outbound = { readonly peerId: PeerId; readonly connection: Connection }

const hasInside = (pubsub: unknown): pubsub is GossipInside => {
  if (typeof pubsub !== 'object' || pubsub === null) return false
  const member = (name: string): unknown => Reflect.get(pubsub, name)
  return (
    member('peers') instanceof Map &&
    member('streamsOutbound') instanceof Map &&
    Array.isArray(member('protocols')) &&
    typeof member('outboundInflightQueue') === 'object' &&
    typeof member('createOutboundStream') === 'function' &&
    typeof member('addPeer') === 'function'
  )
}

/** Opens gossip streams side by side, and looks every `interval` milliseconds for neighbours that are connected and speak
 *  gossip but have no stream. Call after the node has started; returns a function that ends it. */
export const hardenGossip = (
  node: Libp2p<{ pubsub: GossipSub }>,
  interval: number = bounds.gossipRepairMillis,
): (() => void) => {
  const pubsub: unknown = node.services.pubsub
  if (!hasInside(pubsub)) throw new Error('gossipsub is not the version that was pinned')
  const inside = pubsub
  const opening = new Set<string>()

  const open = async ({ peerId, connection }: Outbound): Promise<void> => {
    const id = peerId.toString()
    if (opening.has(id) || inside.streamsOutbound.has(id)) return
    opening.add(id)
    try {
      await inside.createOutboundStream(peerId, connection)
    } finally {
      opening.delete(id)
    }
  }
  const openApart = (outbound: Outbound): void => {
    open(outbound).catch(() => undefined)
  }

  const repair = async (peer: PeerId, connection: Connection): Promise<void> => {
    const { protocols } = await node.peerStore.get(peer)
    if (!inside.protocols.some(protocol => protocols.includes(protocol))) return
    inside.addPeer(peer, connection.direction, connection.remoteAddr)
    await open({ peerId: peer, connection })
  }

  const look = (): void => {
    const seen = new Set<string>()
    for (const connection of node.getConnections()) {
      const id = connection.remotePeer.toString()
      const isUsable = connection.status === 'open' && connection.limits === undefined
      if (!isUsable || seen.has(id)) continue
      seen.add(id)
      if (inside.streamsOutbound.has(id) || opening.has(id)) continue
      repair(connection.remotePeer, connection).catch(() => undefined)
    }
  }

  inside.outboundInflightQueue.push = openApart
  const timer = setInterval(look, interval)
  return () => clearInterval(timer)
}
