/** What goes to a neighbour next: control and keys, flash, urgent, routine newest first, then older history from the store,
 *  in run form and inside a window of bytes the neighbour has not made durable yet. The window follows the measured delay:
 *  it grows while acknowledgements come back promptly and shrinks when a queue builds on the link. */
import { type AuthorId, later } from './base.ts'
import { deviceWelcomed } from './join-answer.ts'
import { noteCarried } from './ledger.ts'
import { dueSoon, indexOf, leastRoundTrip, sendFrame, sendPaced } from './link.ts'
import { limits } from './limits.ts'
import {
  belowFork,
  compareOps,
  endsRun,
  heldOp,
  heldRun,
  isDisputed,
  isHotKind,
  setHashOf,
  toldRanges,
} from './log.ts'
import { type Op, encodeRun, isControlClass, kinds, priorities } from './op.ts'
import { sendSlots } from './presence.ts'
import { type Ranges, addRange, hasSeq, noRanges, subtractRanges, unionRanges } from './ranges.ts'
import { type Refusal, refusal } from './refusal.ts'
import { coldRange } from './rows.ts'
import type { Group, Link, LinkGroup, Peer, Stretch } from './state.ts'

/** Gossip gets this head start, and twice the least round trip, before an operation is pushed. */
const gossipHeadStart = 200
const historyOps = 16
/** What is due this soon goes along, so that a busy group needs fewer frames. */
const gatherMillis = 150

const bulk = 4
/** A welcome helps nobody but its device, which got it when it was let in: it goes after the messages. */
const queueOf = (op: Op): number => {
  if (!isControlClass(op.kind)) return 1 + priorities.indexOf(op.priority)
  return deviceWelcomed(op) === undefined ? 0 : bulk
}

const isThere = (shared: LinkGroup, op: Op): boolean =>
  hasSeq(shared.vector?.get(op.author) ?? noRanges, op.seq) ||
  hasSeq(shared.sent.get(op.author) ?? noRanges, op.seq)

export const markSent = (shared: LinkGroup, author: AuthorId, from: number, to: number): void => {
  shared.sent.set(author, addRange(shared.sent.get(author) ?? noRanges, from, to))
}

/** Control in the order it can be checked (roots, other first operations, the rest by time); everything else newest first.
 *  The next to send stands last. */
const compareForQueue = (a: Op, b: Op): number => {
  const rank = (op: Op): number => (op.kind === kinds.genesis ? 1 + (op.payload[112] ?? 0) : 0)
  return isControlClass(a.kind) ? rank(a) - rank(b) || compareOps(b, a) : compareOps(a, b)
}

/** Plans everything in memory that a complete HAVE showed to be missing there. */
export const fillQueues = (group: Group, shared: LinkGroup): void => {
  for (const queue of shared.queues) queue.length = 0
  for (const bySeq of group.log.held.values()) {
    for (const op of bySeq.values()) {
      if (isDisputed(group.log, op.author, op.seq) || isThere(shared, op)) continue
      shared.queues[queueOf(op)]?.push(op)
    }
  }
  for (const queue of shared.queues) queue.sort(compareForQueue)
  shared.taken = 0
  shared.fresh = []
  shared.doneDue = true
  shared.historyDone = false
  shared.historySkipped.clear()
}

/** Plans one new operation. */
export const planPush = (peer: Peer, link: Link, group: Group, op: Op, isOwn: boolean): void => {
  const shared = link.groups.get(group.gid)
  if (shared?.vector === undefined || isThere(shared, op)) return
  if (isDisputed(group.log, op.author, op.seq)) return
  const isPressing = op.priority === 'flash' || op.priority === 'urgent'
  const wait = isOwn && isPressing ? 0 : gossipHeadStart + 2 * leastRoundTrip(link)
  shared.fresh.push({ op, at: later(peer.now.instant, wait) })
  dueSoon(peer, link, 'push', wait)
}

/** Sends while the window has room. */
export const pump = (peer: Peer, link: Link): void => {
  for (const shared of link.groups.values()) ripen(peer, link, shared)
  while (link.inFlightBytes < link.windowBytes) {
    if (!sendNext(peer, link)) break
  }
}

