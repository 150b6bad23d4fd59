/** The part of a conversation that is in memory to be shown: the newest messages at start, older ones on demand, read from
 *  the store by time of writing. Index rows first, then the operations they name. */
import { groupAt } from './rows.ts'
import { messageId } from './groups.ts'
import { understandStored } from './ingest.ts'
import { limits } from './limits.ts'
import { decodeRecord, kinds } from './op.ts'
import { arrivalRange, decodeArrival, recordKey } from './rows.ts'
import type { Row } from './row.ts'
import type { ArrivalRow } from './rows.ts'
import type { Group, Peer } from './state.ts'

/** At start this many of the newest operations are read, so that neighbours can be served newest first from memory. */
const startRows = 256
const earlierRows = 96

export const loadNewest = (peer: Peer, group: Group): void => request(peer, group, false)

/** Widens the view; reads older rows when memory does not hold enough. */
export const loadEarlier = (peer: Peer, group: Group): void => {
  group.window += limits.viewWindow
  if (group.hasEarlier && group.timeline.size() < group.window) request(peer, group, true)
  else peer.effects.push({ type: 'changed', group: group.gid })
}

const request = (peer: Peer, group: Group, earlier: boolean): void => {
  if (group.loadingEarlier) return
  group.loadingEarlier = true
  const number = peer.nextLoad++
  peer.loads.set(number, { type: 'window', gid: group.gid, earlier })
  const range = arrivalRange(group.gid, group.oldest, earlier ? earlierRows : startRows)
  peer.effects.push({ type: 'load', request: number, query: { type: 'range', range } })
}

/** Index rows arrived: read the operations they name. */
export const onArrivals = (
  peer: Peer,
  group: Group,
  rows: readonly Row[],
  earlier: boolean,
): void => {
  const arrivals = rows.map(row => decodeArrival(row.key, row.value))
  const last = arrivals.at(-1)
  group.hasEarlier = arrivals.length >= (earlier ? earlierRows : startRows)
  if (last === undefined) {
    group.loadingEarlier = false
    peer.effects.push({ type: 'changed', group: group.gid })
    return
  }
  group.oldest = last
  const number = peer.nextLoad++
  peer.loads.set(number, { type: 'window-ops', gid: group.gid, arrivals })
  const keys = arrivals.map(({ author, seq }) =>
    recordKey(group.gid, { kind: kinds.fact, author, seq }),
  )
  peer.effects.push({ type: 'load', request: number, query: { type: 'keys', keys } })
}

/** The operations arrived: understand them as what they were when they came. */
export const onWindowOps = (
  peer: Peer,
  group: Group,
  rows: readonly Row[],
  arrivals: readonly ArrivalRow[],
): void => {
  group.loadingEarlier = false
  const byId = new Map(arrivals.map(arrival => [messageId(arrival), arrival]))
  for (const row of rows) {
    const op = decodeRecord(groupAt(row.key), row.value)
    const arrival = op.ok ? byId.get(messageId(op.value)) : undefined
    if (!op.ok || arrival === undefined) continue
    understandStored(peer, group, op.value, { receivedAt: arrival.receivedAt, late: arrival.late })
  }
  const wanted = group.window
  if (group.hasEarlier && group.timeline.size() + group.pendingEntries.length < wanted) {
    request(peer, group, true)
  }
  peer.effects.push({ type: 'changed', group: group.gid }, { type: 'changed' })
}
