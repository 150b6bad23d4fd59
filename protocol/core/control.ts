/** Control operations: who is in a group and who may do what. A body is a CBOR list [type, heads, …fields]; heads are the
 *  first 16 bytes of the ids of every control operation known to its author that no other refers to, in ascending order.
 *  All thirteen have their final form; which of them are in force is group.ts' to say. A type from a newer version is
 *  kept as `unknown`, with its heads, because others may stand on it. */
import {
  type AuthorId,
  type DeviceId,
  type Result,
  assert,
  authorId,
  bytesToHex,
  compareBytes,
  deviceId,
  equalBytes,
  failure,
  idBytes,
  success,
} from './base.ts'
import { type Cbor, decodeCbor, encodeCbor, isCborList } from './cbor.ts'
import { type Cut, cutToList, isCut, listToCut } from './cut.ts'
import { limits } from './limits.ts'
import {
  type Policy,
  type PolicyChange,
  isPolicyChangeList,
  isPolicyList,
  listToPolicy,
  listToPolicyChange,
  policyChangeToList,
  policyToList,
} from './policy.ts'
import { type Refusal, refusal } from './refusal.ts'
import {
  ascends,
  isBytes,
  isBytesUpTo,
  isFlag,
  isInteger,
  isKey,
  isListOf,
  isSeq,
  isSignature,
  isTextUpTo,
  isTime,
  isTuple,
} from './shape.ts'

export { type Policy, type PolicyChange, policyHash } from './policy.ts'

/** Wire number = position. */
export const roles = ['owner', 'admin', 'member', 'observer', 'records'] as const
export type Role = (typeof roles)[number]

type Heads = { readonly heads: readonly Uint8Array[] }
export type Identity = { readonly certificate: Uint8Array; readonly keyBundle: Uint8Array }

export type KnownControl = Heads &
  (
    | ({
        readonly type: 'create'
        readonly policy: Policy
        readonly approvals?: readonly Uint8Array[]
      } & Identity)
    | ({ readonly type: 'add'; readonly role: Role } & Identity)
    | {
        readonly type: 'remove'
        readonly target: DeviceId
        readonly cut: readonly Cut[]
        readonly reason: string
      }
    | { readonly type: 'role'; readonly target: DeviceId; readonly role: Role }
    | {
        readonly type: 'invite'
        readonly invitePublic: Uint8Array
        readonly role: Role
        readonly maxUses: number
        /** Milliseconds since 1970; compared by whoever admits, with the own clock, never by the fold. */
        readonly notAfter: number
        readonly needApproval: boolean
      }
    | ({
        readonly type: 'admit'
        readonly invitePublic: Uint8Array
        readonly nonce: Uint8Array
        readonly inviteSignature: Uint8Array
        readonly deviceSignature: Uint8Array
      } & Identity)
    | { readonly type: 'revoke-invite'; readonly invitePublic: Uint8Array }
    | { readonly type: 'policy'; readonly change: PolicyChange }
    | { readonly type: 'admit-late'; readonly author: AuthorId; readonly seq: number }
    | { readonly type: 'seal' }
    | { readonly type: 'archive'; readonly reason: string }
    | {
        readonly type: 'dissolve'
        readonly cut: readonly Cut[]
        readonly reason: string
        readonly approvals: readonly Uint8Array[]
      }
    | { readonly type: 'leave' }
  )

export type ControlBody =
  | KnownControl
  | (Heads & {
      readonly type: 'unknown'
      readonly number: number
      readonly fields: readonly Cbor[]
    })

export const encodeControl = (body: ControlBody): Uint8Array => {
  assert(body.heads.length <= limits.controlHeadsMax, 'control heads are bounded')
  const { number, fields } = body.type === 'unknown' ? body : knownToFields(body)
  return encodeCbor([number, sortedHeads(body.heads), ...fields])
}

