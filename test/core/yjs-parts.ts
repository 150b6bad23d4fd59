/** Yjs updates put together part by part, the way somebody would who means harm. */
import {
  type AnyEncodable,
  type Encoder,
  createEncoder,
  toUint8Array,
  writeAny,
  writeUint8,
  writeVarString,
  writeVarUint,
} from 'lib0/encoding'

export type Part = (encoder: Encoder) => void
export const numbers =
  (...values: readonly (number | undefined)[]): Part =>
  encoder => {
    for (const value of values) writeVarUint(encoder, value ?? 0)
  }
export const byte =
  (value: number): Part =>
  encoder =>
    writeUint8(encoder, value)
export const text =
  (value: string): Part =>
  encoder =>
    writeVarString(encoder, value)
export const any =
  (...values: readonly AnyEncodable[]): Part =>
  encoder => {
    writeVarUint(encoder, values.length)
    for (const value of values) writeAny(encoder, value)
  }
export const bytesOf = (...parts: readonly Part[]): Uint8Array => {
  const encoder = createEncoder()
  for (const part of parts) part(encoder)
  return toUint8Array(encoder)
}

/** An item that stands on nothing, under a key of a root map. */
export const item = (root: string, key: string, ...values: readonly AnyEncodable[]): Part[] => [
  byte(0x28),
  numbers(1),
  text(root),
  text(key),
  any(...values),
]
export const noDeletes = numbers(0)
