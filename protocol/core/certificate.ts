/** Who a device says it is. A certificate names a signing key, a person and a unit; a key bundle carries the device's
 *  current X25519 prekey, to which epoch secrets are sealed. Both are signed, and neither proves more than that the holder
 *  of the key said so, until an authority above it exists (types 0 to 2 are kept for root, unit and user).
 *    certificate := CBOR [1, type, serial8, issuer8, subjectKey32, subjectId16, caps, notBefore, notAfter, [name, unit], sig64]
 *    bundle      := CBOR [1, deviceKey32, prekey32, notAfter, sig64]
 *  A signature covers its domain string followed by the same list without the signature. Times are whole seconds on the
 *  wire; notAfter 0 means no end. */
import {
  type DeviceId,
  type Result,
  type Timestamp,
  assert,
  bytesToHex,
  concatBytes,
  deviceId,
  equalBytes,
  failure,
  idBytes,
  success,
  timestamp,
  utf8ToBytes,
} from './base.ts'
import { type Cbor, decodeCbor, encodeCbor } from './cbor.ts'
import { type Cryptography, sha256, verifyStrict } from './crypto.ts'
import { isName } from './name.ts'
import type { Random } from './random.ts'
import { type Refusal, refusal } from './refusal.ts'
import { isBytes, isExactly, isInteger, isKey, isSeconds, isSignature, isTuple } from './shape.ts'

export { normaliseName } from './name.ts'

export const certificateTypes = { root: 0, unit: 1, user: 2, device: 3 } as const

export type Certificate = {
  readonly type: number
  readonly serial: Uint8Array
  /** First 8 bytes of SHA-256 of the issuer's public key. */
  readonly issuer: Uint8Array
  readonly subjectKey: Uint8Array
  readonly device: DeviceId
  readonly caps: number
  readonly notBefore: Timestamp
  /** Undefined: no end. */
  readonly notAfter: Timestamp | undefined
  readonly name: string
  readonly unit: string
  readonly signature: Uint8Array
}

export type KeyBundle = {
  readonly deviceKey: Uint8Array
  readonly prekey: Uint8Array
  readonly notAfter: Timestamp | undefined
  readonly signature: Uint8Array
}

const certificateDomain = utf8ToBytes('petrel/1/cert')
const bundleDomain = utf8ToBytes('petrel/1/keybundle')
const deviceDomain = utf8ToBytes('petrel/1/device')

export const deviceIdOf = (publicKey: Uint8Array): DeviceId =>
  deviceId(bytesToHex(sha256(deviceDomain, publicKey).subarray(0, 16)))

const keyIdOf = (publicKey: Uint8Array): Uint8Array => sha256(publicKey).slice(0, 8)

/** A device's certificate signed by itself. `name` must be normalised; `unit` too, or empty. */
export const createSelfCertificate = (options: {
  readonly secret: Uint8Array
  readonly cryptography: Cryptography
  readonly name: string
  readonly unit: string
  readonly wall: Timestamp
  readonly random: Random
}): Uint8Array => {
  const { secret, cryptography, name, unit, wall, random } = options
  assert(
    isName(name) && (unit === '' || isName(unit)),
    'names are normalised before they are signed',
  )
  const subjectKey = cryptography.publicKey(secret)
  const signed: Cbor[] = [
    1,
    certificateTypes.device,
    random.bytes(8),
    keyIdOf(subjectKey),
    subjectKey,
    idBytes(deviceIdOf(subjectKey)),
    0,
    secondsOf(wall),
    0,
    [name, unit],
  ]
  return signList(signed, certificateDomain, secret, cryptography)
}

/** Refused: `malformed`, `name-invalid`, `unsupported` (another version), and what decodeCbor refuses. */
export const decodeCertificate = (bytes: Uint8Array): Result<Certificate, Refusal> => {
  const decoded = decodeCbor(bytes)
  if (!decoded.ok) return decoded
  const value = decoded.value
  if (isOtherVersion(value)) return failure(refusal('unsupported', 'certificate version'))
  if (!isCertificateList(value)) return failure(refusal('malformed'))
  const [, type, serial, issuer, subjectKey, subjectId, caps, notBefore, notAfter, names] = value
  const [name, unit] = names
  if (!isName(name) || (unit !== '' && !isName(unit))) return failure(refusal('name-invalid'))
  const device = deviceIdOf(subjectKey)
  if (!equalBytes(idBytes(device), subjectId)) return failure(refusal('malformed', 'subject id'))
  return success({
    type,
    serial,
    issuer,
    subjectKey,
    device,
    caps,
    notBefore: timestamp(notBefore * 1000),
    notAfter: timeOf(notAfter),
    name,
    unit,
    signature: value[10],
  })
}

