/** Taking in operations: hold, remember, understand. One path for own and others' operations, for the network and for rows
 *  read back. Understanding waits where a key or an author's first operation is still missing, and is taken up again when it
 *  comes; the outcome is the same in any order. */
import type { PeerId } from './base.ts'
import { decodeBody } from './body.ts'
import { chargeCarried } from './carry.ts'
import { certificateIsSigned, decodeCertificate } from './certificate.ts'
import { decodeControl } from './control.ts'
import { verifyStrict } from './crypto.ts'
import { decodeWelcome, epochIdOf, openWelcome } from './epoch.ts'
import { cborToFact, factToCbor } from './fact.ts'
import { askStore, isForkShown, proveFork, stretchAround } from './fork.ts'
import { decodeCbor } from './cbor.ts'
import { decodeGenesisBody, decodeGenesisClear, deviceMessage } from './genesis.ts'
import { addEpoch, epochsFor, messageId, saveSoon, sealingKey, setControl } from './groups.ts'
import type { MessageId } from './intent.ts'
import { controlIsSigned } from './join.ts'
import { noteAck, noteDeps, noteMessage, oweAgain } from './ledger.ts'
import { type Insertion, authorLog, heldOp, hold, insertOp, isHotKind, trimHeld } from './log.ts'
import { type Op, encodeRecord, kinds, openPayload } from './op.ts'
import { limits } from './limits.ts'
import { type Refusal, refusal } from './refusal.ts'
import { advanceState, planState, rebuildState } from './shared-state.ts'
import { arrivalKey, encodeArrival, recordKey } from './rows.ts'
import type { Arrival, Group, Load, Peer } from './state.ts'
import { noteHeld } from './sync.ts'

const lateAfter = 120_000
/** Stands for an operation of a kind this program does not know. */
const newerFact = [255]
/** What a message's claimed time may run ahead of the own clock and still move the group's clock. */
const clockSlack = 600_000

export const refuse = (peer: Peer, from: PeerId | undefined, why: Refusal): void => {
  peer.refusals.set(why.type, (peer.refusals.get(why.type) ?? 0) + 1)
  if (from !== undefined) peer.effects.push({ type: 'dropped', from, refusal: why })
}

/** Takes in verified operations from a neighbour, in their order; true when all of them are held now. */
export const ingestOps = (peer: Peer, group: Group, ops: readonly Op[], from: PeerId): boolean => {
  let isChanged = false
  let isWhole = true
  for (const [at, op] of ops.entries()) {
    if (group.role === 'carrier' && !chargeCarried(peer, group, op)) {
      refuse(peer, from, refusal('over-quota'))
      isWhole = false
      continue
    }
    const outcome = ingest(peer, group, op, from)
    if (outcome === 'fork') noteFork(peer, group, stretchAround(ops, at), op, from)
    if (outcome === 'unsure') askStore(peer, group, stretchAround(ops, at), from)
    isChanged ||= outcome === 'new' || outcome === 'fork'
    isWhole &&= outcome === 'new' || outcome === 'duplicate'
  }
  if (isChanged) peer.effects.push({ type: 'changed', group: group.gid })
  return isWhole
}

export const ingestOwn = (peer: Peer, group: Group, op: Op): void => {
  ingest(peer, group, op, undefined)
  peer.effects.push({ type: 'changed', group: group.gid })
}

const ingest = (peer: Peer, group: Group, op: Op, from: PeerId | undefined): Insertion => {
  const outcome = insertOp(group.log, op)
  switch (outcome) {
    case 'duplicate':
    case 'unsure':
      noteHeld(peer, group, op, from, false)
      return outcome
    case 'fork':
    case 'disputed':
      return outcome
    case 'full':
      refuse(peer, from, refusal('over-quota', 'authors'))
      return outcome
    case 'new':
      break
  }
  const arrival = {
    receivedAt: Math.floor(peer.now.wall),
    late: op.hlc < group.newestHlc - lateAfter && op.hlc > memberSince(group),
  }
  remember(peer, group, op, arrival)
  understand(peer, group, op, { arrival, isFresh: true })
  noteHeld(peer, group, op, from, true)
  noteOwnElsewhere(peer, group, op, from)
  trimHeld(group.log)
  return outcome
}

