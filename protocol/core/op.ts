/** The operation: signed, sealed, hash-linked, in one append-only log per (group, author). It is the unit of sync.
 *    header  := suite·16+kind(1) • flags(1) • author(8) • seq varint • hlc(6) • prev(16) • keyId(4) • [expiry varint]
 *    id      := SHA-256("petrel/1/op" ‖ gid(16) ‖ header ‖ SHA-256(payload))
 *    op      := header • sized payload • signature(64)            gossip form; the signature is Ed25519 over id
 *    record  := header • sized payload • [signature(64)]          as stored; inside a run only the last op is signed
 *    run     := author(8) • seq varint • prev(16) • keyIds • count varint • item* • signature(64) of the last op
 *    item    := suite·16+kind • flags • hlc step varint • [key index] • [expiry] • sized payload
 *  `prev` is the first 16 bytes of the id before it, so a signature vouches for the whole run. The id covers the payload by
 *  its hash: a body can be purged while author, time and order stay provable. */
import {
  type AuthorId,
  type GroupId,
  type OpId,
  type Result,
  assert,
  bytesToHex,
  concatBytes,
  failure,
  idBytes,
  opId,
  success,
  utf8ToBytes,
} from './base.ts'
import { type Reader, type Writer, createReader, createWriter } from './codec.ts'
import { open, seal, sha256 } from './crypto.ts'
import type { Priority } from './intent.ts'
import { limits } from './limits.ts'
import { type Refusal, refusal } from './refusal.ts'

export const suite = 1
export const kinds = {
  control: 0,
  fact: 1,
  state: 2,
  epoch: 3,
  checkpoint: 4,
  genesis: 15,
} as const

export const priorities: readonly Priority[] = ['flash', 'urgent', 'routine', 'bulk']

export type OpHeader = {
  readonly kind: number
  readonly priority: Priority
  readonly author: AuthorId
  readonly seq: number
  /** Hybrid logical clock: claimed wall-clock milliseconds, strictly growing within one log. */
  readonly hlc: number
  readonly prev: Uint8Array
  readonly keyId: Uint8Array
  /** Seconds after which carriers may drop it. */
  readonly expiry?: number | undefined
}

export type Op = OpHeader & {
  readonly gid: GroupId
  readonly id: OpId
  readonly header: Uint8Array
  readonly payload: Uint8Array
  /** Absent for operations vouched for by a later signature of their run. */
  readonly signature: Uint8Array | undefined
}

const noPrev = new Uint8Array(16)
const domainOp = utf8ToBytes('petrel/1/op')
const domainNonce = utf8ToBytes('petrel/1/n')
const expiryFlag = 0x04

/** Control-class operations decide who may do what; they are always held, always signed one by one, always sent first. */
export const isControlClass = (kind: number): boolean =>
  kind === kinds.control || kind === kinds.epoch || kind === kinds.genesis

export const opBytesMax = (kind: number): number =>
  kind === kinds.control || kind === kinds.epoch || kind === kinds.checkpoint
    ? limits.controlOpBytesMax
    : limits.opBytesMax

export const encodeHeader = (header: OpHeader): Uint8Array => {
  const writer = createWriter(48)
  writeStart(writer, header)
  writer.bytes(idBytes(header.author)).varint(header.seq).unsigned(header.hlc, 6)
  writer.bytes(header.prev).bytes(header.keyId)
  if (header.expiry !== undefined) writer.varint(header.expiry)
  return writer.done()
}

const writeStart = (writer: Writer, header: OpHeader): void => {
  const expiry = header.expiry === undefined ? 0 : expiryFlag
  writer.u8(suite * 16 + header.kind).u8(priorities.indexOf(header.priority) | expiry)
}

const readStart = (reader: Reader): { kind: number; priority: Priority; hasExpiry: boolean } => {
  const first = reader.u8()
  if (reader.fault() === undefined && first >> 4 !== suite) reader.fail('unsupported')
  const flags = reader.u8()
  if ((flags & ~0x07) !== 0) reader.fail('malformed')
  return {
    kind: first & 0x0f,
    priority: priorities[flags & 3] ?? 'routine',
    hasExpiry: (flags & expiryFlag) !== 0,
  }
}

