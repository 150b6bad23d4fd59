/** Signatures on which libraries are known to disagree, made here from published constants: the classes of "Taming the many
 *  EdDSAs" (Chalkias, Garillot, Nikolaenko 2020, table 5) and the matrix of small-order encodings of ZIP 215. Points with a
 *  part of small order let a signature hold with cofactor and fail without; encodings beyond the field prime let two byte
 *  strings be one point. A member who finds a difference can split a group. */
import { readFileSync, writeFileSync } from 'node:fs'
import { ed25519 } from '@noble/curves/ed25519.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '../../protocol/core/base.ts'
import { nobleCryptography } from '../../protocol/core/crypto.ts'
import { seededRandom } from '../../protocol/core/random.ts'

export type SignatureCase = {
  readonly name: string
  readonly publicKey: string
  readonly message: string
  readonly signature: string
}
/** As in protocol/vectors/ed25519.json. `wellFormed`: it passes the checks that come before the equation. */
export type JudgedCase = SignatureCase & { readonly wellFormed: boolean; readonly valid: boolean }

const { Point } = ed25519
type CurvePoint = ReturnType<typeof Point.fromHex>
const order = Point.Fn.ORDER

/** ZIP 215: the eight points of small order, then six encodings of three of them that are not canonical. */
export const smallOrderEncodings: readonly string[] = [
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0000000000000000000000000000000000000000000000000000000000000080',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  '0100000000000000000000000000000000000000000000000000000000000080',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
]
const ofOrderEight = Point.fromHex(smallOrderEncodings[6] ?? '')

export const fromHex = (hex: string): Uint8Array => hexToBytes(hex) ?? new Uint8Array(0)
const littleEndian = (bytes: Uint8Array): bigint =>
  BigInt(`0x${bytesToHex(Uint8Array.from(bytes).toReversed())}`)
const toLittleEndian = (value: bigint): Uint8Array =>
  fromHex(value.toString(16).padStart(64, '0')).toReversed()

const challenge = (r: Uint8Array, a: Uint8Array, message: Uint8Array): bigint =>
  littleEndian(sha512(concatBytes(r, a, message))) % order
const times = (point: CurvePoint, scalar: bigint): CurvePoint =>
  scalar === 0n ? Point.ZERO : point.multiplyUnsafe(scalar)

const secretScalar = littleEndian(seededRandom('speccheck a').bytes(32)) % order
const nonceScalar = littleEndian(seededRandom('speccheck r').bytes(32)) % order

type Recipe = {
  readonly name: string
  /** Multiples of the base point and of the point of order eight; or an encoding to be used as it is. */
  readonly a: readonly [scalar: bigint, torsion: bigint] | string
  readonly r: readonly [scalar: bigint, torsion: bigint] | string
  /** Whether the equation without cofactor shall hold: a message is searched for which it does or does not. */
  readonly holds: boolean
  /** Added to S: S + L is the same scalar and another encoding. */
  readonly sPlus?: bigint
}

const pointOf = ([scalar, torsion]: readonly [bigint, bigint]): CurvePoint =>
  times(Point.BASE, scalar).add(times(ofOrderEight, torsion))
/** The point that an encoding means where nobody checks: y modulo the prime, the sign bit dropped for x = 0. */
const loosely = (hex: string): CurvePoint => Point.fromHex(hex, true)

const build = (recipe: Recipe): SignatureCase => {
  const { name, a, r, holds, sPlus = 0n } = recipe
  const point = {
    a: typeof a === 'string' ? loosely(a) : pointOf(a),
    r: typeof r === 'string' ? loosely(r) : pointOf(r),
  }
  const aBytes = typeof a === 'string' ? fromHex(a) : point.a.toBytes()
  const rBytes = typeof r === 'string' ? fromHex(r) : point.r.toBytes()
  const aScalar = typeof a === 'string' ? 0n : a[0]
  const rScalar = typeof r === 'string' ? 0n : r[0]
  for (let attempt = 0; ; attempt++) {
    const message = utf8ToBytes(`petrel speccheck ${name} ${attempt}`)
    const k = challenge(rBytes, aBytes, message)
    const s = (rScalar + k * aScalar) % order
    const left = times(Point.BASE, s)
    const right = point.r.add(times(point.a, k))
    if (left.equals(right) !== holds) continue
    const signature = concatBytes(rBytes, toLittleEndian(s + sPlus))
    return {
      name,
      publicKey: bytesToHex(aBytes),
      message: bytesToHex(message),
      signature: bytesToHex(signature),
    }
  }
}