/** Somebody brings what my own log says and I do not know: my store is a copy or an old state, and never continues that log.
 *  Only the signed operation proves it, not a neighbour's word that it holds one. */
const noteOwnElsewhere = (peer: Peer, group: Group, op: Op, from: PeerId | undefined): void => {
  if (from === undefined || op.author !== group.own?.author) return
  peer.deadlines.sooner(`incarnate/${group.gid}`, peer.now.instant)
}

/** History from before this device wrote here is not late: it was there first. */
const memberSince = (group: Group): number => {
  const { own } = group
  const first = own === undefined ? undefined : heldOp(group.log, own.author, 0)
  return first?.hlc ?? Number.POSITIVE_INFINITY
}

const remember = (peer: Peer, group: Group, op: Op, arrival: Arrival): void => {
  peer.rows.push({ key: recordKey(group.gid, op), value: encodeRecord(op) })
  group.dirtyLogs.add(op.author)
  if (isHotKind(op.kind)) return
  const size = op.header.length + op.payload.length
  const value = encodeArrival({ ...arrival, isFlash: op.priority === 'flash', size })
  peer.rows.push({ key: arrivalKey(group.gid, op), value })
}

/** The log says two things from some place on: nothing of it counts from there, and everybody hears why. */
const noteFork = (
  peer: Peer,
  group: Group,
  suspect: readonly Op[],
  at: Op,
  from: PeerId | undefined,
): void => {
  const opAt = (seq: number): Op | undefined => heldOp(group.log, at.author, seq)
  if (!proveFork(peer, group, opAt, suspect, at)) askStore(peer, group, suspect, from)
  noteDisputed(peer, group, at, from)
}

const noteDisputed = (peer: Peer, group: Group, at: Op, from: PeerId | undefined): void => {
  group.dirtyLogs.add(at.author)
  group.state = undefined
  rebuildState(group)
  noteOwnElsewhere(peer, group, at, from)
  refuse(peer, from, refusal('equivocation'))
}

/** Rows came that a stretch may contradict. */
export const onForkRows = (
  peer: Peer,
  group: Group,
  { suspect, from }: Extract<Load, { readonly type: 'fork' }>,
  stored: readonly Op[],
): void => {
  const author = suspect[0]?.author
  if (author === undefined) return
  const bySeq = new Map(stored.map(op => [op.seq, op]))
  const opAt = (seq: number): Op | undefined => bySeq.get(seq) ?? heldOp(group.log, author, seq)
  for (const at of suspect) {
    if (isForkShown(group, opAt, at)) noteDisputed(peer, group, at, from)
    if (proveFork(peer, group, opAt, suspect, at)) break
  }
  peer.effects.push({ type: 'changed', group: group.gid })
}

/** A hot row read at start: held, not told, not shown as new. */
export const restoreOp = (peer: Peer, group: Group, op: Op): void => {
  hold(group.log, op)
  understand(peer, group, op, { arrival: undefined, isFresh: false })
}

/** A cold row read back for the view. */
export const understandStored = (peer: Peer, group: Group, op: Op, arrival: Arrival): void => {
  hold(group.log, op)
  understand(peer, group, op, { arrival, isFresh: false })
}

type Context = { readonly arrival: Arrival | undefined; readonly isFresh: boolean }

/** What an operation means to a member. Carriers stop at keys and chains. */
const understand = (peer: Peer, group: Group, op: Op, context: Context): void => {
  if (op.kind === kinds.genesis) learnAuthorKey(group, op)
  if (context.arrival !== undefined && op.kind === kinds.fact) {
    noteArrival(group, messageId(op), context.arrival)
  }
  if (group.role === 'carrier') return
  if (!tryUnderstand(peer, group, op, context)) lock(group, op)
}

