/** Passing requests to be let in on for others. Whoever holds the group and may not admit keeps the newest
 *  request of each (group, invite, device) for a day and shows it to neighbours that know the group, so that an invite works
 *  while its inviter is away. Nothing has to find the way back: `admit` and welcome are operations of the group, and whoever
 *  gets the welcome and kept the request answers its joiner. Only a refusal is handed back, once for each request passed. */
import { type DeviceId, type GroupId, type PeerId, bytesToHex, equalBytes, later } from './base.ts'
import { answerJoiner, deviceWelcomed, hasWelcome, sendJoin, wasAnswered } from './join-answer.ts'
import type { HeldRequest } from './join-desk.ts'
import { drop, dropExpired, isOverShare, keptMillis, keyOf, makeRoom, shelve } from './join-keep.ts'
import { type JoinRequest, joinRequestIsSigned, requestName } from './join.ts'
import { limits } from './limits.ts'
import type { Op } from './op.ts'
import { type Refusal, type RefusalType, refusal } from './refusal.ts'
import type { Group, Link, Peer } from './state.ts'

/** Each request goes to one neighbour at a time and each neighbour gets one at a time, this far apart: the first who admits
 *  ends the round, instead of twenty who all write an `admit`, and a slow link is not filled. */
const passEvery = 1_000
/** A neighbour that has it keeps it too; it is shown again this long after, and only when the joiner still asks or the
 *  neighbour was met anew. After a refusal, which somebody better informed may take back, sooner. */
const passAgain = 600_000
const passRefusedAgain = 60_000
/** What was sent this short before a link went down may not have arrived. */
const inTransit = 60_000
/** Neighbours one request is answered to. */
const fromMax = 8
/** Neighbours one request is known to have gone to. */
const passedMax = 256

/** A request as it came, with the device it is for. */
export type Asked = {
  readonly request: JoinRequest
  readonly bytes: Uint8Array
  readonly device: DeviceId
  readonly from: PeerId
}

/** A request this peer cannot decide: answered when its welcome is here, else kept and passed on. Answers with what is to be
 *  charged to the neighbour. */
export const forwardRequest = (peer: Peer, group: Group, asked: Asked): Refusal | undefined =>
  keepRequest(peer, group, asked, false)

/** Nobody else is troubled with it: an invite that nobody knows may be none. */
export const parkRequest = (peer: Peer, group: Group, asked: Asked): Refusal | undefined =>
  keepRequest(peer, group, asked, true)

const keepRequest = (
  peer: Peer,
  group: Group,
  asked: Asked,
  isParked: boolean,
): Refusal | undefined => {
  const { request, bytes, device, from } = asked
  const key = keyOf(request, device)
  const known = peer.joinDesk.held.get(key)
  if (known !== undefined && equalBytes(known.bytes, bytes)) {
    noteAsked(peer, known, from)
    return undefined
  }
  if (isOverShare(peer, known, from)) return refusal('over-quota', 'join requests')
  if (!joinRequestIsSigned(request, peer.cryptography)) return refusal('bad-signature')
  const isWelcomed = hasWelcome(group, device)
  if (isWelcomed) {
    const isFirst = !wasAnswered(peer, group, from, device)
    answerJoiner(peer, group, from, device)
    if (isFirst) return undefined
  }
  if (known === undefined) makeRoom(peer)
  const { now } = peer
  const held: HeldRequest = {
    gid: group.gid,
    device,
    bytes,
    name: bytesToHex(requestName(bytes)),
    broughtBy: known?.broughtBy ?? from,
    keptAt: now.instant,
    // Asked once more after the answer: if this welcome does not let it in, somebody else must see the request.
    expiresAt: later(now.instant, isWelcomed ? passAgain : keptMillis),
    from: known?.from ?? new Set(),
    askedAt: now.instant,
    invite: bytesToHex(request.invitePublic),
    isParked,
    passed: known?.passed ?? new Map(),
    refused: undefined,
  }
  shelve(peer, key, held)
  noteAsked(peer, held, from)
  return undefined
}

const noteAsked = (peer: Peer, held: HeldRequest, from: PeerId): void => {
  held.askedAt = peer.now.instant
  if (held.from.size < fromMax) held.from.add(from)
  tellRefused(peer, held, from)
  passRequests(peer)
}

/** Shows what is kept to neighbours that know its group, as far as the pace allows, and plans the rest. */
export const passRequests = (peer: Peer): void => {
  const { joinDesk, now, deadlines } = peer
  dropExpired(peer)
  const { passedAt } = joinDesk
  const isPaced = passedAt !== undefined && now.instant < later(passedAt, passEvery)
  const isMore = isPaced ? joinDesk.held.size > 0 : passRound(peer)
  deadlines.clear('pass')
  for (const { expiresAt } of joinDesk.held.values()) deadlines.sooner('pass', expiresAt)
  if (isMore) deadlines.sooner('pass', later(joinDesk.passedAt ?? now.instant, passEvery))
}

