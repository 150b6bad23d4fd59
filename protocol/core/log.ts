/** The logs of one group: what is held of each author's append-only log, its edges, its forks. The newest operations stay in
 *  memory; older ones are rows of the store. Holes are normal (newest first, lossy links): a log is a set of ranges, and at
 *  each edge of a range the id that the next operation must name, so that chains are checked whichever way they arrive. */
import { type AuthorId, type GroupId, compareText, equalBytes, idBytes } from './base.ts'
import { createReader, createWriter } from './codec.ts'
import { sha256 } from './crypto.ts'
import { limits } from './limits.ts'
import { type Op, idPrefix, isControlClass, kinds } from './op.ts'
import { type Ranges, addRange, hasSeq, noRanges, subtractRanges, writeRanges } from './ranges.ts'

export type AuthorLog = {
  readonly author: AuthorId
  key: Uint8Array | undefined
  ranges: Ranges
  /** At the last seq of each range: the id prefix the next operation must name. */
  readonly tails: Map<number, Uint8Array>
  /** At the first seq of each range (but 0): the id prefix it names. */
  readonly fronts: Map<number, Uint8Array>
  /** The lowest seq known to be doubled: from there on the log is disputed, neither told nor passed on. */
  forkAt: number | undefined
  newestHlc: number
  bytes: number
}

/** Operations that never leave memory: they decide membership and shared state. */
export const isHotKind = (kind: number): boolean => isControlClass(kind) || kind === kinds.state

export type GroupLog = {
  readonly gid: GroupId
  readonly authors: Map<AuthorId, AuthorLog>
  /** Operations in memory, by author and seq. */
  readonly held: Map<AuthorId, Map<number, Op>>
  heldCold: number
  bytes: number
  setHash: Uint8Array | undefined
  tableHash: Uint8Array | undefined
  table: readonly AuthorId[] | undefined
}

export const createGroupLog = (gid: GroupId): GroupLog => ({
  gid,
  authors: new Map(),
  held: new Map(),
  heldCold: 0,
  bytes: 0,
  setHash: undefined,
  tableHash: undefined,
  table: undefined,
})

export const authorLog = (log: GroupLog, author: AuthorId): AuthorLog => {
  const known = log.authors.get(author)
  if (known !== undefined) return known
  const created: AuthorLog = {
    author,
    key: undefined,
    ranges: noRanges,
    tails: new Map(),
    fronts: new Map(),
    forkAt: undefined,
    newestHlc: 0,
    bytes: 0,
  }
  log.authors.set(author, created)
  log.table = undefined
  log.tableHash = undefined
  return created
}

/** `unsure`: its place is taken by an operation that is not in memory, so whether the two are one only the store can tell. */
export type Insertion = 'new' | 'duplicate' | 'unsure' | 'fork' | 'disputed' | 'full'

/** Adds one verified operation. `fork`: it contradicts what is held, lower down than was known; the log is marked and the
 *  operation not added. `disputed`: it contradicts where that is known already. */
export const insertOp = (log: GroupLog, op: Op): Insertion => {
  if (!log.authors.has(op.author) && log.authors.size >= limits.authorsMax) return 'full'
  const author = authorLog(log, op.author)
  if (hasSeq(author.ranges, op.seq)) {
    const held = heldOp(log, op.author, op.seq)
    const prefix = held === undefined ? author.tails.get(op.seq) : idPrefix(held)
    if (prefix === undefined) return 'unsure'
    if (equalBytes(prefix, idPrefix(op))) return 'duplicate'
    return markFork(
      log,
      author,
      op.seq - (held === undefined || equalBytes(held.prev, op.prev) ? 0 : 1),
    )
  }
  const before = op.seq === 0 ? undefined : author.tails.get(op.seq - 1)
  if (before !== undefined && !equalBytes(before, op.prev)) {
    return markFork(log, author, op.seq - 1)
  }
  const after = author.fronts.get(op.seq + 1)
  if (after !== undefined && !equalBytes(after, idPrefix(op))) {
    return markFork(log, author, op.seq)
  }
  const isApart = op.seq > 0 && before === undefined && after === undefined
  if (isApart && author.ranges.length >= limits.rangesHeldMax) return 'full'
  linkEdges(author, op, before !== undefined, after !== undefined)
  author.ranges = addRange(author.ranges, op.seq, op.seq)
  author.newestHlc = Math.max(author.newestHlc, op.hlc)
  author.bytes += op.payload.length + op.header.length
  log.bytes += op.payload.length + op.header.length
  log.setHash = undefined
  hold(log, op)
  return 'new'
}