const ripen = (peer: Peer, link: Link, shared: LinkGroup): void => {
  if (shared.fresh.length === 0) return
  const waiting: LinkGroup['fresh'] = []
  for (const entry of shared.fresh) {
    if (entry.at > peer.now.instant + gatherMillis) waiting.push(entry)
    else if (!isThere(shared, entry.op)) enqueue(shared, entry.op)
  }
  shared.fresh = waiting
  const next = waiting.reduce((least, { at }) => Math.min(least, at), Number.POSITIVE_INFINITY)
  if (waiting.length > 0) dueSoon(peer, link, 'push', next - peer.now.instant)
}

/** Of what waits long for a neighbour that takes nothing, the store keeps the rest. */
const enqueue = (shared: LinkGroup, op: Op): void => {
  const queue = shared.queues[queueOf(op)]
  if (queue === undefined) return
  queue.push(op)
  if (queue.length <= limits.heldOpsMax || isHotKind(op.kind)) return
  queue.splice(0, queue.length - limits.heldOpsMax)
  shared.historyDone = false
}

/** Sends the most pressing batch of all groups; false when there is nothing to send now. */
const sendNext = (peer: Peer, link: Link): boolean => {
  for (let level = 0; level < 5; level++) {
    for (const [gid, shared] of link.groups) {
      const group = peer.groups.get(gid)
      if (group === undefined || shared.vector === undefined) continue
      const batch = takeBatch(shared, level)
      if (batch.length > 0) {
        sendOps(peer, link, group, batch)
        return true
      }
    }
  }
  for (const [gid, shared] of link.groups) {
    const group = peer.groups.get(gid)
    if (group === undefined || shared.vector === undefined || shared.historyLoading) continue
    if (loadHistory(peer, link, group, shared)) continue
    sayDone(peer, link, group, shared)
    if (shared.slotsDue) sendSlots(peer, link, group, shared)
  }
  return false
}

const takeBatch = (shared: LinkGroup, level: number): readonly Op[] => {
  const queue = shared.queues[level] ?? []
  const isPressing = level < 3
  const batch: Op[] = []
  let bytes = 0
  let at = queue.length - 1
  let author: AuthorId | undefined
  while (bytes < limits.runFrameBytes && queue.length > 0) {
    const reach = isPressing ? 1 : reachAfter(shared.taken)
    at = findLastOf(queue, author, at, queue.length - reach)
    const [op] = queue.splice(at, 1)
    if (op === undefined) break
    at -= 1
    author = op.author
    if (isThere(shared, op)) continue
    if (!isPressing) shared.taken += 1
    batch.push(op)
    bytes += op.payload.length + 8
  }
  return batch
}

/** How far back a run may reach: the newest go first in windows that double, so that nothing waits for what is much older. */
const reachAfter = (taken: number): number => {
  let end = limits.newestOps
  while (end <= taken) end *= 2
  return Math.min(limits.runReach, end - taken)
}

/** Where the next operation of this author stands, looking back from `from`; the end of the queue when there is none.
 *  Operations of one author share a run: 130 bytes each instead of 230, and one signature to check. */
const findLastOf = (
  queue: readonly Op[],
  author: AuthorId | undefined,
  from: number,
  until: number,
): number => {
  for (let at = from; at >= Math.max(0, until); at--) {
    if (queue[at]?.author === author) return at
  }
  return queue.length - 1
}

/** Sends operations of one group as runs; what memory cannot vouch for is left to the store. */
const sendOps = (peer: Peer, link: Link, group: Group, ops: readonly Op[]): void => {
  const shared = link.groups.get(group.gid)
  if (shared === undefined) return
  const rangesByAuthor = new Map<AuthorId, Ranges>()
  for (const { author, seq } of ops) {
    if (isDisputed(group.log, author, seq)) continue
    rangesByAuthor.set(author, addRange(rangesByAuthor.get(author) ?? noRanges, seq, seq))
  }
  for (const [author, ranges] of rangesByAuthor) {
    for (const range of ranges) {
      let from = range.from
      while (from <= range.to) {
        const run = heldRun(group.log, author, from, range.to)
        if (run === undefined) {
          // Not in memory any more: the store has it.
          shared.historyDone = false
          break
        }
        sendRun(peer, link, group, run)
        from = (run.at(-1)?.seq ?? range.to) + 1
      }
    }
  }
}

