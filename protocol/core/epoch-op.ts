/** The epoch operation: the next secret sealed to every remaining device, signed by the write key of each epoch it follows,
 *  so that a carrier can follow the chain from the group id without reading anything (layout: epoch.ts).
 *    box       := secret32 under HKDF(X25519(ephemeral, prekey), "petrel/1/box" ‖ gid ‖ epoch ‖ author ‖ ephemeral ‖ prekey)
 *    signature := a parent's write key over "petrel/1/epoch" ‖ gid ‖ parent ‖ epoch ‖ writeKey */
import {
  type AuthorId,
  type EpochId,
  type GroupId,
  type Result,
  authorId,
  bytesToHex,
  compareText,
  concatBytes,
  epochId,
  equalBytes,
  failure,
  idBytes,
  success,
  utf8ToBytes,
} from './base.ts'
import { type Cbor, decodeCbor, encodeCbor } from './cbor.ts'
import {
  type Cryptography,
  derive,
  open,
  seal,
  verifyStrict,
  x25519PublicKey,
  x25519Shared,
} from './crypto.ts'
import { type EpochKeys, epochIdOf, epochKeys, zeroNonce } from './epoch.ts'
import { type EpochInner, type LinkedEpoch, openInner, sealInner } from './epoch-inner.ts'
import { limits } from './limits.ts'
import type { Random } from './random.ts'
import { type Refusal, refusal } from './refusal.ts'
import {
  ascends,
  isBytes,
  isBytesUpTo,
  isExactly,
  isKey,
  isListOf,
  isSignature,
  isTuple,
} from './shape.ts'

export type EpochParent = { readonly epoch: EpochId; readonly signature: Uint8Array }
export type EpochBox = { readonly author: AuthorId; readonly box: Uint8Array }

/** What everybody can read. */
export type EpochBody = {
  readonly epoch: EpochId
  readonly writePublic: Uint8Array
  readonly parents: readonly EpochParent[]
  readonly ephemeral: Uint8Array
  readonly boxes: readonly EpochBox[]
  readonly sealed: Uint8Array
}

export const createEpochBody = (options: {
  readonly gid: GroupId
  readonly secret: Uint8Array
  readonly parents: readonly LinkedEpoch[]
  readonly recipients: readonly { readonly author: AuthorId; readonly prekey: Uint8Array }[]
  readonly heads: readonly Uint8Array[]
  readonly reason: number
  readonly omitted: readonly AuthorId[]
  readonly random: Random
  readonly cryptography: Cryptography
}): Result<EpochBody, Refusal> => {
  const { gid, secret, recipients, reason, random, cryptography } = options
  const keys = epochKeys(secret, cryptography)
  const ephemeralSecret = random.bytes(32)
  const ephemeral = x25519PublicKey(ephemeralSecret)
  const boxes: EpochBox[] = []
  for (const { author, prekey } of recipients.toSorted((a, b) => compareText(a.author, b.author))) {
    const shared = x25519Shared(ephemeralSecret, prekey)
    if (shared === undefined) return failure(refusal('malformed', 'prekey'))
    const key = boxKey({ shared, gid, epoch: keys.id, author, ephemeral, prekey })
    boxes.push({ author, box: seal(key, zeroNonce, secret, none) })
  }
  const parents = options.parents
    .toSorted((a, b) => compareText(a.keys.id, b.keys.id))
    .map(({ keys: parent }) => ({
      epoch: parent.id,
      signature: cryptography.sign(
        parent.writeSecret,
        epochParentMessage(gid, parent.id, keys.id, keys.writePublic),
      ),
    }))
  const clear = { epoch: keys.id, writePublic: keys.writePublic, parents, ephemeral, boxes }
  const { heads, omitted } = options
  const sealed = sealInner(bindingOf(gid, clear, keys), {
    heads,
    reason,
    parents: options.parents,
    omitted,
  })
  return success({ ...clear, sealed })
}

export const encodeEpochBody = (body: EpochBody): Uint8Array =>
  encodeCbor([...clearList(body), body.sealed])

export const decodeEpochBody = (payload: Uint8Array): Result<EpochBody, Refusal> => {
  const decoded = decodeCbor(payload)
  if (!decoded.ok) return decoded
  if (!isEpochList(decoded.value)) return failure(refusal('malformed'))
  const [, epoch, writePublic, parents, ephemeral, boxes, sealed] = decoded.value
  const isSorted = ascends(parents.map(([id]) => id)) && ascends(boxes.map(([author]) => author))
  if (!isSorted) return failure(refusal('non-canonical', 'order'))
  return success({
    epoch: epochId(bytesToHex(epoch)),
    writePublic,
    parents: parents.map(([id, signature]) => ({ epoch: epochId(bytesToHex(id)), signature })),
    ephemeral,
    boxes: boxes.map(([author, box]) => ({ author: authorId(bytesToHex(author)), box })),
    sealed,
  })
}

