/** Addresses in their three forms: libp2p's multiaddr, the core's binary multiaddr, and the compact one of an invite; and
 *  which of a host's own addresses are worth telling. */
import { multiaddr } from '@multiformats/multiaddr'
import { compareText, concatBytes } from '../core/base.ts'
import { base64ToBytes, bytesToBase64Url } from './base64.ts'
import { bounds } from './bounds.ts'
import type { Component, Multiaddr } from '@multiformats/multiaddr'
import type { CompactAddress } from '#protocol'

/** The multiaddr of bytes from outside, without a trailing peer id; undefined when they are none. */
export const bytesToMultiaddr = (bytes: Uint8Array): Multiaddr | undefined => {
  try {
    return withoutPeer(multiaddr(bytes))
  } catch {
    return undefined
  }
}

export const textToMultiaddr = (text: string): Multiaddr | undefined => {
  try {
    return multiaddr(text)
  } catch {
    return undefined
  }
}

export const multiaddrToBytes = (address: Multiaddr): Uint8Array => withoutPeer(address).bytes

/** Without the last `/p2p/…` component: the peer is named beside it. A relay's own `/p2p/` in the middle stays. */
export const withoutPeer = (address: Multiaddr): Multiaddr => {
  const components = address.getComponents()
  if (components.at(-1)?.name !== 'p2p') return address
  return multiaddr(components.slice(0, -1))
}

export const isRelayed = (address: Multiaddr): boolean =>
  address.getComponents().some(({ name }) => name === 'p2p-circuit')

const certificateHashPrefix = Uint8Array.of(0x12, 0x20)

/** As dialled: `/ip4/…/tcp/…[/ws]` or `/ip4/…/udp/…/webrtc-direct/certhash/…`; undefined for nonsense in the parts. */
export const compactToMultiaddr = (address: CompactAddress): Multiaddr | undefined => {
  const { transport, host, port, certificateHash } = address
  const family = host.includes(':') ? 'ip6' : /^[\d.]+$/.test(host) ? 'ip4' : 'dns'
  if (transport !== 'webrtc-direct') {
    return textToMultiaddr(`/${family}/${host}/tcp/${port}${transport === 'ws' ? '/ws' : ''}`)
  }
  if (certificateHash === undefined)
    return textToMultiaddr(`/${family}/${host}/udp/${port}/webrtc-direct`)
  const hash = bytesToBase64Url(concatBytes(certificateHashPrefix, certificateHash))
  return textToMultiaddr(`/${family}/${host}/udp/${port}/webrtc-direct/certhash/u${hash}`)
}

const hostNames = new Set(['ip4', 'ip6', 'dns', 'dns4', 'dns6'])

/** The compact form of a direct address; undefined for relayed ones and for transports that an invite cannot name. */
export const multiaddrToCompact = (address: Multiaddr): CompactAddress | undefined => {
  const [host, carrier, kind, certificate, ...rest] = withoutPeer(address).getComponents()
  if (host === undefined || !hostNames.has(host.name) || carrier === undefined) return undefined
  const place = { host: host.value ?? '', port: Number(carrier.value) }
  if (carrier.name === 'tcp') {
    if (kind === undefined) return { transport: 'tcp', ...place }
    return kind.name === 'ws' && certificate === undefined
      ? { transport: 'ws', ...place }
      : undefined
  }
  if (carrier.name !== 'udp' || kind?.name !== 'webrtc-direct' || rest.length > 0) return undefined
  const hash = certificate === undefined ? undefined : certificateHashOf(certificate)
  return hash === undefined
    ? undefined
    : { transport: 'webrtc-direct', ...place, certificateHash: hash }
}

/** The SHA-256 in a `/certhash/u…` component. */
const certificateHashOf = (component: Component): Uint8Array | undefined => {
  const text = component.value
  if (component.name !== 'certhash' || text === undefined || !text.startsWith('u')) return undefined
  const bytes = base64ToBytes(text.slice(1).replaceAll('-', '+').replaceAll('_', '/'))
  if (bytes.length !== 34 || bytes[0] !== 0x12 || bytes[1] !== 0x20) return undefined
  return bytes.slice(2)
}

/** What a component may be followed by on the way to a peer: a host, TCP with or without WebSocket or UDP with
 *  WebRTC-direct, and once a relay. Whatever else multiaddrs can say (files, `dnsaddr`, onion, http) leads to no Petrel. */
