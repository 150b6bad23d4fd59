/** What one peer sends to a member of the group who holds nothing of it, put together from README section 10 and not by the
 *  program: so that a real peer which understands it understands the specification. */
import {
  type AuthorId,
  type GroupId,
  type PeerId,
  compareText,
  concatBytes,
  idBytes,
  utf8ToBytes,
} from '../../protocol/core/base.ts'
import { createWriter } from '../../protocol/core/codec.ts'
import { derive, hmacSha256, sha256 } from '../../protocol/core/crypto.ts'
import type { AuthorRanges, SyncFrame } from '../../protocol/core/message.ts'
import { type Op, encodeRun, idPrefix, isControlClass, kinds } from '../../protocol/core/op.ts'

/** `ops`: whole logs, each from its first operation on. */
export const framesOfContact = (contact: {
  readonly gid: GroupId
  readonly ops: readonly Op[]
  readonly slot: Uint8Array
  readonly nonce: Uint8Array
  readonly sender: PeerId
  readonly receiver: PeerId
}): readonly SyncFrame[] => {
  const { ops, nonce, slot } = contact
  const logs = [...Map.groupBy(ops, op => op.author)].toSorted((a, b) => compareText(a[0], b[0]))
  const setHash = setHashOf(logs)
  const tableHash = sha256(...logs.map(([author]) => idBytes(author))).slice(0, 8)
  const entries = logs.map(([author, log]): AuthorRanges => ({
    author,
    ranges: [{ from: 0, to: log.length - 1 }],
  }))
  return [
    { type: 'hello', features: 1, nonce, groups: [{ tag: tagOf(contact), setHash, tableHash }] },
    { type: 'have', group: 0, setHash, vector: { mode: 'named', entries } },
    ...runsOf(ops).map((run): SyncFrame => ({ type: 'run', group: 0, run: encodeRun(run) })),
    { type: 'slots', group: 0, slots: [slot] },
    { type: 'done', group: 0, setHash },
  ]
}

const tagOf = (contact: {
  readonly gid: GroupId
  readonly nonce: Uint8Array
  readonly sender: PeerId
  readonly receiver: PeerId
}): Uint8Array => {
  const { gid, nonce, sender, receiver } = contact
  const names = concatBytes(nonce, utf8ToBytes(sender), utf8ToBytes(receiver))
  return hmacSha256(derive(idBytes(gid), 'petrel/1/sync'), names).slice(0, 8)
}

const setHashOf = (logs: readonly (readonly [AuthorId, readonly Op[]])[]): Uint8Array => {
  const parts = logs.map(([author, log]) => {
    const last = log.at(-1)
    const head = last === undefined ? new Uint8Array(16) : idPrefix(last)
    return createWriter()
      .bytes(idBytes(author))
      .varint(log.length * 2)
      .bytes(head)
      .varint(0)
      .done()
  })
  return sha256(...parts).slice(0, 8)
}

/** First operations first, the creator's before all; a control-class operation is a run of its own. */
const runsOf = (ops: readonly Op[]): readonly (readonly Op[])[] => {
  const runs: Op[][] = []
  for (const op of ops) {
    const last = runs.at(-1)
    const before = last?.at(-1)
    const joins = before !== undefined && !isControlClass(before.kind) && !isControlClass(op.kind)
    if (joins && before.author === op.author) last?.push(op)
    else runs.push([op])
  }
  const isFirst = (run: readonly Op[]): number => (run[0]?.kind === kinds.genesis ? 0 : 1)
  return runs
    .toSorted((a, b) => isFirst(a) - isFirst(b))
    .map(run => run.map((op, at) => (at === run.length - 1 ? op : { ...op, signature: undefined })))
}
