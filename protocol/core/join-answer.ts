/** Answering a request to be let in. The answer opens the group: its root, the welcome for the device that asks and the first
 *  operation of the welcome's log. With these the joiner knows the group and its key, and the rest of the control history
 *  comes by sync: paced, resumed after a lost link, from every neighbour. Members and carriers answer alike once they hold
 *  the welcome: it names its device in clear, and nobody else can open it. */
import { type DeviceId, type GroupId, type PeerId, later } from './base.ts'
import { decodeWelcome } from './epoch.ts'
import { compareOps, heldOp } from './log.ts'
import { type JoinFrame, encodeJoinFrame } from './message.ts'
import { type Op, encodeOp, isControlClass, kinds } from './op.ts'
import { hasSeq, noRanges } from './ranges.ts'
import type { Group, LinkGroup, Peer } from './state.ts'

/** One answer, so that nothing urgent waits long behind it. */
const answerBytes = 16_384
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

const answerName = (to: PeerId, gid: GroupId, device: DeviceId): string => `${to}/${gid}/${device}`

export const wasAnswered = (peer: Peer, group: Group, to: PeerId, device: DeviceId): boolean =>
  peer.joinDesk.answered.has(answerName(to, group.gid, device))

/** Answers whoever asks for this device. Where the neighbour syncs the group anyway, with what it should have and has not. */
export const answerJoiner = (peer: Peer, group: Group, to: PeerId, device: DeviceId): void => {
  const link = peer.links.get(to)
  if (link === undefined) return
  const { answered } = peer.joinDesk
  const name = answerName(to, group.gid, device)
  const last = answered.get(name)
  if (last !== undefined && peer.now.instant < later(last, answerAgainMillis)) return
  answered.delete(name)
  answered.set(name, peer.now.instant)
  const [oldest] = answered.keys()
  if (answered.size > answeredMax && oldest !== undefined) answered.delete(oldest)
  const shared = link.groups.get(group.gid)
  const wanted =
    shared === undefined
      ? openingOf(group, device)
      : controlOps(group).filter(op => isLost(shared, op))
  const ops: Uint8Array[] = []
  let size = 0
  for (const op of wanted) {
    if (op.signature === undefined || size >= answerBytes) continue
    const bytes = encodeOp(op)
    ops.push(bytes)
    size += bytes.length
  }
  if (ops.length > 0) sendJoin(peer, to, { type: 'join-answer', gid: group.gid, ops })
}

/** In the order in which they can be checked. */
const openingOf = (group: Group, device: DeviceId): readonly Op[] => {
  const welcome = controlOps(group)
    .filter(op => deviceWelcomed(op) === device)
    .toSorted(compareOps)
    .at(-1)
  const { creator, log } = group
  if (welcome === undefined || creator === undefined) return []
  const root = heldOp(log, creator, 0)
  const first = welcome.author === creator ? undefined : heldOp(log, welcome.author, 0)
  return [root, first, welcome].filter(op => op !== undefined)
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
