/** Reading and writing bytes. A reader never throws and never allocates more than it was given: after the first fault it
 *  answers zeros and `fault` says what was wrong, so a decoder reads straight through and checks once at the end.
 *  varint := LEB128, at most 53 bits, shortest form only. Unsigned big-endian numbers otherwise. */
import type { RefusalType } from './refusal.ts'
import {
  type AuthorId,
  type EpochId,
  type GroupId,
  authorId,
  bytesToHex,
  bytesToUtf8,
  epochId,
  groupId,
} from './base.ts'

export type Reader = {
  readonly u8: () => number
  readonly varint: () => number
  /** Unsigned big-endian of up to 6 bytes. */
  readonly unsigned: (length: number) => number
  /** A copy of the next `length` bytes. */
  readonly bytes: (length: number) => Uint8Array
  /** varint length, at most `max`, then that many bytes. */
  readonly sized: (max: number) => Uint8Array
  /** A count at most `max`, of things at least `bytesEach` long: refused when they cannot all be there. */
  readonly count: (max: number, bytesEach: number) => number
  readonly text: (max: number) => string
  readonly author: () => AuthorId
  readonly group: () => GroupId
  readonly epoch: () => EpochId
  readonly left: () => number
  readonly at: () => number
  readonly fail: (type: RefusalType) => void
  readonly fault: () => RefusalType | undefined
  /** The fault, or `malformed` when bytes are left over. */
  readonly end: () => RefusalType | undefined
}

export const createReader = (source: Uint8Array): Reader => {
  let position = 0
  let fault: RefusalType | undefined

  const fail = (type: RefusalType): void => {
    fault ??= type
    position = source.length
  }
  const bytes = (length: number): Uint8Array => {
    if (fault !== undefined || length > source.length - position) {
      fail('malformed')
      return new Uint8Array(Math.min(length, 64))
    }
    position += length
    return source.slice(position - length, position)
  }
  const u8 = (): number => {
    const value = source[position]
    if (fault !== undefined || value === undefined) {
      fail('malformed')
      return 0
    }
    position += 1
    return value
  }
  const varint = (): number => {
    let value = 0
    let scale = 1
    for (let index = 0; index < 8; index++) {
      const byte = u8()
      if (fault !== undefined) return 0
      value += (byte & 0x7f) * scale
      scale *= 128
      if (byte < 0x80) {
        if (byte === 0 && index > 0) fail('non-canonical')
        if (value > Number.MAX_SAFE_INTEGER) fail('too-large')
        return fault === undefined ? value : 0
      }
    }
    fail('too-large')
    return 0
  }
  const unsigned = (length: number): number => {
    let value = 0
    for (let index = 0; index < length; index++) value = value * 256 + u8()
    return fault === undefined ? value : 0
  }
  const sized = (max: number): Uint8Array => {
    const length = varint()
    if (length > max) fail('too-large')
    return bytes(fault === undefined ? length : 0)
  }
  const count = (max: number, bytesEach: number): number => {
    const value = varint()
    if (value > max) fail('too-large')
    if (value * bytesEach > source.length - position) fail('malformed')
    return fault === undefined ? value : 0
  }
  const text = (max: number): string => {
    const value = bytesToUtf8(sized(max))
    if (value === undefined) fail('malformed')
    return value ?? ''
  }
  return {
    u8,
    varint,
    unsigned,
    bytes,
    sized,
    count,
    text,
    author: () => authorId(bytesToHex(bytes(8))),
    group: () => groupId(bytesToHex(bytes(16))),
    epoch: () => epochId(bytesToHex(bytes(16))),
    left: () => source.length - position,
    at: () => position,
    fail,
    fault: () => fault,
    end: () => fault ?? (position === source.length ? undefined : 'malformed'),
  }
}

export type Writer = {
  readonly u8: (value: number) => Writer
  readonly varint: (value: number) => Writer
  readonly unsigned: (value: number, length: number) => Writer
  readonly bytes: (value: Uint8Array) => Writer
  readonly sized: (value: Uint8Array) => Writer
  readonly done: () => Uint8Array
}

export const createWriter = (capacity = 256): Writer => {
  let buffer = new Uint8Array(capacity)
  let position = 0
  const room = (length: number): void => {
    if (position + length <= buffer.length) return
    const larger = new Uint8Array(Math.max(buffer.length * 2, position + length))
    larger.set(buffer.subarray(0, position))
    buffer = larger
  }
  const writer: Writer = {
    u8: value => {
      room(1)
      buffer[position++] = value
      return writer
    },
    varint: value => {
      room(8)
      let rest = value
      while (rest >= 128) {
        buffer[position++] = (rest % 128) | 0x80
        rest = Math.floor(rest / 128)
      }
      buffer[position++] = rest
      return writer
    },
    unsigned: (value, length) => {
      room(length)
      let rest = value
      for (let index = length - 1; index >= 0; index--) {
        buffer[position + index] = rest % 256
        rest = Math.floor(rest / 256)
      }
      position += length
      return writer
    },
    bytes: value => {
      room(value.length)
      buffer.set(value, position)
      position += value.length
      return writer
    },
    sized: value => writer.varint(value.length).bytes(value),
    done: () => buffer.slice(0, position),
  }
  return writer
}
