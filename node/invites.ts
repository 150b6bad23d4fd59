/** Which addresses an invite names and which origin its link has: those that another device on the same network can reach,
 *  few enough for a QR code that a phone reads off a terminal. */
import { networkInterfaces } from 'node:os'
import { multiaddr } from '@multiformats/multiaddr'
import { multiaddrToCompact } from '#shell'
import type { CompactAddress } from '#protocol'

/** Two of them make a link of about 150 characters; WebRTC's certificate hash alone would add 52. */
const addressesMax = 3

/** Private networks first, then other addresses; bridges of containers last. */
const rank = (name: string, address: string): number => {
  if (/^(docker|br-|veth|virbr|cni|flannel|tailscale|tun|wg)/.test(name)) return 3
  if (address.startsWith('169.254.')) return 2
  return /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.)/.test(address) ? 0 : 1
}

/** IPv4 addresses of this machine on its networks, most useful first. */
export const lanAddresses = (): readonly string[] => {
  const found = Object.entries(networkInterfaces()).flatMap(([name, addresses]) =>
    (addresses ?? [])
      .filter(({ family, internal }) => family === 'IPv4' && !internal)
      .map(({ address }) => ({ address, rank: rank(name, address) })),
  )
  return found.toSorted((a, b) => a.rank - b.rank).map(({ address }) => address)
}

/** WebSocket before TCP on the best address, because browsers have only the first; loopback when there is nothing else. */
export const inviteAddresses = (
  own: readonly string[],
  lan: readonly string[],
): readonly CompactAddress[] => {
  const order = [...lan, '127.0.0.1']
  const place = (host: string): number => {
    const at = order.indexOf(host)
    return at < 0 ? order.length : at
  }
  const kinds: readonly CompactAddress['transport'][] = ['ws', 'tcp', 'webrtc-direct']
  const all = own
    .map(text => multiaddrToCompact(multiaddr(text)))
    .filter(address => address !== undefined)
    .toSorted(
      (a, b) =>
        place(a.host) - place(b.host) || kinds.indexOf(a.transport) - kinds.indexOf(b.transport),
    )
  const isLocal = (address: CompactAddress): boolean => address.host.startsWith('127.')
  const reachable = all.some(address => !isLocal(address)) ? all.filter(a => !isLocal(a)) : all
  const short = reachable.filter(({ transport }) => transport !== 'webrtc-direct')
  return (short.length > 0 ? short : reachable).slice(0, short.length > 0 ? addressesMax : 1)
}

/** Where the web app is: for other devices first, for this machine last. */
export const webOrigins = (host: string, port: number): readonly string[] => {
  const isLocal = host.startsWith('127.') || host === 'localhost' || host === '::1'
  const everywhere = host === '0.0.0.0' || host === '::'
  const others = isLocal ? [] : everywhere ? lanAddresses() : [host]
  return [...others.slice(0, 1), '127.0.0.1'].map(name => `http://${name}:${port}`)
}
