/** Ed25519 by OpenSSL, for Node: about ten times as fast as noble. The verdict is the same: OpenSSL checks without cofactor
 *  as RFC 8032 5.1.7 allows, and the core has refused malformed points and scalars before it asks. Key objects are kept in
 *  bounded caches, because making one costs as much as using it. */
import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import type { Cryptography } from '#protocol'

/** DER headers of an Ed25519 key with its 32 bytes following (RFC 8410, section 4 and 7). */
const privateHeader = Buffer.from('302e020100300506032b657004220420', 'hex')
const publicHeader = Buffer.from('302a300506032b6570032100', 'hex')

/** As many authors as a large group has; an entry is about 1 KiB. */
const publicKeysMax = 4_096
/** Own author keys of open groups, and the device. */
const privateKeysMax = 256

/** Least recently used goes first. */
const createCache = (max: number, make: (bytes: Uint8Array) => KeyObject) => {
  const keys = new Map<string, KeyObject>()
  return (bytes: Uint8Array): KeyObject => {
    const name = Buffer.from(bytes).toString('latin1')
    const key = keys.get(name) ?? make(bytes)
    keys.delete(name)
    keys.set(name, key)
    const [oldest] = keys.keys()
    if (keys.size > max && oldest !== undefined) keys.delete(oldest)
    return key
  }
}

export const createNodeCryptography = (): Cryptography => {
  const privateKey = createCache(privateKeysMax, secret =>
    createPrivateKey({
      key: Buffer.concat([privateHeader, secret]),
      format: 'der',
      type: 'pkcs8',
    }),
  )
  const publicKey = createCache(publicKeysMax, bytes =>
    createPublicKey({ key: Buffer.concat([publicHeader, bytes]), format: 'der', type: 'spki' }),
  )
  return {
    sign: (secret, message) => new Uint8Array(sign(null, message, privateKey(secret))),
    publicKey: secret => {
      const der = createPublicKey(privateKey(secret)).export({ format: 'der', type: 'spki' })
      return new Uint8Array(der.subarray(publicHeader.length))
    },
    verify: (key, message, signature) => {
      try {
        return verify(null, message, publicKey(key), signature)
      } catch {
        return false
      }
    },
  }
}