/** At most one request to each neighbour and one neighbour for each request; true when more is to be passed. */
const passRound = (peer: Peer): boolean => {
  const busy = new Set<PeerId>()
  const shares = passedBy(peer)
  let isMore = false
  for (const held of inTurn(peer)) {
    const due = [...peer.links.values()].filter(link => isDue(held, link, shares))
    const link = due.find(({ peer: neighbour }) => !busy.has(neighbour))
    isMore ||= due.length > (link === undefined ? 0 : 1)
    if (link === undefined) continue
    busy.add(link.peer)
    notePassed(peer, held, link.peer)
    sendJoin(peer, link.peer, { type: 'join-request', request: held.bytes })
  }
  if (busy.size > 0) peer.joinDesk.passedAt = peer.now.instant
  return isMore
}

/** The first of every neighbour, then the second of every neighbour: who brings many waits behind itself only. */
const inTurn = (peer: Peer): readonly HeldRequest[] => {
  const places = new Map<PeerId, number>()
  const turns = [...peer.joinDesk.held.values()].map(held => {
    const place = places.get(held.broughtBy) ?? 0
    places.set(held.broughtBy, place + 1)
    return { held, place }
  })
  return turns.toSorted((a, b) => a.place - b.place).map(({ held }) => held)
}

const notePassed = (peer: Peer, { passed }: HeldRequest, neighbour: PeerId): void => {
  passed.delete(neighbour)
  passed.set(neighbour, { at: peer.now.instant, isRefused: false })
  const [oldest] = passed.keys()
  if (passed.size > passedMax && oldest !== undefined) passed.delete(oldest)
}

const isDue = (held: HeldRequest, link: Link, shares: ReadonlyMap<PeerId, number>): boolean => {
  if (held.isParked || held.from.has(link.peer) || !link.theirHello.has(held.gid)) return false
  const passed = held.passed.get(link.peer)
  // No more than the neighbour's share for us, so that an honest peer is never charged for its joiners.
  if (passed === undefined) return (shares.get(link.peer) ?? 0) < limits.joinRequestsPerNeighbourMax
  const wait = passed.isRefused ? passRefusedAgain : passAgain
  return Math.max(held.askedAt, link.since) >= later(passed.at, wait)
}

/** How many requests each neighbour keeps for us. */
const passedBy = (peer: Peer): ReadonlyMap<PeerId, number> => {
  const counts = new Map<PeerId, number>()
  for (const { passed } of peer.joinDesk.held.values()) {
    for (const [neighbour, { isRefused }] of passed) {
      if (!isRefused) counts.set(neighbour, (counts.get(neighbour) ?? 0) + 1)
    }
  }
  return counts
}

/** Operations of the group arrived: whoever is welcomed in them and asked here is answered. */
export const answerWelcomed = (peer: Peer, group: Group, ops: readonly Op[]): void => {
  const welcomed = new Set(ops.map(deviceWelcomed))
  for (const [key, { gid, device, from }] of peer.joinDesk.held) {
    if (gid !== group.gid || !welcomed.has(device)) continue
    drop(peer, key, gid)
    for (const neighbour of from) answerJoiner(peer, group, neighbour, device)
  }
}

/** Somebody said no to a request that went there from here: said on to whoever brought it, once for each reason and pass. */
export const passRefusal = (
  peer: Peer,
  from: PeerId,
  answer: { readonly gid: GroupId; readonly request: Uint8Array; readonly refusal: RefusalType },
): void => {
  const name = bytesToHex(answer.request)
  for (const held of peer.joinDesk.held.values()) {
    const passed = held.passed.get(from)
    if (held.gid !== answer.gid || held.name !== name || passed?.isRefused !== false) continue
    passed.isRefused = true
    if (held.refused === answer.refusal) return
    held.refused = answer.refusal
    for (const neighbour of held.from) {
      if (neighbour !== from && peer.links.has(neighbour)) tellRefused(peer, held, neighbour)
    }
    return
  }
}

const tellRefused = (peer: Peer, held: HeldRequest, to: PeerId): void => {
  const { gid, bytes, refused } = held
  if (refused === undefined) return
  sendJoin(peer, to, { type: 'join-refused', gid, refusal: refused, request: requestName(bytes) })
}

/** A link went down: what went there a moment ago may not have arrived. */
export const forgetPassed = (peer: Peer, neighbour: PeerId): void => {
  for (const { passed } of peer.joinDesk.held.values()) {
    const last = passed.get(neighbour)
    if (last !== undefined && peer.now.instant < later(last.at, inTransit)) passed.delete(neighbour)
  }
}
