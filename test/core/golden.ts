/** Golden vectors: bytes of the wire with what they are made of, in protocol/vectors/*.json, for whoever implements Petrel
 *  in another language. `PETREL_VECTORS=write` writes them anew: only when the wire changes on purpose. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { expect } from 'vitest'
import { bytesToHex } from '../../protocol/core/base.ts'

export type Vector = { readonly given: unknown; readonly bytes: string }

const fileOf = (name: string): URL =>
  new URL(`../../protocol/vectors/${name}.json`, import.meta.url)

const read = (name: string): Record<string, Vector> =>
  existsSync(fileOf(name)) ? JSON.parse(readFileSync(fileOf(name), 'utf8')) : {}

/** Bytes as hex, so that a vector can be read. */
const plain = (given: unknown): unknown =>
  JSON.parse(
    JSON.stringify(given, (_, value) => (value instanceof Uint8Array ? bytesToHex(value) : value)),
  )

export const expectGolden = (
  file: string,
  name: string,
  given: unknown,
  bytes: Uint8Array,
): void => {
  const vector = { given: plain(given), bytes: bytesToHex(bytes) }
  if (process.env['PETREL_VECTORS'] === 'write') {
    const all = { ...read(file), [name]: vector }
    writeFileSync(fileOf(file), `${JSON.stringify(all, undefined, 2)}\n`)
  }
  expect(vector).toEqual(read(file)[name])
}
