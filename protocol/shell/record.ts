/** The list of `(now, input)` that a peer lived through, as JSON lines: what the simulator needs to replay a run. Bytes are
 *  base64 in `{"$bytes"}`. A record holds everything the peer was told, secrets included: the host guards the file. */
import { base64ToBytes, bytesToBase64 } from './base64.ts'
import type { Input, Now } from '#protocol'

export type RecordLine = { readonly now: Now; readonly input: Input }

const toPlain = (_key: string, value: unknown): unknown => {
  if (value instanceof Uint8Array) return { $bytes: bytesToBase64(value) }
  if (value instanceof Map) return { $map: [...value] }
  if (typeof value === 'bigint') return { $bigint: value.toString() }
  return value
}

const fromPlain = (_key: string, value: unknown): unknown => {
  if (typeof value !== 'object' || value === null) return value
  if ('$bytes' in value && typeof value.$bytes === 'string') return base64ToBytes(value.$bytes)
  if ('$map' in value && Array.isArray(value.$map)) return new Map(value.$map)
  if ('$bigint' in value && typeof value.$bigint === 'string') return BigInt(value.$bigint)
  return value
}

export const encodeRecord = (line: RecordLine): string => JSON.stringify(line, toPlain)

/** Reads back a line of our own `encodeRecord`; not for input from anywhere else. */
export const decodeRecord = (line: string): RecordLine => {
  const decoded: RecordLine = JSON.parse(line, fromPlain)
  return decoded
}