/** An operation from its parts: computes header bytes and id. */
export const assembleOp = (
  gid: GroupId,
  header: OpHeader,
  payload: Uint8Array,
  signature: Uint8Array | undefined,
): Op => {
  const bytes = encodeHeader(header)
  const id = sha256(domainOp, idBytes(gid), bytes, sha256(payload))
  return { ...header, gid, id: opId(bytesToHex(id)), header: bytes, payload, signature }
}

export const signOp = (op: Op, sign: (message: Uint8Array) => Uint8Array): Op => ({
  ...op,
  signature: sign(idBytes(op.id)),
})

/** The 16 bytes by which the next operation of the log names this one. */
export const idPrefix = (op: Op): Uint8Array => idBytes(op.id).subarray(0, 16)

export const firstPrev = noPrev

const nonceOf = (header: Uint8Array): Uint8Array => sha256(domainNonce, header).subarray(0, 24)

/** Seals a body for one header. `associated` extends the header for payloads with a clear part. */
export const sealPayload = (
  key: Uint8Array,
  header: OpHeader,
  body: Uint8Array,
  clear: Uint8Array = new Uint8Array(0),
): Uint8Array => {
  const bytes = encodeHeader(header)
  return concatBytes(clear, seal(key, nonceOf(bytes), body, concatBytes(bytes, clear)))
}

/** The body, or undefined when the key is wrong. `clearBytes`: length of the clear part in front. */
export const openPayload = (key: Uint8Array, op: Op, clearBytes = 0): Uint8Array | undefined => {
  const clear = op.payload.subarray(0, clearBytes)
  const associated = clearBytes === 0 ? op.header : concatBytes(op.header, clear)
  return open(key, nonceOf(op.header), op.payload.subarray(clearBytes), associated)
}

export const encodeRecord = (op: Op): Uint8Array => {
  const writer = createWriter(op.header.length + op.payload.length + 70)
  writer.bytes(op.header).sized(op.payload)
  if (op.signature !== undefined) writer.bytes(op.signature)
  return writer.done()
}

/** Gossip form; the operation must be signed. */
export const encodeOp = (op: Op): Uint8Array => {
  assert(op.signature !== undefined, 'gossip form needs a signature')
  return encodeRecord(op)
}

const readRecord = (gid: GroupId, reader: Reader): Op | undefined => {
  const start = readStart(reader)
  const author = reader.author()
  const seq = reader.varint()
  if (seq > limits.seqMax) reader.fail('too-large')
  const hlc = reader.unsigned(6)
  const prev = reader.bytes(16)
  const keyId = reader.bytes(4)
  const expiry = start.hasExpiry ? reader.varint() : undefined
  const payload = reader.sized(opBytesMax(start.kind))
  const signature = reader.left() === 0 ? undefined : reader.bytes(64)
  if (reader.fault() !== undefined) return undefined
  const header = { kind: start.kind, priority: start.priority, author, seq, hlc, prev, keyId }
  return assembleOp(gid, expiry === undefined ? header : { ...header, expiry }, payload, signature)
}

/** Decodes a stored record or a gossip-form operation; signatures are not checked here. */
export const decodeRecord = (gid: GroupId, bytes: Uint8Array): Result<Op, Refusal> => {
  if (bytes.length > limits.controlOpBytesMax + 256) return failure(refusal('too-large'))
  const reader = createReader(bytes)
  const op = readRecord(gid, reader)
  const fault = reader.end()
  if (fault !== undefined || op === undefined) return failure(refusal(fault ?? 'malformed'))
  return success(op)
}

type Stretch = readonly Op[]

/** Two contradicting stretches of one log, each a run. */
export const encodeForkProof = ([first, second]: readonly [Stretch, Stretch]): Uint8Array =>
  createWriter(1_024).sized(encodeRun(first)).sized(encodeRun(second)).done()

export const decodeForkProof = (
  gid: GroupId,
  bytes: Uint8Array,
): readonly [Stretch, Stretch] | undefined => {
  const reader = createReader(bytes)
  const first = decodeRun(gid, reader.sized(limits.frameBytesMax))
  const second = decodeRun(gid, reader.sized(limits.frameBytesMax))
  return reader.end() === undefined && first.ok && second.ok
    ? [first.value, second.value]
    : undefined
}

