/** Forks: two operations of one author where its log can have only one. The proof is two stretches of that log which cannot
 *  both belong to it, each ending in a signature, so that anybody can check it. It goes to everybody who does not know; from
 *  the lowest doubled place on the log is disputed for all. A proof reaches back a little, so that two peers who show each
 *  other theirs find the place where the branches part in a few steps. */
import { type AuthorId, type PeerId, equalBytes } from './base.ts'
import { indexOf, neighboursOf, sendPaced } from './link.ts'
import { limits } from './limits.ts'
import { authorLog, heldOp, markFork } from './log.ts'
import type { HeadRef } from './message.ts'
import { type Op, encodeForkProof, encodeOp, encodeRun, idPrefix, isControlClass } from './op.ts'
import { coldRange, forkProofKey } from './rows.ts'
import type { ForkProof, Group, Link, Peer } from './state.ts'

/** How far before the doubled place a proof begins. */
const reachBack = 16
/** Heads answered in one HEADS: each costs a frame. */
const headsAnswered = 16

type OpAt = (seq: number) => Op | undefined

/** The lowest place that `op` shows to be doubled beside what is held there and next to it; undefined: no contradiction. */
export const doubledPlace = (opAt: OpAt, op: Op): number | undefined => {
  const same = opAt(op.seq)
  if (same !== undefined && same.id !== op.id) {
    return op.seq === 0 || equalBytes(same.prev, op.prev) ? op.seq : op.seq - 1
  }
  const before = opAt(op.seq - 1)
  if (before !== undefined && !equalBytes(idPrefix(before), op.prev)) return op.seq - 1
  const after = opAt(op.seq + 1)
  return after !== undefined && !equalBytes(idPrefix(op), after.prev) ? op.seq : undefined
}

/** The checked stretch of one batch in which an operation arrived: from after the signature before it to its own or the next. */
export const stretchAround = (batch: readonly Op[], at: number): readonly Op[] => {
  const isJoined = (left: Op | undefined, right: Op | undefined): boolean =>
    left?.signature === undefined && left?.author === right?.author
  let from = at
  while (from > 0 && isJoined(batch[from - 1], batch[from])) from -= 1
  let to = at
  while (batch[to]?.signature === undefined && to < batch.length - 1) to += 1
  return batch.slice(from, to + 1)
}

/** A stretch through `seq` that ends in a signature and begins a little earlier where one run can say it all. */
const stretchThrough = (opAt: OpAt, seq: number): readonly Op[] | undefined => {
  const stretch: Op[] = []
  for (let next = seq; stretch.length < limits.runOpsMax; next++) {
    const op = opAt(next)
    if (op === undefined) return undefined
    stretch.push(op)
    if (op.signature !== undefined) break
  }
  if (stretch.at(-1)?.signature === undefined) return undefined
  for (let before = seq - 1; before >= seq - reachBack; before--) {
    const [first] = stretch
    const op = opAt(before)
    if (first === undefined || op === undefined || op.hlc >= first.hlc) break
    if (isControlClass(op.kind) || isControlClass(first.kind)) break
    stretch.unshift(op)
  }
  return stretch
}

/** Keeps the proof that the log of `suspect` is doubled, and tells everybody. `suspect` is one checked stretch; the
 *  operation in it that contradicts stands at `at`. False: what it contradicts is not in memory. */
export const proveFork = (
  peer: Peer,
  group: Group,
  opAt: OpAt,
  suspect: readonly Op[],
  at: Op,
): boolean => {
  const { author } = at
  const place = doubledPlace(opAt, at)
  if (place === undefined) return false
  const opposite = stretchThrough(opAt, opAt(place) === undefined ? place + 1 : place)
  if (opposite === undefined) return false
  const known = group.forks.get(author)
  if (known !== undefined && known.place <= place) return true
  const proof: ForkProof = { place, sides: [opposite, suspect] }
  const value = encodeForkProof(proof.sides)
  if (value.length > limits.frameBytesMax) return true
  group.forks.set(author, proof)
  if (known !== undefined) {
    peer.rows.push({ key: forkProofKey(group.gid, author, known.place), value: undefined })
  }
  peer.rows.push({ key: forkProofKey(group.gid, author, place), value })
  for (const [link] of neighboursOf(peer, group.gid)) sendProof(peer, link, group, author)
  return true
}

