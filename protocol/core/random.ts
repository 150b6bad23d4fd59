/** Chance as a parameter. Production draws from the system's source; simulation and tests draw from a seed. */
import { hmacSha256, sha256 } from './crypto.ts'
import { concatBytes, utf8ToBytes } from './base.ts'

export type Random = {
  /** Uniform bytes; `length` at most 1,024. */
  readonly bytes: (length: number) => Uint8Array
}

export const randomFrom = (source: (length: number) => Uint8Array): Random => ({ bytes: source })

/** Deterministic stream: HMAC-SHA256 of a counter under the hash of the seed. */
export const seededRandom = (seed: number | string): Random => {
  const key = sha256(utf8ToBytes(`petrel/1/seed/${seed}`))
  let counter = 0
  let left = new Uint8Array(0)
  return {
    bytes: length => {
      while (left.length < length) {
        const block = hmacSha256(key, utf8ToBytes(String(counter++)))
        left = new Uint8Array(concatBytes(left, block))
      }
      const taken = left.slice(0, length)
      left = left.slice(length)
      return taken
    },
  }
}

/** A whole number from 0 to `bound` - 1, bound at most 2^32. */
export const below = (random: Random, bound: number): number => {
  const bytes = random.bytes(6)
  let value = 0
  for (const byte of bytes) value = value * 256 + byte
  return value % bound
}
