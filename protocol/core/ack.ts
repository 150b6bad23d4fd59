/** Writing acknowledgements: signed facts made of ranges, one for many messages. When they are due, ledger.ts decides. */
import type { AuthorId } from './base.ts'
import type { AckRange } from './fact.ts'
import { isMember, stateOf } from './groups.ts'
import { planAck } from './ledger.ts'
import { limits } from './limits.ts'
import { type Ranges, subtractRanges } from './ranges.ts'
import type { Group, Peer } from './state.ts'
import { appendFact } from './write.ts'

/** Writes the acknowledgement that is due, if there is anything to tell. */
export const writeAck = (peer: Peer, group: Group): void => {
  if (group.role !== 'member' || !isMember(peer, group) || group.own === undefined) return
  const delivered = takeRanges(group.toAck)
  const tells = stateOf(group).policy?.receipts === true
  const displayed = tells ? takeRanges(group.toDisplay) : []
  if (delivered.length === 0 && displayed.length === 0) return
  group.lastAck = peer.now.instant
  group.metaDirty = true
  appendFact(peer, group, { type: 'ack', delivered, displayed }, 'routine')
  if (group.toAck.size > 0 || (tells && group.toDisplay.size > 0)) planAck(peer, group)
}

/** Moves marks into one acknowledgement, as many ranges as one fact may hold; every seq told was understood here. */
const takeRanges = (marks: Map<AuthorId, Ranges>): readonly AckRange[] => {
  const told: AckRange[] = []
  for (const [author, ranges] of marks) {
    const left: Ranges = ranges.slice(
      0,
      Math.max(0, ranges.length - (limits.ackRangesMax - told.length)),
    )
    for (const { from, to } of subtractRanges(ranges, left)) {
      told.push({ author, from, to })
    }
    if (left.length === 0) marks.delete(author)
    else marks.set(author, left)
    if (told.length >= limits.ackRangesMax) break
  }
  return told
}
