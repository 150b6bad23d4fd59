/** libp2p settings for weak networks, shared by Node and browser. The defaults give up on a dial after 6 s (a round trip of
 *  2 s), kill links whose ping is late, and take five inbound connections a second from one address: research/libp2p.md
 *  sections 1 and 2. Liveness and reconnecting are ours (liveness.ts, supervisor.ts), so libp2p's own are off. */
import { yamux } from '@libp2p/yamux'
import { isDialable } from './addresses.ts'
import type { StreamMuxerFactory } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

export const weakProfile = {
  connectionManager: {
    dialTimeout: 90_000,
    addressDialTimeout: 60_000,
    inboundUpgradeTimeout: 60_000,
    outboundStreamProtocolNegotiationTimeout: 60_000,
    inboundStreamProtocolNegotiationTimeout: 60_000,
    connectionCloseTimeout: 5_000,
    maxParallelDials: 8,
    maxDialQueueLength: 256,
    inboundConnectionThreshold: 100,
    maxIncomingPendingConnections: 100,
    reconnectRetries: 0,
    // The supervisor knows which address worked last; keep its order.
    addressSorter: (): 0 => 0,
    // `dnsaddr` asks public servers, and a name of it may stand for any number of addresses.
    resolvers: {},
  },
  connectionGater: {
    // libp2p's own rules refuse ws:// and every private address in a browser: all that there is on a LAN.
    denyDialMultiaddr: (address: Multiaddr): boolean => !isDialable(address),
  },
  connectionMonitor: { enabled: false },
  peerStore: { maxAddressAge: Infinity, maxPeerAge: Infinity },
  // Says what it speaks, not which version of which program on which system it is.
  nodeInfo: { name: 'petrel', version: '1', userAgent: 'petrel' },
}

/** Identify failing means gossip never hears of the peer; the ping handler's timeout kills slow answers. */
export const serviceTimeout = { timeout: 60_000 }

/** Connections kept: a Node peer serves a building, a browser its neighbours. */
export const connectionsMax = { node: 300, browser: 64 } as const

/** No public STUN servers: they only leak and delay where there is no internet. */
export const rtcConfiguration = { iceServers: [] }

/** Worst case of one connection: 32 streams with 256 KiB to read and 1 MiB to write. */
export const createMuxer = (): (() => StreamMuxerFactory) =>
  yamux({
    enableKeepAlive: false,
    maxInboundStreams: 32,
    maxOutboundStreams: 64,
    maxEarlyStreams: 10,
    streamOptions: {
      initialStreamWindowSize: 262_144,
      maxStreamWindowSize: 262_144,
      maxReadBufferLength: 524_288,
      maxWriteBufferLength: 1_048_576,
    },
  })
