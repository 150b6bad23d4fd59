/** The libp2p node of a page: dials WebSocket and WebRTC-direct to Node peers, reserves a place at their relays, and takes
 *  WebRTC connections of other browsers that were introduced there. It asks no public server for anything. */
import { noise } from '@chainsafe/libp2p-noise'
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { identify, identifyPush } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { webRTC, webRTCDirect } from '@libp2p/webrtc'
import { webSockets } from '@libp2p/websockets'
import { createLibp2p } from 'libp2p'
import {
  connectionsMax,
  createGossip,
  createMuxer,
  hardenGossip,
  rtcConfiguration,
  serviceTimeout,
  weakProfile,
} from '#shell'
import type { MeshNode } from '#shell'

export type BrowserLibp2pOptions = {
  /** 32 secret bytes: the identity on the wire. */
  readonly identitySeed: Uint8Array
}

export type BrowserLibp2p = { readonly node: MeshNode; readonly stop: () => Promise<void> }

export const createBrowserLibp2p = async (
  options: BrowserLibp2pOptions,
): Promise<BrowserLibp2p> => {
  const node = await createLibp2p({
    ...weakProfile,
    connectionManager: {
      ...weakProfile.connectionManager,
      maxConnections: connectionsMax.browser,
    },
    privateKey: await generateKeyPairFromSeed('Ed25519', options.identitySeed),
    // The search form: after a relay was dialled again it is asked again. A fixed relay address never is.
    addresses: { listen: ['/p2p-circuit', '/webrtc'] },
    transports: [
      webSockets(),
      webRTCDirect({ rtcConfiguration }),
      webRTC({ rtcConfiguration }),
      circuitRelayTransport({ reservationCompletionTimeout: 60_000 }),
    ],
    connectionEncrypters: [noise()],
    streamMuxers: [createMuxer()],
    services: {
      identify: identify(serviceTimeout),
      identifyPush: identifyPush(serviceTimeout),
      ping: ping(serviceTimeout),
      pubsub: createGossip(),
    },
  })
  const endRepair = hardenGossip(node)
  return {
    node,
    stop: async () => {
      endRepair()
      await node.stop()
    },
  }
}