const [a, r] = [secretScalar, nonceScalar]
const minusZero = smallOrderEncodings[9] ?? ''
const beyondPrime = smallOrderEncodings[13] ?? ''

const speccheck: readonly Recipe[] = [
  { name: '0 A small, R small, S zero', a: [0n, 1n], r: [0n, 3n], holds: true },
  { name: '1 A small, R mixed', a: [0n, 1n], r: [r, 2n], holds: true },
  { name: '2 A mixed, R small', a: [a, 1n], r: [0n, 5n], holds: true },
  { name: '3 A mixed, R mixed, holds', a: [a, 1n], r: [r, 3n], holds: true },
  { name: '4 A mixed, R mixed, holds with cofactor only', a: [a, 1n], r: [r, 3n], holds: false },
  { name: '5 A mixed, R clean, holds with cofactor only', a: [a, 1n], r: [r, 0n], holds: false },
  { name: '6 S plus L', a: [a, 0n], r: [r, 0n], holds: true, sPlus: order },
  { name: '7 S plus 8 L', a: [a, 0n], r: [r, 0n], holds: true, sPlus: 8n * order },
  { name: '8 R not canonical, holds', a: [a, 1n], r: minusZero, holds: true },
  { name: '9 R not canonical, holds with cofactor only', a: [a, 1n], r: minusZero, holds: false },
  { name: '10 A not canonical, holds with cofactor only', a: minusZero, r: [r, 0n], holds: false },
  { name: '11 A not canonical, holds', a: beyondPrime, r: [r, 0n], holds: true },
  { name: 'A mixed, R clean, holds', a: [a, 1n], r: [r, 0n], holds: true },
  { name: 'A clean, R mixed, holds with cofactor only', a: [a, 0n], r: [r, 1n], holds: false },
  { name: 'A clean, R small', a: [a, 0n], r: [0n, 4n], holds: false },
  { name: 'A clean, R neutral, S follows', a: [a, 0n], r: [0n, 0n], holds: true },
]

const smallOrderMatrix = (): readonly SignatureCase[] =>
  smallOrderEncodings.flatMap((publicKey, i) =>
    smallOrderEncodings.map((first, j) => ({
      name: `small-order A ${i}, R ${j}, S zero`,
      publicKey,
      message: bytesToHex(utf8ToBytes('Zcash')),
      signature: first + '00'.repeat(32),
    })),
  )

const flip = (hex: string, bit: number): string => {
  const bytes = fromHex(hex)
  return bytesToHex(bytes.with(bit >> 3, (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))))
}

/** Honest signatures, and the same with one bit changed somewhere. */
const ordinary = (): readonly SignatureCase[] => {
  const random = seededRandom('ordinary')
  return Array.from({ length: 40 }, (_, index) => {
    const secret = random.bytes(32)
    const message = random.bytes(1 + (index % 64))
    const publicKey = nobleCryptography.publicKey(secret)
    const signature = bytesToHex(nobleCryptography.sign(secret, message))
    const good = {
      name: `ordinary ${index}`,
      publicKey: bytesToHex(publicKey),
      message: bytesToHex(message),
      signature,
    }
    const bit = (random.bytes(1)[0] ?? 0) * 2
    return [
      good,
      { ...good, name: `${good.name}, signature bent`, signature: flip(signature, bit) },
      { ...good, name: `${good.name}, key bent`, publicKey: flip(good.publicKey, bit % 256) },
      { ...good, name: `${good.name}, message bent`, message: flip(good.message, bit % 8) },
    ]
  }).flat()
}

export const signatureCases = (): readonly SignatureCase[] => [
  ...speccheck.map(build),
  ...smallOrderMatrix(),
  ...ordinary(),
]

const file = new URL('../../protocol/vectors/ed25519.json', import.meta.url)
export const readJudgedCases = (): readonly JudgedCase[] => JSON.parse(readFileSync(file, 'utf8'))
export const writeJudgedCases = (cases: readonly JudgedCase[]): void => {
  const lines = cases.map(judged => `  ${JSON.stringify(judged)}`)
  writeFileSync(file, `[\n${lines.join(',\n')}\n]\n`)
}