const linkEdges = (author: AuthorLog, op: Op, joinsBefore: boolean, joinsAfter: boolean): void => {
  if (!joinsBefore && op.seq > 0) author.fronts.set(op.seq, op.prev)
  if (joinsBefore && op.seq !== author.forkAt) author.tails.delete(op.seq - 1)
  if (joinsAfter) author.fronts.delete(op.seq + 1)
  else author.tails.set(op.seq, idPrefix(op).slice())
}

/** Two different operations at `seq` are known of. */
export const markFork = (log: GroupLog, author: AuthorLog, seq: number): 'fork' | 'disputed' => {
  if (author.forkAt !== undefined && author.forkAt <= seq) return 'disputed'
  author.forkAt = seq
  // What the disputed operation names is the head of what is not disputed.
  const prev = heldOp(log, author.author, seq)?.prev
  if (seq > 0 && prev !== undefined) author.tails.set(seq - 1, prev.slice())
  log.setHash = undefined
  return 'fork'
}

export const isDisputed = (log: GroupLog, author: AuthorId, seq: number): boolean =>
  seq >= (log.authors.get(author)?.forkAt ?? Number.POSITIVE_INFINITY)

/** What others are told of and asked for: everything held below a fork. */
export const toldRanges = ({ ranges, forkAt }: AuthorLog): Ranges => belowFork(ranges, forkAt)

export const belowFork = (ranges: Ranges, forkAt: number | undefined): Ranges =>
  forkAt === undefined
    ? ranges
    : subtractRanges(ranges, [{ from: forkAt, to: Number.MAX_SAFE_INTEGER }])

/** Keeps an operation in memory (also one read back from the store). */
export const hold = (log: GroupLog, op: Op): void => {
  const bySeq = log.held.get(op.author) ?? new Map<number, Op>()
  log.held.set(op.author, bySeq)
  if (!bySeq.has(op.seq) && !isHotKind(op.kind)) log.heldCold += 1
  bySeq.set(op.seq, op)
}

export const heldOp = (log: GroupLog, author: AuthorId, seq: number): Op | undefined =>
  log.held.get(author)?.get(seq)

export const isHeld = (log: GroupLog, author: AuthorId, seq: number): boolean =>
  hasSeq(log.authors.get(author)?.ranges ?? noRanges, seq)

/** Lets the oldest operations go from memory once there are an eighth too many; rows stay in the store. */
export const trimHeld = (log: GroupLog): void => {
  if (log.heldCold <= limits.heldOpsMax * 1.125) return
  const cold: Op[] = []
  for (const bySeq of log.held.values()) {
    for (const op of bySeq.values()) if (!isHotKind(op.kind)) cold.push(op)
  }
  cold.sort(compareOps)
  for (const op of cold.slice(0, cold.length - limits.heldOpsMax)) {
    log.held.get(op.author)?.delete(op.seq)
    log.heldCold -= 1
  }
}

/** The one order: claimed time, then author, then seq. */
export const compareOps = (
  a: { readonly hlc: number; readonly author: AuthorId; readonly seq: number },
  b: { readonly hlc: number; readonly author: AuthorId; readonly seq: number },
): number => a.hlc - b.hlc || compareText(a.author, b.author) || a.seq - b.seq

export const authorTable = (log: GroupLog): readonly AuthorId[] => {
  log.table ??= [...log.authors.keys()].toSorted(compareText)
  return log.table
}

export const tableHashOf = (log: GroupLog): Uint8Array => {
  log.tableHash ??= sha256(...authorTable(log).map(idBytes)).slice(0, 8)
  return log.tableHash
}

/** Equal exactly when two peers hold the same ranges with the same heads below every fork, and know of the same forks. */
export const setHashOf = (log: GroupLog): Uint8Array => {
  if (log.setHash !== undefined) return log.setHash
  const writer = createWriter(1_024)
  for (const author of authorTable(log)) {
    const known = authorLog(log, author)
    const { tails, forkAt } = known
    const ranges = toldRanges(known)
    if (ranges.length === 0 && forkAt === undefined) continue
    writer.bytes(idBytes(author))
    writeRanges(writer, ranges)
    writer.bytes(tails.get(ranges.at(-1)?.to ?? 0) ?? new Uint8Array(16))
    writer.varint(forkAt === undefined ? 0 : forkAt + 1)
  }
  log.setHash = sha256(writer.done()).slice(0, 8)
  return log.setHash
}

