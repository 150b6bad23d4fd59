/** How far own messages got, and telling others how far theirs got. carried: a neighbour said on an authenticated link that
 *  it holds the message durably; local knowledge. delivered, displayed: a signed fact in the recipient's own log, or its
 *  naming the message as a cause. A state never goes back and never exceeds what signatures prove.
 *  Acknowledgements are facts made of ranges, one for many messages, at most one in half a minute. */
import type { AuthorId, PeerId } from './base.ts'
import { later } from './base.ts'
import type { Dep } from './body.ts'
import type { AckRange } from './fact.ts'
import { messageId, recipientsOf, saveSoon, stateOf } from './groups.ts'
import { limits } from './limits.ts'
import type { Op } from './op.ts'
import { below } from './random.ts'
import { type Ranges, addRange, hasSeq, noRanges } from './ranges.ts'
import { ledgerKey } from './rows.ts'
import type { Group, LedgerEntry, Peer } from './state.ts'

/** Between two acknowledgements of one device in one group, at least and per member, so that a group of any size writes
 *  about one a second; and how long the first of a burst waits for more. */
const ackEvery = 30_000
const ackEveryPerMember = 1_000
const ackEveryMost = 600_000
const ackGather = 1_500
/** On links slower than this round trip receipts are told less often. */
const slowRoundTrip = 1_000
const ackEverySlow = 120_000

/** Opens the ledger of an own message; the roster is frozen here. */
export const openLedger = (peer: Peer, group: Group, op: Op): void => {
  const entry: LedgerEntry = {
    seq: op.seq,
    recipients: recipientsOf(peer, group),
    carriedBy: new Set(),
    delivered: new Set(),
    displayed: new Set(),
  }
  group.ledger.set(op.seq, entry)
  group.dirtyLedger.add(op.seq)
  if (group.ledger.size <= limits.ledgerRowsMax) return
  const oldest = Math.min(...group.ledger.keys())
  group.ledger.delete(oldest)
  peer.rows.push({ key: ledgerKey(group.gid, oldest), value: undefined })
}

/** Ledgers belong to one log; with a new log they end, and what they proved stays in the operations. */
export const closeLedgers = (peer: Peer, group: Group): void => {
  for (const seq of group.ledger.keys()) {
    peer.rows.push({ key: ledgerKey(group.gid, seq), value: undefined })
  }
  group.ledger.clear()
  group.dirtyLedger.clear()
}

/** A neighbour holds these operations of my log durably. */
export const noteCarried = (group: Group, peer: Peer, neighbour: PeerId, ranges: Ranges): void => {
  let isChanged = false
  for (const entry of group.ledger.values()) {
    if (entry.carriedBy.has(neighbour) || !hasSeq(ranges, entry.seq)) continue
    entry.carriedBy.add(neighbour)
    group.dirtyLedger.add(entry.seq)
    isChanged = true
  }
  if (isChanged) peer.effects.push({ type: 'changed', group: group.gid })
}

const proveTo = (
  group: Group,
  op: Op,
  step: 'delivered' | 'displayed',
  covers: (seq: number) => boolean,
): void => {
  const device = group.authors.get(op.author)?.device
  if (device === undefined) return
  for (const entry of group.ledger.values()) {
    if (!covers(entry.seq) || entry[step].has(device)) continue
    entry[step].add(device)
    if (step === 'displayed') entry.delivered.add(device)
    group.dirtyLedger.add(entry.seq)
  }
}

/** Naming one of my operations as a cause proves that the author holds it. */
export const noteDeps = (peer: Peer, group: Group, op: Op, deps: readonly Dep[]): void => {
  const mine = group.own?.author
  if (mine === undefined || op.author === mine) return
  for (const dep of deps) {
    if (dep.author === mine) proveTo(group, op, 'delivered', seq => seq === dep.seq)
  }
  peer.effects.push({ type: 'changed', group: group.gid })
}

export const noteAck = (
  peer: Peer,
  group: Group,
  op: Op,
  ack: { readonly delivered: readonly AckRange[]; readonly displayed: readonly AckRange[] },
): void => {
  const mine = group.own?.author
  if (mine === undefined || op.author === mine) return
  for (const step of ['delivered', 'displayed'] as const) {
    for (const range of ack[step]) {
      if (range.author !== mine) continue
      proveTo(group, op, step, seq => seq >= range.from && seq <= range.to)
    }
  }
  peer.effects.push({ type: 'changed', group: group.gid })
}

/** A message was understood for the first time on this device. */
export const noteMessage = (peer: Peer, group: Group, op: Op): void => {
  if (isMine(peer, group, op)) return
  group.freshHeads.delete(op.author)
  group.freshHeads.set(op.author, op.seq)
  owe(peer, group, op)
  peer.effects.push({
    type: 'notify',
    group: group.gid,
    message: messageId(op),
    priority: op.priority,
  })
}

/** A message of somebody else to be acknowledged and read. */
const owe = (peer: Peer, group: Group, op: Op): void => {
  mark(group.toAck, op.author, op.seq)
  group.unread += 1
  saveSoon(peer, group)
  planAck(peer, group)
}

/** A message read back that arrived after the marks were last written: a crash took its mark. */
export const oweAgain = (peer: Peer, group: Group, op: Op): void => {
  if (isMine(peer, group, op) || hasSeq(group.toAck.get(op.author) ?? noRanges, op.seq)) return
  owe(peer, group, op)
}

const isMine = (peer: Peer, group: Group, op: Op): boolean => {
  const device = group.authors.get(op.author)?.device
  return op.author === group.own?.author || (device !== undefined && device === peer.device?.id)
}

const mark = (marks: Map<AuthorId, Ranges>, author: AuthorId, seq: number): void => {
  marks.set(author, addRange(marks.get(author) ?? noRanges, seq, seq))
}

/** Plans the next acknowledgement; nothing happens when there is nothing to tell then. */
export const planAck = (peer: Peer, group: Group): void => {
  if (group.role !== 'member') return
  const slow = [...peer.links.values()].every(link => (link.roundTrip ?? 0) > slowRoundTrip)
  const { size } = stateOf(group).members
  const least = slow && peer.links.size > 0 ? ackEverySlow : ackEvery
  const every = Math.min(ackEveryMost, Math.max(least, size * ackEveryPerMember))
  // The first acknowledgements of many members spread out as well.
  const spread = size <= 10 ? size * 50 : Math.min(ackEveryMost, size * ackEveryPerMember)
  const gather = later(peer.now.instant, ackGather + below(peer.random, spread + 1))
  const earliest = group.lastAck === undefined ? gather : later(group.lastAck, every)
  peer.deadlines.sooner(`ack/${group.gid}`, earliest > gather ? earliest : gather)
}

/** The person saw these messages; told to others only where the group's policy has receipts. */
export const markDisplayed = (
  peer: Peer,
  group: Group,
  seen: readonly { readonly author: AuthorId; readonly seq: number }[],
): void => {
  for (const { author, seq } of seen) {
    if (author === group.own?.author) continue
    if (hasSeq(group.displayed.get(author) ?? noRanges, seq)) continue
    mark(group.displayed, author, seq)
    mark(group.toDisplay, author, seq)
  }
  group.metaDirty = true
  if (group.toDisplay.size > 0 && stateOf(group).policy?.receipts === true) planAck(peer, group)
}
