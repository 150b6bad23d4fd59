/** Telling a neighbour what is held here, and understanding what it holds. The first HAVE of a contact is complete, in the
 *  shortest of three forms; later ones tell only what changed. Only durable operations are told, so a HAVE is an
 *  acknowledgement as well. */
import { type AuthorId, equalBytes } from './base.ts'
import { noteCarried } from './ledger.ts'
import { limits } from './limits.ts'
import { dueSoon, indexOf, leastRoundTrip, sendFrame } from './link.ts'
import { authorLog, authorTable, setHashOf, tableHashOf, toldRanges, vectorOf } from './log.ts'
import type { AuthorRanges, HaveVector } from './message.ts'
import { type Ranges, addRange, equalRanges, noRanges } from './ranges.ts'
import { type Refusal, refusal } from './refusal.ts'
import type { Group, Link, LinkGroup, Peer } from './state.ts'

/** Waiting for more to tell: short beside the time others wait before they push what gossip may bring. */
const gatherMillis = 50

export const sendHave = (peer: Peer, link: Link, group: Group, shared: LinkGroup): void => {
  const index = indexOf(link, group.gid)
  if (index === undefined) return
  const { log } = group
  shared.told = vectorOf(log)
  const setHash = setHashOf(log)
  sendFrame(peer, link, { type: 'have', group: index, setHash, vector: fullVector(link, group) })
}

const fullVector = (link: Link, group: Group): HaveVector => {
  const { log } = group
  const hello = link.theirHello.get(group.gid)
  if (hello !== undefined && equalBytes(hello.setHash, setHashOf(log))) return { mode: 'equal' }
  const table = authorTable(log)
  if (hello !== undefined && equalBytes(hello.tableHash, tableHashOf(log))) {
    const ranges = table.map(author => toldRanges(authorLog(log, author)))
    return { mode: 'table', tableHash: tableHashOf(log), ranges }
  }
  const entries = table.map(author => ({ author, ranges: toldRanges(authorLog(log, author)) }))
  return { mode: 'named', entries }
}

/** Plans to tell every neighbour of the group what changed. */
export const planHave = (peer: Peer, link: Link, group: Group): void => {
  link.haveDue.add(group.gid)
  dueSoon(peer, link, 'have', gatherMillis + leastRoundTrip(link) / 2)
}

/** The neighbour gave us this operation, and our ACK tells it that we hold it. */
export const noteGiven = (shared: LinkGroup, author: AuthorId, seq: number): void => {
  const told = shared.told?.get(author) ?? noRanges
  shared.told?.set(author, addRange(told, seq, seq))
}

/** Tells what changed since it was told last; says nothing when nothing did. */
export const sendChanges = (peer: Peer, link: Link, group: Group, shared: LinkGroup): void => {
  const index = indexOf(link, group.gid)
  if (index === undefined || shared.told === undefined) return
  const entries: AuthorRanges[] = []
  for (const [author, log] of group.log.authors) {
    const ranges = toldRanges(log)
    const told = shared.told.get(author) ?? noRanges
    if (told === ranges || equalRanges(told, ranges)) continue
    shared.told.set(author, ranges)
    entries.push({ author, ranges })
  }
  if (entries.length === 0) return
  const vector: HaveVector = { mode: 'changed', entries }
  sendFrame(peer, link, { type: 'have', group: index, setHash: setHashOf(group.log), vector })
}

/** Takes in a neighbour's HAVE. `full`: it replaces everything told before. Undefined: it speaks of an older HELLO of ours;
 *  the answer to the newer one is on its way. */
export const readHave = (
  peer: Peer,
  link: Link,
  group: Group,
  have: { readonly setHash: Uint8Array; readonly vector: HaveVector },
): Refusal | { readonly full: boolean } | undefined => {
  const shared = link.groups.get(group.gid)
  const entries = entriesOf(link, group, have)
  if (entries === undefined || shared === undefined) return undefined
  const full = have.vector.mode !== 'changed'
  if (!full && shared.vector === undefined) return refusal('unexpected', 'changes before a vector')
  const told: Map<AuthorId, Ranges> = full ? new Map() : (shared.vector ?? new Map())
  for (const { author, ranges } of entries) {
    if (told.has(author) || told.size < limits.authorsMax) told.set(author, ranges)
  }
  shared.vector = told
  noteOwnLog(peer, link, group, entries)
  return { full }
}

const noteOwnLog = (
  peer: Peer,
  link: Link,
  group: Group,
  entries: readonly AuthorRanges[],
): void => {
  const mine = group.own?.author
  const ranges = entries.find(entry => entry.author === mine)?.ranges
  if (ranges === undefined || mine === undefined) return
  noteCarried(group, peer, link.peer, ranges)
}

const entriesOf = (
  link: Link,
  group: Group,
  have: { readonly setHash: Uint8Array; readonly vector: HaveVector },
): readonly AuthorRanges[] | undefined => {
  const { vector } = have
  const mine = link.mine.find(entry => entry.gid === group.gid)
  switch (vector.mode) {
    case 'named':
    case 'changed':
      return vector.entries
    case 'equal':
      if (mine === undefined || !equalBytes(mine.setHash, have.setHash)) return undefined
      return [...mine.vector].map(([author, ranges]) => ({ author, ranges }))
    case 'table':
      if (mine === undefined || !equalBytes(mine.tableHash, vector.tableHash)) return undefined
      if (mine.table.length !== vector.ranges.length) return undefined
      return mine.table.map((author, at) => ({ author, ranges: vector.ranges[at] ?? noRanges }))
  }
}
