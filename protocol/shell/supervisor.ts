/** Keeps wanted peers connected, because nothing in the stack does: libp2p dials nobody it discovers, gives up on a lost
 *  peer after half a minute and never renews a relay (research/libp2p.md 1.9). Each wanted peer is tried again with
 *  growing, jittered pauses; an event that may have changed the world (start, discovery, loss, `online`) ends the pause.
 *  Of two peers that both may dial, the one with the smaller id goes first and the other waits a moment. */
import { peerIdFromString } from '@libp2p/peer-id'
import { compareText, peerId } from '../core/base.ts'
import {
  compareAddresses,
  isDialable,
  isRelayed,
  textToMultiaddr,
  withoutPeer,
} from './addresses.ts'
import { bounds } from './bounds.ts'
import type { Libp2p, PeerInfo } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { PeerId } from '#protocol'
import type { AddressBook } from './address-book.ts'
import type { Clock, LinkKind } from './ports.ts'

export type Supervisor = {
  /** Somebody worth a connection; known addresses are kept beside these. Whoever was named by an invite, a member or the
   *  host goes before whoever only named itself. */
  readonly want: (peer: PeerId, addresses: readonly Multiaddr[], isNamed?: boolean) => void
  readonly isNamed: (peer: PeerId) => boolean
  /** A connection that we opened to this address works. */
  readonly reached: (peer: PeerId, address: Multiaddr) => void
  /** The link came up or went down. */
  readonly changed: (peer: PeerId) => void
  readonly forget: (peer: PeerId) => void
  /** Dials although a connection exists, for one that fell silent. */
  readonly dialBeside: (peer: PeerId) => void
  readonly useBook: (book: AddressBook) => Promise<void>
  readonly start: () => void
  readonly stop: () => void
}

export type SupervisorOptions = {
  readonly node: Libp2p
  readonly clock: Clock
  readonly linkKind: (peer: PeerId) => LinkKind | undefined
  readonly linkCount: () => number
  readonly isBanned: (peer: PeerId) => boolean
  /** From 0 to below 1; Math.random unless a test says otherwise. */
  readonly chance?: () => number
}

type Wanted = {
  readonly peer: PeerId
  addresses: readonly Multiaddr[]
  isNamed: boolean
  failures: number
  /** Own instant before which it is not dialled. */
  notBefore: number
  isDialling: boolean
  reachedAt: number
}

const sameAddress = (a: Multiaddr, b: Multiaddr): boolean => a.toString() === b.toString()