export const sendRun = (peer: Peer, link: Link, group: Group, run: readonly Op[]): void => {
  const index = indexOf(link, group.gid)
  const shared = link.groups.get(group.gid)
  const [first] = run
  const last = run.at(-1)
  if (index === undefined || shared === undefined || first === undefined || last === undefined) {
    return
  }
  const stretch = { gid: group.gid, author: first.author, from: first.seq, to: last.seq }
  sendPaced(peer, link, { type: 'run', group: index, run: encodeRun(run) }, stretch)
  markSent(shared, first.author, first.seq, last.seq)
}

/** Asks the store for the next stretch of older operations the neighbour lacks. */
const loadHistory = (peer: Peer, link: Link, group: Group, shared: LinkGroup): boolean => {
  if (shared.historyDone) return false
  const next = nextHistory(group, shared)
  shared.historyDone = next === undefined
  if (next === undefined) return false
  const request = peer.nextLoad++
  shared.historyLoading = true
  peer.loads.set(request, { type: 'history', gid: group.gid, peer: link.peer, ...next })
  const range = coldRange(group.gid, next.author, next.from, next.to + historyOps * 2)
  peer.effects.push({ type: 'load', request, query: { type: 'range', range } })
  return true
}

const nextHistory = (
  group: Group,
  shared: LinkGroup,
): { readonly author: AuthorId; readonly from: number; readonly to: number } | undefined => {
  let best: { author: AuthorId; from: number; to: number } | undefined
  let newest = -1
  for (const [author, log] of group.log.authors) {
    if (log.newestHlc <= newest || shared.historySkipped.has(author)) continue
    const last = missingOf(shared, author, toldRanges(log)).at(-1)
    if (last === undefined) continue
    newest = log.newestHlc
    best = { author, from: Math.max(last.from, last.to - historyOps + 1), to: last.to }
  }
  return best
}

/** What of a log is neither there, nor sent, nor waiting for gossip to be faster. */
const missingOf = (shared: LinkGroup, author: AuthorId, held: Ranges): Ranges => {
  const there = unionRanges(
    shared.vector?.get(author) ?? noRanges,
    shared.sent.get(author) ?? noRanges,
  )
  let missing = subtractRanges(held, there)
  for (const { op } of shared.fresh) {
    if (op.author === author) missing = subtractRanges(missing, [{ from: op.seq, to: op.seq }])
  }
  return missing
}

/** Older rows arrived from the store: send them as a run, together with what memory holds between them. */
export const sendHistory = (
  peer: Peer,
  link: Link,
  group: Group,
  stretch: {
    readonly author: AuthorId
    readonly from: number
    readonly to: number
    readonly ops: readonly Op[]
  },
): void => {
  const shared = link.groups.get(group.gid)
  if (shared === undefined) return
  shared.historyLoading = false
  const { author, from, to } = stretch
  const bySeq = new Map(stretch.ops.map(op => [op.seq, op]))
  const opAt = (seq: number): Op | undefined => bySeq.get(seq) ?? heldOp(group.log, author, seq)
  let run: Op[] = []
  let isSent = false
  for (let seq = from; run.length < limits.runOpsMax; seq++) {
    const op = opAt(seq)
    if (op === undefined) break
    run.push(op)
    if (op.signature === undefined || !(seq >= to || endsRun(run, opAt(seq + 1)))) continue
    sendRun(peer, link, group, run)
    isSent = true
    run = []
    if (seq >= to) break
  }
  if (!isSent) shared.historySkipped.add(author)
  pump(peer, link)
}

const sayDone = (peer: Peer, link: Link, group: Group, shared: LinkGroup): void => {
  const index = indexOf(link, group.gid)
  if (!shared.doneDue || shared.fresh.length > 0 || index === undefined) return
  shared.doneDue = false
  sendFrame(peer, link, { type: 'done', group: index, setHash: setHashOf(group.log) })
  sendSlots(peer, link, group, shared)
}

