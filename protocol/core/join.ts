/** Asking to be let in. A request is no operation: it travels on its own channel to any member, who passes it to somebody
 *  that may admit. Two keys sign the same bytes: the invite's, which proves that the joiner holds the invite, and the
 *  device's, which binds certificate and prekey to this one group and invite.
 *    request := CBOR [1, gid16, invitePublic32, certificate, keyBundle, nonce16, inviteSig64, deviceSig64]
 *    signed  := "petrel/1/join" ‖ CBOR [gid16, invitePublic32, certificate, keyBundle, nonce16] */
import {
  type GroupId,
  type Result,
  bytesToHex,
  concatBytes,
  equalBytes,
  failure,
  groupId,
  idBytes,
  success,
  utf8ToBytes,
} from './base.ts'
import { decodeCbor, encodeCbor } from './cbor.ts'
import {
  certificateIsSigned,
  decodeCertificate,
  decodeKeyBundle,
  keyBundleIsSigned,
} from './certificate.ts'
import type { ControlBody, Identity } from './control.ts'
import { type Cryptography, derive, sha256, verifyStrict } from './crypto.ts'
import { limits } from './limits.ts'
import { type Refusal, refusal } from './refusal.ts'
import { isBytes, isBytesUpTo, isExactly, isKey, isSignature, isTuple } from './shape.ts'

export type JoinRequest = {
  readonly gid: GroupId
  readonly invitePublic: Uint8Array
  readonly certificate: Uint8Array
  readonly keyBundle: Uint8Array
  readonly nonce: Uint8Array
  readonly inviteSignature: Uint8Array
  readonly deviceSignature: Uint8Array
}

/** The invite's Ed25519 seed, from the 16 bytes that the token carries. */
export const inviteSecretFromSeed = (seed: Uint8Array): Uint8Array =>
  derive(seed, 'petrel/1/invite')

export const joinRequestMessage = (
  gid: GroupId,
  invitePublic: Uint8Array,
  certificate: Uint8Array,
  keyBundle: Uint8Array,
  nonce: Uint8Array,
): Uint8Array =>
  concatBytes(
    utf8ToBytes('petrel/1/join'),
    encodeCbor([idBytes(gid), invitePublic, certificate, keyBundle, nonce]),
  )

/** A request signed by both keys. `secret` is the device's seed, `inviteSecret` the invite's; the nonce has 16 bytes. */
export const signJoinRequest = (
  asked: Pick<JoinRequest, 'gid' | 'certificate' | 'keyBundle' | 'nonce'>,
  keys: {
    readonly inviteSecret: Uint8Array
    readonly secret: Uint8Array
    readonly cryptography: Cryptography
  },
): JoinRequest => {
  const { gid, certificate, keyBundle, nonce } = asked
  const { inviteSecret, secret, cryptography } = keys
  const invitePublic = cryptography.publicKey(inviteSecret)
  const message = joinRequestMessage(gid, invitePublic, certificate, keyBundle, nonce)
  return {
    gid,
    invitePublic,
    certificate,
    keyBundle,
    nonce,
    inviteSignature: cryptography.sign(inviteSecret, message),
    deviceSignature: cryptography.sign(secret, message),
  }
}

export const encodeJoinRequest = (request: JoinRequest): Uint8Array =>
  encodeCbor([
    1,
    idBytes(request.gid),
    request.invitePublic,
    request.certificate,
    request.keyBundle,
    request.nonce,
    request.inviteSignature,
    request.deviceSignature,
  ])

/** 8 bytes by which a refusal names the request it answers. */
export const requestName = (request: Uint8Array): Uint8Array => sha256(request).slice(0, 8)

/** Refused: `too-large` above limits.joinRequestBytesMax, `unsupported` for another version, `malformed`. */
export const decodeJoinRequest = (bytes: Uint8Array): Result<JoinRequest, Refusal> => {
  if (bytes.length > limits.joinRequestBytesMax) return failure(refusal('too-large'))
  const decoded = decodeCbor(bytes)
  if (!decoded.ok) return decoded
  const value = decoded.value
  if (Array.isArray(value) && typeof value[0] === 'number' && value[0] !== 1) {
    return failure(refusal('unsupported', 'join request version'))
  }
  if (!isRequestList(value)) return failure(refusal('malformed'))
  const [, gid, invitePublic, certificate, keyBundle, nonce, inviteSignature, deviceSignature] =
    value
  return success({
    gid: groupId(bytesToHex(gid)),
    invitePublic,
    certificate,
    keyBundle,
    nonce,
    inviteSignature,
    deviceSignature,
  })
}

/** Whether the holder of the invite and the device it names both asked for exactly this. */
export const joinRequestIsSigned = (
  request: JoinRequest,
  cryptography: Pick<Cryptography, 'verify'>,
): boolean => {
  const deviceKey = signedDeviceKey(request, cryptography)
  if (deviceKey === undefined) return false
  const { gid, invitePublic, certificate, keyBundle, nonce } = request
  const message = joinRequestMessage(gid, invitePublic, certificate, keyBundle, nonce)
  const { verify } = cryptography
  return (
    verifyStrict(verify, invitePublic, message, request.inviteSignature) &&
    verifyStrict(verify, deviceKey, message, request.deviceSignature)
  )
}

/** Whether every identity that a control operation introduces signed for itself. Says nothing of who may introduce it. */
export const controlIsSigned = (
  gid: GroupId,
  body: ControlBody,
  cryptography: Pick<Cryptography, 'verify'>,
): boolean => {
  if (body.type === 'admit') return joinRequestIsSigned({ gid, ...body }, cryptography)
  if (body.type !== 'create' && body.type !== 'add') return true
  return signedDeviceKey(body, cryptography) !== undefined
}

/** The key of a certificate and bundle that belong together and are signed; undefined otherwise. */
const signedDeviceKey = (
  identity: Identity,
  cryptography: Pick<Cryptography, 'verify'>,
): Uint8Array | undefined => {
  const certificate = decodeCertificate(identity.certificate)
  const bundle = decodeKeyBundle(identity.keyBundle)
  if (!certificate.ok || !bundle.ok) return undefined
  const { subjectKey } = certificate.value
  const isSigned =
    equalBytes(subjectKey, bundle.value.deviceKey) &&
    certificateIsSigned(certificate.value, cryptography) &&
    keyBundleIsSigned(bundle.value, cryptography)
  return isSigned ? subjectKey : undefined
}

const isIdentityPart = isBytesUpTo(limits.certificateBytesMax)
const isRequestList = isTuple(
  isExactly(1),
  isBytes(16),
  isKey,
  isIdentityPart,
  isIdentityPart,
  isBytes(16),
  isSignature,
  isSignature,
)