export const createSupervisor = (options: SupervisorOptions): Supervisor => {
  const { node, clock, linkKind, linkCount, isBanned } = options
  const chance = options.chance ?? Math.random
  const own = peerId(node.peerId.toString())
  const wanted = new Map<PeerId, Wanted>()
  let book: AddressBook | undefined
  let dialling = 0
  let isStopped = true
  let cancelTick = (): void => undefined

  const now = (): number => clock.now().instant

  /** Dialling a relayed address needs the relay; dialling ourselves through ourselves makes no sense. */
  const isSensible = (address: Multiaddr): boolean =>
    isDialable(address) && !address.toString().includes(`/p2p/${own}`)

  /** What is known, the new ones behind it, nearest first; what worked last stays in front. */
  const merge = (known: readonly Multiaddr[], more: readonly Multiaddr[]): readonly Multiaddr[] => {
    const fresh = more
      .map(withoutPeer)
      .filter(address => isSensible(address))
      .filter(address => !known.some(other => sameAddress(other, address)))
      .toSorted(compareAddresses)
    const kept = known.slice(0, Math.max(1, bounds.addressesPerPeerMax - fresh.length))
    return [...kept, ...fresh].slice(0, bounds.addressesPerPeerMax)
  }

  /** Strangers come in any number, with any addresses: they must not crowd out the others. */
  const rank = ({ isNamed, reachedAt }: Wanted): number =>
    Number(isNamed) * 2 + Number(reachedAt > 0)

  /** Makes room by giving up a stranger without a link, or else the peer that was reached longest ago. */
  const makeRoom = (): void => {
    if (wanted.size < bounds.wantedPeersMax) return
    const [oldest] = [...wanted.values()]
      .filter(({ peer }) => linkKind(peer) === undefined)
      .toSorted((a, b) => rank(a) - rank(b) || a.reachedAt - b.reachedAt)
    if (oldest !== undefined) forget(oldest.peer)
  }

  const forget = (peer: PeerId): void => {
    wanted.delete(peer)
    book?.forget(peer)
  }

  const entryOf = (peer: PeerId): Wanted => {
    const known = wanted.get(peer)
    if (known !== undefined) return known
    makeRoom()
    const fresh: Wanted = {
      peer,
      addresses: [],
      isNamed: false,
      failures: 0,
      notBefore: now() + courtesy(peer),
      isDialling: false,
      reachedAt: 0,
    }
    wanted.set(peer, fresh)
    return fresh
  }

  /** The smaller id dials at once, the other gives it a moment; alone in the world nobody waits. */
  const courtesy = (peer: PeerId): number =>
    compareText(own, peer) < 0 || linkCount() === 0 || node.getMultiaddrs().length === 0
      ? 0
      : bounds.courtesyMillis * (1 + chance())

  /** A relayed link is better than none and worse than a direct one. */
  const isSatisfied = ({ peer, addresses }: Wanted): boolean => {
    const kind = linkKind(peer)
    if (kind === undefined) return false
    return kind === 'direct' || !addresses.some(leadsToDirect)
  }
  const leadsToDirect = (address: Multiaddr): boolean =>
    !isRelayed(address) || address.toString().includes('/webrtc')

  const backOff = (entry: Wanted): void => {
    entry.failures += 1
    const isPatient = entry.failures > bounds.dialPatience
    const [soon, late] =
      linkCount() === 0 || entry.reachedAt > 0
        ? [bounds.dialBackoffMillisAlone, bounds.dialBackoffMillisMax]
        : [bounds.dialBackoffMillisMax, bounds.dialBackoffMillisLong]
    const most = isPatient ? late : soon
    const pause = Math.min(bounds.dialBackoffMillisMin * 2 ** (entry.failures - 1), most)
    entry.notBefore = now() + pause * (0.5 + chance())
  }

  /** A dead address first must not eat the time of the living one behind it: short tries first, long ones later. */
  const budget = (entry: Wanted): number => {
    const [short, medium, long] = bounds.dialMillis
    if (entry.addresses.length === 1 || entry.failures >= 2) return long
    return entry.failures === 0 ? short : medium
  }

  const dialOne = async (entry: Wanted, address: Multiaddr): Promise<boolean> => {
    try {
      await node.dial(address.encapsulate(`/p2p/${entry.peer}`), {
        force: linkKind(entry.peer) !== undefined,
        signal: AbortSignal.timeout(budget(entry)),
      })
      reached(entry.peer, address)
      return true
    } catch {
      return false
    }
  }

  /** Whoever was reached before is mostly where it was; a dead address behind that one would only cost time, so the others
   *  take part in every fourth round. */
  const addressesToTry = (entry: Wanted): readonly Multiaddr[] =>
    entry.reachedAt > 0 && entry.failures % 4 !== 3 ? entry.addresses.slice(0, 1) : entry.addresses

  const dial = async (entry: Wanted, isEnough: () => boolean): Promise<void> => {
    entry.isDialling = true
    dialling += 1
    try {
      for (const address of addressesToTry(entry)) {
        if (isStopped || isEnough()) break
        if (linkKind(entry.peer) === 'relayed' && !leadsToDirect(address)) continue
        if (await dialOne(entry, address)) break
      }
    } finally {
      entry.isDialling = false
      dialling -= 1
    }
    if (isEnough()) entry.failures = 0
    else backOff(entry)
    look()
    arm()
  }

  const isDue = (entry: Wanted): boolean =>
    !entry.isDialling &&
    entry.addresses.length > 0 &&
    entry.notBefore <= now() &&
    !isBanned(entry.peer) &&
    !isSatisfied(entry)

  /** Starts what is due, a few at a time, and no more when there are neighbours enough. */
  const look = (): void => {
    if (isStopped) return
    const due = [...wanted.values()]
      .filter(isDue)
      .toSorted((a, b) => rank(b) - rank(a) || a.notBefore - b.notBefore)
    for (const entry of due) {
      const most = rank(entry) > 0 ? bounds.parallelDialsMax : bounds.strangerDialsMax
      if (dialling >= most || linkCount() >= bounds.linksWantedMax) return
      void dial(entry, () => isSatisfied(entry))
    }
  }

  /** Looks again when the next peer is due, and every few seconds anyway. */
  const arm = (): void => {
    cancelTick()
    if (isStopped) return
    const dues = [...wanted.values()].map(entry => entry.notBefore).filter(due => due > now())
    const next = Math.min(now() + bounds.superviseTickMillis, ...dues)
    cancelTick = clock.at(next, () => {
      look()
      arm()
    })
  }

  /** The world may have changed: everybody is worth a try now. */
  const wake = (): void => {
    for (const entry of wanted.values()) {
      entry.failures = 0
      entry.notBefore = Math.min(entry.notBefore, now() + chance() * bounds.dialBackoffMillisMin)
    }
    look()
    arm()
  }

  const want = (peer: PeerId, addresses: readonly Multiaddr[], isNamed = false): void => {
    if (peer === own || isBanned(peer)) return
    const entry = entryOf(peer)
    entry.isNamed ||= isNamed
    const merged = merge(entry.addresses, addresses)
    if (merged.length > entry.addresses.length && linkKind(peer) === undefined) {
      entry.notBefore = Math.min(entry.notBefore, now() + courtesy(peer))
    }
    entry.addresses = merged
    look()
    arm()
  }

  const reached = (peer: PeerId, address: Multiaddr): void => {
    const entry = entryOf(peer)
    const good = withoutPeer(address)
    const others = entry.addresses.filter(other => !sameAddress(other, good))
    entry.addresses = [good, ...others].slice(0, bounds.addressesPerPeerMax)
    entry.reachedAt = clock.now().wall
    book?.save({
      peer,
      addresses: entry.addresses.map(String),
      reachedAt: entry.reachedAt,
    })
  }

  const onDiscovery = ({ detail }: CustomEvent<PeerInfo>): void => {
    if (detail.multiaddrs.length > 0) want(peerId(detail.id.toString()), detail.multiaddrs)
  }

  return {
    want,
    isNamed: peer => wanted.get(peer)?.isNamed === true,
    reached,
    changed: peer => {
      const entry = wanted.get(peer)
      if (entry === undefined || linkKind(peer) !== undefined) return
      entry.failures = 0
      entry.notBefore = now() + courtesy(peer)
      look()
      arm()
    },
    forget,
    dialBeside: peer => {
      const entry = wanted.get(peer)
      if (entry === undefined || entry.isDialling || entry.addresses.length === 0) return
      const before = node.getConnections(peerIdFromString(peer)).length
      void dial(entry, () => node.getConnections(peerIdFromString(peer)).length > before)
    },
    useBook: async given => {
      book = given
      for (const { peer, addresses, reachedAt } of await given.load()) {
        const entry = entryOf(peer)
        const known = addresses.map(textToMultiaddr).filter(address => address !== undefined)
        entry.addresses = merge(known, entry.addresses)
        entry.reachedAt = reachedAt
      }
      look()
    },
    start: () => {
      isStopped = false
      node.addEventListener('peer:discovery', onDiscovery)
      if (typeof globalThis.addEventListener === 'function') {
        globalThis.addEventListener('online', wake)
      }
      look()
      arm()
    },
    stop: () => {
      isStopped = true
      cancelTick()
      node.removeEventListener('peer:discovery', onDiscovery)
      if (typeof globalThis.removeEventListener === 'function') {
        globalThis.removeEventListener('online', wake)
      }
    },
  }
}
