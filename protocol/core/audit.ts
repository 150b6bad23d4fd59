/** Checks stored logs again from first to last: each operation decodes, follows the one before, and is vouched for by its own
 *  signature or by a later one of its run. Opening a store only samples; this is the whole. It changes nothing. */
import { type AuthorId, type GroupId, type PeerId, equalBytes, idBytes, peerId } from './base.ts'
import { createChecker } from './admit.ts'
import type { Verify } from './crypto.ts'
import { type Op, decodeRecord, idPrefix } from './op.ts'
import { admissionContext } from './context.ts'
import type { Ranges } from './ranges.ts'
import { type Refusal, refusal } from './refusal.ts'
import type { Row, RowQuery } from './row.ts'
import { prefixes, tailNumber } from './rows.ts'
import { createWriter } from './codec.ts'
import type { Peer } from './state.ts'

/** One log, and the rows to read for it. */
export type AuditTask = {
  readonly group: GroupId
  readonly author: AuthorId
  readonly queries: readonly RowQuery[]
}

export type AuditFault = { readonly seq: number; readonly refusal: Refusal }
export type AuditReport = { readonly operations: number; readonly faults: readonly AuditFault[] }

const nobody: PeerId = peerId('')

const logQuery = (prefix: number, group: GroupId, author: AuthorId): RowQuery => {
  const start = () => createWriter(48).u8(prefix).bytes(idBytes(group)).bytes(idBytes(author))
  const to = start().bytes(new Uint8Array(7).fill(0xff)).done()
  return {
    type: 'range',
    range: { from: start().done(), to, limit: Number.MAX_SAFE_INTEGER, reverse: false },
  }
}

/** Every log of a peer that was started from the store's hot rows. */
export const auditTasks = (peer: Peer): readonly AuditTask[] =>
  [...peer.groups.values()].flatMap(({ gid, log }) =>
    [...log.authors.keys()].map(author => ({
      group: gid,
      author,
      queries: [prefixes.hotRecord, prefixes.coldRecord].map(prefix =>
        logQuery(prefix, gid, author),
      ),
    })),
  )

/** `rows`: what the task's queries gave, in any order. */
export const auditLog = (
  peer: Peer,
  { group, author }: AuditTask,
  rows: readonly Row[],
  verify: Verify,
): AuditReport => {
  const check = createChecker(group, admissionContext(peer, nobody, { channel: 'sync' }), verify)
  const faults: AuditFault[] = []
  const fail = (seq: number, why: Refusal): void => {
    faults.push({ seq, refusal: why })
  }
  const found = new Set<number>()
  let before: Op | undefined
  let unsigned: Op[] = []
  const failUnsigned = (): void => {
    for (const { seq } of unsigned) fail(seq, refusal('bad-signature', 'nothing vouches for it'))
    unsigned = []
  }
  const inOrder = rows.toSorted((a, b) => tailNumber(a.key) - tailNumber(b.key))
  for (const { key, value } of inOrder) {
    const seq = tailNumber(key)
    found.add(seq)
    const op = decodeRecord(group, value)
    if (!op.ok || op.value.seq !== seq || op.value.author !== author) {
      fail(seq, op.ok ? refusal('bad-context') : op.error)
      continue
    }
    const follows = before !== undefined && before.seq + 1 === seq
    if (!follows) failUnsigned()
    if (follows && before !== undefined && !equalBytes(op.value.prev, idPrefix(before))) {
      fail(seq, refusal('bad-context', 'it does not follow the one before'))
      failUnsigned()
    }
    before = op.value
    unsigned.push(op.value)
    if (op.value.signature === undefined) continue
    const fault = check(unsigned)
    if (fault !== undefined) for (const bad of unsigned) fail(bad.seq, fault)
    unsigned = []
  }
  failUnsigned()
  const ranges = peer.groups.get(group)?.log.authors.get(author)?.ranges ?? []
  for (const seq of missingSeqs(ranges, found)) fail(seq, refusal('not-found'))
  return { operations: inOrder.length, faults }
}

/** Places that the log says it holds and the store does not have. */
const missingSeqs = (ranges: Ranges, found: ReadonlySet<number>): readonly number[] => {
  const missing: number[] = []
  for (const { from, to } of ranges) {
    for (let seq = from; seq <= to; seq++) {
      if (!found.has(seq)) missing.push(seq)
    }
  }
  return missing
}
