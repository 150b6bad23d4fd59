/** The ground everything stands on: branded names, time, results, assertions and plain byte helpers.
 *  A brand keeps two kinds of text or number from being mixed; only the constructors here (and in codec.ts) cast. */
import { decodeUtf8, encodeUtf8 } from 'lib0/string'

declare const brand: unique symbol
export type Brand<T, Name extends string> = T & { readonly [brand]: Name }

/** libp2p peer id in text form; names a transport endpoint, worth little. */
export type PeerId = Brand<string, 'PeerId'>
/** 16 bytes as 32 hex digits; self-certifying (see `group-id` in protocol/README.md). */
export type GroupId = Brand<string, 'GroupId'>
/** 8 bytes as 16 hex digits: one append-only log of one device in one group. */
export type AuthorId = Brand<string, 'AuthorId'>
/** SHA-256 of an operation as 64 hex digits. */
export type OpId = Brand<string, 'OpId'>
/** 16 bytes as 32 hex digits: SHA-256 of a device's public signing key, cut. */
export type DeviceId = Brand<string, 'DeviceId'>
/** 16 bytes as 32 hex digits: names one epoch of a group's key. */
export type EpochId = Brand<string, 'EpochId'>
/** gossipsub topic: 32 hex digits, HMAC of an epoch secret. */
export type Topic = Brand<string, 'Topic'>

/** A length of time in milliseconds. */
export type Millis = Brand<number, 'Millis'>
/** A point on this host's own monotonic clock, in milliseconds. */
export type Instant = Brand<number, 'Instant'>
/** Wall-clock milliseconds since 1970; a claim, never trusted. */
export type Timestamp = Brand<number, 'Timestamp'>
/** Own clocks: `instant` never goes back, `wall` may jump. */
export type Now = { readonly instant: Instant; readonly wall: Timestamp }

export const peerId = (text: string): PeerId => text as PeerId
export const groupId = (hex: string): GroupId => hex as GroupId
export const authorId = (hex: string): AuthorId => hex as AuthorId
export const opId = (hex: string): OpId => hex as OpId
export const deviceId = (hex: string): DeviceId => hex as DeviceId
export const epochId = (hex: string): EpochId => hex as EpochId
export const topicName = (text: string): Topic => text as Topic
export const millis = (value: number): Millis => value as Millis
export const instant = (value: number): Instant => value as Instant
export const timestamp = (value: number): Timestamp => value as Timestamp
export const later = (from: Instant, by: number): Instant => (from + by) as Instant

export type Result<T, E> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: E }
export const success = <T>(value: T): { readonly ok: true; readonly value: T } => ({
  ok: true,
  value,
})
export const failure = <E>(error: E): { readonly ok: false; readonly error: E } => ({
  ok: false,
  error,
})

/** A broken promise of our own code: stops the peer, in production too. Never for input from outside. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`)
}

/** The default branch of a switch over a union; reaching it is a bug. */
export const unreachable = (value: never): never => {
  throw new Error(`unreachable: ${JSON.stringify(value)}`)
}

const hexDigits = Array.from({ length: 256 }, (_, value) => value.toString(16).padStart(2, '0'))

export const bytesToHex = (bytes: Uint8Array): string => {
  let text = ''
  for (const byte of bytes) text += hexDigits[byte] ?? ''
  return text
}

/** Bytes of lower- or upper-case hex; undefined when the text is not hex of even length. */
export const hexToBytes = (hex: string): Uint8Array | undefined => {
  if (hex.length % 2 !== 0) return undefined
  const bytes = new Uint8Array(hex.length / 2)
  for (let i = 0; i < bytes.length; i++) {
    const high = digitOf(hex.charCodeAt(2 * i))
    const low = digitOf(hex.charCodeAt(2 * i + 1))
    if (high < 0 || low < 0) return undefined
    bytes[i] = high * 16 + low
  }
  return bytes
}

const digitOf = (code: number): number => {
  if (code >= 48 && code <= 57) return code - 48
  if (code >= 97 && code <= 102) return code - 87
  return code >= 65 && code <= 70 ? code - 55 : -1
}

/** Bytes of a branded id; the brand promises that it is hex. */
export const idBytes = (id: GroupId | AuthorId | OpId | DeviceId | EpochId): Uint8Array => {
  const bytes = hexToBytes(id)
  assert(bytes !== undefined, 'a branded id is hex')
  return bytes
}

export const concatBytes = (...parts: readonly Uint8Array[]): Uint8Array => {
  let length = 0
  for (const part of parts) length += part.length
  const all = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

export const equalBytes = (a: Uint8Array, b: Uint8Array): boolean => {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** Lexicographic order of bytes; a total order for ties. */
export const compareBytes = (a: Uint8Array, b: Uint8Array): number => {
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

export const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

export const utf8ToBytes = (text: string): Uint8Array => encodeUtf8(text)

/** Text of well-formed UTF-8; undefined otherwise. */
export const bytesToUtf8 = (bytes: Uint8Array): string | undefined => {
  try {
    return decodeUtf8(bytes)
  } catch {
    return undefined
  }
}
