/** The members of a group are a function of the set of control operations: not of their order, not of any clock. */
import { describe, expect, test } from 'vitest'
import { type AuthorId, idBytes } from '../../protocol/core/base.ts'
import { policyHash } from '../../protocol/core/control.ts'
import { type ControlOp, type GroupState, resolveGroup } from '../../protocol/core/group.ts'
import { invite, joinRequest, policy } from './people.ts'
import {
  ada,
  bo,
  cy,
  di,
  authorOf,
  type BodyWithoutHeads,
  op,
  create,
  inviting,
  admitting,
  leaving,
  rolesOf,
  root,
  open,
  inBo,
} from './control-ops.ts'

describe('the story of a group', () => {
  test('whoever creates it owns it', () => {
    const state = resolveGroup([root])
    expect(state.owner).toBe(ada.id)
    expect(state.policy).toEqual(policy)
    expect(rolesOf(state)).toEqual({ Ada: 'owner' })
    expect(state.heads).toEqual([idBytes(root.id).slice(0, 16)])
    expect(state.depth).toBe(1)
  })

  test('an invite lets a device in, as what the certificate says and the invite allows', () => {
    const state = resolveGroup([root, open, inBo])
    expect(state.members.get(bo.id)).toEqual({
      device: bo.id,
      publicKey: bo.publicKey,
      name: 'Bo',
      unit: '',
      role: 'member',
      keyBundle: bo.keyBundle,
      admittedBy: ada.id,
      left: false,
      since: inBo.id,
    })
    expect(state.invites.get(invite('open').key)).toMatchObject({ used: 1, revoked: false })
    expect(state.depth).toBe(3)
  })

  test('any member admits when the policy says so, and only an admin otherwise', () => {
    const byBo = (change: Partial<typeof policy>, needApproval: boolean): GroupState => {
      const first = create(ada, change)
      const invited = inviting(ada, [first], 'open', { needApproval })
      const joined = admitting(ada, [invited], bo, 'open')
      return resolveGroup([first, invited, joined, admitting(bo, [joined], cy, 'open')])
    }
    expect(rolesOf(byBo({ autoAdmit: true }, false))).toHaveProperty('Cy')
    expect(rolesOf(byBo({ autoAdmit: false }, false))).not.toHaveProperty('Cy')
    expect(rolesOf(byBo({ autoAdmit: true }, true))).not.toHaveProperty('Cy')
  })

  test('an observer admits nobody', () => {
    const watching = inviting(ada, [root], 'watch', { role: 'observer' })
    const joined = admitting(ada, [watching], bo, 'watch')
    const byBo = admitting(bo, [joined], cy, 'watch')
    const state = resolveGroup([root, watching, joined, byBo])
    expect(rolesOf(state)).toEqual({ Ada: 'owner', Bo: 'observer' })
    expect(state.refused.get(byBo.id)).toBe('not-authorised')
  })

  test('an admin invites up to the own rank, a member invites nobody, and nobody gives ownership', () => {
    const admins = inviting(ada, [root], 'admins', { role: 'admin' })
    const joined = admitting(ada, [admins], di, 'admins')
    const byAdmin = inviting(di, [joined], 'more', { role: 'admin' })
    const owning = inviting(ada, [root], 'owning', { role: 'owner' })
    const member = admitting(di, [byAdmin, inBo], cy, 'open')
    const byMember = inviting(cy, [member], 'by member')
    const state = resolveGroup([
      root,
      open,
      inBo,
      admins,
      joined,
      byAdmin,
      owning,
      member,
      byMember,
    ])
    expect(state.refused.get(byAdmin.id)).toBeUndefined()
    expect(state.refused.get(owning.id)).toBe('role-too-high')
    expect(state.refused.get(byMember.id)).toBe('not-authorised')
  })

  test('of more admissions than an invite has uses, the ones that stand first in line hold', () => {
    const single = inviting(ada, [root, inBo], 'single', { maxUses: 1 })
    const one = admitting(ada, [single], cy, 'single')
    const two = admitting(bo, [single], di, 'single')
    const state = resolveGroup([root, open, inBo, single, one, two])
    const [first, second] = one.id < two.id ? [one, two] : [two, one]
    expect(state.refused.get(first.id)).toBeUndefined()
    expect(state.refused.get(second.id)).toBe('invite-used')
    expect(state.members.size).toBe(3)
    expect(state.invites.get(invite('single').key)?.used).toBe(1)
  })

  test('one device admitted twice at once is in once and uses the invite once', () => {
    const state = resolveGroup([
      root,
      open,
      inBo,
      admitting(ada, [inBo], cy, 'open'),
      admitting(bo, [inBo], cy, 'open'),
    ])
    expect(rolesOf(state)).toEqual({ Ada: 'owner', Bo: 'member', Cy: 'member' })
    expect(state.invites.get(invite('open').key)?.used).toBe(2)
    expect([...state.refused.values()]).toEqual(['already-member'])
  })

  test('a revoked invite lets nobody in', () => {
    const revoked = op(ada, [open], {
      type: 'revoke-invite',
      invitePublic: invite('open').invitePublic,
    })
    const late = admitting(ada, [revoked], bo, 'open')
    const state = resolveGroup([root, open, revoked, late])
    expect(rolesOf(state)).toEqual({ Ada: 'owner' })
    expect(state.refused.get(late.id)).toBe('invite-revoked')
  })

  test('a member revokes no invite of others', () => {
    const { invitePublic } = invite('open')
    const byBo = op(bo, [inBo], { type: 'revoke-invite', invitePublic })
    const state = resolveGroup([root, open, inBo, byBo])
    expect(state.refused.get(byBo.id)).toBe('not-authorised')
    expect(state.invites.get(invite('open').key)?.revoked).toBe(false)
  })

  test('whoever leaves is out, may do nothing more, and may be let in again', () => {
    const gone = leaving(bo, [inBo])
    const after = admitting(bo, [gone], cy, 'open')
    const state = resolveGroup([root, open, inBo, gone, after])
    expect(state.members.get(bo.id)?.left).toBe(true)
    expect(state.refused.get(after.id)).toBe('not-a-member')
    const back = resolveGroup([root, open, inBo, gone, admitting(ada, [gone], bo, 'open')])
    expect(rolesOf(back)).toEqual({ Ada: 'owner', Bo: 'member' })
  })
})