export const vectorOf = (log: GroupLog): Map<AuthorId, Ranges> => {
  const vector = new Map<AuthorId, Ranges>()
  for (const [author, known] of log.authors) vector.set(author, toldRanges(known))
  return vector
}

/** The last undisputed operation held of a log: its seq and id prefix. */
export const headOf = (
  author: AuthorLog,
): { readonly seq: number; readonly prefix: Uint8Array } | undefined => {
  const seq = toldRanges(author).at(-1)?.to
  const prefix = seq === undefined ? undefined : author.tails.get(seq)
  return seq === undefined || prefix === undefined ? undefined : { seq, prefix }
}

/** Operations of one log from `from` on that may travel as a run: contiguous, in memory, ending in a signature at or after
 *  `to`, or where `endsRun` says so. Undefined: not in memory. */
export const heldRun = (
  log: GroupLog,
  author: AuthorId,
  from: number,
  to: number,
): readonly Op[] | undefined => {
  const run: Op[] = []
  for (let seq = from; run.length < limits.runOpsMax; seq++) {
    const op = heldOp(log, author, seq)
    if (op === undefined) return undefined
    run.push(op)
    if (op.signature === undefined) continue
    if (seq >= to || endsRun(run, heldOp(log, author, seq + 1))) return run
  }
  return undefined
}

/** Whether a run ends at its last operation, a signed one, although more follows: every control-class operation keeps its own
 *  signature, a run cannot say that time does not grow, and a frame has its size. */
export const endsRun = (run: readonly Op[], next: Op | undefined): boolean => {
  const last = run.at(-1)
  if (last === undefined || isControlClass(last.kind)) return true
  if (next !== undefined && next.hlc <= last.hlc) return true
  const size = run.reduce((bytes, { payload }) => bytes + payload.length, 0)
  return size >= limits.runFrameBytes
}

const edgesOf = (edges: ReadonlyMap<number, Uint8Array>): readonly [number, Uint8Array][] =>
  [...edges].toSorted((a, b) => a[0] - b[0])

/** Row value of one author's log. */
export const encodeAuthorLog = (author: AuthorLog): Uint8Array => {
  const writer = createWriter(128)
  writer.sized(author.key ?? new Uint8Array(0))
  writer.varint(author.forkAt === undefined ? 0 : author.forkAt + 1)
  writer.unsigned(author.newestHlc, 6).varint(author.bytes)
  writer.varint(author.ranges.length)
  for (const range of author.ranges) writer.varint(range.from).varint(range.to)
  for (const edges of [author.tails, author.fronts]) {
    writer.varint(edges.size)
    for (const [seq, prefix] of edgesOf(edges)) writer.varint(seq).bytes(prefix)
  }
  return writer.done()
}

/** Reads back a row of our own; a row that cannot be read is a damaged store. */
export const restoreAuthorLog = (log: GroupLog, author: AuthorId, value: Uint8Array): boolean => {
  const reader = createReader(value)
  const key = reader.sized(32)
  const fork = reader.varint()
  const newestHlc = reader.unsigned(6)
  const bytes = reader.varint()
  let ranges = noRanges
  const rangeCount = reader.count(value.length, 2)
  for (let index = 0; index < rangeCount; index++) {
    ranges = addRange(ranges, reader.varint(), reader.varint())
  }
  const restored = authorLog(log, author)
  for (const edges of [restored.tails, restored.fronts]) {
    const count = reader.count(value.length, 17)
    for (let index = 0; index < count; index++) {
      const seq = reader.varint()
      edges.set(seq, reader.bytes(16))
    }
  }
  if (reader.end() !== undefined) return false
  restored.key = key.length === 32 ? key : undefined
  restored.forkAt = fork === 0 ? undefined : fork - 1
  restored.newestHlc = newestHlc
  restored.bytes = bytes
  restored.ranges = ranges
  log.bytes += bytes
  log.setHash = undefined
  return true
}
