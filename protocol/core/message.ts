/** Frames of `/petrel/sync/1` and `/petrel/join/1`: their bytes and nothing else. One long-lived stream per neighbour, all
 *  groups multiplexed; a group is named by its index in the sender's latest HELLO, and there by a tag only those who know the
 *  group id recognise.
 *    HELLO 1 := version(1) • features varint • nonce(16) • count • { tag(8) • setHash(8) • tableHash(8) }*
 *    HAVE  2 := group • mode(1) • setHash(8) • vector
 *               mode 0 equal:    vector empty (both HELLOs named one setHash)
 *               mode 1 by table: tableHash(8) • ranges*      in the order of the table that the receiver's HELLO named
 *               mode 2 by name:  count • { author(8) • ranges }*
 *               mode 3 changed:  count • { author(8) • ranges }*    replaces those entries of the vector told before
 *    RUN   4 := group • run          OPS 5 := group • count • { sized op }*
 *    WANT  6 := group • count • { author(8) • seq }*
 *    SLOTS 7 := group • count • { sized slot }*
 *    ACK   8 := varint • count • { varint }*     how many RUN, OPS and SLOTS frames since the first HELLO were dealt with, plus
 *               16 · (1 + first byte of its nonce) if that had feature bit 2; numbers (from 1) of those that were not taken
 *               in whole. All others are durable here.
 *    DONE  9 := group • setHash(8)   nothing more to send than was sent
 *    HEADS 10 := group • count • { author(8) • seq • id(16) }*       after equal vectors with unequal setHash: a fork
 *    CARRY 11 := count • { gid(16) }*                                please carry these groups for us
 *    JOIN-REQUEST 1 := request       JOIN-ANSWER 2 := gid(16) • 0 • count • { sized op }*
 *                                                    | gid(16) • 1 • refusal(1) • H(request)(8) */
import { type AuthorId, type GroupId, type Result, failure, idBytes, success } from './base.ts'
import { type Reader, type Writer, createReader, createWriter } from './codec.ts'
import { limits } from './limits.ts'
import { type Ranges, readRanges, writeRanges } from './ranges.ts'
import { type Refusal, type RefusalType, refusal, refusalTypes } from './refusal.ts'

export const protocolVersion = 1
/** Feature bit: stores sealed operations of groups it is not in. */
export const featureCarries = 1
/** Feature bit of every HELLO but the first of a link: its sender remembers what was said before. */
export const featureRenews = 2
/** Feature bit of a first HELLO: the neighbour's came while the sender thought it had a link, so that it began anew, too. */
export const featureAnswers = 4

export type HelloGroup = {
  readonly tag: Uint8Array
  readonly setHash: Uint8Array
  readonly tableHash: Uint8Array
}
export type AuthorRanges = { readonly author: AuthorId; readonly ranges: Ranges }
export type OpRef = { readonly author: AuthorId; readonly seq: number }
export type HeadRef = OpRef & { readonly prefix: Uint8Array }

export type SyncFrame =
  | {
      readonly type: 'hello'
      readonly features: number
      readonly nonce: Uint8Array
      readonly groups: readonly HelloGroup[]
    }
  | {
      readonly type: 'have'
      readonly group: number
      readonly setHash: Uint8Array
      readonly vector: HaveVector
    }
  | { readonly type: 'run'; readonly group: number; readonly run: Uint8Array }
  | { readonly type: 'ops'; readonly group: number; readonly ops: readonly Uint8Array[] }
  | { readonly type: 'want'; readonly group: number; readonly refs: readonly OpRef[] }
  | { readonly type: 'slots'; readonly group: number; readonly slots: readonly Uint8Array[] }
  | { readonly type: 'ack'; readonly frames: number; readonly refused: readonly number[] }
  | { readonly type: 'done'; readonly group: number; readonly setHash: Uint8Array }
  | { readonly type: 'heads'; readonly group: number; readonly heads: readonly HeadRef[] }
  | { readonly type: 'carry'; readonly groups: readonly GroupId[] }

export type HaveVector =
  | { readonly mode: 'equal' }
  | {
      readonly mode: 'table'
      readonly tableHash: Uint8Array
      readonly ranges: readonly Ranges[]
    }
  | { readonly mode: 'named'; readonly entries: readonly AuthorRanges[] }
  | { readonly mode: 'changed'; readonly entries: readonly AuthorRanges[] }

