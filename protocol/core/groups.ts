/** One group as this peer keeps it: making it, its keys, its resolved membership, and the rows that remember it. */
import { type AuthorId, type DeviceId, type GroupId, bytesToHex, later } from './base.ts'
import type { ControlBody } from './control.ts'
import { type EpochKeys, authorKey, epochKeys } from './epoch.ts'
import { type ControlOp, type GroupState, type Member, resolveGroup } from './group.ts'
import type { MessageId } from './intent.ts'
import { limits } from './limits.ts'
import { createGroupLog, encodeAuthorLog, isDisputed } from './log.ts'
import type { Op } from './op.ts'
import { epochKey, groupKey, authorLogKey, ledgerKey } from './rows.ts'
import { encodeGroupRow, encodeLedgerRow } from './saved.ts'
import type { Group, GroupRole, Peer } from './state.ts'
import { createStateDocument } from './state-document.ts'
import { createTimeline } from './timeline.ts'

export const messageId = (ref: { readonly author: AuthorId; readonly seq: number }): MessageId =>
  `${ref.author}.${ref.seq}`

export const createGroup = (gid: GroupId, role: GroupRole): Group => ({
  gid,
  role,
  log: createGroupLog(gid),
  creator: undefined,
  rootPolicy: undefined,
  writeKeys: new Map(),
  epochs: new Map(),
  current: undefined,
  authorKeys: new Map(),
  controlOps: new Map(),
  state: undefined,
  authors: new Map(),
  own: undefined,
  joining: undefined,
  carriedFor: undefined,
  timeline: createTimeline(gid),
  document: createStateDocument(gid),
  waitingState: new Map(),
  appliedState: [],
  ledger: new Map(),
  arrivals: new Map(),
  locked: new Map(),
  pendingEntries: [],
  forks: new Map(),
  slots: new Map(),
  outbox: new Map(),
  outboxNext: 0,
  freshHeads: new Map(),
  toAck: new Map(),
  toDisplay: new Map(),
  displayed: new Map(),
  lastAck: undefined,
  unread: 0,
  newestHlc: 0,
  window: limits.viewWindow,
  oldest: undefined,
  hasEarlier: false,
  loadingEarlier: false,
  dirtyLogs: new Set(),
  dirtyLedger: new Set(),
  metaDirty: false,
  savedAt: 0,
})

/** Membership as the control operations held now resolve it. */
export const stateOf = (group: Group): GroupState => {
  group.state ??= resolveGroup(undisputed(group), group.creator, group.rootPolicy)
  return group.state
}

/** A log that says two things says nothing from there on, to everybody alike. */
const undisputed = (group: Group): ControlOp[] =>
  [...group.controlOps.values()].filter(op => !isDisputed(group.log, op.author, op.seq))

export const memberOf = (group: Group, device: DeviceId | undefined): Member | undefined =>
  device === undefined ? undefined : stateOf(group).members.get(device)

/** Members who may be written to: everybody who has not left, without this device. */
export const recipientsOf = (peer: Peer, group: Group): readonly DeviceId[] =>
  [...stateOf(group).members.values()]
    .filter(member => !member.left && member.device !== peer.device?.id)
    .map(member => member.device)

export const isMember = (peer: Peer, group: Group): boolean =>
  memberOf(group, peer.device?.id)?.left === false

export const currentEpoch = (group: Group): EpochKeys | undefined =>
  group.current === undefined ? undefined : group.epochs.get(group.current)

/** Learns an epoch's secret. Returns false when it was known. */
export const addEpoch = (peer: Peer, group: Group, secret: Uint8Array): boolean => {
  const keys = epochKeys(secret, peer.cryptography)
  if (group.epochs.has(keys.id)) return false
  group.epochs.set(keys.id, keys)
  group.writeKeys.set(keys.id, keys.writePublic)
  group.current ??= keys.id
  peer.rows.push({ key: epochKey(group.gid, keys.id), value: secret })
  return true
}

type Purpose = 'content' | 'control'

/** The key under which `author` seals in an epoch; cached, deriving it costs four hashes. */
export const sealingKey = (
  group: Group,
  epoch: EpochKeys,
  purpose: Purpose,
  author: AuthorId,
): Uint8Array => {
  const name = `${epoch.id}/${purpose}/${author}`
  const cached = group.authorKeys.get(name)
  if (cached !== undefined) return cached
  const key = authorKey(epoch[purpose], author)
  group.authorKeys.set(name, key)
  return key
}

/** Epochs an operation's key id may mean; the id is a hint, so at most four are tried. */
export const epochsFor = (group: Group, keyId: Uint8Array): readonly EpochKeys[] => {
  const prefix = bytesToHex(keyId)
  const found: EpochKeys[] = []
  for (const [id, epoch] of group.epochs) {
    if (id.startsWith(prefix) && found.length < limits.epochCandidatesMax) found.push(epoch)
  }
  return found
}

export const setControl = (
  group: Group,
  op: Pick<Op, 'id' | 'author' | 'seq' | 'hlc'>,
  device: DeviceId,
  body: ControlBody,
): void => {
  const { id, author, seq, hlc } = op
  group.controlOps.set(id, { id, author, seq, device, hlc, body })
  group.state = undefined
}

/** Marks and counts change with every message; their row is written once for many. What a crash takes of them is found
 *  again among the operations that arrived since the row was written. */
const marksGather = 1_000
export const saveSoon = (peer: Peer, group: Group): void =>
  peer.deadlines.sooner(`meta/${group.gid}`, later(peer.now.instant, marksGather))

/** Marks the rows of this group that the end of the step must write. */
export const flushGroup = (peer: Peer, group: Group): void => {
  for (const author of group.dirtyLogs) {
    const log = group.log.authors.get(author)
    if (log === undefined) continue
    peer.rows.push({ key: authorLogKey(group.gid, author), value: encodeAuthorLog(log) })
  }
  group.dirtyLogs.clear()
  for (const seq of group.dirtyLedger) {
    const entry = group.ledger.get(seq)
    if (entry === undefined) continue
    peer.rows.push({ key: ledgerKey(group.gid, seq), value: encodeLedgerRow(entry) })
  }
  group.dirtyLedger.clear()
  if (!group.metaDirty) return
  group.metaDirty = false
  group.savedAt = Math.max(0, Math.floor(peer.now.wall))
  peer.rows.push({ key: groupKey(group.gid), value: encodeGroupRow(group) })
  peer.deadlines.clear(`meta/${group.gid}`)
}
