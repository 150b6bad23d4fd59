/** Sync with neighbours: contact begins with HELLO, then each side says what it HAS and sends what the other lacks; later
 *  both tell changes. State vectors in one round trip (research/data-model.md section 6). Which bytes go first is push.ts,
 *  what is told is have.ts; here is what happens when something arrives. */
import { type PeerId, equalBytes } from './base.ts'
import { askToCarry } from './carry.ts'
import { sendProofs } from './fork.ts'
import { planHave, readHave, sendHave } from './have.ts'
import {
  countsFrom,
  createLink,
  createLinkGroup,
  dueSoon,
  indexOf,
  neighboursOf,
  readHello,
  sendFrame,
  sendHello,
  sendPaced,
} from './link.ts'
import { limits } from './limits.ts'
import { authorLog, authorTable, headOf, heldOp, setHashOf, toldRanges } from './log.ts'
import {
  type HaveVector,
  type HeadRef,
  type OpRef,
  featureAnswers,
  featureRenews,
} from './message.ts'
import { type Op, encodeOp } from './op.ts'
import { fillQueues, markSent, planPush, pump, retryRefused } from './push.ts'
import { sendSlots } from './presence.ts'
import { equalRanges, noRanges } from './ranges.ts'
import type { Refusal } from './refusal.ts'
import type { Group, Hello, Link, LinkGroup, Peer } from './state.ts'

/** Acknowledging is put off this long, so that one frame speaks for several. */
const ackGather = 10

/** A neighbour silent for so long hears HELLO again: the first one may have gone into a dead connection. */
const helloAgain = 30_000

export const linkUp = (peer: Peer, neighbour: PeerId): Link => {
  const link = createLink(neighbour, peer.now.instant)
  peer.links.set(neighbour, link)
  begin(peer, link)
  peer.effects.push({ type: 'changed' })
  return link
}

/** Says HELLO as one who knows nothing of the neighbour yet, until it answers. */
export const begin = (peer: Peer, link: Link): void => {
  if (link.hello !== undefined) return
  sendHello(peer, link, 'begins')
  dueSoon(peer, link, 'hello', helloAgain)
}

export const linkDown = (peer: Peer, neighbour: PeerId): void => {
  peer.links.delete(neighbour)
  forgetTasks(peer, neighbour)
  peer.effects.push({ type: 'changed' })
}

const forgetTasks = (peer: Peer, neighbour: PeerId): void => {
  for (const what of ['have', 'ack', 'push', 'hello']) peer.deadlines.clear(`${what}/${neighbour}`)
  for (const [request, load] of peer.loads) {
    if (load.type === 'history' && load.peer === neighbour) peer.loads.delete(request)
  }
}

/** A HELLO that begins a link while this side thinks it has one: the neighbour's connection ended and came back, and nobody
 *  noticed here. What was under way may be lost, so this side begins anew as well. */
export const onHello = (peer: Peer, link: Link, hello: Hello): void => {
  const { features, nonce } = hello
  if ((features & featureRenews) !== 0) {
    if (link.hello !== undefined) takeHello(peer, link, hello)
    return
  }
  const isNews = (features & featureAnswers) === 0 && link.hello !== undefined
  const current = isNews ? beginAgain(peer, link) : link
  current.theirCountsFrom = countsFrom(features, nonce)
  current.framesDurable = 0
  current.framesTold = 0
  current.framesRefused = []
  takeHello(peer, current, hello)
}

const beginAgain = (peer: Peer, link: Link): Link => {
  forgetTasks(peer, link.peer)
  const { sentBytes, receivedBytes, refusals, helloDue } = link
  const { windowBytes, roundTrip, leastDelay } = link
  const figures = {
    sentBytes,
    receivedBytes,
    refusals,
    helloDue,
    windowBytes,
    roundTrip,
    leastDelay,
  }
  const anew = { ...createLink(link.peer, link.since), ...figures }
  peer.links.set(link.peer, anew)
  sendHello(peer, anew, 'answers')
  return anew
}

