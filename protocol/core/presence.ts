/** Presence of members in slots: which page state and availability a device chose, and where its libp2p peer may be reached.
 *  Not logged; the newest signed value of an author wins and travels from neighbour to neighbour.
 *    body := CBOR [page, availability, peer, [address…]] sealed under the epoch's slot key */
import { type PeerId, later, peerId, timestamp } from './base.ts'
import { decodeCbor, encodeCbor } from './cbor.ts'
import { currentEpoch, epochsFor } from './groups.ts'
import { limits } from './limits.ts'
import { indexOf, neighboursOf, sendPaced } from './link.ts'
import { isBytesUpTo, isInteger, isListOf, isTextUpTo, isTuple } from './shape.ts'
import { slotKey } from './rows.ts'
import { type Slot, createSlot, decodeSlot, encodeSlot, openSlot } from './slot.ts'
import type { Group, KnownSlot, Link, LinkGroup, Peer, PresenceState } from './state.ts'

const pages = ['front', 'background', 'none'] as const
const availabilities = ['available', 'busy', 'field', 'do-not-disturb'] as const
const presenceSlot = 0
/** A value is renewed well before it runs out. */
const ttlSeconds = 1_800
const renewMillis = 600_000
/** Addresses as they fit into a slot. */
const addressBytesMax = 150

const isBody = isTuple(
  isInteger(0, pages.length - 1),
  isInteger(0, availabilities.length - 1),
  isTextUpTo(limits.nameBytesMax),
  isListOf(isBytesUpTo(addressBytesMax), limits.inviteAddressesMax),
)

const nameOf = (slot: Slot): string => `${slot.author}/${slot.number}`

/** Tells the group this device's presence, now. */
export const tellPresence = (peer: Peer, group: Group): void => {
  const epoch = currentEpoch(group)
  const { own } = group
  if (group.role !== 'member' || epoch === undefined || own === undefined) return
  const { page, availability } = peer.presence
  const before = group.slots.get(`${own.author}/${presenceSlot}`)?.slot.hlc ?? 0
  const hlc = Math.max(Math.floor(peer.now.wall), before + 1)
  const head = { author: own.author, number: presenceSlot, hlc, ttlSeconds, keyId: epoch.keyId }
  const addresses = fitting(peer.addresses)
  const body = encodeCbor([
    pages.indexOf(page),
    availabilities.indexOf(availability),
    peer.peer,
    addresses,
  ])
  const slot = createSlot(group.gid, head, epoch.slot, body, message =>
    peer.cryptography.sign(own.secret, message),
  )
  keepSlot(peer, group, slot, undefined)
  peer.deadlines.set(`presence/${group.gid}`, later(peer.now.instant, renewMillis))
}

const fitting = (addresses: readonly Uint8Array[]): readonly Uint8Array[] => {
  const kept: Uint8Array[] = []
  let left = limits.slotBytesMax - 100
  for (const address of addresses.slice(0, limits.inviteAddressesMax)) {
    if (address.length > addressBytesMax || address.length + 3 > left) continue
    left -= address.length + 3
    kept.push(address)
  }
  return kept
}

/** Soon, so that several changes are told once. */
export const planPresence = (peer: Peer): void => {
  for (const group of peer.groups.values()) {
    if (group.role !== 'member') continue
    peer.deadlines.sooner(`presence/${group.gid}`, later(peer.now.instant, 300))
  }
}

export const onSlots = (peer: Peer, link: Link, group: Group, slots: readonly Slot[]): void => {
  for (const slot of slots) {
    link.groups.get(group.gid)?.slotsSent.set(nameOf(slot), slot.hlc)
    const known = group.slots.get(nameOf(slot))
    if (known === undefined || known.slot.hlc < slot.hlc) keepSlot(peer, group, slot, link.peer)
  }
}

