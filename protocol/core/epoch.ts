/** One epoch is one generation of a group's key: 32 random bytes from which everything else of that generation derives.
 *  A welcome seals epoch secrets to one new device; an epoch operation seals the next secret to every remaining device
 *  (p2panda's data scheme: research/data-model.md 7.2–7.4). Both travel as kind 3, readable in clear by carriers as far as
 *  the outer list goes.
 *    welcome := CBOR [1, device16, ephemeral32, box]      box: CBOR [[secret32…]] sealed
 *    epoch   := CBOR [0, epochId16, writeKey32, [[parent16, sig64]…], ephemeral32, [[author8, box48]…], sealed]
 *    sealed  := CBOR [[head16…], reason, [[parent4, control48, content48 | null]…], confirm16, [author8…]]
 *  Every box key is used once, with nonce 0: it derives from a fresh ephemeral key. */
import {
  type AuthorId,
  type DeviceId,
  type EpochId,
  type GroupId,
  type Result,
  type Topic,
  bytesToHex,
  concatBytes,
  deviceId,
  epochId,
  failure,
  idBytes,
  success,
  topicName,
  utf8ToBytes,
} from './base.ts'
import { decodeCbor, encodeCbor } from './cbor.ts'
import {
  type Cryptography,
  derive,
  open,
  seal,
  sha256,
  x25519PublicKey,
  x25519Shared,
} from './crypto.ts'
import { limits } from './limits.ts'
import type { Random } from './random.ts'
import { type Refusal, refusal } from './refusal.ts'
import { isBytes, isBytesUpTo, isExactly, isKey, isListOf, isTuple } from './shape.ts'

export type EpochKeys = {
  readonly id: EpochId
  /** First 4 bytes of the id: a hint in headers. */
  readonly keyId: Uint8Array
  readonly secret: Uint8Array
  readonly content: Uint8Array
  readonly control: Uint8Array
  readonly slot: Uint8Array
  readonly topic: Topic
  /** The group's write capability in this epoch: an Ed25519 seed and its public key. */
  readonly writeSecret: Uint8Array
  readonly writePublic: Uint8Array
}

export const zeroNonce = new Uint8Array(24)
const none = new Uint8Array(0)

export const epochIdOf = (secret: Uint8Array): EpochId =>
  epochId(bytesToHex(sha256(utf8ToBytes('petrel/1/ep'), secret).subarray(0, 16)))

export const epochKeys = (
  secret: Uint8Array,
  cryptography: Pick<Cryptography, 'publicKey'>,
): EpochKeys => {
  const id = epochIdOf(secret)
  const writeSecret = derive(secret, 'petrel/1/write')
  return {
    id,
    keyId: idBytes(id).slice(0, 4),
    secret,
    content: derive(secret, 'petrel/1/content'),
    control: derive(secret, 'petrel/1/control'),
    slot: derive(secret, 'petrel/1/slot'),
    topic: topicName(bytesToHex(derive(secret, 'petrel/1/topic', none, 16))),
    writeSecret,
    writePublic: cryptography.publicKey(writeSecret),
  }
}

/** The key under which one author seals with one epoch key; with it no two authors can meet in a nonce. */
export const authorKey = (key: Uint8Array, author: AuthorId): Uint8Array =>
  derive(key, 'petrel/1/c', idBytes(author))

export type Welcome = {
  readonly device: DeviceId
  readonly ephemeral: Uint8Array
  readonly box: Uint8Array
}

export const sealWelcome = (options: {
  readonly gid: GroupId
  readonly device: DeviceId
  readonly prekey: Uint8Array
  readonly secrets: readonly Uint8Array[]
  readonly random: Random
}): Result<Uint8Array, Refusal> => {
  const { gid, device, prekey, secrets, random } = options
  const ephemeralSecret = random.bytes(32)
  const ephemeral = x25519PublicKey(ephemeralSecret)
  const shared = x25519Shared(ephemeralSecret, prekey)
  if (shared === undefined) return failure(refusal('malformed', 'prekey'))
  const key = welcomeKey({ shared, gid, device, ephemeral, prekey })
  const box = seal(key, zeroNonce, encodeCbor([secrets]), none)
  return success(encodeCbor([1, idBytes(device), ephemeral, box]))
}

/** The clear part; whoever holds the device's prekey opens the rest. */
export const decodeWelcome = (payload: Uint8Array): Result<Welcome, Refusal> => {
  const decoded = decodeCbor(payload)
  if (!decoded.ok) return decoded
  if (!isWelcomeList(decoded.value)) return failure(refusal('malformed'))
  const [, device, ephemeral, box] = decoded.value
  return success({ device: deviceId(bytesToHex(device)), ephemeral, box })
}

/** Epoch secrets, newest first as the sender put them. Refused: `bad-context` when it is not for this device and prekey. */
export const openWelcome = (options: {
  readonly gid: GroupId
  readonly device: DeviceId
  readonly prekeySecret: Uint8Array
  readonly payload: Uint8Array
}): Result<readonly Uint8Array[], Refusal> => {
  const { gid, device, prekeySecret, payload } = options
  const welcome = decodeWelcome(payload)
  if (!welcome.ok) return welcome
  if (welcome.value.device !== device) return failure(refusal('bad-context', 'another device'))
  const { ephemeral, box } = welcome.value
  const shared = x25519Shared(prekeySecret, ephemeral)
  if (shared === undefined) return failure(refusal('malformed', 'ephemeral key'))
  const prekey = x25519PublicKey(prekeySecret)
  const text = open(welcomeKey({ shared, gid, device, ephemeral, prekey }), zeroNonce, box, none)
  if (text === undefined) return failure(refusal('bad-context', 'not sealed to this prekey'))
  const secrets = decodeCbor(text)
  if (!secrets.ok) return secrets
  return isSecretsList(secrets.value)
    ? success(secrets.value[0])
    : failure(refusal('malformed', 'epoch secrets'))
}

const welcomeKey = (context: {
  readonly shared: Uint8Array
  readonly gid: GroupId
  readonly device: DeviceId
  readonly ephemeral: Uint8Array
  readonly prekey: Uint8Array
}): Uint8Array =>
  derive(
    context.shared,
    'petrel/1/welcome',
    concatBytes(idBytes(context.gid), idBytes(context.device), context.ephemeral, context.prekey),
  )

const isSecretsList = isTuple(isListOf(isKey, limits.welcomeSecretsMax))
const isWelcomeList = isTuple(
  isExactly(1),
  isBytes(16),
  isKey,
  isBytesUpTo(limits.welcomeSecretsMax * 34 + 32),
)