/** Refused: `malformed`, `non-canonical` (order of heads or cuts), and what decodeCbor refuses. */
export const decodeControl = (bytes: Uint8Array): Result<ControlBody, Refusal> => {
  const decoded = decodeCbor(bytes)
  if (!decoded.ok) return decoded
  if (!isCborList(decoded.value)) return failure(refusal('malformed'))
  const [number, heads, ...fields] = decoded.value
  if (!isNumber(number) || !isHeads(heads)) return failure(refusal('malformed'))
  if (!ascends(heads)) return failure(refusal('non-canonical', 'order of heads'))
  if (number > lastKnown) return success({ type: 'unknown', heads, number, fields })
  const body = fieldsToKnown(number, heads, fields)
  if (body === undefined) return failure(refusal('malformed'))
  const cut = body.type === 'remove' || body.type === 'dissolve' ? body.cut : []
  return ascends(cut.map(({ author }) => idBytes(author)))
    ? success(body)
    : failure(refusal('non-canonical', 'order of cuts'))
}

const lastKnown = 12

const knownToFields = (
  body: KnownControl,
): { readonly number: number; readonly fields: readonly Cbor[] } => {
  switch (body.type) {
    case 'create': {
      const { policy, certificate, keyBundle, approvals } = body
      const fields = [policyToList(policy), certificate, keyBundle]
      return { number: 0, fields: approvals === undefined ? fields : [...fields, approvals] }
    }
    case 'add':
      return { number: 1, fields: [roles.indexOf(body.role), body.certificate, body.keyBundle] }
    case 'remove':
      return { number: 2, fields: [idBytes(body.target), cutToList(body.cut), body.reason] }
    case 'role':
      return { number: 3, fields: [idBytes(body.target), roles.indexOf(body.role)] }
    case 'invite': {
      const { invitePublic, role, maxUses, notAfter, needApproval } = body
      return {
        number: 4,
        fields: [invitePublic, roles.indexOf(role), maxUses, notAfter, needApproval],
      }
    }
    case 'admit': {
      const { invitePublic, certificate, keyBundle, nonce, inviteSignature, deviceSignature } = body
      return {
        number: 5,
        fields: [invitePublic, certificate, keyBundle, nonce, inviteSignature, deviceSignature],
      }
    }
    case 'revoke-invite':
      return { number: 6, fields: [body.invitePublic] }
    case 'policy':
      return { number: 7, fields: [policyChangeToList(body.change)] }
    case 'admit-late':
      return { number: 8, fields: [idBytes(body.author), body.seq] }
    case 'seal':
      return { number: 9, fields: [] }
    case 'archive':
      return { number: 10, fields: [body.reason] }
    case 'dissolve':
      return { number: 11, fields: [cutToList(body.cut), body.reason, body.approvals] }
    case 'leave':
      return { number: 12, fields: [] }
  }
}

const isRole = isInteger(0, roles.length - 1)
const isReason = isTextUpTo(limits.noteBytesMax)
const isIdentityPart = isBytesUpTo(limits.certificateBytesMax)
const isApprovals = isListOf(isBytesUpTo(256), limits.approvalsMax)
const isNumber = isInteger(0, 255)
const isHeads = isListOf(isBytes(16), limits.controlHeadsMax)

const shapes = {
  create: isTuple(isPolicyList, isIdentityPart, isIdentityPart),
  createApproved: isTuple(isPolicyList, isIdentityPart, isIdentityPart, isApprovals),
  add: isTuple(isRole, isIdentityPart, isIdentityPart),
  remove: isTuple(isBytes(16), isCut, isReason),
  role: isTuple(isBytes(16), isRole),
  invite: isTuple(isKey, isRole, isInteger(1, 2 ** 32 - 1), isTime, isFlag),
  admit: isTuple(isKey, isIdentityPart, isIdentityPart, isBytes(16), isSignature, isSignature),
  revokeInvite: isTuple(isKey),
  policy: isTuple(isPolicyChangeList),
  admitLate: isTuple(isBytes(8), isSeq),
  reason: isTuple(isReason),
  dissolve: isTuple(isCut, isReason, isApprovals),
  nothing: isTuple(),
}

