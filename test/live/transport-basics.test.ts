/** The libp2p transport keeps the rules of every transport, over TCP, WebSocket and WebRTC-direct on loopback. */
import { transportConformance } from '../conformance/transport.ts'
import { startMeshPeer } from './mesh.ts'
import type { MeshPeer } from './mesh.ts'
import type { NodeListen } from '../../node/libp2p.ts'

const listens: Readonly<Record<string, NodeListen>> = {
  tcp: { host: '127.0.0.1', tcp: 0 },
  websocket: { host: '127.0.0.1', ws: 0 },
  'webrtc-direct': { host: '127.0.0.1', webrtcDirect: 0 },
}

for (const [name, listen] of Object.entries(listens)) {
  transportConformance(name, () => {
    let peers: readonly MeshPeer[] = []
    return {
      start: async count => {
        peers = await Promise.all(Array.from({ length: count }, () => startMeshPeer({ listen })))
        return peers
      },
      stop: async () => {
        await Promise.all(peers.map(peer => peer.stop()))
      },
    }
  })
}
