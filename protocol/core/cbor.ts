/** Strict CBOR (RFC 8949) for bodies: whole numbers in the safe range, text, bytes, true, false, null and arrays, each in
 *  its one shortest form. Libraries are lenient in ways that differ, so a scan looks at every head before the library sees
 *  a byte, and what the library decoded must encode to the same bytes again.
 *  Text is well-formed UTF-8 and never begins with a byte order mark, which decoders drop. */
import { decode, encode } from 'cborg'
import { type Result, assert, equalBytes, failure, success } from './base.ts'
import { limits } from './limits.ts'
import { type Refusal, refusal } from './refusal.ts'

export type Cbor = number | string | boolean | null | Uint8Array | readonly Cbor[]

export const isCborList = (value: Cbor | undefined): value is readonly Cbor[] =>
  Array.isArray(value)

/** Lone surrogates become U+FFFD and leading byte order marks are dropped. */
export const encodeCbor = (value: Cbor): Uint8Array => new Uint8Array(encode(encodable(value)))

/** Refused: `too-large` (limits.inflatedBytesMax), `too-deep` (limits.cborDepthMax), `non-canonical`, `malformed`. */
export const decodeCbor = (bytes: Uint8Array): Result<Cbor, Refusal> => {
  if (bytes.length > limits.inflatedBytesMax) return failure(refusal('too-large'))
  const fault = faultOf(bytes)
  if (fault !== undefined) return failure(refusal(fault))
  try {
    const value: Cbor = decode(bytes, strict)
    return equalBytes(encode(encodable(value)), bytes)
      ? success(value)
      : failure(refusal('non-canonical'))
  } catch {
    return failure(refusal('malformed'))
  }
}

const strict = {
  strict: true,
  allowIndefinite: false,
  allowUndefined: false,
  allowInfinity: false,
  allowNaN: false,
  allowBigInt: false,
} as const

const encodable = (value: Cbor): Cbor => {
  if (typeof value === 'number') assert(Number.isSafeInteger(value), 'CBOR numbers are whole')
  if (typeof value === 'string') return value.replace(/^\uFEFF+/, '')
  return isCborList(value) ? value.map(encodable) : value
}

const types = { natural: 0, negative: 1, bytes: 2, text: 3, list: 4, simple: 7 } as const

/** Walks over all heads without recursion: depth, lengths and shortest forms are judged before anything is allocated. */
const faultOf = (bytes: Uint8Array): 'malformed' | 'non-canonical' | 'too-deep' | undefined => {
  const toCome = [1]
  let at = 0
  while (toCome.length > 0) {
    const level = toCome.length - 1
    const left = toCome[level] ?? 0
    if (left === 0) {
      toCome.pop()
      continue
    }
    toCome[level] = left - 1
    const head = headAt(bytes, at)
    if (typeof head === 'string') return head
    at = head.next
    if (head.type === types.bytes || head.type === types.text) {
      if (head.argument > bytes.length - at) return 'malformed'
      if (head.type === types.text && startsWithMark(bytes, at, head.argument))
        return 'non-canonical'
      at += head.argument
    } else if (head.type === types.list) {
      if (head.argument > bytes.length - at) return 'malformed'
      if (toCome.length > limits.cborDepthMax) return 'too-deep'
      toCome.push(head.argument)
    }
  }
  return at === bytes.length ? undefined : 'malformed'
}

type Head = { readonly type: number; readonly argument: number; readonly next: number }

const headAt = (bytes: Uint8Array, at: number): Head | 'malformed' | 'non-canonical' => {
  const first = bytes[at]
  if (first === undefined) return 'malformed'
  const type = first >> 5
  const short = first & 31
  if (type === types.simple) {
    return short >= 20 && short <= 22 ? { type, argument: 0, next: at + 1 } : 'malformed'
  }
  if (type > types.list || short > 27) return 'malformed'
  if (short < 24) return { type, argument: short, next: at + 1 }
  const length = 2 ** (short - 24)
  if (at + 1 + length > bytes.length) return 'malformed'
  let argument = 0
  for (let index = 1; index <= length; index++) argument = argument * 256 + (bytes[at + index] ?? 0)
  const least = length === 1 ? 24 : 256 ** (length / 2)
  if (argument < least) return 'non-canonical'
  return { type, argument, next: at + 1 + length }
}

const startsWithMark = (bytes: Uint8Array, at: number, length: number): boolean =>
  length >= 3 && bytes[at] === 0xef && bytes[at + 1] === 0xbb && bytes[at + 2] === 0xbf