/** The neighbour dealt with `frames` paced frames of this contact; all but the `refused` are durable there. An ACK that says
 *  nothing new is refused, or it would cost its sender less than us. */
export const readAck = (
  peer: Peer,
  link: Link,
  ack: { readonly frames: number; readonly refused: readonly number[] },
): Refusal | undefined => {
  const dealtWith = ack.frames - link.countsFrom
  const fresh = dealtWith - link.framesAcked
  if (fresh <= 0 || dealtWith > link.framesSent)
    return refusal('unexpected', 'acknowledges nothing')
  const refused = new Set(ack.refused)
  for (const { size, at, run } of link.inFlight.splice(0, fresh)) {
    link.framesAcked += 1
    link.inFlightBytes -= size
    adapt(link, peer.now.instant - at, size)
    if (run === undefined) continue
    if (refused.has(link.framesAcked)) noteRefused(link, run)
    else noteThere(peer, link, run)
  }
  pump(peer, link)
  return undefined
}

/** The neighbour could not take it: perhaps it lacks the author's first operation or the epoch, and learns them later. */
const noteRefused = (link: Link, stretch: Stretch): void => {
  const shared = link.groups.get(stretch.gid)
  const name = `${stretch.author}/${stretch.from}`
  const known = shared?.refused.get(name)
  if (shared === undefined) return
  if (known === undefined && shared.refused.size >= limits.refusedStretchesMax) return
  shared.refused.set(name, { stretch, tries: known?.tries ?? 0, isWaiting: true })
}

/** The neighbour learnt something: what it refused for want of it is planned once more. */
export const retryRefused = (group: Group, shared: LinkGroup): void => {
  for (const [name, { stretch, tries, isWaiting }] of shared.refused) {
    const { author, from, to } = stretch
    const isReady = from === 0 || hasSeq(shared.vector?.get(author) ?? noRanges, 0)
    if (!isWaiting || !isReady || tries >= limits.refusedTriesMax) continue
    shared.refused.set(name, { stretch, tries: tries + 1, isWaiting: false })
    const sent = shared.sent.get(author) ?? noRanges
    shared.sent.set(author, subtractRanges(sent, [{ from, to }]))
    shared.historyDone = false
    for (let seq = to; seq >= from; seq--) {
      const op = heldOp(group.log, author, seq)
      if (op !== undefined && !isThere(shared, op)) shared.queues[queueOf(op)]?.push(op)
    }
  }
}

/** A stretch of a log is durable at the neighbour: it carries it. */
const noteThere = (peer: Peer, link: Link, run: Stretch): void => {
  const group = peer.groups.get(run.gid)
  const vector = link.groups.get(run.gid)?.vector
  if (group === undefined || vector === undefined) return
  vector.set(run.author, addRange(vector.get(run.author) ?? noRanges, run.from, run.to))
  if (run.author === group.own?.author) {
    noteCarried(group, peer, link.peer, [{ from: run.from, to: run.to }])
  }
}

/** Delay-based window: a delay near the least one seen means an empty queue. */
const adapt = (link: Link, delay: number, size: number): void => {
  link.leastDelay = Math.min(link.leastDelay * 1.01, delay)
  link.roundTrip = link.roundTrip === undefined ? delay : link.roundTrip * 0.8 + delay * 0.2
  const isPrompt = delay <= 2 * link.leastDelay + 50
  const wished = isPrompt ? link.windowBytes + size : link.windowBytes * 0.75
  link.windowBytes = Math.min(limits.windowBytesMax, Math.max(limits.windowBytesMin, wished))
}

/** How many operations a neighbour holds that this peer lacks. */
export const countMissing = (group: Group, shared: LinkGroup): number => {
  let missing = 0
  for (const [author, ranges] of shared.vector ?? []) {
    const log = group.log.authors.get(author)
    const held = log?.ranges ?? noRanges
    if (held === ranges) continue
    const lacked = subtractRanges(belowFork(ranges, log?.forkAt), held)
    for (const { from, to } of lacked) missing += to - from + 1
  }
  return missing
}
