/** Telling a neighbour what is held here, and understanding what it holds. The first HAVE of a contact is complete, in the
 *  shortest of three forms; later ones tell only what changed. Only durable operations are told, so a HAVE is an
 *  acknowledgement as well. */
import { type AuthorId, equalBytes } from './base.ts'
import { noteCarried } from './ledger.ts'
import { dueSoon, indexOf, sendFrame } from './link.ts'
import { authorLog, authorTable, headOf, setHashOf, tableHashOf, vectorOf } from './log.ts'
import type { AuthorRanges, HaveVector } from './message.ts'
import { type Ranges, noRanges } from './ranges.ts'
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
    return { mode: 'table', ranges: table.map(author => authorLog(log, author).ranges) }
  }
  const entries = table.map(author => ({ author, ranges: authorLog(log, author).ranges }))
  return { mode: 'named', entries }
}

/** Plans to tell every neighbour of the group what changed. */
export const planHave = (peer: Peer, link: Link, group: Group): void => {
  link.haveDue.add(group.gid)
  dueSoon(peer, link, 'have', gatherMillis + (link.roundTrip ?? 0) / 2)
}

/** Tells what changed since it was told last; says nothing when nothing did. */
export const sendChanges = (peer: Peer, link: Link, group: Group, shared: LinkGroup): void => {
  const index = indexOf(link, group.gid)
  if (index === undefined || shared.told === undefined) return
  const entries: AuthorRanges[] = []
  for (const [author, { ranges }] of group.log.authors) {
    if (shared.told.get(author) === ranges) continue
    shared.told.set(author, ranges)
    entries.push({ author, ranges })
  }
  if (entries.length === 0) return
  const vector: HaveVector = { mode: 'changed', entries }
  sendFrame(peer, link, { type: 'have', group: index, setHash: setHashOf(group.log), vector })
}

/** Takes in a neighbour's HAVE. `full`: it replaces everything told before. */
export const readHave = (
  peer: Peer,
  link: Link,
  group: Group,
  shared: LinkGroup,
  vector: HaveVector,
): Refusal | { readonly full: boolean } => {
  const entries = entriesOf(link, group, vector)
  if (entries === undefined) return refusal('malformed', 'vector does not fit the table')
  const full = vector.mode !== 'changed'
  const told: Map<AuthorId, Ranges> = full ? new Map() : (shared.vector ?? new Map())
  for (const { author, ranges } of entries) told.set(author, ranges)
  shared.vector = told
  const mine = group.own?.author
  const ranges =
    mine === undefined ? undefined : entries.find(entry => entry.author === mine)?.ranges
  if (ranges !== undefined && mine !== undefined) {
    noteCarried(group, peer, link.peer, ranges)
    const head = headOf(authorLog(group.log, mine))
    const isAhead = (ranges.at(-1)?.to ?? -1) > (head?.seq ?? -1)
    // Somebody holds more of my log than I do: my store was restored or copied. Never continue that log.
    if (isAhead) peer.deadlines.sooner(`incarnate/${group.gid}`, peer.now.instant)
  }
  return { full }
}

const entriesOf = (
  link: Link,
  group: Group,
  vector: HaveVector,
): readonly AuthorRanges[] | undefined => {
  const mine = link.mine.find(entry => entry.gid === group.gid)
  switch (vector.mode) {
    case 'named':
    case 'changed':
      return vector.entries
    case 'equal':
      return mine === undefined
        ? undefined
        : [...mine.vector].map(([author, ranges]) => ({ author, ranges }))
    case 'table':
      return mine === undefined || mine.table.length !== vector.ranges.length
        ? undefined
        : mine.table.map((author, at) => ({ author, ranges: vector.ranges[at] ?? noRanges }))
  }
}