/** Looks in the store for what this checked stretch may contradict. */
export const askStore = (
  peer: Peer,
  group: Group,
  suspect: readonly Op[],
  from: PeerId | undefined,
): void => {
  const [first] = suspect
  const last = suspect.at(-1)
  if (first === undefined || last === undefined) return
  let asked = 0
  for (const load of peer.loads.values()) {
    if (load.type !== 'fork' || load.gid !== group.gid) continue
    if (load.suspect[0]?.id === first.id) return
    asked += 1
  }
  if (asked >= limits.forkChecksMax) return
  const request = peer.nextLoad++
  peer.loads.set(request, { type: 'fork', gid: group.gid, suspect, from })
  const start = Math.max(0, first.seq - reachBack)
  const range = coldRange(group.gid, first.author, start, last.seq + limits.runOpsMax)
  peer.effects.push({ type: 'load', request, query: { type: 'range', range } })
}

/** What the store holds around `at`; true when it shows a fork that was not known. */
export const isForkShown = (group: Group, opAt: OpAt, at: Op): boolean => {
  const place = doubledPlace(opAt, at)
  if (place === undefined) return false
  const log = authorLog(group.log, at.author)
  const prev = opAt(place)?.prev
  const isNew = markFork(group.log, log, place) === 'fork'
  if (isNew && prev !== undefined && place > 0) log.tails.set(place - 1, prev.slice())
  return isNew
}

/** Everything known of forks in a group goes to a neighbour, each proof once per contact. */
export const sendProofs = (peer: Peer, link: Link, group: Group): void => {
  for (const author of group.forks.keys()) sendProof(peer, link, group, author)
}

const sendProof = (peer: Peer, link: Link, group: Group, author: AuthorId): void => {
  const proof = group.forks.get(author)
  if (proof === undefined || !isFirst(link, group, author, proof.place)) return
  for (const side of proof.sides) sendStretch(peer, link, group, side)
}

/** Whether nothing as low in this log was shown to the neighbour in this contact. */
const isFirst = (link: Link, group: Group, author: AuthorId, place: number): boolean => {
  const name = `${group.gid}/${author}`
  if ((link.forksShown.get(name) ?? Number.POSITIVE_INFINITY) <= place) return false
  link.forksShown.set(name, place)
  return true
}

const sendStretch = (peer: Peer, link: Link, group: Group, stretch: readonly Op[]): void => {
  const index = indexOf(link, group.gid)
  const [only] = stretch
  if (index === undefined || only === undefined) return
  if (stretch.length === 1) {
    sendPaced(peer, link, { type: 'ops', group: index, ops: [encodeOp(only)] })
  } else sendPaced(peer, link, { type: 'run', group: index, run: encodeRun(stretch) })
}

/** The neighbour's heads: where mine differ it gets my operation, which contradicts its own. */
export const onHeads = (peer: Peer, link: Link, group: Group, heads: readonly HeadRef[]): void => {
  let answered = 0
  for (const { author, seq, prefix } of heads) {
    const tail = group.log.authors.get(author)?.tails.get(seq)
    if (tail === undefined || equalBytes(tail, prefix) || answered >= headsAnswered) continue
    if (!isFirst(link, group, author, seq + 1)) continue
    answered += 1
    const stretch = stretchThrough(place => heldOp(group.log, author, place), seq)
    if (stretch === undefined) sendStored(peer, link, group, author, seq)
    else sendStretch(peer, link, group, stretch)
  }
}

const sendStored = (peer: Peer, link: Link, group: Group, author: AuthorId, seq: number): void => {
  const request = peer.nextLoad++
  peer.loads.set(request, { type: 'head', gid: group.gid, peer: link.peer, author, seq })
  const range = coldRange(group.gid, author, Math.max(0, seq - reachBack), seq + limits.runOpsMax)
  peer.effects.push({ type: 'load', request, query: { type: 'range', range } })
}

/** A head that was not in memory. */
export const sendHead = (
  peer: Peer,
  link: Link,
  group: Group,
  stored: readonly Op[],
  seq: number,
): void => {
  const stretch = stretchThrough(place => stored.find(op => op.seq === place), seq)
  if (stretch !== undefined) sendStretch(peer, link, group, stretch)
}