const keepSlot = (peer: Peer, group: Group, slot: Slot, from: PeerId | undefined): void => {
  const known = openKnown(peer, group, slot)
  group.slots.set(nameOf(slot), known)
  peer.rows.push({ key: slotKey(group.gid, slot.author, slot.number), value: encodeSlot(slot) })
  for (const [link, shared] of neighboursOf(peer, group.gid)) {
    if (link.peer !== from) sendSlots(peer, link, group, shared)
  }
  const isOther = known.peer !== undefined && known.peer !== peer.peer
  if (isOther && known.peer !== undefined && !peer.links.has(known.peer)) {
    peer.effects.push({ type: 'connect', peer: known.peer, addresses: known.addresses })
  }
  peer.effects.push({ type: 'changed', group: group.gid })
}

const openKnown = (peer: Peer, group: Group, slot: Slot): KnownSlot => {
  const presence = readPresence(group, slot)
  return {
    slot,
    receivedAt: timestamp(Math.floor(peer.now.wall)),
    peer: presence?.peer,
    addresses: presence?.addresses ?? [],
    presence: presence?.state,
  }
}

const readPresence = (
  group: Group,
  slot: Slot,
):
  | {
      readonly state: PresenceState
      readonly peer: PeerId
      readonly addresses: readonly Uint8Array[]
    }
  | undefined => {
  for (const epoch of epochsFor(group, slot.keyId)) {
    const bytes = openSlot(epoch.slot, slot)
    const decoded = bytes === undefined ? undefined : decodeCbor(bytes)
    if (decoded?.ok !== true || !isBody(decoded.value)) continue
    const [page, availability, name, addresses] = decoded.value
    const state = {
      page: pages[page] ?? 'none',
      availability: availabilities[availability] ?? 'available',
    }
    return { state, peer: peerId(name), addresses }
  }
  return undefined
}

const isCurrent = (peer: Peer, known: KnownSlot): boolean =>
  peer.now.wall < known.receivedAt + known.slot.ttlSeconds * 1_000

/** Slots in one frame. */
const slotsTogether = 8

/** Sends the slots this neighbour does not have from us yet, as far as the window goes; by the time it opens again newer ones
 *  may have taken their place. */
export const sendSlots = (peer: Peer, link: Link, group: Group, shared: LinkGroup): void => {
  const index = indexOf(link, group.gid)
  if (index === undefined || link.theirHello.get(group.gid) === undefined) return
  shared.slotsDue = false
  const due = [...group.slots].filter(
    ([name, known]) =>
      (shared.slotsSent.get(name) ?? -1) < known.slot.hlc && isCurrent(peer, known),
  )
  for (let at = 0; at < due.length; at += slotsTogether) {
    shared.slotsDue = link.inFlightBytes >= link.windowBytes
    if (shared.slotsDue) return
    const slots = due.slice(at, at + slotsTogether).map(([name, { slot }]) => {
      shared.slotsSent.set(name, slot.hlc)
      return encodeSlot(slot)
    })
    sendPaced(peer, link, { type: 'slots', group: index, slots })
  }
}

/** A slot row read at start; one that cannot be read is forgotten. */
export const restoreSlot = (peer: Peer, group: Group, value: Uint8Array): void => {
  const slot = decodeSlot(value)
  if (slot.ok) group.slots.set(nameOf(slot.value), openKnown(peer, group, slot.value))
}

/** Members worth a connection after a start, a join or a lost link. */
export const wishForLinks = (peer: Peer, group: Group): void => {
  for (const known of group.slots.values()) {
    if (known.peer === undefined || known.peer === peer.peer || peer.links.has(known.peer)) continue
    peer.effects.push({ type: 'connect', peer: known.peer, addresses: known.addresses })
  }
}

/** For the eye: what a member's newest presence says, while it lasts. */
export const presenceOf = (peer: Peer, group: Group, author: string): KnownSlot | undefined => {
  const known = group.slots.get(`${author}/${presenceSlot}`)
  return known !== undefined && isCurrent(peer, known) ? known : undefined
}
