/** Real libp2p peers on loopback for the transport tests, with everything that happened to them written down. */
import { randomBytes } from 'node:crypto'
import { createNodeLibp2p } from '../../node/libp2p.ts'
import { isRelayed } from '../../protocol/shell/addresses.ts'
import { createTransport } from '../../protocol/shell/transport.ts'
import { until } from '../support/until.ts'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { NodeLibp2p, NodeLibp2pOptions } from '../../node/libp2p.ts'
import type { PeerId, Topic } from '#protocol'
import type { Transport, TransportEvents } from '../../protocol/shell/ports.ts'

export type Happening =
  | { readonly type: 'up' | 'down'; readonly peer: PeerId }
  | {
      readonly type: 'frame'
      readonly peer: PeerId
      readonly channel: 'sync' | 'join'
      readonly text: string
    }
  | {
      readonly type: 'gossip'
      readonly peer: PeerId
      readonly topic: Topic
      readonly text: string
    }

export type MeshPeer = {
  readonly libp2p: NodeLibp2p
  readonly transport: Transport
  readonly peer: PeerId
  readonly happened: readonly Happening[]
  readonly addresses: () => readonly Uint8Array[]
  /** The port of a listener, by the transport's name in its address. */
  readonly port: (kind: 'tcp' | 'ws') => number
  readonly isUp: (peer: PeerId) => boolean
  readonly frames: (channel?: 'sync' | 'join') => readonly string[]
  readonly gossip: () => readonly string[]
  readonly stop: () => Promise<void>
}

export const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
export const bytes = (value: string): Uint8Array => new TextEncoder().encode(value)

/** For a transport whose reports nobody reads. */
export const silentEvents: TransportEvents = {
  linkUp: () => undefined,
  linkDown: () => undefined,
  frame: () => undefined,
  gossip: () => undefined,
  mayPassOn: () => Promise.resolve(false),
  addresses: () => undefined,
}

/** Starts a transport and writes down what it reports. */
export const listenTo = async (
  transport: Transport,
): Promise<{
  readonly happened: readonly Happening[]
  readonly addresses: () => readonly Uint8Array[]
}> => {
  const happened: Happening[] = []
  let addresses: readonly Uint8Array[] = []
  await transport.start({
    linkUp: peer => happened.push({ type: 'up', peer }),
    linkDown: peer => happened.push({ type: 'down', peer }),
    frame: (peer, channel, frame, taken) => {
      happened.push({ type: 'frame', peer, channel, text: text(frame) })
      taken?.()
    },
    gossip: (peer, topic, message) =>
      happened.push({ type: 'gossip', peer, topic, text: text(message) }),
    mayPassOn: (_peer, _topic, message) => Promise.resolve(!text(message).startsWith('forged')),
    addresses: own => {
      addresses = own
    },
  })
  return { happened, addresses: () => addresses }
}

export const startMeshPeer = async (
  options: Partial<NodeLibp2pOptions> = {},
): Promise<MeshPeer> => {
  const libp2p = await createNodeLibp2p({
    identitySeed: randomBytes(32),
    listen: { host: '127.0.0.1', tcp: 0 },
    mdns: false,
    relay: false,
    ...options,
  })
  const transport = createTransport(libp2p.node)
  const { happened, addresses } = await listenTo(transport)
  return {
    libp2p,
    transport,
    peer: transport.peer,
    happened,
    addresses,
    port: kind => {
      const own = libp2p.node
        .getMultiaddrs()
        .find(address => address.toString().includes('/ws') === (kind === 'ws'))
      return Number(own?.getComponents()[1]?.value)
    },
    isUp: peer =>
      happened.findLast(({ type, peer: other }) => other === peer && /up|down/.test(type))?.type ===
      'up',
    frames: (channel = 'sync') =>
      happened.flatMap(event =>
        event.type === 'frame' && event.channel === channel ? [event.text] : [],
      ),
    gossip: () => happened.flatMap(event => (event.type === 'gossip' ? [event.text] : [])),
    stop: async () => {
      await transport.stop()
      await libp2p.stop()
    },
  }
}

type TransportManager = {
  readonly listen: (addresses: readonly Multiaddr[]) => Promise<void>
  readonly getListeners: () => readonly object[]
}
const isTransportManager = (value: unknown): value is TransportManager =>
  typeof value === 'object' && value !== null && 'listen' in value && 'getListeners' in value

/** libp2p shows its inside to nobody; tests look. */
const transportManagerOf = (peer: MeshPeer): TransportManager => {
  const components: unknown = Reflect.get(peer.libp2p.node, 'components')
  const manager: unknown = Reflect.get(Object(components), 'transportManager')
  if (!isTransportManager(manager)) throw new Error('no transport manager')
  return manager
}

/** Listens at a relay, as a browser's configuration does at start. */
export const reserve = async (peer: MeshPeer, address: Multiaddr): Promise<void> => {
  await transportManagerOf(peer).listen([address])
  await until(() => peer.libp2p.node.getMultiaddrs().some(isRelayed), { within: 20_000 })
}

/** WebRTC-direct connections that somebody began here, whether or not they came about. */
export const webrtcBeginnings = (peer: MeshPeer): number =>
  transportManagerOf(peer)
    .getListeners()
    .map((listener): unknown => Reflect.get(listener, 'connections'))
    .reduce<number>((sum, held) => sum + (held instanceof Map ? held.size : 0), 0)
