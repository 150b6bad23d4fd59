/** One verdict on every signature, whoever computes it; and the thin names over noble do what they say. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { webcrypto } from 'node:crypto'
import { bytesToHex, utf8ToBytes } from '../../protocol/core/base.ts'
import {
  type Verify,
  derive,
  hmacSha256,
  isWellFormedSignature,
  nobleCryptography,
  open,
  seal,
  sha256,
  verifyStrict,
  x25519PublicKey,
  x25519Shared,
} from '../../protocol/core/crypto.ts'
import { createNodeCryptography } from '../../node/cryptography.ts'
import {
  type JudgedCase,
  type SignatureCase,
  fromHex,
  readJudgedCases,
  signatureCases,
  smallOrderEncodings,
  writeJudgedCases,
} from './ed25519-cases.ts'

const nodeCryptography = createNodeCryptography()
const cases = signatureCases()

const strictly = (verify: Verify, { publicKey, message, signature }: SignatureCase): boolean =>
  verifyStrict(verify, fromHex(publicKey), fromHex(message), fromHex(signature))
const isWellFormed = ({ publicKey, signature }: SignatureCase): boolean =>
  isWellFormedSignature(fromHex(publicKey), fromHex(signature))

const webVerify = async ({ publicKey, message, signature }: SignatureCase): Promise<boolean> => {
  try {
    const raw = Uint8Array.from(fromHex(publicKey))
    const key = await webcrypto.subtle.importKey('raw', raw, 'Ed25519', false, ['verify'])
    const [r, m] = [Uint8Array.from(fromHex(signature)), Uint8Array.from(fromHex(message))]
    return await webcrypto.subtle.verify('Ed25519', key, r, m)
  } catch {
    return false
  }
}

describe('one verdict', () => {
  test('noble, OpenSSL and WebCrypto agree on every case, and it is the one of the vectors', async () => {
    const judged: JudgedCase[] = cases.map(given => ({
      ...given,
      wellFormed: isWellFormed(given),
      valid: strictly(nobleCryptography.verify, given),
    }))
    if (process.env['PETREL_VECTORS'] === 'write') writeJudgedCases(judged)
    expect(judged).toEqual(readJudgedCases())
    for (const given of judged) {
      expect([given.name, strictly(nodeCryptography.verify, given)]).toEqual([
        given.name,
        given.valid,
      ])
      const web = given.wellFormed && (await webVerify(given))
      expect([given.name, web]).toEqual([given.name, given.valid])
    }
  })

  test('nothing is accepted that only holds with a cofactor, or under a key that anybody can sign for', () => {
    const accepted = cases
      .filter(given => strictly(nobleCryptography.verify, given))
      .map(({ name }) => name)
      .filter(name => !/^ordinary \d+$/.test(name))
    expect(accepted).toEqual(['3 A mixed, R mixed, holds', 'A mixed, R clean, holds'])
    expect(cases.filter(({ name }) => name.startsWith('small-order')).length).toBe(196)
  })

  test('a second encoding of a point or of S is never well formed', () => {
    const [honest] = cases.filter(({ name }) => name === 'ordinary 0')
    const { publicKey, signature } = honest ?? { publicKey: '', signature: '' }
    const isGood = (key: string, given: string): boolean =>
      isWellFormedSignature(fromHex(key), fromHex(given))
    expect(isGood(publicKey, signature)).toBe(true)
    for (const point of smallOrderEncodings) {
      expect(isGood(point, signature)).toBe(false)
      expect(isGood(publicKey, point + signature.slice(64))).toBe(false)
    }
    const order = 'edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010'
    const largest = 'ecd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010'
    expect(isGood(publicKey, signature.slice(0, 64) + order)).toBe(false)
    expect(isGood(publicKey, signature.slice(0, 64) + largest)).toBe(true)
    expect(isGood(publicKey.slice(2), signature)).toBe(false)
    expect(isGood(publicKey, signature.slice(2))).toBe(false)
    expect(isGood(publicKey, `${signature}00`)).toBe(false)
  })

  test('both hosts sign the same bytes, and neither throws whatever it is given', () => {
    const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
    fc.assert(
      fc.property(bytes(32), fc.uint8Array({ maxLength: 100 }), (secret, message) => {
        const signature = nobleCryptography.sign(secret, message)
        expect(nodeCryptography.sign(secret, message)).toEqual(signature)
        const key = nobleCryptography.publicKey(secret)
        expect(nodeCryptography.publicKey(secret)).toEqual(key)
        expect(verifyStrict(nodeCryptography.verify, key, message, signature)).toBe(true)
        expect(verifyStrict(nobleCryptography.verify, key, message, signature)).toBe(true)
      }),
      { numRuns: 30 },
    )
    const some = fc.oneof(bytes(32), bytes(64), fc.uint8Array({ maxLength: 70 }))
    fc.assert(
      fc.property(some, some, some, (key, message, signature) => {
        const noble = verifyStrict(nobleCryptography.verify, key, message, signature)
        expect(verifyStrict(nodeCryptography.verify, key, message, signature)).toBe(noble)
        expect(nobleCryptography.verify(key, message, signature)).toBe(false)
        expect(nodeCryptography.verify(key, message, signature)).toBe(false)
      }),
      { numRuns: 50 },
    )
  })
})

describe('sealing', () => {
  const key = sha256(utf8ToBytes('key'))
  const nonce = key.subarray(0, 24)
  const associated = utf8ToBytes('header')

  test('opens under the same key, nonce and associated bytes only', () => {
    const sealed = seal(key, nonce, utf8ToBytes('text'), associated)
    expect(open(key, nonce, sealed, associated)).toEqual(utf8ToBytes('text'))
    expect(open(key.with(0, (key[0] ?? 0) ^ 1), nonce, sealed, associated)).toBeUndefined()
    expect(open(key, nonce.with(0, (nonce[0] ?? 0) ^ 1), sealed, associated)).toBeUndefined()
    expect(open(key, nonce, sealed, associated.subarray(1))).toBeUndefined()
    for (let at = 0; at < sealed.length; at++) {
      const bent = sealed.with(at, (sealed[at] ?? 0) ^ 1)
      expect(open(key, nonce, bent, associated)).toBeUndefined()
      expect(open(key, nonce, sealed.subarray(0, at), associated)).toBeUndefined()
    }
  })
})

test('hashes and keys are those of the published vectors', () => {
  // FIPS 180-2 appendix B.1; RFC 4231 case 2; RFC 5869 case 3; RFC 7748 section 5.2, one iteration.
  expect(bytesToHex(sha256(utf8ToBytes('a'), utf8ToBytes('bc')))).toBe(
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  )
  expect(
    bytesToHex(hmacSha256(utf8ToBytes('Jefe'), utf8ToBytes('what do ya want for nothing?'))),
  ).toBe('5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843')
  expect(bytesToHex(derive(new Uint8Array(22).fill(0x0b), '', undefined, 42))).toBe(
    '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
  )
  const nine = fromHex(`09${'00'.repeat(31)}`)
  expect(bytesToHex(x25519Shared(nine, nine) ?? new Uint8Array(0))).toBe(
    '422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079',
  )
})

test('a low-order or malformed X25519 key gives no shared secret', () => {
  const secret = sha256(utf8ToBytes('secret'))
  const lowOrder = [
    '0000000000000000000000000000000000000000000000000000000000000000',
    '0100000000000000000000000000000000000000000000000000000000000000',
    'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
    '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  ]
  for (const point of lowOrder) expect(x25519Shared(secret, fromHex(point))).toBeUndefined()
  expect(x25519Shared(secret, new Uint8Array(31))).toBeUndefined()
  const other = sha256(utf8ToBytes('other'))
  const shared = x25519Shared(secret, x25519PublicKey(other))
  expect(shared).toEqual(x25519Shared(other, x25519PublicKey(secret)))
})
