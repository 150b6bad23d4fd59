/** The places for requests that are kept for others: who gets one, how long, and the rows that outlive a restart. One
 *  neighbour fills no more than its share, and when all places are taken whoever has most gives way. */
import { type DeviceId, type GroupId, type PeerId, bytesToHex, idBytes, later } from './base.ts'
import { decodeCertificate } from './certificate.ts'
import { sha256 } from './crypto.ts'
import type { HeldRequest } from './join-desk.ts'
import { type JoinRequest, decodeJoinRequest, requestName } from './join.ts'
import { limits } from './limits.ts'
import type { Row } from './row.ts'
import { joinRequestKey } from './rows.ts'
import { decodeRequestRow, encodeRequestRow } from './saved.ts'
import type { Peer } from './state.ts'

export const keptMillis = limits.joinRequestHours * 3_600_000
/** A request is not replaced by another of the same device sooner. */
const replaceEvery = 5_000

/** One place for each group, invite and device. */
export const keyOf = (request: JoinRequest, device: DeviceId): string =>
  bytesToHex(sha256(idBytes(request.gid), request.invitePublic, idBytes(device)).slice(0, 16))

/** Puts a request in its place, in memory and on disk. */
export const shelve = (peer: Peer, key: string, held: HeldRequest): void => {
  peer.joinDesk.held.set(key, held)
  peer.rows.push({
    key: joinRequestKey(held.gid, key),
    value: encodeRequestRow({ ...held, keptAt: peer.now.wall }),
  })
}

/** Whether the neighbour's share is used up, or it replaces its request all the time. */
export const isOverShare = (peer: Peer, known: HeldRequest | undefined, from: PeerId): boolean => {
  if (known !== undefined) return peer.now.instant < later(known.keptAt, replaceEvery)
  const { held } = peer.joinDesk
  const mine = countBy(peer).get(from) ?? 0
  if (mine >= limits.joinRequestsPerNeighbourMax) return true
  return held.size >= limits.joinRequestsMax && mine + 1 >= largestShare(peer).count
}

const countBy = (peer: Peer): Map<PeerId, number> => {
  const counts = new Map<PeerId, number>()
  for (const { broughtBy } of peer.joinDesk.held.values()) {
    counts.set(broughtBy, (counts.get(broughtBy) ?? 0) + 1)
  }
  return counts
}

const largestShare = (
  peer: Peer,
): { readonly from: PeerId | undefined; readonly count: number } => {
  let largest: { from: PeerId | undefined; count: number } = { from: undefined, count: 0 }
  for (const [from, count] of countBy(peer)) if (count > largest.count) largest = { from, count }
  return largest
}

/** When all places are taken, the oldest of whoever took most goes: one who floods pushes out itself only. */
export const makeRoom = (peer: Peer): void => {
  const { held } = peer.joinDesk
  if (held.size < limits.joinRequestsMax) return
  const { from } = largestShare(peer)
  for (const [key, { gid, broughtBy }] of held) {
    if (broughtBy !== from) continue
    drop(peer, key, gid)
    return
  }
}

export const drop = (peer: Peer, key: string, gid: GroupId): void => {
  peer.joinDesk.held.delete(key)
  peer.rows.push({ key: joinRequestKey(gid, key), value: undefined })
}

export const dropExpired = (peer: Peer): void => {
  for (const [key, { gid, expiresAt }] of peer.joinDesk.held) {
    if (expiresAt <= peer.now.instant) drop(peer, key, gid)
  }
}

/** Hands out, to be decided here, what was kept for a group and fits. */
export const releaseRequests = (
  peer: Peer,
  gid: GroupId,
  fits: (held: HeldRequest) => boolean,
): readonly HeldRequest[] => {
  const released: HeldRequest[] = []
  for (const [key, held] of peer.joinDesk.held) {
    if (held.gid !== gid || !fits(held)) continue
    drop(peer, key, gid)
    released.push(held)
  }
  return released
}

/** A row read at start, after the groups; one that is too old or cannot be read goes. */
export const restoreRequest = (peer: Peer, row: Row): void => {
  const saved = decodeRequestRow(row.value)
  const request = saved === undefined ? undefined : decodeJoinRequest(saved.bytes)
  const certificate =
    request?.ok === true ? decodeCertificate(request.value.certificate) : undefined
  const age = saved === undefined ? keptMillis : Math.max(0, peer.now.wall - saved.keptAt)
  if (
    saved === undefined ||
    request?.ok !== true ||
    certificate?.ok !== true ||
    age >= keptMillis
  ) {
    peer.rows.push({ key: row.key, value: undefined })
    return
  }
  const { instant } = peer.now
  const { device } = certificate.value
  peer.joinDesk.held.set(keyOf(request.value, device), {
    gid: request.value.gid,
    device,
    bytes: saved.bytes,
    name: bytesToHex(requestName(saved.bytes)),
    broughtBy: saved.broughtBy,
    keptAt: instant,
    expiresAt: later(instant, keptMillis - age),
    from: new Set([saved.broughtBy]),
    askedAt: instant,
    invite: bytesToHex(request.value.invitePublic),
    isParked: saved.isParked,
    passed: new Map(),
    refused: undefined,
  })
  peer.deadlines.sooner('pass', instant)
}