describe('what is refused', () => {
  const refusalIn = (ops: readonly ControlOp[], refused: ControlOp, creator?: AuthorId) =>
    resolveGroup([...ops, refused], creator).refused.get(refused.id)

  test('an operation of a stranger', () => {
    expect(refusalIn([root], inviting(cy, [root], 'x'))).toBe('not-a-member')
    expect(refusalIn([root, open], admitting(cy, [open], cy, 'open'))).toBe('not-a-member')
    expect(refusalIn([root], leaving(cy, [root]))).toBe('not-a-member')
  })

  test('an admission by an invite nobody made', () => {
    expect(refusalIn([root], admitting(ada, [root], bo, 'none'))).toBe('invite-unknown')
  })

  test('one invite key twice', () => {
    const again = inviting(ada, [open], 'open', { maxUses: 1_000 })
    expect(refusalIn([root, open], again)).toBe('invite-exists')
  })

  test('an operation without heads', () => {
    expect(refusalIn([root], inviting(ada, [], 'x'))).toBe('no-heads')
  })

  test('a second create, whichever of the two comes first', () => {
    const other = create(bo)
    const state = resolveGroup([root, other])
    expect(resolveGroup([other, root])).toEqual(state)
    expect(state.owner).toBe(root.id < other.id ? ada.id : bo.id)
    expect([...state.refused.values()]).toEqual(['second-create'])
  })

  test('a create by anybody but the log the group id names', () => {
    const usurping = create(bo)
    for (const ops of [[root], []]) {
      expect(refusalIn(ops, usurping, authorOf(ada))).toBe('not-the-creator')
    }
    expect(resolveGroup([usurping, root], authorOf(ada)).owner).toBe(ada.id)
  })

  test('a create with another policy than the group id names', () => {
    const hash = policyHash({ ...policy, autoAdmit: false })
    expect(resolveGroup([root], authorOf(ada), hash).refused.get(root.id)).toBe('another-policy')
    expect(resolveGroup([root], authorOf(ada), policyHash(policy)).owner).toBe(ada.id)
  })

  test('a create with the certificate of somebody else', () => {
    const { certificate, keyBundle } = bo
    const lying = op(ada, [], { type: 'create', policy, certificate, keyBundle })
    expect(resolveGroup([lying]).refused.get(lying.id)).toBe('certificate-invalid')
  })

  test('an admission whose certificate cannot be read', () => {
    const { gid: _, ...request } = joinRequest(bo, 'open')
    const certificate = new Uint8Array([1, 2, 3])
    const broken = op(ada, [open], { type: 'admit', ...request, certificate })
    expect(refusalIn([root, open], broken)).toBe('certificate-invalid')
  })

  test('what later rules will allow: it changes nothing yet', () => {
    const { certificate, keyBundle, id: target } = bo
    const later: readonly BodyWithoutHeads[] = [
      { type: 'add', role: 'member', certificate, keyBundle },
      { type: 'remove', target, cut: [], reason: '' },
      { type: 'role', target, role: 'admin' },
      {
        type: 'policy',
        change: {
          title: 'x',
          purpose: undefined,
          kind: undefined,
          autoAdmit: undefined,
          receipts: undefined,
          history: undefined,
        },
      },
      { type: 'admit-late', author: authorOf(bo), seq: 1 },
      { type: 'seal' },
      { type: 'archive', reason: '' },
      { type: 'dissolve', cut: [], reason: '', approvals: [] },
      { type: 'unknown', number: 99, fields: [] },
    ]
    const before = resolveGroup([root, open, inBo])
    for (const body of later) {
      const future = op(ada, [inBo], body)
      const state = resolveGroup([root, open, inBo, future])
      expect(state.refused.get(future.id)).toBe('not yet in force')
      expect([state.members, state.invites, state.policy]).toEqual([
        before.members,
        before.invites,
        before.policy,
      ])
      expect(state.heads).toEqual([idBytes(future.id).slice(0, 16)])
    }
  })
})
