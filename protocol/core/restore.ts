/** Starting: from the hot rows of the store to a peer that knows where it was. Rows of our own are believed (the doctor
 *  verifies them); a row that cannot be read is counted and left out, never a reason to stop. */
import { type GroupId, bytesToHex, later } from './base.ts'
import { seekAdmission } from './join-ask.ts'
import { deviceIdOf } from './certificate.ts'
import { epochKeys } from './epoch.ts'
import { createGroup } from './groups.ts'
import { restoreOp, retryLocked } from './ingest.ts'
import { restoreRequest } from './join-keep.ts'
import { planAck } from './ledger.ts'
import { authorLog, restoreAuthorLog } from './log.ts'
import { type Op, decodeForkProof, decodeRecord, kinds, priorities } from './op.ts'
import { restoreSlot, wishForLinks } from './presence.ts'
import type { Row } from './row.ts'
import { authorAt, deviceKey, groupAt, prefixes, tailNumber } from './rows.ts'
import {
  decodeDeviceRow,
  decodeLedgerRow,
  decodeOutboxRow,
  encodeDeviceRow,
  restoreGroupRow,
} from './saved.ts'
import type { Device, Group, Peer } from './state.ts'
import { loadNewest } from './window.ts'

export const restore = (peer: Peer, rows: readonly Row[]): void => {
  const byPrefix = new Map<number, Row[]>()
  for (const row of rows) {
    const list = byPrefix.get(row.key[0] ?? 0) ?? []
    list.push(row)
    byPrefix.set(row.key[0] ?? 0, list)
  }
  const rowsAt = (prefix: number): readonly Row[] => byPrefix.get(prefix) ?? []
  peer.device = restoreDevice(peer, rowsAt(prefixes.device)[0]) ?? createDevice(peer)
  for (const row of rowsAt(prefixes.group)) restoreGroup(peer, row)
  for (const row of rowsAt(prefixes.authorLog)) {
    const group = peer.groups.get(groupAt(row.key))
    if (group === undefined) continue
    if (!restoreAuthorLog(group.log, authorAt(row.key), row.value)) countDamage(peer)
  }
  for (const row of rowsAt(prefixes.epoch)) restoreEpoch(peer, row)
  restoreHotOps(peer, rowsAt(prefixes.hotRecord))
  for (const row of rowsAt(prefixes.slot))
    withGroupOf(peer, row, group => restoreSlot(peer, group, row.value))
  for (const row of rowsAt(prefixes.outbox))
    withGroupOf(peer, row, group => restoreOutbox(group, row))
  for (const row of rowsAt(prefixes.ledger))
    withGroupOf(peer, row, group => restoreLedger(group, row))
  for (const row of rowsAt(prefixes.forkProof)) {
    withGroupOf(peer, row, group => restoreFork(group, row))
  }
  for (const row of rowsAt(prefixes.joinRequest)) restoreRequest(peer, row)
  for (const group of peer.groups.values()) resume(peer, group)
  peer.effects.push({ type: 'changed' })
}

const withGroupOf = (peer: Peer, row: Row, then: (group: Group) => void): void => {
  const group = peer.groups.get(groupAt(row.key))
  if (group !== undefined) then(group)
}

const countDamage = (peer: Peer): void => {
  peer.refusals.set('storage-failed', (peer.refusals.get('storage-failed') ?? 0) + 1)
}

const restoreDevice = (peer: Peer, row: Row | undefined): Device | undefined =>
  row === undefined ? undefined : decodeDeviceRow(row.value, peer.cryptography)

/** First start: an identity from this peer's own chance; nothing is asked. */
const createDevice = (peer: Peer): Device => {
  const secret = peer.random.bytes(32)
  const publicKey = peer.cryptography.publicKey(secret)
  const id = deviceIdOf(publicKey)
  const prekeySecret = peer.random.bytes(32)
  const device = { id, secret, publicKey, prekeySecret, name: `海燕-${id.slice(0, 4)}`, unit: '' }
  peer.rows.push({ key: deviceKey(), value: encodeDeviceRow(device) })
  return device
}

const restoreGroup = (peer: Peer, row: Row): void => {
  const gid: GroupId = groupAt(row.key)
  const group = createGroup(gid, 'carrier')
  if (restoreGroupRow(group, row.value)) peer.groups.set(gid, group)
  else countDamage(peer)
}

const restoreEpoch = (peer: Peer, row: Row): void =>
  withGroupOf(peer, row, group => {
    const keys = epochKeys(row.value, peer.cryptography)
    if (!bytesToHex(row.key).endsWith(keys.id)) {
      countDamage(peer)
      return
    }
    group.epochs.set(keys.id, keys)
    group.writeKeys.set(keys.id, keys.writePublic)
    group.current ??= keys.id
  })

const rankOf = (op: Op): number =>
  op.kind === kinds.genesis ? 0 : op.kind === kinds.control ? 1 : 2

const restoreHotOps = (peer: Peer, rows: readonly Row[]): void => {
  const ops: Op[] = []
  for (const row of rows) {
    const op = decodeRecord(groupAt(row.key), row.value)
    if (op.ok) ops.push(op.value)
    else countDamage(peer)
  }
  ops.sort((a, b) => rankOf(a) - rankOf(b) || a.seq - b.seq)
  for (const op of ops) {
    const group = peer.groups.get(op.gid)
    if (group !== undefined) restoreOp(peer, group, op)
  }
}

const restoreOutbox = (group: Group, row: Row): void => {
  const saved = decodeOutboxRow(row.value)
  if (saved === undefined) return
  const place = tailNumber(row.key)
  group.outbox.set(place, { text: saved[0], priority: priorities[saved[1]] ?? 'routine' })
  group.outboxNext = Math.max(group.outboxNext, place + 1)
}

const restoreFork = (group: Group, row: Row): void => {
  const sides = decodeForkProof(group.gid, row.value)
  const author = sides?.[0][0]?.author
  if (sides === undefined || author === undefined) return
  group.forks.set(author, { place: tailNumber(row.key), sides })
}

const restoreLedger = (group: Group, row: Row): void => {
  const seq = tailNumber(row.key)
  const entry = decodeLedgerRow(seq, row.value)
  if (entry !== undefined) group.ledger.set(seq, entry)
}

const resume = (peer: Peer, group: Group): void => {
  if (group.locked.size > 0) retryLocked(peer, group)
  if (group.own !== undefined) authorLog(group.log, group.own.author)
  if (group.role === 'carrier') {
    peer.deadlines.sooner('carry', later(peer.now.instant, 60_000))
    return
  }
  loadNewest(peer, group)
  if (group.role === 'joining') seekAdmission(peer, group)
  if (group.role !== 'member') return
  if (group.toAck.size > 0 || group.toDisplay.size > 0) planAck(peer, group)
  peer.deadlines.sooner(`presence/${group.gid}`, later(peer.now.instant, 300))
  wishForLinks(peer, group)
}
