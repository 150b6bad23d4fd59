/** Row values that remember what the logs cannot say: this device's keys, my part in a group, the ledger of own messages.
 *    device := CBOR [1, secret32, prekey32, name, unit]
 *    group  := CBOR [1, role, own | null, joining | null, current | null, toAck, toDisplay, displayed, unread, newestHlc,
 *                   savedAt]
 *    own    := [author8, secret32, incarnation]      joining := [token, name, unit, refusal]
 *    marks  := [[author8, [from, to, …]]…]
 *    ledger := CBOR [1, [device16…], [peer…], [device16…], [device16…]]    recipients, carried, delivered, displayed
 *    join request := CBOR [1, own wall clock, peer that brought it, whether it is parked, request] */
import {
  type AuthorId,
  type DeviceId,
  type PeerId,
  authorId,
  bytesToHex,
  deviceId,
  epochId,
  idBytes,
  peerId,
} from './base.ts'
import { type Cbor, decodeCbor, encodeCbor } from './cbor.ts'
import { deviceIdOf } from './certificate.ts'
import type { Cryptography } from './crypto.ts'
import { decodeInvite } from './invite.ts'
import { limits } from './limits.ts'
import { type Ranges, addRange, noRanges } from './ranges.ts'
import { refusalTypes } from './refusal.ts'
import {
  isBytes,
  isBytesUpTo,
  isExactly,
  isFlag,
  isInteger,
  isKey,
  isListOf,
  isSeq,
  isTextUpTo,
  isTime,
  isTuple,
  orNull,
} from './shape.ts'
import type { Device, Group, GroupRole, LedgerEntry } from './state.ts'

const roles: readonly GroupRole[] = ['member', 'joining', 'carrier', 'left']
const isText = isTextUpTo(limits.nameBytesMax)
const isDeviceRow = isTuple(isExactly(1), isKey, isKey, isText, isText)

export const encodeDeviceRow = (device: Device): Uint8Array =>
  encodeCbor([1, device.secret, device.prekeySecret, device.name, device.unit])

export const decodeDeviceRow = (
  value: Uint8Array,
  cryptography: Pick<Cryptography, 'publicKey'>,
): Device | undefined => {
  const decoded = decodeCbor(value)
  if (!decoded.ok || !isDeviceRow(decoded.value)) return undefined
  const [, secret, prekeySecret, name, unit] = decoded.value
  const publicKey = cryptography.publicKey(secret)
  return { id: deviceIdOf(publicKey), secret, publicKey, prekeySecret, name, unit }
}

const marksToCbor = (marks: ReadonlyMap<AuthorId, Ranges>): Cbor =>
  [...marks].map(([author, ranges]) => [
    idBytes(author),
    ranges.slice(-limits.rangesMax).flatMap(range => [range.from, range.to]),
  ])

const isMarks = isListOf(
  isTuple(isBytes(8), isListOf(isSeq, limits.rangesMax * 2)),
  limits.authorsMax,
)
const isGroupRow = isTuple(
  isExactly(1),
  isInteger(0, roles.length - 1),
  orNull(isTuple(isBytes(8), isKey, isSeq)),
  orNull(isTuple(isBytesUpTo(limits.inviteBytesMax), isText, isText, isText)),
  orNull(isBytes(16)),
  isMarks,
  isMarks,
  isMarks,
  isSeq,
  isTime,
  isTime,
)

export const encodeGroupRow = (group: Group): Uint8Array => {
  const { own, joining, current } = group
  return encodeCbor([
    1,
    roles.indexOf(group.role),
    own === undefined ? null : [idBytes(own.author), own.secret, own.incarnation],
    joining === undefined
      ? null
      : [joining.token, joining.name, joining.unit, joining.refused ?? ''],
    current === undefined ? null : idBytes(current),
    marksToCbor(group.toAck),
    marksToCbor(group.toDisplay),
    marksToCbor(group.displayed),
    group.unread,
    group.newestHlc,
    group.savedAt,
  ])
}

