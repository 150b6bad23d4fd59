/** The first operation of every log (kind 15, seq 0). In clear it carries the author key and its admission by the write
 *  capability of an epoch, so that a carrier who is no member can check signatures, chains and quotas and learns neither
 *  who the author is nor that two groups share one. Sealed: which device writes here.
 *    payload := clear • sealed
 *    clear   := authorKey(32) • epochId(16) • writeSignature(64) • root(1) • [writeKey(32) • policyHash(32) • random(16)]
 *    author  := SHA-256("petrel/1/log" ‖ gid ‖ authorKey)[0..8]
 *    gid     := SHA-256("petrel/1/gid" ‖ authorKey ‖ writeKey ‖ policyHash ‖ random)[0..16]      of the root genesis
 *    sealed  := CBOR [incarnation, certificate, deviceSignature(64)] under the epoch's control key */
import {
  type AuthorId,
  type EpochId,
  type GroupId,
  type Result,
  authorId,
  bytesToHex,
  concatBytes,
  failure,
  groupId,
  idBytes,
  success,
  utf8ToBytes,
} from './base.ts'
import { decodeCbor, encodeCbor } from './cbor.ts'
import { createReader, createWriter } from './codec.ts'
import { sha256 } from './crypto.ts'
import { type Refusal, refusal } from './refusal.ts'

export type RootFields = {
  readonly writeKey: Uint8Array
  readonly policyHash: Uint8Array
  readonly random: Uint8Array
}

export type GenesisClear = {
  readonly authorKey: Uint8Array
  readonly epoch: EpochId
  readonly writeSignature: Uint8Array
  /** Only in the creator's log: what the group id is made of. */
  readonly root: RootFields | undefined
  /** Bytes of the clear part at the start of the payload. */
  readonly length: number
}

export type GenesisBody = {
  readonly incarnation: number
  readonly certificate: Uint8Array
  /** By the device key over `deviceMessage`. */
  readonly deviceSignature: Uint8Array
}

export const authorOf = (gid: GroupId, authorKey: Uint8Array): AuthorId =>
  authorId(bytesToHex(sha256(utf8ToBytes('petrel/1/log'), idBytes(gid), authorKey).subarray(0, 8)))

export const groupOf = (authorKey: Uint8Array, root: RootFields): GroupId =>
  groupId(
    bytesToHex(
      sha256(
        utf8ToBytes('petrel/1/gid'),
        authorKey,
        root.writeKey,
        root.policyHash,
        root.random,
      ).subarray(0, 16),
    ),
  )

/** What the epoch's write key signs to let an author's log into a group. */
export const writeMessage = (gid: GroupId, authorKey: Uint8Array): Uint8Array =>
  concatBytes(utf8ToBytes('petrel/1/admit-log'), idBytes(gid), authorKey)

/** What the device key signs to own an author's log. */
export const deviceMessage = (
  gid: GroupId,
  authorKey: Uint8Array,
  incarnation: number,
): Uint8Array =>
  concatBytes(
    utf8ToBytes('petrel/1/author'),
    idBytes(gid),
    authorKey,
    createWriter(4).unsigned(incarnation, 4).done(),
  )

export const encodeGenesisClear = (clear: Omit<GenesisClear, 'length'>): Uint8Array => {
  const writer = createWriter(200)
  writer.bytes(clear.authorKey).bytes(idBytes(clear.epoch)).bytes(clear.writeSignature)
  if (clear.root === undefined) return writer.u8(0).done()
  const { writeKey, policyHash, random } = clear.root
  return writer.u8(1).bytes(writeKey).bytes(policyHash).bytes(random).done()
}

export const decodeGenesisClear = (payload: Uint8Array): Result<GenesisClear, Refusal> => {
  const reader = createReader(payload)
  const authorKey = reader.bytes(32)
  const epoch = reader.epoch()
  const writeSignature = reader.bytes(64)
  const isRoot = reader.u8()
  if (isRoot > 1) reader.fail('malformed')
  const root =
    isRoot === 1
      ? { writeKey: reader.bytes(32), policyHash: reader.bytes(32), random: reader.bytes(16) }
      : undefined
  const fault = reader.fault()
  if (fault !== undefined) return failure(refusal(fault))
  return success({ authorKey, epoch, writeSignature, root, length: reader.at() })
}

export const encodeGenesisBody = (body: GenesisBody): Uint8Array =>
  encodeCbor([body.incarnation, body.certificate, body.deviceSignature])

export const decodeGenesisBody = (bytes: Uint8Array): Result<GenesisBody, Refusal> => {
  const decoded = decodeCbor(bytes)
  if (!decoded.ok) return decoded
  if (!Array.isArray(decoded.value) || decoded.value.length !== 3) {
    return failure(refusal('malformed'))
  }
  const [incarnation, certificate, deviceSignature]: readonly unknown[] = decoded.value
  if (
    typeof incarnation !== 'number' ||
    !(certificate instanceof Uint8Array) ||
    !(deviceSignature instanceof Uint8Array) ||
    deviceSignature.length !== 64 ||
    incarnation < 0 ||
    incarnation >= 2 ** 32
  ) {
    return failure(refusal('malformed'))
  }
  return success({ incarnation, certificate, deviceSignature })
}
