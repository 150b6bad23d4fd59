/** When state operations reach the shared document: each log's in the order of its seq, and only as far as the log is held
 *  without holes and without a fork, so that the document is a function of what is held and never of the order it came in.
 *  What stands on somebody else's change waits for it. */
import type { AuthorId } from './base.ts'
import type { Op } from './op.ts'
import type { Refusal } from './refusal.ts'
import { createStateDocument } from './state-document.ts'
import { stateClient } from './state-gate.ts'
import type { Group } from './state.ts'

/** Keeps an opened state operation until its turn. */
export const planState = (group: Group, op: Op, update: Uint8Array): void => {
  addWaiting(group, op.author, { seq: op.seq, update })
}

/** All that came waits: a log that lost one of them could never go on, and the operations are in memory anyhow. */
const addWaiting = (group: Group, author: AuthorId, next: Waiting): void => {
  const waiting = group.waitingState.get(author) ?? []
  const last = waiting.at(-1)
  if (last === undefined || last.seq < next.seq) waiting.push(next)
  else {
    const at = waiting.findIndex(({ seq }) => seq >= next.seq)
    if (waiting[at]?.seq !== next.seq) waiting.splice(at, 0, next)
  }
  group.waitingState.set(author, waiting)
}

/** Applies whatever has its turn now; answers what the gate refused. */
export const advanceState = (group: Group): readonly Refusal[] => {
  const refusals: Refusal[] = []
  let moved = group.waitingState.size > 0
  while (moved) {
    moved = false
    for (const [author, waiting] of group.waitingState) {
      const left = applyReady(group, author, waiting, refusals)
      moved ||= left.length < waiting.length
      if (left.length === 0) group.waitingState.delete(author)
      else group.waitingState.set(author, left)
    }
  }
  return refusals
}

type Waiting = { readonly seq: number; readonly update: Uint8Array }

const applyReady = (
  group: Group,
  author: AuthorId,
  waiting: Waiting[],
  refusals: Refusal[],
): Waiting[] => {
  const end = soundEnd(group, author)
  const gone = goneClients(group)
  for (let at = 0; at < waiting.length; at++) {
    const next = waiting[at]
    if (next === undefined || next.seq > end) return waiting.slice(at)
    const applied = group.document.apply(author, next.update, client => gone.has(client))
    if (!applied.ok && applied.error.type === 'unexpected') return waiting.slice(at)
    group.appliedState.push({ author, ...next })
    if (!applied.ok) refusals.push(applied.error)
  }
  return []
}

/** The last seq of a log that is held from its start and not disputed. */
const soundEnd = (group: Group, author: AuthorId): number => {
  const log = group.log.authors.get(author)
  const first = log?.ranges[0]
  if (log === undefined || first === undefined || first.from !== 0) return -1
  return log.forkAt === undefined ? first.to : Math.min(first.to, log.forkAt - 1)
}

/** Whose further changes will never be applied: forked logs that are held up to the fork, and applied as far as that. */
const goneClients = (group: Group): ReadonlySet<number> => {
  const gone = new Set<number>()
  for (const [author, { forkAt }] of group.log.authors) {
    if (forkAt === undefined || soundEnd(group, author) < forkAt - 1) continue
    const isApplied = (group.waitingState.get(author) ?? []).every(({ seq }) => seq >= forkAt)
    if (isApplied) gone.add(stateClient(group.gid, author))
  }
  return gone
}

/** After a fork was found: the document without what that log wrote from there on. */
export const rebuildState = (group: Group): void => {
  const applied = group.appliedState.splice(0)
  group.document = createStateDocument(group.gid)
  for (const { author, ...next } of applied) addWaiting(group, author, next)
  advanceState(group)
}
