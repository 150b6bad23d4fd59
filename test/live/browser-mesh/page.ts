/** A page that is nothing but a transport: the test drives it through `window.mesh`. */
import { multiaddr } from '@multiformats/multiaddr'
import { createBrowserLibp2p } from '../../../web/libp2p.ts'
import { createTransport } from '../../../protocol/shell/transport.ts'
import {
  bytesToMultiaddr,
  multiaddrToBytes,
  textToMultiaddr,
} from '../../../protocol/shell/addresses.ts'
import { peerId, topicName } from '../../../protocol/core/base.ts'

const topic = topicName('browsers')
const encoder = new TextEncoder()
const decoder = new TextDecoder()

const start = async () => {
  const { node } = await createBrowserLibp2p({
    identitySeed: crypto.getRandomValues(new Uint8Array(32)),
  })
  const transport = createTransport(node)
  const happened: string[] = []
  let addresses: readonly Uint8Array[] = []
  await transport.start({
    linkUp: peer => happened.push(`up ${peer}`),
    linkDown: peer => happened.push(`down ${peer}`),
    frame: (_peer, _channel, frame, taken) => {
      happened.push(`frame ${decoder.decode(frame)}`)
      taken?.()
    },
    gossip: (_peer, _topic, message) => happened.push(`gossip ${decoder.decode(message)}`),
    mayPassOn: () => Promise.resolve(true),
    addresses: own => {
      addresses = own
    },
  })
  transport.subscribe([topic])
  return {
    peer: transport.peer,
    happened: () => happened,
    addresses: () => addresses.map(own => bytesToMultiaddr(own)?.toString() ?? ''),
    connections: () =>
      node.getConnections().map(({ remotePeer, remoteAddr, limits, direction }) => ({
        peer: remotePeer.toString(),
        address: remoteAddr.toString(),
        isLimited: limits !== undefined,
        direction,
      })),
    connect: (peer: string, texts: readonly string[]) => {
      const known = texts.map(textToMultiaddr).filter(address => address !== undefined)
      transport.connect(peerId(peer), known.map(multiaddrToBytes))
    },
    /** Dials although a connection is there, as two do that dial each other at the same moment. */
    dialBeside: async (peer: string, texts: readonly string[]) => {
      const [way] = texts.filter(address => address.includes('/p2p-circuit/webrtc'))
      await node.dial(multiaddr(`${way ?? ''}/p2p/${peer}`), { force: true })
    },
    send: (peer: string, text: string) =>
      transport.send(peerId(peer), 'sync', encoder.encode(text)),
    publish: (text: string) => transport.publish(topic, encoder.encode(text)),
    kind: (peer: string) => transport.linkKind(peerId(peer)),
  }
}

export type MeshPage = Awaited<ReturnType<typeof start>>

Object.assign(window, { mesh: await start() })