export type JoinFrame =
  | { readonly type: 'join-request'; readonly request: Uint8Array }
  /** `request`: the name of the request that is refused (join.ts). */
  | {
      readonly type: 'join-refused'
      readonly gid: GroupId
      readonly refusal: RefusalType
      readonly request: Uint8Array
    }
  | { readonly type: 'join-answer'; readonly gid: GroupId; readonly ops: readonly Uint8Array[] }

const codes = {
  hello: 1,
  have: 2,
  run: 4,
  ops: 5,
  want: 6,
  slots: 7,
  ack: 8,
  done: 9,
  heads: 10,
  carry: 11,
} as const
const modes = ['equal', 'table', 'named', 'changed'] as const

const writeEntries = (writer: Writer, entries: readonly AuthorRanges[]): void => {
  writer.varint(entries.length)
  for (const entry of entries) {
    writer.bytes(idBytes(entry.author))
    writeRanges(writer, entry.ranges)
  }
}

const writeSized = (writer: Writer, parts: readonly Uint8Array[]): void => {
  writer.varint(parts.length)
  for (const part of parts) writer.sized(part)
}

const writeVector = (writer: Writer, vector: HaveVector): void => {
  if (vector.mode === 'table') {
    writer.bytes(vector.tableHash)
    for (const ranges of vector.ranges) writeRanges(writer, ranges)
  }
  if (vector.mode === 'named' || vector.mode === 'changed') writeEntries(writer, vector.entries)
}

export const encodeSyncFrame = (frame: SyncFrame): Uint8Array => {
  const writer = createWriter(256).u8(codes[frame.type])
  switch (frame.type) {
    case 'hello':
      writer
        .u8(protocolVersion)
        .varint(frame.features)
        .bytes(frame.nonce)
        .varint(frame.groups.length)
      for (const group of frame.groups) {
        writer.bytes(group.tag).bytes(group.setHash).bytes(group.tableHash)
      }
      break
    case 'have':
      writer.varint(frame.group).u8(modes.indexOf(frame.vector.mode)).bytes(frame.setHash)
      writeVector(writer, frame.vector)
      break
    case 'run':
      writer.varint(frame.group).bytes(frame.run)
      break
    case 'ops':
      writeSized(writer.varint(frame.group), frame.ops)
      break
    case 'slots':
      writeSized(writer.varint(frame.group), frame.slots)
      break
    case 'want':
      writer.varint(frame.group).varint(frame.refs.length)
      for (const ref of frame.refs) writer.bytes(idBytes(ref.author)).varint(ref.seq)
      break
    case 'ack':
      writer.varint(frame.frames).varint(frame.refused.length)
      for (const number of frame.refused) writer.varint(number)
      break
    case 'done':
      writer.varint(frame.group).bytes(frame.setHash)
      break
    case 'heads':
      writer.varint(frame.group).varint(frame.heads.length)
      for (const head of frame.heads) {
        writer.bytes(idBytes(head.author)).varint(head.seq).bytes(head.prefix)
      }
      break
    case 'carry':
      writer.varint(frame.groups.length)
      for (const gid of frame.groups) writer.bytes(idBytes(gid))
      break
  }
  return writer.done()
}

const list = <T>(reader: Reader, max: number, bytesEach: number, read: () => T): T[] => {
  const count = reader.count(max, bytesEach)
  const items: T[] = []
  for (let index = 0; index < count && reader.fault() === undefined; index++) items.push(read())
  return items
}

const readEntries = (reader: Reader): AuthorRanges[] =>
  list(reader, limits.authorsMax, 9, () => ({
    author: reader.author(),
    ranges: readRanges(reader),
  }))

const readVector = (reader: Reader, mode: (typeof modes)[number] | undefined): HaveVector => {
  if (mode === 'equal') return { mode }
  if (mode === 'named' || mode === 'changed') return { mode, entries: readEntries(reader) }
  if (mode !== 'table') reader.fail('malformed')
  const tableHash = reader.bytes(8)
  const ranges: Ranges[] = []
  while (reader.left() > 0 && ranges.length < limits.authorsMax) ranges.push(readRanges(reader))
  return { mode: 'table', tableHash, ranges }
}
/** Decodes one sync frame: shape and bounds only. */
export const decodeSyncFrame = (bytes: Uint8Array): Result<SyncFrame, Refusal> => {
  if (bytes.length > limits.frameBytesMax) return failure(refusal('too-large'))
  const reader = createReader(bytes)
  const frame = readSyncFrame(reader)
  const fault = reader.end()
  if (fault !== undefined || frame === undefined) return failure(refusal(fault ?? 'malformed'))
  return success(frame)
}

