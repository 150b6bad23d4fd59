/** Answering a request to be let in: the group's control history, from which the joiner checks everything itself. Members and
 *  carriers answer alike once they hold a welcome for the device that asks: a welcome names its device in clear, and
 *  nobody else can open it. */
import { type DeviceId, type GroupId, type PeerId, later } from './base.ts'
import { decodeWelcome } from './epoch.ts'
import { limits } from './limits.ts'
import { type JoinFrame, encodeJoinFrame } from './message.ts'
import { type Op, encodeOp, isControlClass, kinds } from './op.ts'
import { hasSeq, noRanges } from './ranges.ts'
import type { Group, LinkGroup, Peer } from './state.ts'

/** Control history travels in frames of about this size. */
const answerBytes = 32_768
/** Whoever asks again sooner has the answer under way. */
const answerAgainMillis = 5_000
const answeredMax = 256

export const sendJoin = (peer: Peer, to: PeerId, frame: JoinFrame): void => {
  peer.effects.push({ type: 'send', to, channel: 'join', bytes: encodeJoinFrame(frame) })
}

/** The device a welcome is for; undefined for any other operation. */
export const deviceWelcomed = (op: Op): DeviceId | undefined => {
  const welcome = op.kind === kinds.epoch ? decodeWelcome(op.payload) : undefined
  return welcome?.ok === true ? welcome.value.device : undefined
}

export const hasWelcome = (group: Group, device: DeviceId): boolean =>
  controlOps(group).some(op => deviceWelcomed(op) === device)

const controlOps = (group: Group): readonly Op[] => {
  const ops: Op[] = []
  for (const bySeq of group.log.held.values()) {
    for (const op of bySeq.values()) if (isControlClass(op.kind)) ops.push(op)
  }
  return ops
}

const inOrder = (group: Group): readonly Op[] => {
  const rank = (op: Op): number =>
    op.author === group.creator ? 0 : op.kind === kinds.genesis ? 1 : 2
  return controlOps(group).toSorted((a, b) => rank(a) - rank(b) || a.hlc - b.hlc)
}

const answerName = (to: PeerId, gid: GroupId, device: DeviceId): string => `${to}/${gid}/${device}`

export const wasAnswered = (peer: Peer, group: Group, to: PeerId, device: DeviceId): boolean =>
  peer.joinDesk.answered.has(answerName(to, group.gid, device))

/** Sends the control history, without welcomes that are not the joiner's. Where the neighbour syncs the group anyway, only
 *  what it should have and has not. */
export const answerWithHistory = (peer: Peer, group: Group, to: PeerId, device: DeviceId): void => {
  const { answered } = peer.joinDesk
  const name = answerName(to, group.gid, device)
  const last = answered.get(name)
  if (last !== undefined && peer.now.instant < later(last, answerAgainMillis)) return
  answered.delete(name)
  answered.set(name, peer.now.instant)
  const [oldest] = answered.keys()
  if (answered.size > answeredMax && oldest !== undefined) answered.delete(oldest)
  let ops: Uint8Array[] = []
  let size = 0
  const flush = (): void => {
    if (ops.length > 0) sendJoin(peer, to, { type: 'join-answer', gid: group.gid, ops })
    ops = []
    size = 0
  }
  const shared = peer.links.get(to)?.groups.get(group.gid)
  for (const op of inOrder(group)) {
    if (op.signature === undefined || (deviceWelcomed(op) ?? device) !== device) continue
    if (shared !== undefined && !isLost(shared, op)) continue
    const bytes = encodeOp(op)
    if (size + bytes.length > answerBytes || ops.length >= limits.runOpsMax) flush()
    ops.push(bytes)
    size += bytes.length
  }
  flush()
}

/** Sync sent it and the neighbour does not say that it holds it, as when a carrier had no room. */
const isLost = (shared: LinkGroup, op: Op): boolean =>
  shared.vector !== undefined &&
  !hasSeq(shared.vector.get(op.author) ?? noRanges, op.seq) &&
  hasSeq(shared.sent.get(op.author) ?? noRanges, op.seq)

/** A link went down: what was under way may not have arrived. */
export const forgetAnswers = (peer: Peer, neighbour: PeerId): void => {
  for (const name of peer.joinDesk.answered.keys()) {
    if (name.startsWith(`${neighbour}/`)) peer.joinDesk.answered.delete(name)
  }
}
