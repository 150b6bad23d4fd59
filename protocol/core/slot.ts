/** Slots: presence, availability, position. Not logged; the newest signed value of an author and slot number wins.
 *    slot   := head • sized sealed • signature(64)
 *    head   := author(8) • slot(1) • hlc(6) • ttl varint seconds • keyId(4)
 *  The author's log key signs SHA-256("petrel/1/slot" ‖ gid ‖ head ‖ sealed). */
import {
  type AuthorId,
  type GroupId,
  type Result,
  failure,
  idBytes,
  success,
  utf8ToBytes,
} from './base.ts'
import { createReader, createWriter } from './codec.ts'
import { open, seal, sha256 } from './crypto.ts'
import { limits } from './limits.ts'
import { type Refusal, refusal } from './refusal.ts'

export type SlotHead = {
  readonly author: AuthorId
  readonly number: number
  readonly hlc: number
  readonly ttlSeconds: number
  readonly keyId: Uint8Array
}
export type Slot = SlotHead & {
  readonly head: Uint8Array
  readonly sealed: Uint8Array
  readonly signature: Uint8Array
}

const encodeHead = (slot: SlotHead): Uint8Array =>
  createWriter(32)
    .bytes(idBytes(slot.author))
    .u8(slot.number)
    .unsigned(slot.hlc, 6)
    .varint(slot.ttlSeconds)
    .bytes(slot.keyId)
    .done()

const nonceOf = (head: Uint8Array): Uint8Array =>
  sha256(utf8ToBytes('petrel/1/sn'), head).subarray(0, 24)

export const slotMessage = (gid: GroupId, slot: Slot): Uint8Array =>
  sha256(utf8ToBytes('petrel/1/slot'), idBytes(gid), slot.head, slot.sealed)

export const createSlot = (
  gid: GroupId,
  head: SlotHead,
  key: Uint8Array,
  body: Uint8Array,
  sign: (message: Uint8Array) => Uint8Array,
): Slot => {
  const bytes = encodeHead(head)
  const sealed = seal(key, nonceOf(bytes), body, bytes)
  const unsigned = { ...head, head: bytes, sealed, signature: new Uint8Array(64) }
  return { ...unsigned, signature: sign(slotMessage(gid, unsigned)) }
}

export const openSlot = (key: Uint8Array, slot: Slot): Uint8Array | undefined =>
  open(key, nonceOf(slot.head), slot.sealed, slot.head)

export const encodeSlot = (slot: Slot): Uint8Array =>
  createWriter(256).bytes(slot.head).sized(slot.sealed).bytes(slot.signature).done()

export const decodeSlot = (bytes: Uint8Array): Result<Slot, Refusal> => {
  const reader = createReader(bytes)
  const author = reader.author()
  const number = reader.u8()
  if (number >= limits.slotsPerAuthorMax) reader.fail('malformed')
  const hlc = reader.unsigned(6)
  const ttlSeconds = reader.varint()
  const keyId = reader.bytes(4)
  const head = bytes.slice(0, reader.at())
  const sealed = reader.sized(limits.slotBytesMax)
  const signature = reader.bytes(64)
  const fault = reader.end()
  if (fault !== undefined) return failure(refusal(fault))
  return success({ author, number, hlc, ttlSeconds, keyId, head, sealed, signature })
}
