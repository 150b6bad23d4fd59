/** The node that served this page, if one did: its card at /petrel.json says who it is and where browsers reach it. */
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { multiaddrToBytes, multiaddrToCompact } from '#shell'
import type { CompactAddress } from '#protocol'

export type ServingNode = {
  readonly peer: string
  readonly publicKey: Uint8Array
  /** Multiaddrs that a browser can dial, without the peer id: as text, and as bytes. */
  readonly dialable: readonly string[]
  readonly addresses: readonly Uint8Array[]
  /** For invites: such that another device can reach, when there are any. */
  readonly compact: readonly CompactAddress[]
  /** Where the web app is for other devices, best first; empty when the node does not say. */
  readonly origins: readonly string[]
}

/** Two WebSocket addresses and one TCP make a link that a phone can still scan. */
const inviteAddressesMax = 3
const cardBytesMax = 16_384

const texts = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter(entry => typeof entry === 'string') : []

const isLoopback = (host: string): boolean => host.startsWith('127.') || host === '::1'

const parseCard = (card: unknown): ServingNode | undefined => {
  if (typeof card !== 'object' || card === null) return undefined
  const { peer, addresses, origins } = {
    peer: undefined,
    addresses: undefined,
    origins: undefined,
    ...card,
  }
  if (typeof peer !== 'string') return undefined
  const { publicKey } = peerIdFromString(peer)
  if (publicKey === undefined) return undefined
  const all = texts(addresses).map(text => multiaddr(text))
  const dialable = all.filter(address =>
    address.getComponents().some(({ name }) => name === 'ws' || name === 'webrtc-direct'),
  )
  const plain = dialable.map(address => multiaddr(multiaddrToBytes(address)))
  const compact = all.map(multiaddrToCompact).filter(address => address !== undefined)
  const reachable = compact.filter(({ host }) => !isLoopback(host))
  const named = (reachable.length > 0 ? reachable : compact).toSorted(
    (a, b) => Number(b.transport === 'ws') - Number(a.transport === 'ws'),
  )
  const short = named.filter(({ transport }) => transport !== 'webrtc-direct')
  return {
    peer,
    publicKey: publicKey.raw,
    dialable: plain.map(address => address.toString()),
    addresses: plain.map(address => address.bytes),
    compact: (short.length > 0 ? short : named).slice(0, inviteAddressesMax),
    origins: texts(origins),
  }
}

/** undefined: no node served this page, it is gone, or its card makes no sense. */
export const fetchServingNode = async (): Promise<ServingNode | undefined> => {
  if (!location.protocol.startsWith('http')) return undefined
  try {
    const response = await fetch(new URL('./petrel.json', document.baseURI), { cache: 'no-store' })
    if (!response.ok) return undefined
    const text = await response.text()
    return text.length > cardBytesMax ? undefined : parseCard(JSON.parse(text))
  } catch {
    return undefined
  }
}

/** Ways to another page through the node that serves both: WebRTC that it introduces, or its relay. */
export const waysThrough = (node: ServingNode): readonly Uint8Array[] =>
  ['/p2p-circuit/webrtc', '/p2p-circuit'].flatMap(way =>
    node.dialable.map(address => multiaddr(`${address}/p2p/${node.peer}${way}`).bytes),
  )

/** Where somebody else opens this app: as the node says; else this page's own address, with the node's LAN address in place
 *  of a name that only this machine knows. */
export const inviteOrigin = (node: ServingNode | undefined): string => {
  const [said] = node?.origins ?? []
  const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(location.hostname)
  if (isLocal && said !== undefined) return said.replace(/\/+$/, '')
  const folder = location.pathname.replace(/\/[^/]*$/, '')
  const lan = node?.compact.find(({ host }) => !isLoopback(host) && /^[\d.]+$/.test(host))
  if (isLocal && lan !== undefined) return `http://${lan.host}:${location.port}${folder}`
  return `${location.origin}${folder}`
}
