/** The libp2p node of a Node peer: TCP, WebSocket and WebRTC-direct listeners, mDNS, and relay for browsers. Every Node peer
 *  can introduce and relay. Its WebRTC certificate is kept, so that its addresses in old invites stay true. */
import { createServer } from 'node:net'
import { createSocket } from 'node:dgram'
import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { noise } from '@chainsafe/libp2p-noise'
import { circuitRelayServer, circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { identify, identifyPush } from '@libp2p/identify'
import { keychain } from '@libp2p/keychain'
import { mdns } from '@libp2p/mdns'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import {
  connectionsMax,
  createDoor,
  createGossip,
  createMuxer,
  freePlaces,
  hardenGossip,
  patchSource,
  relayGate,
  relayOptions,
  rtcConfiguration,
  serviceTimeout,
  sha256,
  weakProfile,
} from '#shell'
import type { MeshNode } from '#shell'
import { createLibp2pStore } from './libp2p-store.ts'

export type NodeListen = {
  /** The address to listen on; '0.0.0.0' for every interface. */
  readonly host: string
  /** 0: any free port. Left out: this transport does not listen. */
  readonly tcp?: number
  readonly ws?: number
  /** Left out: the native WebRTC library is not even loaded. */
  readonly webrtcDirect?: number
}

export type NodeLibp2pOptions = {
  /** Where libp2p keeps its certificate; in memory when left out. */
  readonly dataDirectory?: string
  /** 32 secret bytes: the identity on the wire. */
  readonly identitySeed: Uint8Array
  readonly listen: NodeListen
  readonly mdns: boolean
  readonly relay: boolean
}

/** A wanted port was in use; the peer listens on another one. */
export type PortTaken = {
  readonly transport: 'tcp' | 'ws' | 'webrtc-direct'
  readonly wanted: number
}

export type NodeLibp2p = {
  readonly node: MeshNode
  readonly taken: readonly PortTaken[]
  readonly stop: () => Promise<void>
}

const isFree = (kind: 'tcp' | 'udp', host: string, port: number): Promise<boolean> =>
  new Promise(resolve => {
    if (kind === 'tcp') {
      const server = createServer()
      server.once('error', () => resolve(false))
      server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)))
    } else {
      const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
      socket.once('error', () => {
        socket.close()
        resolve(false)
      })
      socket.bind({ address: host, port, exclusive: true }, () => {
        socket.close(() => resolve(true))
      })
    }
  })

type Choice = { readonly listen: readonly string[]; readonly taken: readonly PortTaken[] }

const chooseAddresses = async ({ host, ...ports }: NodeListen): Promise<Choice> => {
  const family = host.includes(':') ? 'ip6' : 'ip4'
  const wanted = [
    { transport: 'tcp', kind: 'tcp', port: ports.tcp, tail: '' },
    { transport: 'ws', kind: 'tcp', port: ports.ws, tail: '/ws' },
    { transport: 'webrtc-direct', kind: 'udp', port: ports.webrtcDirect, tail: '/webrtc-direct' },
  ] as const
  const listen: string[] = []
  const taken: PortTaken[] = []
  for (const { transport, kind, port, tail } of wanted) {
    if (port === undefined) continue
    const isOurs = port === 0 || (await isFree(kind, host, port))
    if (!isOurs) taken.push({ transport, wanted: port })
    listen.push(`/${family}/${host}/${kind}/${isOurs ? port : 0}${tail}`)
  }
  return { listen, taken }
}

let isPatched = false
/** Mends libp2p's sources while they are loaded; must run before the first import of the mended packages. */
const patchOnLoad = (): void => {
  if (isPatched) return
  isPatched = true
  registerHooks({
    load: (url, context, nextLoad) => {
      const loaded = nextLoad(url, context)
      const { source } = loaded
      if (!url.includes('/@libp2p/web') || source === undefined || source === null) return loaded
      const code = typeof source === 'string' ? source : new TextDecoder().decode(source)
      const mended = patchSource(url, code)
      return mended === undefined ? loaded : { ...loaded, source: mended }
    },
  })
}

const loadWebTransports = async (listen: NodeListen) => {
  patchOnLoad()
  const { webSockets } = await import('@libp2p/websockets')
  if (listen.webrtcDirect === undefined) return [webSockets()]
  const { webRTCDirect } = await import('@libp2p/webrtc')
  return [webSockets(), webRTCDirect({ rtcConfiguration })]
}

const keychainOptions = (identitySeed: Uint8Array) => ({
  pass: Buffer.from(
    sha256(Buffer.concat([Buffer.from('petrel/1/keychain'), identitySeed])),
  ).toString('hex'),
  dek: {
    keyLength: 64,
    iterationCount: 10_000,
    salt: 'petrel/1/keychain/salt',
    hash: 'sha2-512' as const,
  },
})

export const createNodeLibp2p = async (options: NodeLibp2pOptions): Promise<NodeLibp2p> => {
  const { listen, taken } = await chooseAddresses(options.listen)
  const privateKey = await generateKeyPairFromSeed('Ed25519', options.identitySeed)
  const datastore =
    options.dataDirectory === undefined
      ? undefined
      : createLibp2pStore(join(options.dataDirectory, 'libp2p'), peerIdFromPrivateKey(privateKey))
  await datastore?.open()
  const webTransports = await loadWebTransports(options.listen)
  const node = await createLibp2p({
    ...weakProfile,
    connectionManager: {
      ...weakProfile.connectionManager,
      maxConnections: connectionsMax.node,
    },
    connectionGater: { ...weakProfile.connectionGater, ...createDoor(), ...relayGate() },
    privateKey,
    ...(datastore === undefined ? {} : { datastore }),
    addresses: { listen: [...listen] },
    transports: [
      tcp({ inboundSocketInactivityTimeout: 600_000, outboundSocketInactivityTimeout: 600_000 }),
      ...webTransports,
      circuitRelayTransport({ reservationCompletionTimeout: 60_000 }),
    ],
    connectionEncrypters: [noise()],
    streamMuxers: [createMuxer()],
    peerDiscovery: options.mdns
      ? [mdns({ interval: 20_000, serviceTag: '_petrel._udp.local' })]
      : [],
    services: {
      identify: identify(serviceTimeout),
      identifyPush: identifyPush(serviceTimeout),
      ping: ping(serviceTimeout),
      pubsub: createGossip(),
      keychain: keychain(keychainOptions(options.identitySeed)),
      ...(options.relay ? { relay: circuitRelayServer(relayOptions) } : {}),
    },
  })
  const endRepair = hardenGossip(node)
  const { relay } = node.services
  const endFreeing = relay === undefined ? (): void => undefined : freePlaces(node, relay)
  let isStopped = false
  return {
    node,
    taken,
    stop: async () => {
      if (isStopped) return
      isStopped = true
      endRepair()
      endFreeing()
      await node.stop()
      await datastore?.close()
    },
  }
}
