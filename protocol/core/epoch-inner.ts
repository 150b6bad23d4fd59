/** The part of an epoch operation that is for its members: the control heads it stands on, links that open older epochs,
 *  and who was left out. It is sealed under the new epoch's control key and bound to everything that stands in clear.
 *    sealed  := CBOR [[head16…], reason, [[parent4, control48, content48 | null]…], confirm16, [author8…]]
 *    link    := a parent's control key, and by policy its content key, under keys of the new epoch
 *    confirm := HMAC(HKDF(secret, "petrel/1/confirm"), gid ‖ CBOR [heads, authors])[0..16] */
import {
  type AuthorId,
  type EpochId,
  type GroupId,
  type Result,
  authorId,
  bytesToHex,
  compareBytes,
  compareText,
  concatBytes,
  equalBytes,
  failure,
  idBytes,
  success,
  utf8ToBytes,
} from './base.ts'
import { type Cbor, decodeCbor, encodeCbor } from './cbor.ts'
import { derive, hmacSha256, open, seal, sha256 } from './crypto.ts'
import { type EpochKeys, zeroNonce } from './epoch.ts'
import { limits } from './limits.ts'
import { type Refusal, refusal } from './refusal.ts'
import { ascends, isBytes, isInteger, isListOf, isTuple, orNull } from './shape.ts'

export const epochReasons = { removal: 0, age: 1, manual: 2, compromise: 3, healing: 4 } as const

export type EpochLink = {
  readonly parentKeyId: Uint8Array
  readonly control: Uint8Array
  /** Absent when the policy keeps older content from new members. */
  readonly content: Uint8Array | undefined
}

/** What members of the new epoch read. */
export type EpochInner = {
  /** 16-byte op id prefixes. */
  readonly heads: readonly Uint8Array[]
  readonly reason: number
  readonly links: readonly EpochLink[]
  /** Members whose prekey was unknown or outdated: they ask later. */
  readonly omitted: readonly AuthorId[]
}

/** An older epoch to link: always its control key, its content key when new members may read what it sealed. */
export type LinkedEpoch = { readonly keys: EpochKeys; readonly linkContent: boolean }

/** What the sealed part is bound to: the encoded clear part, and the authors of its boxes in order. */
type Binding = {
  readonly gid: GroupId
  readonly keys: EpochKeys
  readonly clear: Uint8Array
  readonly authors: readonly AuthorId[]
}

export const sealInner = (
  binding: Binding,
  inner: Omit<EpochInner, 'links'> & { readonly parents: readonly LinkedEpoch[] },
): Uint8Array => {
  const { keys, clear } = binding
  const heads = inner.heads.toSorted(compareBytes)
  const text = encodeCbor([
    heads,
    inner.reason,
    inner.parents.map(parent => linkList(keys, parent)),
    confirmation(binding, heads),
    inner.omitted.toSorted(compareText).map(idBytes),
  ])
  return seal(innerKey(keys), innerNonce(clear), text, clear)
}

/** Refused: `bad-context` when the key is not this epoch's, `malformed`, also when the confirmation fails. */
export const openInner = (binding: Binding, sealed: Uint8Array): Result<EpochInner, Refusal> => {
  const { keys, clear } = binding
  const text = open(innerKey(keys), innerNonce(clear), sealed, clear)
  if (text === undefined) return failure(refusal('bad-context', 'another epoch'))
  const decoded = decodeCbor(text)
  if (!decoded.ok) return decoded
  if (!isInnerList(decoded.value)) return failure(refusal('malformed'))
  const [heads, reason, links, confirm, omitted] = decoded.value
  if (!ascends(heads) || !ascends(omitted)) return failure(refusal('non-canonical', 'order'))
  if (!equalBytes(confirm, confirmation(binding, heads))) {
    return failure(refusal('malformed', 'confirmation'))
  }
  return success({
    heads,
    reason,
    links: links.map(([parentKeyId, control, content]) => ({
      parentKeyId,
      control,
      content: content ?? undefined,
    })),
    omitted: omitted.map(author => authorId(bytesToHex(author))),
  })
}

/** A parent's control and content keys, as far as the link gives them. `parent` is tried: key ids are hints. */
export const openEpochLink = (
  keys: EpochKeys,
  link: EpochLink,
  parent: EpochId,
): { readonly control: Uint8Array; readonly content: Uint8Array | undefined } | undefined => {
  const control = open(linkKey(keys.control, parent), zeroNonce, link.control, none)
  if (control === undefined) return undefined
  const content =
    link.content === undefined
      ? undefined
      : open(linkKey(keys.content, parent), zeroNonce, link.content, none)
  return { control, content }
}

const none = new Uint8Array(0)

/** One key for each pair of epochs, used once, with nonce 0. */
const linkKey = (key: Uint8Array, parent: EpochId): Uint8Array =>
  derive(key, 'petrel/1/link', idBytes(parent))

const linkList = (keys: EpochKeys, { keys: parent, linkContent }: LinkedEpoch): Cbor => [
  parent.keyId,
  seal(linkKey(keys.control, parent.id), zeroNonce, parent.control, none),
  linkContent ? seal(linkKey(keys.content, parent.id), zeroNonce, parent.content, none) : null,
]

const innerKey = (keys: EpochKeys): Uint8Array => derive(keys.control, 'petrel/1/epoch-inner')

/** The clear part holds a fresh ephemeral key, so its hash never repeats. */
const innerNonce = (clear: Uint8Array): Uint8Array =>
  sha256(utf8ToBytes('petrel/1/epoch-nonce'), clear).slice(0, 24)

const confirmation = (
  { gid, keys, authors }: Binding,
  heads: readonly Uint8Array[],
): Uint8Array => {
  const covered = encodeCbor([heads, authors.map(idBytes)])
  const key = derive(keys.secret, 'petrel/1/confirm')
  return hmacSha256(key, concatBytes(idBytes(gid), covered)).slice(0, 16)
}

const isInnerList = isTuple(
  isListOf(isBytes(16), limits.controlHeadsMax),
  isInteger(0, 255),
  isListOf(isTuple(isBytes(4), isBytes(48), orNull(isBytes(48))), limits.epochParentsMax),
  isBytes(16),
  isListOf(isBytes(8), limits.epochBoxesMax),
)