const takeHello = (peer: Peer, link: Link, hello: Hello): void => {
  readHello(peer, link, hello)
  for (const gid of link.groups.keys()) if (!link.theirHello.has(gid)) link.groups.delete(gid)
  for (const gid of link.theirHello.keys()) {
    const group = peer.groups.get(gid)
    if (group === undefined) continue
    const shared = link.groups.get(gid) ?? createLinkGroup()
    link.groups.set(gid, shared)
    sendHave(peer, link, group, shared)
    const told = link.theirHello.get(gid)
    const isLevel = told !== undefined && equalBytes(told.setHash, setHashOf(group.log))
    // A neighbour that lacks logs could not check slots of their authors; it gets them when it has everything.
    if (isLevel) sendSlots(peer, link, group, shared)
    else sendProofs(peer, link, group)
  }
  askToCarry(peer, link)
  peer.effects.push({ type: 'changed' })
}

/** After a group came or went: every neighbour hears the new list, and its own list is read again. */
export const renewHellos = (peer: Peer): void => {
  for (const link of peer.links.values()) {
    sendHello(peer, link)
    if (link.hello !== undefined) takeHello(peer, link, link.hello)
  }
}

/** What a neighbour holds; a refusal when its vector fits no HELLO of ours. */
export const onHave = (
  peer: Peer,
  link: Link,
  group: Group,
  have: { readonly setHash: Uint8Array; readonly vector: HaveVector },
): Refusal | undefined => {
  const shared = link.groups.get(group.gid)
  if (shared === undefined) return undefined
  const read = readHave(peer, link, group, have)
  if (read === undefined) return undefined
  if ('type' in read) return read
  if (shared.refused.size > 0) retryRefused(group, shared)
  if (read.full) fillQueues(group, shared)
  pump(peer, link)
  peer.effects.push({ type: 'changed', group: group.gid })
  return undefined
}

/** An operation is held here: `from` has it too, the others may need it, and all are told that we have it. */
export const noteHeld = (
  peer: Peer,
  group: Group,
  op: Op,
  from: PeerId | undefined,
  isNew: boolean,
): void => {
  for (const [link, shared] of neighboursOf(peer, group.gid)) {
    if (link.peer === from) markSent(shared, op.author, op.seq, op.seq)
    else if (isNew) planPush(peer, link, group, op, from === undefined)
    if (isNew) planHave(peer, link, group)
  }
}

/** A paced frame was dealt with; the acknowledgement goes out after its rows are durable. `isWhole`: all of it is held. */
export const noteDurable = (peer: Peer, link: Link, isWhole: boolean): void => {
  if (link.hello === undefined) return
  link.framesDurable += 1
  const isTold = link.framesRefused.length < limits.ackRefusedMax
  if (!isWhole && isTold) link.framesRefused.push(link.framesDurable)
  if (link.framesDurable - link.framesTold >= 2) sendAck(peer, link)
  else dueSoon(peer, link, 'ack', ackGather)
}

export const sendAck = (peer: Peer, link: Link): void => {
  if (link.framesTold === link.framesDurable) return
  link.framesTold = link.framesDurable
  peer.deadlines.clear(`ack/${link.peer}`)
  const refused = link.framesRefused.splice(0)
  const frames = link.theirCountsFrom + link.framesDurable
  sendFrame(peer, link, { type: 'ack', frames, refused })
}

/** Both sides think they hold the same: if the heads say otherwise, somebody wrote two operations with one seq. */
export const onDone = (peer: Peer, link: Link, group: Group, setHash: Uint8Array): void => {
  const shared = link.groups.get(group.gid)
  const index = indexOf(link, group.gid)
  if (shared === undefined || index === undefined || shared.headsSent) return
  if (equalBytes(setHash, setHashOf(group.log)) || !holdsTheSame(group, shared)) return
  shared.headsSent = true
  const heads = authorTable(group.log).flatMap((author): HeadRef[] => {
    const head = headOf(authorLog(group.log, author))
    return head === undefined ? [] : [{ author, ...head }]
  })
  sendFrame(peer, link, { type: 'heads', group: index, heads })
}

const holdsTheSame = (group: Group, shared: LinkGroup): boolean =>
  shared.vector !== undefined &&
  [...group.log.authors].every(([author, log]) =>
    equalRanges(toldRanges(log), shared.vector?.get(author) ?? noRanges),
  )

export const onWant = (peer: Peer, link: Link, group: Group, refs: readonly OpRef[]): void => {
  const index = indexOf(link, group.gid)
  if (index === undefined) return
  for (const { author, seq } of refs) {
    // Whoever asks for more than the window asks again.
    if (link.inFlightBytes >= link.windowBytes) return
    const op = heldOp(group.log, author, seq)
    if (op?.signature === undefined) continue
    sendPaced(peer, link, { type: 'ops', group: index, ops: [encodeOp(op)] })
  }
}
