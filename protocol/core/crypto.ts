/** The only file that calls noble: hashes, HKDF, Ed25519, X25519 and XChaCha20-Poly1305 under thin names, and the one
 *  Ed25519 verdict of the protocol. Suite 1 = Ed25519, X25519, XChaCha20-Poly1305, SHA-256. Every derivation and signature
 *  names its purpose in a domain string. */
import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import { hkdf } from '@noble/hashes/hkdf.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 as nobleSha256, sha512 } from '@noble/hashes/sha2.js'
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { bytesToHex, compareBytes, concatBytes, utf8ToBytes } from './base.ts'

/** Raw verification of one Ed25519 signature; the strict pre-checks of `verifyStrict` come on top. */
export type Verify = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean

/** Signing as the host does it fastest; all hosts give the same bytes, Ed25519 being deterministic. */
export type Cryptography = {
  /** `secret` is the 32-byte seed. */
  readonly sign: (secret: Uint8Array, message: Uint8Array) => Uint8Array
  readonly publicKey: (secret: Uint8Array) => Uint8Array
  readonly verify: Verify
}

export const sha256 = (...parts: readonly Uint8Array[]): Uint8Array =>
  nobleSha256(parts.length === 1 && parts[0] !== undefined ? parts[0] : concatBytes(...parts))

export const hmacSha256 = (key: Uint8Array, message: Uint8Array): Uint8Array =>
  hmac(nobleSha256, key, message)

/** HKDF-SHA256 with an empty salt; `purpose` is the domain string. */
export const derive = (
  secret: Uint8Array,
  purpose: string,
  context: Uint8Array = new Uint8Array(0),
  length = 32,
): Uint8Array =>
  hkdf(nobleSha256, secret, undefined, concatBytes(utf8ToBytes(purpose), context), length)

/** XChaCha20-Poly1305; adds a 16-byte tag. The caller promises a fresh (key, nonce24). */
export const seal = (
  key: Uint8Array,
  nonce: Uint8Array,
  text: Uint8Array,
  associated: Uint8Array,
): Uint8Array => xchacha20poly1305(key, nonce, associated).encrypt(text)

/** The sealed text, or undefined when the key, nonce, associated bytes or any bit is wrong. */
export const open = (
  key: Uint8Array,
  nonce: Uint8Array,
  cipher: Uint8Array,
  associated: Uint8Array,
): Uint8Array | undefined => {
  if (cipher.length < 16) return undefined
  try {
    return xchacha20poly1305(key, nonce, associated).decrypt(cipher)
  } catch {
    return undefined
  }
}

export const x25519PublicKey = (secret: Uint8Array): Uint8Array => x25519.getPublicKey(secret)

/** Shared secret, or undefined for a low-order or malformed public key. */
export const x25519Shared = (secret: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined => {
  try {
    return x25519.getSharedSecret(secret, publicKey)
  } catch {
    return undefined
  }
}

const order = ed25519.Point.Fn.ORDER
const fieldPrime = ed25519.Point.Fp.ORDER

const littleEndian = (bytes: Uint8Array): bigint => BigInt(`0x${bytesToHex(bytes.toReversed())}`)

/** y below p, sign bit aside; and not the two encodings of x = 0 with the sign bit set. */
const isCanonicalPoint = (bytes: Uint8Array): boolean => {
  const cleared = Uint8Array.from(bytes)
  cleared[31] = (cleared[31] ?? 0) & 0x7f
  const y = littleEndian(cleared)
  if (y >= fieldPrime) return false
  const signed = ((bytes[31] ?? 0) & 0x80) !== 0
  return !(signed && (y === 1n || y === fieldPrime - 1n))
}

const smallOrderHex = [
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0000000000000000000000000000000000000000000000000000000000000080',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
]
const smallOrder = new Set(smallOrderHex)

/** The cheap half of the verdict, equal on every host: lengths, S below L, A and R canonical and not of small order. OpenSSL
 *  refuses an R of small order by itself, noble and BoringSSL do not; no honest signer ever makes one. */
export const isWellFormedSignature = (publicKey: Uint8Array, signature: Uint8Array): boolean => {
  if (publicKey.length !== 32 || signature.length !== 64) return false
  if (littleEndian(signature.subarray(32)) >= order) return false
  return [publicKey, signature.subarray(0, 32)].every(
    point => isCanonicalPoint(point) && !smallOrder.has(bytesToHex(point)),
  )
}

/** The protocol's verdict: RFC 8032 section 5.1.7 without cofactor, after `isWellFormedSignature`. */
export const verifyStrict = (
  verify: Verify,
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean => isWellFormedSignature(publicKey, signature) && verify(publicKey, message, signature)

/** Cofactorless verification with noble's points: R = S·B − k·A compared as bytes, as native code does. */
const nobleVerify: Verify = (publicKey, message, signature) => {
  try {
    const r = signature.subarray(0, 32)
    const s = littleEndian(signature.subarray(32))
    const a = ed25519.Point.fromBytes(publicKey)
    const k = littleEndian(sha512(concatBytes(r, publicKey, message))) % order
    const sB = s === 0n ? ed25519.Point.ZERO : ed25519.Point.BASE.multiplyUnsafe(s)
    const kA = k === 0n ? ed25519.Point.ZERO : a.multiplyUnsafe(k)
    return compareBytes(sB.subtract(kA).toBytes(), r) === 0
  } catch {
    return false
  }
}

export const nobleCryptography: Cryptography = {
  sign: (secret, message) => ed25519.sign(message, secret),
  publicKey: secret => ed25519.getPublicKey(secret),
  verify: nobleVerify,
}