const noteArrival = (group: Group, id: MessageId, arrival: Arrival): void => {
  group.arrivals.set(id, arrival)
  if (group.arrivals.size <= limits.arrivalsMax) return
  const [oldest] = group.arrivals.keys()
  if (oldest !== undefined) group.arrivals.delete(oldest)
}

const lock = (group: Group, op: Op): void => {
  group.locked.set(messageId(op), op)
  if (group.locked.size <= limits.lockedMax) return
  // What decides membership and settings stays: everything else can be read again from the store.
  for (const [id, { kind }] of group.locked) {
    if (isHotKind(kind)) continue
    group.locked.delete(id)
    return
  }
  const [oldest] = group.locked.keys()
  if (oldest !== undefined) group.locked.delete(oldest)
}

/** A carrier of this group is about to join it: what it carried waits for the keys, like anything that came too early. */
export const lockCarried = (group: Group): void => {
  for (const bySeq of group.log.held.values()) {
    for (const op of bySeq.values()) lock(group, op)
  }
}

const learnAuthorKey = (group: Group, op: Op): void => {
  const clear = decodeGenesisClear(op.payload)
  if (!clear.ok) return
  authorLog(group.log, op.author).key = clear.value.authorKey
  if (clear.value.root === undefined) return
  group.writeKeys.set(clear.value.epoch, clear.value.root.writeKey)
  group.creator = op.author
  group.rootPolicy = clear.value.root.policyHash
  group.state = undefined
}

/** False: a key or the author's first operation is still missing. */
const tryUnderstand = (peer: Peer, group: Group, op: Op, context: Context): boolean => {
  switch (op.kind) {
    case kinds.genesis:
      return understandGenesis(peer, group, op)
    case kinds.control:
      return understandControl(peer, group, op)
    case kinds.epoch:
      return understandEpoch(peer, group, op)
    case kinds.fact:
      return understandFact(peer, group, op, context)
    case kinds.state:
      return understandState(group, op)
    case kinds.checkpoint:
      return true
    default:
      group.pendingEntries.push({ author: op.author, seq: op.seq, hlc: op.hlc, fact: newerFact })
      return true
  }
}

/** Tries what waited; called when an epoch or an author became known. */
export const retryLocked = (peer: Peer, group: Group): void => {
  const waiting = [...group.locked].toSorted(
    (a, b) => order(b[1]) - order(a[1]) || a[1].seq - b[1].seq,
  )
  for (const [id, op] of waiting) {
    const arrival = group.arrivals.get(id)
    if (tryUnderstand(peer, group, op, { arrival, isFresh: arrival !== undefined })) {
      group.locked.delete(id)
    }
  }
}

const order = (op: Op): number =>
  op.kind === kinds.genesis ? 2 : op.kind === kinds.control ? 1 : 0

/** The body of an operation under any epoch its key id may mean. */
const openWith = (
  group: Group,
  op: Op,
  purpose: 'content' | 'control',
  clearBytes = 0,
): Uint8Array | undefined => {
  for (const epoch of epochsFor(group, op.keyId)) {
    const body = openPayload(sealingKey(group, epoch, purpose, op.author), op, clearBytes)
    if (body !== undefined) return body
  }
  return undefined
}