/** What a parent epoch's write key signs. */
export const epochParentMessage = (
  gid: GroupId,
  parent: EpochId,
  epoch: EpochId,
  writePublic: Uint8Array,
): Uint8Array =>
  concatBytes(
    utf8ToBytes('petrel/1/epoch'),
    idBytes(gid),
    idBytes(parent),
    idBytes(epoch),
    writePublic,
  )

/** Whether the write key of one known parent vouches for this epoch. */
export const epochParentIsSigned = (
  gid: GroupId,
  body: EpochBody,
  parent: { readonly id: EpochId; readonly writePublic: Uint8Array },
  cryptography: Pick<Cryptography, 'verify'>,
): boolean => {
  const named = body.parents.find(({ epoch }) => epoch === parent.id)
  if (named === undefined) return false
  const message = epochParentMessage(gid, parent.id, body.epoch, body.writePublic)
  return verifyStrict(cryptography.verify, parent.writePublic, message, named.signature)
}

/** The epoch's secret out of this author's box. Refused: `not-found` without a box, `bad-context` when it does not open,
 *  `malformed` when it opens to something that is not this epoch's secret. */
export const openEpochBox = (options: {
  readonly gid: GroupId
  readonly body: EpochBody
  readonly author: AuthorId
  readonly prekeySecret: Uint8Array
  readonly cryptography: Pick<Cryptography, 'publicKey'>
}): Result<EpochKeys, Refusal> => {
  const { gid, body, author, prekeySecret, cryptography } = options
  const { epoch, ephemeral } = body
  const box = body.boxes.find(candidate => candidate.author === author)
  if (box === undefined) return failure(refusal('not-found', 'no box'))
  const shared = x25519Shared(prekeySecret, ephemeral)
  if (shared === undefined) return failure(refusal('malformed', 'ephemeral key'))
  const prekey = x25519PublicKey(prekeySecret)
  const key = boxKey({ shared, gid, epoch, author, ephemeral, prekey })
  const secret = open(key, zeroNonce, box.box, none)
  if (secret === undefined) return failure(refusal('bad-context', 'not sealed to this prekey'))
  if (epochIdOf(secret) !== epoch) return failure(refusal('malformed', 'epoch id'))
  const keys = epochKeys(secret, cryptography)
  return equalBytes(keys.writePublic, body.writePublic)
    ? success(keys)
    : failure(refusal('malformed', 'write key'))
}

/** The members' part (epoch-inner.ts). */
export const openEpochInner = (
  gid: GroupId,
  body: EpochBody,
  keys: EpochKeys,
): Result<EpochInner, Refusal> => openInner(bindingOf(gid, body, keys), body.sealed)

const bindingOf = (gid: GroupId, body: Omit<EpochBody, 'sealed'>, keys: EpochKeys) => ({
  gid,
  keys,
  clear: encodeCbor(clearList(body)),
  authors: body.boxes.map(({ author }) => author),
})

const none = new Uint8Array(0)

const boxKey = (context: {
  readonly shared: Uint8Array
  readonly gid: GroupId
  readonly epoch: EpochId
  readonly author: AuthorId
  readonly ephemeral: Uint8Array
  readonly prekey: Uint8Array
}): Uint8Array =>
  derive(
    context.shared,
    'petrel/1/box',
    concatBytes(
      idBytes(context.gid),
      idBytes(context.epoch),
      idBytes(context.author),
      context.ephemeral,
      context.prekey,
    ),
  )

const clearList = (body: Omit<EpochBody, 'sealed'>): Cbor[] => [
  0,
  idBytes(body.epoch),
  body.writePublic,
  body.parents.map(({ epoch, signature }) => [idBytes(epoch), signature]),
  body.ephemeral,
  body.boxes.map(({ author, box }) => [idBytes(author), box]),
]

const isEpochList = isTuple(
  isExactly(0),
  isBytes(16),
  isKey,
  isListOf(isTuple(isBytes(16), isSignature), limits.epochParentsMax),
  isKey,
  isListOf(isTuple(isBytes(8), isBytes(48)), limits.epochBoxesMax),
  isBytesUpTo(limits.controlOpBytesMax),
)
