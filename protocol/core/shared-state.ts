/** When state operations reach the shared document: each log's in the order of its seq, and only as far as the log is held
 *  without holes and without a fork, so that the document is a function of what is held and never of the order it came in.
 *  What stands on somebody else's change waits for it. */
import type { AuthorId } from './base.ts'
import { limits } from './limits.ts'
import type { Op } from './op.ts'
import type { Refusal } from './refusal.ts'
import { createStateDocument } from './state-document.ts'
import type { Group } from './state.ts'

/** Keeps an opened state operation until its turn. */
export const planState = (group: Group, op: Op, update: Uint8Array): void => {
  const waiting = group.waitingState.get(op.author) ?? []
  if (waiting.length >= limits.waitingStateMax) return
  const next = [...waiting, { seq: op.seq, update }].toSorted((a, b) => a.seq - b.seq)
  group.waitingState.set(op.author, next)
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
  waiting: readonly Waiting[],
  refusals: Refusal[],
): readonly Waiting[] => {
  const end = soundEnd(group, author)
  for (let at = 0; at < waiting.length; at++) {
    const next = waiting[at]
    if (next === undefined || next.seq > end) return waiting.slice(at)
    const applied = group.document.apply(author, next.update)
    if (applied.ok) group.appliedState.push({ author, ...next })
    else if (applied.error.type === 'unexpected') return waiting.slice(at)
    else refusals.push(applied.error)
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

/** After a fork was found: the document without what that log wrote from there on. */
export const rebuildState = (group: Group): void => {
  const applied = group.appliedState.splice(0)
  group.document = createStateDocument(group.gid)
  for (const { author, seq, update } of applied) {
    const waiting = group.waitingState.get(author) ?? []
    const next = [...waiting, { seq, update }].toSorted((a, b) => a.seq - b.seq)
    group.waitingState.set(author, next)
  }
  advanceState(group)
}