const successors: Readonly<Record<string, readonly string[]>> = {
  start: ['ip4', 'ip6', 'dns', 'dns4', 'dns6'],
  ip4: ['tcp', 'udp'],
  ip6: ['tcp', 'udp'],
  dns: ['tcp', 'udp'],
  dns4: ['tcp', 'udp'],
  dns6: ['tcp', 'udp'],
  tcp: ['ws', 'wss', 'tls', 'p2p', 'end'],
  tls: ['ws'],
  ws: ['p2p', 'end'],
  wss: ['p2p', 'end'],
  udp: ['webrtc-direct'],
  'webrtc-direct': ['certhash', 'p2p', 'end'],
  certhash: ['certhash', 'p2p', 'end'],
  p2p: ['p2p-circuit'],
  'p2p-circuit': ['webrtc', 'end'],
  webrtc: ['end'],
}

/** Nowhere, everybody, and the address at which clouds tell machines their secrets. */
const hopelessHosts: Readonly<Record<string, RegExp>> = {
  ip4: /^(0\.|22[4-9]\.|23\d\.|2[45]\d\.|169\.254\.169\.254$)/,
  ip6: /^(::$|::ffff:|ff)/i,
}

const addressBytesMax = 512

/** Whether a peer can be at this address. Others tell us addresses; what we dial, we dial on their word. */
export const isDialable = (address: Multiaddr): boolean => {
  if (address.bytes.length > addressBytesMax) return false
  const components = withoutPeer(address).getComponents()
  const names = ['start', ...components.map(({ name }) => name), 'end']
  const isWay = names
    .slice(1)
    .every((name, index) => successors[names[index] ?? '']?.includes(name) === true)
  const [host, carrier] = components
  const isHopeless = hopelessHosts[host?.name ?? '']?.test(host?.value ?? '') === true
  return isWay && carrier?.value !== '0' && !isHopeless
}

const isLoopbackAddress = (address: Multiaddr): boolean => isLoopback(hostText(address))

/** The addresses that a peer at `remote` claims to be at, without those that would lead to our own machine. */
export const claimedFrom = (
  remote: Multiaddr,
  claimed: readonly Multiaddr[],
): readonly Multiaddr[] =>
  isLoopbackAddress(remote) ? claimed : claimed.filter(address => !isLoopbackAddress(address))

const isLanAddress = (host: string): boolean =>
  /^(10\.|192\.168\.|169\.254\.|172\.(1[6-9]|2\d|3[01])\.|f[cd]|fe80)/i.test(host)
const isLoopback = (host: string): boolean =>
  host.startsWith('127.') || host === '::1' || /^(.+\.)?localhost\.?$/i.test(host)

/** How near an address is likely to be: the local network first, loopback before it only by `loopbackRank`. */
const hostRank = (address: Multiaddr): number => {
  const [host] = address.getComponents()
  const value = host?.value ?? ''
  if (isLoopback(value)) return 4
  if (host?.name === 'ip4') return isLanAddress(value) ? 0 : 1
  if (host?.name === 'ip6') return isLanAddress(value) ? 3 : 2
  return 1
}

/** Direct before relayed; a relayed WebRTC address, which ends in a direct connection, before a bare relayed one. */
const wayRank = (address: Multiaddr): number => {
  const names = address.getComponents().map(({ name }) => name)
  if (names.includes('p2p-circuit')) return names.includes('webrtc') ? 10 : 11
  if (names.includes('ws')) return 0
  if (names.includes('webrtc-direct')) return 1
  return 2
}

/** Nearest first: what to dial first, and what to tell others. */
export const compareAddresses = (a: Multiaddr, b: Multiaddr): number =>
  Number(wayRank(a) >= 10) - Number(wayRank(b) >= 10) ||
  hostRank(a) - hostRank(b) ||
  compareText(hostText(a), hostText(b)) ||
  wayRank(a) - wayRank(b) ||
  compareText(a.toString(), b.toString())

const hostText = (address: Multiaddr): string => address.getComponents()[0]?.value ?? ''

/** The best of a host's own addresses, without the peer id; loopback only when there is nothing else. */
export const ownAddresses = (all: readonly Multiaddr[]): readonly Multiaddr[] => {
  const sorted = all.map(withoutPeer).toSorted(compareAddresses)
  const reachable = sorted.filter(address => hostRank(address) < 4)
  return (reachable.length > 0 ? reachable : sorted).slice(0, bounds.ownAddressesMax)
}