/** Run form of contiguous operations of one log; the last one must be signed. */
export const encodeRun = (ops: readonly Op[]): Uint8Array => {
  const [first] = ops
  const last = ops.at(-1)
  assert(first !== undefined && last?.signature !== undefined, 'a run ends in a signature')
  const keyIds = [...new Set(ops.map(op => bytesToHex(op.keyId)))]
  const writer = createWriter(256 * ops.length)
  writer.bytes(idBytes(first.author)).varint(first.seq).bytes(first.prev).varint(keyIds.length)
  for (const keyId of keyIds) {
    writer.bytes(ops.find(op => bytesToHex(op.keyId) === keyId)?.keyId ?? noPrev)
  }
  writer.varint(ops.length)
  let before = 0
  for (const op of ops) {
    writeStart(writer, op)
    writer.varint(op.hlc - before)
    if (keyIds.length > 1) writer.varint(keyIds.indexOf(bytesToHex(op.keyId)))
    if (op.expiry !== undefined) writer.varint(op.expiry)
    writer.sized(op.payload)
    before = op.hlc
  }
  return writer.bytes(last.signature).done()
}

/** Decodes a run; ids and `prev` of all but the first are computed. Signatures are not checked here. */
export const decodeRun = (gid: GroupId, bytes: Uint8Array): Result<readonly Op[], Refusal> => {
  const reader = createReader(bytes)
  const author = reader.author()
  const firstSeq = reader.varint()
  let prev = reader.bytes(16)
  const keyIds: Uint8Array[] = []
  const keyCount = reader.count(limits.runOpsMax, 4)
  for (let index = 0; index < keyCount; index++) keyIds.push(reader.bytes(4))
  const count = reader.count(limits.runOpsMax, 4)
  if (count === 0 || keyCount === 0) reader.fail('malformed')
  if (firstSeq + count - 1 > limits.seqMax) reader.fail('too-large')
  const ops: Op[] = []
  const keys: RunKeys = { keyIds, used: 0 }
  for (let index = 0; index < count && reader.fault() === undefined; index++) {
    const item = readItem(reader, keys, ops.at(-1)?.hlc)
    const signature = index === count - 1 ? reader.bytes(64) : undefined
    if (item === undefined || reader.fault() !== undefined) break
    const { payload, ...rest } = item
    const op = assembleOp(gid, { ...rest, author, seq: firstSeq + index, prev }, payload, signature)
    ops.push(op)
    prev = idBytes(op.id).slice(0, 16)
  }
  // Key ids stand in the order of their first use, each once: a run has one form.
  const isOneForm = keys.used === keyCount && new Set(keyIds.map(bytesToHex)).size === keyCount
  const fault = reader.end() ?? (isOneForm ? undefined : 'non-canonical')
  return fault === undefined ? success(ops) : failure(refusal(fault))
}

type RunKeys = { readonly keyIds: readonly Uint8Array[]; used: number }
type RunItem = Omit<OpHeader, 'author' | 'seq' | 'prev'> & { readonly payload: Uint8Array }

/** `before`: the hlc of the item before, which every item must pass. */
const readItem = (
  reader: Reader,
  keys: RunKeys,
  before: number | undefined,
): RunItem | undefined => {
  const { kind, priority, hasExpiry } = readStart(reader)
  const hlcStep = reader.varint()
  const hlc = (before ?? 0) + hlcStep
  if ((before !== undefined && hlcStep === 0) || hlc >= 2 ** 48) reader.fail('malformed')
  const keyId = readKeyId(reader, keys)
  const expiry = hasExpiry ? reader.varint() : undefined
  const payload = reader.sized(opBytesMax(kind))
  if (keyId === undefined) return undefined
  const item = { kind, priority, hlc, keyId, payload }
  return expiry === undefined ? item : { ...item, expiry }
}

const readKeyId = (reader: Reader, keys: RunKeys): Uint8Array | undefined => {
  const index = keys.keyIds.length > 1 ? reader.varint() : 0
  const keyId = keys.keyIds[index]
  if (index > keys.used) reader.fail('non-canonical')
  if (keyId === undefined) reader.fail('malformed')
  keys.used = Math.max(keys.used, index + 1)
  return keyId
}