const readSyncFrame = (reader: Reader): SyncFrame | undefined => {
  const code = reader.u8()
  switch (code) {
    case codes.hello: {
      if (reader.u8() !== protocolVersion) reader.fail('unsupported')
      const features = reader.varint()
      const nonce = reader.bytes(16)
      const groups = list(reader, limits.helloGroupsMax, 24, () => ({
        tag: reader.bytes(8),
        setHash: reader.bytes(8),
        tableHash: reader.bytes(8),
      }))
      return { type: 'hello', features, nonce, groups }
    }
    case codes.have: {
      const group = reader.varint()
      const mode = modes[reader.u8()]
      const setHash = reader.bytes(8)
      return { type: 'have', group, setHash, vector: readVector(reader, mode) }
    }
    case codes.run:
      return { type: 'run', group: reader.varint(), run: reader.bytes(reader.left()) }
    case codes.ops:
      return {
        type: 'ops',
        group: reader.varint(),
        ops: list(reader, limits.runOpsMax, 100, () =>
          reader.sized(limits.controlOpBytesMax + 256),
        ),
      }
    case codes.slots:
      return {
        type: 'slots',
        group: reader.varint(),
        slots: list(reader, limits.runOpsMax, 84, () => reader.sized(limits.slotBytesMax + 128)),
      }
    case codes.want:
      return {
        type: 'want',
        group: reader.varint(),
        refs: list(reader, limits.runOpsMax, 9, () => ({
          author: reader.author(),
          seq: reader.varint(),
        })),
      }
    case codes.ack:
      return {
        type: 'ack',
        frames: reader.varint(),
        refused: list(reader, limits.ackRefusedMax, 1, () => reader.varint()),
      }
    case codes.done:
      return { type: 'done', group: reader.varint(), setHash: reader.bytes(8) }
    case codes.heads:
      return {
        type: 'heads',
        group: reader.varint(),
        heads: list(reader, limits.authorsMax, 25, () => ({
          author: reader.author(),
          seq: reader.varint(),
          prefix: reader.bytes(16),
        })),
      }
    case codes.carry:
      return {
        type: 'carry',
        groups: list(reader, limits.helloGroupsMax, 16, () => reader.group()),
      }
    default:
      reader.fail('unsupported')
      return undefined
  }
}

export const encodeJoinFrame = (frame: JoinFrame): Uint8Array => {
  const writer = createWriter(512)
  switch (frame.type) {
    case 'join-request':
      return writer.u8(1).bytes(frame.request).done()
    case 'join-refused':
      writer.u8(2).bytes(idBytes(frame.gid)).u8(1)
      return writer.u8(refusalTypes.indexOf(frame.refusal)).bytes(frame.request).done()
    case 'join-answer':
      writer.u8(2).bytes(idBytes(frame.gid)).u8(0)
      writeSized(writer, frame.ops)
      return writer.done()
  }
}

/** Decodes one join frame: shape and bounds only. */
export const decodeJoinFrame = (bytes: Uint8Array): Result<JoinFrame, Refusal> => {
  if (bytes.length > limits.frameBytesMax) return failure(refusal('too-large'))
  const reader = createReader(bytes)
  const frame = readJoinFrame(reader)
  const fault = reader.end()
  return fault === undefined ? success(frame) : failure(refusal(fault))
}

const readJoinFrame = (reader: Reader): JoinFrame => {
  const code = reader.u8()
  if (code === 1) {
    if (reader.left() > limits.joinRequestBytesMax) reader.fail('too-large')
    return { type: 'join-request', request: reader.bytes(reader.left()) }
  }
  if (code !== 2) reader.fail('unsupported')
  const gid = reader.group()
  const status = reader.u8()
  if (status === 1) {
    const why = refusalTypes[reader.u8()] ?? 'unexpected'
    return { type: 'join-refused', gid, refusal: why, request: reader.bytes(8) }
  }
  if (status !== 0) reader.fail('malformed')
  const ops = list(reader, limits.runOpsMax, 100, () =>
    reader.sized(limits.controlOpBytesMax + 256),
  )
  return { type: 'join-answer', gid, ops }
}
