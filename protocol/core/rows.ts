/** Keys of the rows a peer keeps. All numbers big-endian, so keys sort as the things they name.
 *    01                          device      (sealed) own keys, name, prekey
 *    02 gid                      group       (sealed) my part in it: author key, join state, marks
 *    03 gid author               author log  ranges, edges, key
 *    04 gid author seq(6)        hot record  control-class and state operations
 *    05 gid epoch                epoch       (sealed) secret
 *    06 gid author slot          slot
 *    08 gid n(6)                 outbox      (sealed) written while waiting for admission
 *    09 gid seq(6)               ledger      of an own message
 *    0a gid author seq(6)        fork proof  two contradicting operations
 *    0b gid request(16)          join request (sealed) kept for somebody else
 *    20 gid author seq(6)        cold record
 *    21 gid hlc(6) author seq(6) arrival     receivedAt(6) • flags(1) • size(3)      flags: late 1, flash 2 */
import {
  type AuthorId,
  type EpochId,
  type GroupId,
  authorId,
  bytesToHex,
  groupId,
  hexToBytes,
  idBytes,
} from './base.ts'
import { createWriter } from './codec.ts'
import { isHotKind } from './log.ts'
import type { RowRange } from './row.ts'

export const prefixes = {
  device: 0x01,
  group: 0x02,
  authorLog: 0x03,
  hotRecord: 0x04,
  epoch: 0x05,
  slot: 0x06,
  outbox: 0x08,
  ledger: 0x09,
  forkProof: 0x0a,
  joinRequest: 0x0b,
  coldRecord: 0x20,
  arrival: 0x21,
} as const

const start = (prefix: number, gid: GroupId) => createWriter(48).u8(prefix).bytes(idBytes(gid))

export const deviceKey = (): Uint8Array => Uint8Array.of(prefixes.device)
export const groupKey = (gid: GroupId): Uint8Array => start(prefixes.group, gid).done()
export const authorLogKey = (gid: GroupId, author: AuthorId): Uint8Array =>
  start(prefixes.authorLog, gid).bytes(idBytes(author)).done()
export const epochKey = (gid: GroupId, epoch: EpochId): Uint8Array =>
  start(prefixes.epoch, gid).bytes(idBytes(epoch)).done()
export const slotKey = (gid: GroupId, author: AuthorId, number: number): Uint8Array =>
  start(prefixes.slot, gid).bytes(idBytes(author)).u8(number).done()
export const outboxKey = (gid: GroupId, place: number): Uint8Array =>
  start(prefixes.outbox, gid).unsigned(place, 6).done()
export const ledgerKey = (gid: GroupId, seq: number): Uint8Array =>
  start(prefixes.ledger, gid).unsigned(seq, 6).done()
export const forkProofKey = (gid: GroupId, author: AuthorId, seq: number): Uint8Array =>
  start(prefixes.forkProof, gid).bytes(idBytes(author)).unsigned(seq, 6).done()

/** `request`: 16 bytes in hex, of group, invite and device. */
export const joinRequestKey = (gid: GroupId, request: string): Uint8Array =>
  start(prefixes.joinRequest, gid)
    .bytes(hexToBytes(request) ?? new Uint8Array(0))
    .done()

export type RecordRef = {
  readonly kind: number
  readonly author: AuthorId
  readonly seq: number
}
export const recordKey = (gid: GroupId, ref: RecordRef): Uint8Array =>
  start(isHotKind(ref.kind) ? prefixes.hotRecord : prefixes.coldRecord, gid)
    .bytes(idBytes(ref.author))
    .unsigned(ref.seq, 6)
    .done()

/** Cold records of one log from `from` to `to` inclusive. */
export const coldRange = (gid: GroupId, author: AuthorId, from: number, to: number): RowRange => {
  const base = () => start(prefixes.coldRecord, gid).bytes(idBytes(author))
  return {
    from: base().unsigned(from, 6).done(),
    to: base()
      .unsigned(to + 1, 6)
      .done(),
    limit: to - from + 1,
    reverse: false,
  }
}

export type ArrivalRef = { readonly hlc: number; readonly author: AuthorId; readonly seq: number }
export const arrivalKey = (gid: GroupId, ref: ArrivalRef): Uint8Array =>
  start(prefixes.arrival, gid)
    .unsigned(ref.hlc, 6)
    .bytes(idBytes(ref.author))
    .unsigned(ref.seq, 6)
    .done()

/** The newest arrivals before `before`, newest first. */
export const arrivalRange = (
  gid: GroupId,
  before: ArrivalRef | undefined,
  limit: number,
): RowRange => ({
  from: start(prefixes.arrival, gid).done(),
  to:
    before === undefined
      ? start(prefixes.arrival, gid)
          .unsigned(2 ** 48 - 1, 6)
          .u8(0xff)
          .done()
      : arrivalKey(gid, before),
  limit,
  reverse: true,
})

export type ArrivalRow = ArrivalRef & {
  readonly gid: GroupId
  readonly receivedAt: number
  readonly late: boolean
  readonly isFlash: boolean
  /** Header and payload in bytes. */
  readonly size: number
}
export const encodeArrival = (arrival: {
  readonly receivedAt: number
  readonly late: boolean
  readonly isFlash: boolean
  readonly size: number
}): Uint8Array =>
  createWriter(12)
    .unsigned(arrival.receivedAt, 6)
    .u8((arrival.late ? 1 : 0) + (arrival.isFlash ? 2 : 0))
    .unsigned(arrival.size, 3)
    .done()

const numberAt = (bytes: Uint8Array, at: number, length: number): number => {
  let value = 0
  for (let index = 0; index < length; index++) value = value * 256 + (bytes[at + index] ?? 0)
  return value
}

export const decodeArrival = (key: Uint8Array, value: Uint8Array): ArrivalRow => ({
  gid: groupAt(key),
  hlc: numberAt(key, 17, 6),
  author: authorId(bytesToHex(key.subarray(23, 31))),
  seq: numberAt(key, 31, 6),
  receivedAt: numberAt(value, 0, 6),
  late: ((value[6] ?? 0) & 1) !== 0,
  isFlash: ((value[6] ?? 0) & 2) !== 0,
  size: numberAt(value, 7, 3),
})

/** The group, author and last number named by a key of our own. */
export const groupAt = (key: Uint8Array): GroupId => groupId(bytesToHex(key.subarray(1, 17)))
export const authorAt = (key: Uint8Array): AuthorId => authorId(bytesToHex(key.subarray(17, 25)))
export const tailNumber = (key: Uint8Array): number => numberAt(key, key.length - 6, 6)