const readMarks = (
  marks: Map<AuthorId, Ranges>,
  list: readonly (readonly [Uint8Array, readonly number[]])[],
): void => {
  for (const [author, numbers] of list) {
    let ranges = noRanges
    for (let at = 0; at + 1 < numbers.length; at += 2) {
      ranges = addRange(ranges, numbers[at] ?? 0, numbers[at + 1] ?? 0)
    }
    marks.set(authorId(bytesToHex(author)), ranges)
  }
}

/** Fills a fresh group from its row; false when the row is damaged. */
export const restoreGroupRow = (group: Group, value: Uint8Array): boolean => {
  const decoded = decodeCbor(value)
  if (!decoded.ok || !isGroupRow(decoded.value)) return false
  const [, role, own, joining, current, toAck, toDisplay, displayed, ...rest] = decoded.value
  group.role = roles[role] ?? 'carrier'
  if (own !== null) {
    const [author, secret, incarnation] = own
    group.own = { author: authorId(bytesToHex(author)), secret, incarnation }
  }
  if (joining !== null) {
    const [token, name, unit, refused] = joining
    const invite = decodeInvite(token)
    if (!invite.ok) return false
    const reason = refusalTypes.find(type => type === refused)
    group.joining = { token, invite: invite.value, name, unit, refused: reason }
  }
  if (current !== null) group.current = epochId(bytesToHex(current))
  readMarks(group.toAck, toAck)
  readMarks(group.toDisplay, toDisplay)
  readMarks(group.displayed, displayed)
  const [unread, newestHlc, savedAt] = rest
  group.unread = unread
  group.newestHlc = newestHlc
  group.savedAt = savedAt
  return true
}

const isDevices = isListOf(isBytes(16), limits.authorsMax)
const isLedgerRow = isTuple(
  isExactly(1),
  isDevices,
  isListOf(isText, limits.authorsMax),
  isDevices,
  isDevices,
)

export const encodeLedgerRow = (entry: LedgerEntry): Uint8Array =>
  encodeCbor([
    1,
    entry.recipients.map(idBytes),
    [...entry.carriedBy],
    [...entry.delivered].map(idBytes),
    [...entry.displayed].map(idBytes),
  ])

const devices = (list: readonly Uint8Array[]): DeviceId[] =>
  list.map(bytes => deviceId(bytesToHex(bytes)))

export const decodeLedgerRow = (seq: number, value: Uint8Array): LedgerEntry | undefined => {
  const decoded = decodeCbor(value)
  if (!decoded.ok || !isLedgerRow(decoded.value)) return undefined
  const [, recipients, carriedBy, delivered, displayed] = decoded.value
  return {
    seq,
    recipients: devices(recipients),
    carriedBy: new Set(carriedBy.map(peerId)),
    delivered: new Set(devices(delivered)),
    displayed: new Set(devices(displayed)),
  }
}

/** Outbox row: CBOR [text, priority]. */
export const encodeOutboxRow = (text: string, priority: number): Uint8Array =>
  encodeCbor([text, priority])
const isOutboxRow = isTuple(isTextUpTo(limits.textBytesMax), isInteger(0, 3))
export const decodeOutboxRow = (value: Uint8Array): readonly [string, number] | undefined => {
  const decoded = decodeCbor(value)
  return decoded.ok && isOutboxRow(decoded.value) ? decoded.value : undefined
}

type RequestRow = {
  readonly keptAt: number
  readonly broughtBy: PeerId
  readonly isParked: boolean
  readonly bytes: Uint8Array
}
const isRequestRow = isTuple(
  isExactly(1),
  isTime,
  isText,
  isFlag,
  isBytesUpTo(limits.joinRequestBytesMax),
)

export const encodeRequestRow = ({ keptAt, broughtBy, isParked, bytes }: RequestRow): Uint8Array =>
  encodeCbor([1, Math.max(0, Math.floor(keptAt)), broughtBy, isParked, bytes])

export const decodeRequestRow = (value: Uint8Array): RequestRow | undefined => {
  const decoded = decodeCbor(value)
  if (!decoded.ok || !isRequestRow(decoded.value)) return undefined
  const [, keptAt, broughtBy, isParked, bytes] = decoded.value
  return { keptAt, broughtBy: peerId(broughtBy), isParked, bytes }
}
