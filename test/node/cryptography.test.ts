/** Native Ed25519 gives the same keys, the same signatures and, after the core's checks, the same verdicts as noble. */
import { ed25519 } from '@noble/curves/ed25519.js'
import { assert, nat, property, uint8Array } from 'fast-check'
import { expect, test } from 'vitest'
import { createNodeCryptography } from '../../node/cryptography.ts'
import { hexToBytes } from '../../protocol/core/base.ts'
import { nobleCryptography, verifyStrict } from '../../protocol/core/crypto.ts'

const native = createNodeCryptography()
const seeds = uint8Array({ minLength: 32, maxLength: 32 })
const messages = uint8Array({ maxLength: 200 })

const verdicts = (key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean[] => [
  verifyStrict(native.verify, key, message, signature),
  verifyStrict(nobleCryptography.verify, key, message, signature),
]

test('keys and signatures are the same bytes', () => {
  assert(
    property(seeds, messages, (seed, message) => {
      const key = native.publicKey(seed)
      const signature = native.sign(seed, message)
      expect(key).toEqual(nobleCryptography.publicKey(seed))
      expect(signature).toEqual(nobleCryptography.sign(seed, message))
      expect(verdicts(key, message, signature)).toEqual([true, true])
    }),
    { numRuns: 50 },
  )
})

test('a flipped bit anywhere is refused by both', () => {
  assert(
    property(seeds, messages, nat(), (seed, message, at) => {
      const parts = [native.publicKey(seed), message, native.sign(seed, message)] as const
      const [key, text, signature] = parts.map(part => part.slice())
      const victim = [key, text, signature][at % 3]
      if (key === undefined || text === undefined || signature === undefined) return
      if (victim === undefined || victim.length === 0) return
      const place = Math.floor(at / 3) % (victim.length * 8)
      victim[place >> 3] = (victim[place >> 3] ?? 0) ^ (1 << (place & 7))
      expect(verdicts(key, text, signature)).toEqual([false, false])
    }),
    { numRuns: 60 },
  )
})

/** A point of order 8. */
const torsion = ed25519.Point.fromHex(
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
)

test('keys of mixed order get one verdict from both, valid or not', () => {
  const seen = new Set<boolean>()
  for (let round = 0; round < 24; round++) {
    const seed = new Uint8Array(32).fill(round)
    const message = Uint8Array.of(round)
    const signature = native.sign(seed, message)
    const point = ed25519.Point.fromBytes(native.publicKey(seed))
    const mixed = point.add(torsion).toBytes()
    const [mine, theirs] = verdicts(mixed, message, signature)
    expect(mine).toBe(theirs)
    const shifted = Uint8Array.from(signature)
    shifted.set(ed25519.Point.fromBytes(signature.subarray(0, 32)).add(torsion).toBytes())
    const again = verdicts(native.publicKey(seed), message, shifted)
    expect(again[0]).toBe(again[1])
    seen.add(again[0] ?? true)
  }
  expect([...seen]).toEqual([false])
})

test('small-order and malformed keys and signatures are refused by both and never throw', () => {
  const zero = new Uint8Array(32)
  const ones = new Uint8Array(64).fill(255)
  const small = torsion.toBytes()
  const identity = hexToBytes(`01${'00'.repeat(31)}`) ?? zero
  for (const key of [zero, small, identity, new Uint8Array(31), new Uint8Array(0), ones]) {
    for (const signature of [new Uint8Array(64), ones, new Uint8Array(0), new Uint8Array(63)]) {
      expect(verdicts(key, Uint8Array.of(1), signature)).toEqual([false, false])
      expect(native.verify(key, Uint8Array.of(1), signature)).toBeTypeOf('boolean')
    }
  }
})

test('more keys than the cache holds are still right', () => {
  const keys = Array.from({ length: 300 }, (_, index) =>
    new Uint8Array(32).fill(index & 255, 0, 16).fill(index >> 8, 16),
  )
  for (const seed of [...keys, ...keys.slice(0, 20)]) {
    const signature = native.sign(seed, seed)
    expect(native.verify(native.publicKey(seed), seed, signature)).toBe(true)
  }
})
