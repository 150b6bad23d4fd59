/** Who is in a group: a pure function of the set of control operations, whatever order they came in and however often.
 *  Operations form a graph by their heads. Those whose ancestors are all here stand in one line, by depth and then by id,
 *  and each is judged against what the line before it made. Clocks take no part: an invite's end is for whoever admits to
 *  look at. Signatures are checked before (`controlIsSigned`); removal and its kin are known by name and not yet in force. */
import {
  type AuthorId,
  type DeviceId,
  type OpId,
  bytesToHex,
  equalBytes,
  unreachable,
} from './base.ts'
import { type Certificate, decodeCertificate } from './certificate.ts'
import { type ControlBody, type Policy, type Role, policyHash } from './control.ts'
import { headsOf, lineUp } from './control-graph.ts'

export type ControlOp = {
  readonly id: OpId
  readonly author: AuthorId
  readonly seq: number
  readonly device: DeviceId
  readonly hlc: number
  readonly body: ControlBody
}

export type Member = {
  readonly device: DeviceId
  readonly publicKey: Uint8Array
  readonly name: string
  readonly unit: string
  readonly role: Role
  readonly keyBundle: Uint8Array
  readonly admittedBy: DeviceId
  readonly left: boolean
  /** The operation that let the device in. */
  readonly since: OpId
}

export type InviteState = {
  readonly role: Role
  readonly maxUses: number
  readonly used: number
  readonly notAfter: number
  readonly needApproval: boolean
  readonly revoked: boolean
  readonly createdBy: DeviceId
}

export type RefusedControl =
  | 'second-create'
  | 'not-the-creator'
  | 'another-policy'
  | 'certificate-invalid'
  | 'no-heads'
  | 'not-a-member'
  | 'not-authorised'
  | 'role-too-high'
  | 'invite-unknown'
  | 'invite-exists'
  | 'invite-revoked'
  | 'invite-used'
  | 'already-member'
  | 'not yet in force'

export type GroupState = {
  readonly policy: Policy | undefined
  readonly owner: DeviceId | undefined
  readonly members: ReadonlyMap<DeviceId, Member>
  /** By the invite's public key in hex. */
  readonly invites: ReadonlyMap<string, InviteState>
  /** 16-byte id prefixes, ascending: what the next control operation stands on. */
  readonly heads: readonly Uint8Array[]
  readonly depth: number
  readonly refused: ReadonlyMap<OpId, RefusedControl>
  /** Operations whose ancestors are not all here. */
  readonly waiting: number
}

/** `creator` and `rootPolicy` (its hash), where known, are what the group id commits to: no other `create` counts. */
export const resolveGroup = (
  ops: readonly ControlOp[],
  creator?: AuthorId,
  rootPolicy?: Uint8Array,
): GroupState => {
  const { line, waiting } = lineUp(ops)
  const group = emptyGroup(creator, rootPolicy)
  for (const { op } of line) {
    const reason = judge(group, op)
    if (reason !== undefined) group.refused.set(op.id, reason)
  }
  const standing = line.filter(({ op }) => !isFromOutside(group.refused.get(op.id)))
  return {
    policy: group.policy,
    owner: group.owner,
    members: group.members,
    invites: group.invites,
    heads: headsOf(standing.map(({ op }) => op)),
    depth: standing.at(-1)?.depth ?? 0,
    refused: group.refused,
    waiting,
  }
}

/** What outsiders put in is no head: it could crowd out the real ones. */
const isFromOutside = (reason: RefusedControl | undefined): boolean =>
  reason === 'not-a-member' ||
  reason === 'second-create' ||
  reason === 'not-the-creator' ||
  reason === 'another-policy' ||
  reason === 'no-heads'

type Group = {
  readonly creator: AuthorId | undefined
  readonly rootPolicy: Uint8Array | undefined
  policy: Policy | undefined
  owner: DeviceId | undefined
  readonly members: Map<DeviceId, Member>
  readonly invites: Map<string, InviteState>
  readonly refused: Map<OpId, RefusedControl>
}

const emptyGroup = (creator: AuthorId | undefined, rootPolicy: Uint8Array | undefined): Group => ({
  creator,
  rootPolicy,
  policy: undefined,
  owner: undefined,
  members: new Map(),
  invites: new Map(),
  refused: new Map(),
})

type Body<Type extends ControlBody['type']> = Extract<ControlBody, { readonly type: Type }>

/** Applies the operation, or says why not. */
const judge = (group: Group, op: ControlOp): RefusedControl | undefined => {
  const { body } = op
  if (body.type === 'create') return judgeCreate(group, op, body)
  if (body.heads.length === 0) return 'no-heads'
  const author = activeMember(group, op.device)
  if (author === undefined) return 'not-a-member'
  switch (body.type) {
    case 'invite':
      return judgeInvite(group, author, body)
    case 'admit':
      return judgeAdmit(group, author, op.id, body)
    case 'revoke-invite':
      return judgeRevocation(group, author, body)
    case 'leave':
      group.members.set(author.device, { ...author, left: true })
      return undefined
    case 'add':
    case 'remove':
    case 'role':
    case 'policy':
    case 'admit-late':
    case 'seal':
    case 'archive':
    case 'dissolve':
    case 'unknown':
      return 'not yet in force'
    default:
      return unreachable(body)
  }
}