const understandGenesis = (peer: Peer, group: Group, op: Op): boolean => {
  const clear = decodeGenesisClear(op.payload)
  if (!clear.ok) return true
  const bytes = openWith(group, op, 'control', clear.value.length)
  if (bytes === undefined) return false
  const body = decodeGenesisBody(bytes)
  const certificate = body.ok ? decodeCertificate(body.value.certificate) : body
  if (!body.ok || !certificate.ok) return true
  const { subjectKey, device, name, unit } = certificate.value
  const message = deviceMessage(group.gid, clear.value.authorKey, body.value.incarnation)
  const isSigned =
    certificateIsSigned(certificate.value, peer.cryptography) &&
    verifyStrict(peer.cryptography.verify, subjectKey, message, body.value.deviceSignature)
  if (!isSigned) return true
  const { incarnation } = body.value
  group.authors.set(op.author, { device, name, unit, incarnation })
  if (group.locked.size > 0) peer.deadlines.sooner(`retry/${group.gid}`, peer.now.instant)
  return true
}

const understandControl = (peer: Peer, group: Group, op: Op): boolean => {
  const bytes = openWith(group, op, 'control')
  const info = group.authors.get(op.author)
  if (bytes === undefined || info === undefined) return false
  const body = decodeControl(bytes)
  if (body.ok && controlIsSigned(group.gid, body.value, peer.cryptography)) {
    setControl(group, op, info.device, body.value)
  }
  return true
}

const understandEpoch = (peer: Peer, group: Group, op: Op): boolean => {
  const { device } = peer
  const welcome = decodeWelcome(op.payload)
  if (device === undefined || !welcome.ok || welcome.value.device !== device.id) return true
  const { prekeySecret, id } = device
  const secrets = openWelcome({ gid: group.gid, device: id, prekeySecret, payload: op.payload })
  if (!secrets.ok) return true
  let isNew = false
  for (const secret of secrets.value) {
    // Of an epoch nobody told of, a key opens nothing; it would only take the place of those that do.
    if (!group.writeKeys.has(epochIdOf(secret))) continue
    isNew = addEpoch(peer, group, secret) || isNew
  }
  if (isNew) {
    group.metaDirty = true
    peer.deadlines.sooner(`retry/${group.gid}`, peer.now.instant)
  }
  return true
}

const understandFact = (peer: Peer, group: Group, op: Op, context: Context): boolean => {
  const bytes = openWith(group, op, 'content')
  if (bytes === undefined) return false
  const body = decodeBody(bytes)
  const value = body.ok ? decodeCbor(body.value.cbor) : body
  const fact = value.ok ? cborToFact(value.value) : value
  if (!body.ok || !fact.ok) return true
  if (context.isFresh) noteDeps(peer, group, op, body.value.deps)
  if (fact.value.type === 'ack') {
    if (context.isFresh) noteAck(peer, group, op, fact.value)
    return true
  }
  if (fact.value.type !== 'message' && fact.value.type !== 'unknown') return true
  const { author, seq, hlc } = op
  group.pendingEntries.push({ author, seq, hlc, fact: factToCbor(fact.value) })
  if (context.isFresh) noteMessage(peer, group, op)
  else if ((context.arrival?.receivedAt ?? 0) > group.savedAt) oweAgain(peer, group, op)
  if (op.hlc <= peer.now.wall + clockSlack && op.hlc > group.newestHlc) {
    group.newestHlc = op.hlc
    saveSoon(peer, group)
  }
  return true
}

const understandState = (group: Group, op: Op): boolean => {
  const update = openWith(group, op, 'content')
  if (update === undefined) return false
  planState(group, op, update)
  return true
}

/** Puts what this step understood into the timeline and the state document, and lets the oldest go from memory. */
export const flushEntries = (peer: Peer, group: Group): void => {
  for (const why of advanceState(group)) refuse(peer, undefined, why)
  if (group.pendingEntries.length === 0) return
  group.timeline.add(group.pendingEntries)
  group.pendingEntries.length = 0
  const kept = Math.max(limits.heldOpsMax, group.window)
  if (group.timeline.size() <= kept * 1.25) return
  group.timeline.dropOldest(kept)
  const [oldest] = group.timeline.entries()
  group.oldest = oldest
  group.hasEarlier = true
  for (const id of group.arrivals.keys()) {
    if (group.arrivals.size <= kept) break
    group.arrivals.delete(id)
  }
}
