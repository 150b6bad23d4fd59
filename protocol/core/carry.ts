/** Carry: holding sealed operations of groups this device is not in, so that members who are never online together reach
 *  each other. A neighbour asks; quotas bound what it costs; operations go by age, routine after 14 days, flash after 30, and
 *  when a group is over its share its oldest go first, never another group's. What was carried and dropped still counts as
 *  had, so that nobody sends it again. */
import { type GroupId, type PeerId, later } from './base.ts'
import { createGroup, isMember } from './groups.ts'
import { sendFrame } from './link.ts'
import { limits } from './limits.ts'
import { featureCarries } from './message.ts'
import { type Op, isControlClass } from './op.ts'
import {
  arrivalKey,
  arrivalRange,
  decodeArrival,
  encodeArrival,
  groupKey,
  recordKey,
} from './rows.ts'
import type { Row } from './row.ts'
import type { Group, Link, Peer } from './state.ts'

const dayMillis = 86_400_000
const sweepEvery = 3_600_000
const sweepRows = 512
/** Every quota has this much more room for what decides membership, or a full carrier would let nobody in. */
const controlShare = 1.25

/** Asks a neighbour that carries to hold the groups it does not know, once per contact. */
export const askToCarry = (peer: Peer, link: Link): void => {
  if ((link.features & featureCarries) === 0) return
  const groups: GroupId[] = []
  for (const group of peer.groups.values()) {
    if (group.role !== 'member' || !isMember(peer, group)) continue
    if (link.theirHello.has(group.gid) || link.carryAsked.has(group.gid)) continue
    link.carryAsked.add(group.gid)
    groups.push(group.gid)
  }
  if (groups.length > 0) sendFrame(peer, link, { type: 'carry', groups })
}

/** Takes up groups a neighbour asked to carry, as far as the quota goes; true when there are new ones. */
export const onCarry = (peer: Peer, neighbour: PeerId, groups: readonly GroupId[]): boolean => {
  let isChanged = false
  for (const gid of groups) {
    if (peer.groups.has(gid) || !makePlace(peer)) continue
    const group = createGroup(gid, 'carrier')
    group.metaDirty = true
    group.carriedFor = neighbour
    peer.groups.set(gid, group)
    isChanged = true
  }
  if (isChanged) peer.deadlines.sooner('carry', later(peer.now.instant, sweepEvery))
  return isChanged
}

/** When all places are taken, a group of which nothing ever came goes: the oldest of the neighbour that took most places
 *  with such, so that who asks for thousands takes them from itself. */
const makePlace = (peer: Peer): boolean => {
  if (countCarried(peer).groups < limits.carriedGroupsMax) return true
  const empties = new Map<PeerId | undefined, GroupId[]>()
  for (const { gid, role, log, carriedFor } of peer.groups.values()) {
    if (role !== 'carrier' || log.authors.size > 0) continue
    empties.set(carriedFor, [...(empties.get(carriedFor) ?? []), gid])
  }
  const [most] = [...empties.values()].toSorted((a, b) => b.length - a.length)
  const oldest = most?.[0]
  if (oldest === undefined) return false
  peer.groups.delete(oldest)
  peer.rows.push({ key: groupKey(oldest), value: undefined })
  return true
}

export const countCarried = (
  peer: Peer,
): { readonly groups: number; readonly ops: number; readonly bytes: number } => {
  let groups = 0
  let ops = 0
  let bytes = 0
  for (const group of peer.groups.values()) {
    if (group.role !== 'carrier') continue
    groups += 1
    bytes += group.log.bytes
    for (const { ranges } of group.log.authors.values()) {
      for (const { from, to } of ranges) ops += to - from + 1
    }
  }
  return { groups, ops, bytes }
}

/** Whether there is room for one more carried operation. */
export const chargeCarried = (peer: Peer, group: Group, op: Op): boolean => {
  const size = op.payload.length + op.header.length
  const ofAuthor = group.log.authors.get(op.author)?.bytes ?? 0
  const share = isControlClass(op.kind) ? controlShare : 1
  if (ofAuthor + size > limits.carriedBytesPerAuthorMax * share) return false
  if (group.log.bytes + size > limits.carriedBytesPerGroupMax * share) {
    sweepGroup(peer, group)
    return false
  }
  return countCarried(peer).bytes + size <= limits.carriedBytesMax * share
}

/** Looks through every carried group for what is too old. */
export const sweepCarried = (peer: Peer): void => {
  for (const group of peer.groups.values()) if (group.role === 'carrier') sweepGroup(peer, group)
  peer.deadlines.set('carry', later(peer.now.instant, sweepEvery))
}

const sweepGroup = (peer: Peer, group: Group): void => {
  for (const load of peer.loads.values()) {
    if (load.type === 'carried' && load.gid === group.gid) return
  }
  const request = peer.nextLoad++
  peer.loads.set(request, { type: 'carried', gid: group.gid })
  const range = { ...arrivalRange(group.gid, undefined, sweepRows), reverse: false }
  peer.effects.push({ type: 'load', request, query: { type: 'range', range } })
}

/** 1 January 2020: a clock that says less was not set yet, as on a small computer that just booted. */
const earliestPlausible = 1_577_836_800_000

/** Stamped by a clock that was wrong as can be told from now: its time begins anew. */
const isMistimed = (wall: number, receivedAt: number): boolean =>
  wall >= earliestPlausible && (receivedAt < earliestPlausible || receivedAt > wall + dayMillis)

/** The oldest arrivals of a carried group: those past their time go, and more while the group is over its share. */
export const dropCarried = (peer: Peer, group: Group, rows: readonly Row[]): void => {
  let over = group.log.bytes - limits.carriedBytesPerGroupMax * 0.75
  for (const row of rows) {
    const arrival = decodeArrival(row.key, row.value)
    const age = peer.now.wall - arrival.receivedAt
    if (over <= 0 && isMistimed(peer.now.wall, arrival.receivedAt)) {
      const value = encodeArrival({ ...arrival, receivedAt: Math.floor(peer.now.wall) })
      peer.rows.push({ key: row.key, value })
      continue
    }
    const isOld = age > (arrival.isFlash ? limits.carryFlashDays : limits.carryDays) * dayMillis
    if (!isOld && over <= 0) continue
    const log = group.log.authors.get(arrival.author)
    const { size } = arrival
    over -= size
    if (log !== undefined) log.bytes = Math.max(0, log.bytes - size)
    group.log.bytes = Math.max(0, group.log.bytes - size)
    group.log.held.get(arrival.author)?.delete(arrival.seq)
    const ref = { kind: 1, author: arrival.author, seq: arrival.seq }
    peer.rows.push({ key: recordKey(group.gid, ref), value: undefined })
    peer.rows.push({ key: arrivalKey(group.gid, arrival), value: undefined })
    group.dirtyLogs.add(arrival.author)
  }
}