const judgeCreate = (
  group: Group,
  op: ControlOp,
  body: Body<'create'>,
): RefusedControl | undefined => {
  if (group.creator !== undefined && op.author !== group.creator) return 'not-the-creator'
  if (!isRootPolicy(group, body.policy)) return 'another-policy'
  if (group.owner !== undefined) return 'second-create'
  const member = memberFrom(body, { role: 'owner', admittedBy: op.device, since: op.id })
  if (member === undefined || member.device !== op.device) return 'certificate-invalid'
  group.policy = body.policy
  group.owner = op.device
  group.members.set(op.device, member)
  return undefined
}

const judgeInvite = (
  group: Group,
  author: Member,
  body: Body<'invite'>,
): RefusedControl | undefined => {
  if (!isAtLeastAdmin(author)) return 'not-authorised'
  if (!mayBestow(author, body.role)) return 'role-too-high'
  const key = bytesToHex(body.invitePublic)
  if (group.invites.has(key)) return 'invite-exists'
  const { role, maxUses, notAfter, needApproval } = body
  const createdBy = author.device
  const fresh = { role, maxUses, used: 0, notAfter, needApproval, revoked: false, createdBy }
  group.invites.set(key, fresh)
  return undefined
}

const judgeAdmit = (
  group: Group,
  author: Member,
  id: OpId,
  body: Body<'admit'>,
): RefusedControl | undefined => {
  const key = bytesToHex(body.invitePublic)
  const invite = group.invites.get(key)
  if (invite === undefined) return 'invite-unknown'
  if (!mayAdmit(group, author, invite)) return 'not-authorised'
  if (invite.revoked) return 'invite-revoked'
  if (invite.used >= invite.maxUses) return 'invite-used'
  const { role } = invite
  const member = memberFrom(body, { role, admittedBy: author.device, since: id })
  if (member === undefined) return 'certificate-invalid'
  if (activeMember(group, member.device) !== undefined) return 'already-member'
  group.invites.set(key, { ...invite, used: invite.used + 1 })
  group.members.set(member.device, member)
  return undefined
}

const judgeRevocation = (
  group: Group,
  author: Member,
  body: Body<'revoke-invite'>,
): RefusedControl | undefined => {
  const key = bytesToHex(body.invitePublic)
  const invite = group.invites.get(key)
  if (invite === undefined) return 'invite-unknown'
  if (!isAtLeastAdmin(author) && invite.createdBy !== author.device) return 'not-authorised'
  group.invites.set(key, { ...invite, revoked: true })
  return undefined
}

const ranks: Readonly<Record<Role, number>> = {
  owner: 3,
  admin: 2,
  member: 1,
  observer: 0,
  records: 0,
}

const isRootPolicy = (group: Group, policy: Policy): boolean =>
  group.rootPolicy === undefined || equalBytes(group.rootPolicy, policyHash(policy))

const activeMember = (group: Group, device: DeviceId): Member | undefined => {
  const member = group.members.get(device)
  return member === undefined || member.left ? undefined : member
}

const isAtLeastAdmin = (member: Member): boolean => ranks[member.role] >= ranks.admin

/** Nobody bestows ownership, nor more than they have. */
const mayBestow = (author: Member, role: Role): boolean =>
  role !== 'owner' && ranks[role] <= ranks[author.role]

/** Whether this member's `admit` counts. */
export const mayAdmit = (
  group: Pick<GroupState, 'policy'>,
  author: Member,
  invite: Pick<InviteState, 'needApproval'>,
): boolean => {
  if (isAtLeastAdmin(author)) return true
  const admitsByItself = group.policy?.autoAdmit === true && !invite.needApproval
  return admitsByItself && ranks[author.role] >= ranks.member
}

const memberFrom = (
  body: Body<'create'> | Body<'admit'>,
  standing: Pick<Member, 'role' | 'admittedBy' | 'since'>,
): Member | undefined => {
  const certificate = certificateOf(body.certificate)
  if (certificate === undefined) return undefined
  const { device, subjectKey: publicKey, name, unit } = certificate
  return { device, publicKey, name, unit, keyBundle: body.keyBundle, left: false, ...standing }
}

/** Decoded once for each operation held: a group is resolved again after every control operation. */
const certificates = new WeakMap<Uint8Array, Certificate>()

const certificateOf = (bytes: Uint8Array): Certificate | undefined => {
  const known = certificates.get(bytes)
  if (known !== undefined) return known
  const decoded = decodeCertificate(bytes)
  if (!decoded.ok) return undefined
  certificates.set(bytes, decoded.value)
  return decoded.value
}
