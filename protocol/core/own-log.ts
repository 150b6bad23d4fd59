/** Whether what is stored may be gone on with. My own log is continued only from a head that is there: a lost or changed row
 *  would make me write one place twice, which is a fork. And some stored operations, drawn by chance, are read again at each
 *  start; the doctor reads all. What is found bad is counted, never a reason to stop. */
import { type AuthorId, equalBytes, idBytes } from './base.ts'
import { currentEpoch } from './groups.ts'
import { closeLedgers } from './ledger.ts'
import { limits } from './limits.ts'
import { authorLog, headOf, heldOp } from './log.ts'
import { type Op, decodeRecord, idPrefix, kinds } from './op.ts'
import { below } from './random.ts'
import type { Row } from './row.ts'
import { recordKey } from './rows.ts'
import type { Group, Load, Peer } from './state.ts'
import { createOwnLog, startLog } from './write.ts'

/** My own log went on elsewhere, or may have: this store is a copy or an old state. It is never continued; a new one begins.
 *  Without the key of an epoch nothing can begin, and nothing may be written. */
export const startIncarnation = (peer: Peer, group: Group): void => {
  const { device } = peer
  const { own } = group
  if (own === undefined || device === undefined || group.role === 'left') return
  if (currentEpoch(group) === undefined) {
    group.own = undefined
    group.metaDirty = true
    return
  }
  const { name, unit } = group.authors.get(own.author) ?? device
  closeLedgers(peer, group)
  startLog(peer, group, { log: createOwnLog(peer, group.gid, own.incarnation + 1), name, unit })
}

type Place = { readonly author: AuthorId; readonly seq: number }
type StoredLoad = Extract<Load, { readonly type: 'stored' }>

/** At start: reads the head of my own log, what must not be after it, and a sample of everything. */
export const checkStored = (peer: Peer, group: Group): void => {
  if (group.role === 'left') return
  const { own } = group
  const head = own === undefined ? undefined : headOf(authorLog(group.log, own.author))
  if (own !== undefined && head === undefined) startIncarnation(peer, group)
  const sample = drawPlaces(peer, group)
  const places: Place[] = [...sample]
  if (own !== undefined && head !== undefined) {
    const { author } = own
    places.push({ author, seq: head.seq }, { author, seq: head.seq + 1 })
  }
  if (places.length === 0) return
  const request = peer.nextLoad++
  const mine = own === undefined || head === undefined ? undefined : { author: own.author, head }
  peer.loads.set(request, { type: 'stored', gid: group.gid, mine, sample })
  const keys = places.flatMap(place => [
    recordKey(group.gid, { kind: kinds.control, ...place }),
    recordKey(group.gid, { kind: kinds.fact, ...place }),
  ])
  peer.effects.push({ type: 'load', request, query: { type: 'keys', keys } })
}

const drawPlaces = (peer: Peer, group: Group): readonly Place[] => {
  const logs = [...group.log.authors.values()].filter(({ ranges }) => ranges.length > 0)
  const places: Place[] = []
  for (let count = 0; count < limits.sampleOps && logs.length > 0; count++) {
    const log = logs[below(peer.random, logs.length)]
    const range = log?.ranges[below(peer.random, log.ranges.length)]
    if (log === undefined || range === undefined) continue
    const seq = range.from + below(peer.random, range.to - range.from + 1)
    places.push({ author: log.author, seq })
  }
  return places
}

const nameOf = ({ author, seq }: Place): string => `${author}.${seq}`

/** The rows of `checkStored` arrived. */
export const onStored = (
  peer: Peer,
  group: Group,
  { mine, sample }: StoredLoad,
  rows: readonly Row[],
): void => {
  const stored = new Map<string, Op>()
  for (const { value } of rows) {
    const op = decodeRecord(group.gid, value)
    if (op.ok) stored.set(nameOf(op.value), op.value)
  }
  const bad = new Set(sample.filter(place => !isSound(peer, group, stored.get(nameOf(place)))))
  if (bad.size > 0) {
    const before = peer.refusals.get('storage-failed') ?? 0
    peer.refusals.set('storage-failed', before + bad.size)
    peer.effects.push({ type: 'changed' })
  }
  if (mine === undefined || group.own?.author !== mine.author) return
  const { author, head } = mine
  const last = stored.get(nameOf({ author, seq: head.seq }))
  const next = stored.get(nameOf({ author, seq: head.seq + 1 }))
  const isLast = last !== undefined && equalBytes(idPrefix(last), head.prefix)
  // Something may have been written meanwhile; then memory knows it.
  const isNext = next === undefined || heldOp(group.log, author, next.seq)?.id === next.id
  if (!isLast || !isNext) startIncarnation(peer, group)
}

/** Within a run only the last is signed: the others say who they are, and the doctor checks their chain. */
const isSound = (peer: Peer, group: Group, op: Op | undefined): boolean => {
  if (op === undefined) return false
  const key = group.log.authors.get(op.author)?.key
  if (op.signature === undefined || key === undefined) return true
  return peer.cryptography.verify(key, idBytes(op.id), op.signature)
}