/** Whether a device certificate is signed by the key it names. Others are not known yet, and so not signed. */
export const certificateIsSigned = (
  certificate: Certificate,
  cryptography: Pick<Cryptography, 'verify'>,
): boolean => {
  const isSelfIssued = equalBytes(certificate.issuer, keyIdOf(certificate.subjectKey))
  if (certificate.type !== certificateTypes.device || !isSelfIssued) return false
  const message = concatBytes(certificateDomain, encodeCbor(certificateList(certificate)))
  return verifyStrict(cryptography.verify, certificate.subjectKey, message, certificate.signature)
}

export const createKeyBundle = (options: {
  readonly secret: Uint8Array
  readonly cryptography: Cryptography
  readonly prekey: Uint8Array
  /** Undefined: no end. */
  readonly notAfter?: Timestamp | undefined
}): Uint8Array => {
  const { secret, cryptography, prekey, notAfter } = options
  const signed = [1, cryptography.publicKey(secret), prekey, endOf(notAfter)]
  return signList(signed, bundleDomain, secret, cryptography)
}

export const decodeKeyBundle = (bytes: Uint8Array): Result<KeyBundle, Refusal> => {
  const decoded = decodeCbor(bytes)
  if (!decoded.ok) return decoded
  const value = decoded.value
  if (isOtherVersion(value)) return failure(refusal('unsupported', 'key bundle version'))
  if (!isBundleList(value)) return failure(refusal('malformed'))
  const [, deviceKey, prekey, notAfter, signature] = value
  return success({ deviceKey, prekey, notAfter: timeOf(notAfter), signature })
}

export const keyBundleIsSigned = (
  bundle: KeyBundle,
  cryptography: Pick<Cryptography, 'verify'>,
): boolean => {
  const list = [1, bundle.deviceKey, bundle.prekey, endOf(bundle.notAfter)]
  const message = concatBytes(bundleDomain, encodeCbor(list))
  return verifyStrict(cryptography.verify, bundle.deviceKey, message, bundle.signature)
}

const isCertificateList = isTuple(
  isExactly(1),
  isInteger(0, 15),
  isBytes(8),
  isBytes(8),
  isKey,
  isBytes(16),
  isInteger(0, 2 ** 32 - 1),
  isSeconds,
  isSeconds,
  isTuple(isNameText, isNameText),
  isSignature,
)

const isBundleList = isTuple(isExactly(1), isKey, isKey, isSeconds, isSignature)

function isNameText(value: Cbor | undefined): value is string {
  return typeof value === 'string'
}

const certificateList = (certificate: Certificate): Cbor[] => [
  1,
  certificate.type,
  certificate.serial,
  certificate.issuer,
  certificate.subjectKey,
  idBytes(certificate.device),
  certificate.caps,
  secondsOf(certificate.notBefore),
  endOf(certificate.notAfter),
  [certificate.name, certificate.unit],
]

const signList = (
  list: readonly Cbor[],
  domain: Uint8Array,
  secret: Uint8Array,
  cryptography: Cryptography,
): Uint8Array => {
  const signature = cryptography.sign(secret, concatBytes(domain, encodeCbor(list)))
  return encodeCbor([...list, signature])
}

const isOtherVersion = (value: Cbor): boolean =>
  Array.isArray(value) && typeof value[0] === 'number' && value[0] !== 1

/** A wall clock may claim anything; what does not fit is clamped. */
const secondsOf = (wall: Timestamp): number =>
  Math.min(Math.max(Math.floor(wall / 1000) || 0, 0), 2 ** 32 - 1)

const endOf = (notAfter: Timestamp | undefined): number =>
  notAfter === undefined ? 0 : Math.max(secondsOf(notAfter), 1)

const timeOf = (seconds: number): Timestamp | undefined =>
  seconds === 0 ? undefined : timestamp(seconds * 1000)
