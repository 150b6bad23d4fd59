/** The two primitives a host needs beside the core: a hash for gossip message ids, and the cipher of rows at rest. */
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js'
import { concatBytes, utf8ToBytes } from '../core/base.ts'
import type { Random } from '#protocol'

export const sha256 = (bytes: Uint8Array): Uint8Array => nobleSha256(bytes)

/** Seals row values at rest, bound to the row's key. `open` gives undefined for bytes that it did not seal. */
export type RowCipher = {
  readonly seal: (key: Uint8Array, value: Uint8Array) => Uint8Array | Promise<Uint8Array>
  readonly open: (
    key: Uint8Array,
    value: Uint8Array,
  ) => Uint8Array | undefined | Promise<Uint8Array | undefined>
}

const nonceBytes = 24
const tagBytes = 16
const domain = utf8ToBytes('petrel/1/row')

/** sealed := nonce(24) • XChaCha20-Poly1305(value), associated bytes "petrel/1/row" ‖ row key. Nonces are random: 192 bits
 *  never meet. */
export const createRowCipher = (dataKey: Uint8Array, random: Random): RowCipher => ({
  seal: (key, value) => {
    const nonce = random.bytes(nonceBytes)
    const cipher = xchacha20poly1305(dataKey, nonce, concatBytes(domain, key))
    return concatBytes(nonce, cipher.encrypt(value))
  },
  open: (key, value) => {
    if (value.length < nonceBytes + tagBytes) return undefined
    const nonce = value.subarray(0, nonceBytes)
    try {
      const cipher = xchacha20poly1305(dataKey, nonce, concatBytes(domain, key))
      return cipher.decrypt(value.subarray(nonceBytes))
    } catch {
      return undefined
    }
  },
})