/** One reader a type, in the order of the wire numbers; undefined: the fields do not have that type's shape. */
const readers: readonly ((
  heads: readonly Uint8Array[],
  fields: readonly Cbor[],
) => KnownControl | undefined)[] = [
  (heads, fields) => {
    if (shapes.create(fields)) {
      const [policy, certificate, keyBundle] = fields
      return { type: 'create', heads, policy: listToPolicy(policy), certificate, keyBundle }
    }
    if (!shapes.createApproved(fields)) return undefined
    const [policy, certificate, keyBundle, approvals] = fields
    return {
      type: 'create',
      heads,
      policy: listToPolicy(policy),
      certificate,
      keyBundle,
      approvals,
    }
  },
  (heads, fields) => {
    if (!shapes.add(fields)) return undefined
    const [role, certificate, keyBundle] = fields
    return { type: 'add', heads, role: roleOf(role), certificate, keyBundle }
  },
  (heads, fields) => {
    if (!shapes.remove(fields)) return undefined
    const [target, cut, reason] = fields
    return { type: 'remove', heads, target: toDevice(target), cut: listToCut(cut), reason }
  },
  (heads, fields) => {
    if (!shapes.role(fields)) return undefined
    const [target, role] = fields
    return { type: 'role', heads, target: toDevice(target), role: roleOf(role) }
  },
  (heads, fields) => {
    if (!shapes.invite(fields)) return undefined
    const [invitePublic, role, maxUses, notAfter, needApproval] = fields
    return {
      type: 'invite',
      heads,
      invitePublic,
      role: roleOf(role),
      maxUses,
      notAfter,
      needApproval,
    }
  },
  (heads, fields) => {
    if (!shapes.admit(fields)) return undefined
    const [invitePublic, certificate, keyBundle, nonce, inviteSignature, deviceSignature] = fields
    return {
      type: 'admit',
      heads,
      invitePublic,
      certificate,
      keyBundle,
      nonce,
      inviteSignature,
      deviceSignature,
    }
  },
  (heads, fields) =>
    shapes.revokeInvite(fields)
      ? { type: 'revoke-invite', heads, invitePublic: fields[0] }
      : undefined,
  (heads, fields) =>
    shapes.policy(fields)
      ? { type: 'policy', heads, change: listToPolicyChange(fields[0]) }
      : undefined,
  (heads, fields) =>
    shapes.admitLate(fields)
      ? { type: 'admit-late', heads, author: authorId(bytesToHex(fields[0])), seq: fields[1] }
      : undefined,
  (heads, fields) => (shapes.nothing(fields) ? { type: 'seal', heads } : undefined),
  (heads, fields) =>
    shapes.reason(fields) ? { type: 'archive', heads, reason: fields[0] } : undefined,
  (heads, fields) => {
    if (!shapes.dissolve(fields)) return undefined
    const [cut, reason, approvals] = fields
    return { type: 'dissolve', heads, cut: listToCut(cut), reason, approvals }
  },
  (heads, fields) => (shapes.nothing(fields) ? { type: 'leave', heads } : undefined),
]

const fieldsToKnown = (
  number: number,
  heads: readonly Uint8Array[],
  fields: readonly Cbor[],
): KnownControl | undefined => readers[number]?.(heads, fields)

const roleOf = (number: number): Role => roles[number] ?? 'observer'
const toDevice = (bytes: Uint8Array): DeviceId => deviceId(bytesToHex(bytes))

const sortedHeads = (heads: readonly Uint8Array[]): readonly Uint8Array[] =>
  heads
    .toSorted(compareBytes)
    .filter((head, index, all) => index === 0 || !equalBytes(head, all[index - 1] ?? head))
