/** The members of a group are a function of the set of control operations: not of their order, not of any clock. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type AuthorId,
  authorId,
  bytesToHex,
  compareText,
  hexToBytes,
  idBytes,
  opId,
} from '../../protocol/core/base.ts'
import {
  type ControlBody,
  type Role,
  encodeControl,
  policyHash,
} from '../../protocol/core/control.ts'
import { sha256 } from '../../protocol/core/crypto.ts'
import { type ControlOp, type GroupState, resolveGroup } from '../../protocol/core/group.ts'
import { type TestDevice, device, invite, joinRequest, policy, wall } from './people.ts'

const ada = device('Ada')
const bo = device('Bo')
const cy = device('Cy')
const di = device('Di')

const authorOf = (by: TestDevice): AuthorId => authorId(by.id.slice(0, 16))

type WithoutHeads<T> = T extends unknown ? Omit<T, 'heads'> : never
type BodyWithoutHeads = WithoutHeads<ControlBody>

const op = (by: TestDevice, parents: readonly ControlOp[], rest: BodyWithoutHeads): ControlOp => {
  const body: ControlBody = { ...rest, heads: parents.map(({ id }) => idBytes(id).slice(0, 16)) }
  const id = opId(bytesToHex(sha256(idBytes(by.id), encodeControl(body))))
  return { id, author: authorOf(by), device: by.id, hlc: wall, body }
}

const create = (by: TestDevice, change: Partial<typeof policy> = {}): ControlOp =>
  op(by, [], {
    type: 'create',
    policy: { ...policy, ...change },
    certificate: by.certificate,
    keyBundle: by.keyBundle,
  })

type InviteBody = Extract<BodyWithoutHeads, { type: 'invite' }>

const inviting = (
  by: TestDevice,
  parents: readonly ControlOp[],
  name: string,
  change: Partial<InviteBody> = {},
): ControlOp =>
  op(by, parents, {
    type: 'invite',
    invitePublic: invite(name).invitePublic,
    role: 'member',
    maxUses: 10,
    notAfter: wall,
    needApproval: false,
    ...change,
  })

const admitting = (
  by: TestDevice,
  parents: readonly ControlOp[],
  joiner: TestDevice,
  name: string,
): ControlOp => {
  const { gid: _, ...request } = joinRequest(joiner, name)
  return op(by, parents, { type: 'admit', ...request })
}

const leaving = (by: TestDevice, parents: readonly ControlOp[]): ControlOp =>
  op(by, parents, { type: 'leave' })

const rolesOf = (state: GroupState): Record<string, Role> =>
  Object.fromEntries(
    [...state.members.values()]
      .filter(({ left }) => !left)
      .map(({ name, role }): [string, Role] => [name, role]),
  )

const byKey = <K extends string, V>(map: ReadonlyMap<K, V>): readonly (readonly [K, V])[] =>
  [...map].toSorted(([a], [b]) => compareText(a, b))

/** Everything a group state says, in a form that can be compared. */
const summary = (state: GroupState) => ({
  ...state,
  members: byKey(state.members),
  invites: byKey(state.invites),
  heads: state.heads.map(bytesToHex),
  refused: byKey(state.refused),
})

const root = create(ada)
const open = inviting(ada, [root], 'open')
const inBo = admitting(ada, [open], bo, 'open')

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

describe('heads', () => {
  test('are what nobody refers to, ascending', () => {
    const left = inviting(ada, [open], 'left')
    const right = inviting(ada, [open], 'right')
    const state = resolveGroup([root, open, left, right])
    expect(state.heads.map(bytesToHex)).toEqual(
      [left, right].map(({ id }) => id.slice(0, 32)).toSorted(),
    )
  })

  test('are not what strangers put in, however much', () => {
    const strange = Array.from({ length: 200 }, (_, index) => inviting(cy, [root], `spam ${index}`))
    const state = resolveGroup([root, ...strange])
    expect(state.heads).toEqual([idBytes(root.id).slice(0, 16)])
    expect(state.refused.size).toBe(200)
  })
})

describe('whatever the order', () => {
  /** A history of up to 24 operations by four devices that do what they like, on any earlier operations. */
  const history: fc.Arbitrary<readonly ControlOp[]> = fc
    .array(
      fc.record({
        by: fc.constantFrom(ada, bo, cy, di),
        parents: fc.array(fc.nat(), { minLength: 1, maxLength: 3 }),
        act: fc.constantFrom('invite', 'admit', 'leave', 'revoke', 'create', 'seal'),
        joiner: fc.constantFrom(ada, bo, cy, di),
        name: fc.constantFrom('open', 'single', 'admins'),
      }),
      { maxLength: 24 },
    )
    .map(acts => {
      const ops: ControlOp[] = [root, open, inBo]
      for (const { by, parents, act, joiner, name } of acts) {
        const below = [...new Set(parents.map(index => ops[index % ops.length] ?? root))]
        const role: Role = name === 'admins' ? 'admin' : 'member'
        const maxUses = name === 'single' ? 1 : 5
        const { invitePublic } = invite(name)
        if (act === 'invite') ops.push(inviting(by, below, name, { role, maxUses }))
        else if (act === 'admit') ops.push(admitting(by, below, joiner, name))
        else if (act === 'leave') ops.push(leaving(by, below))
        else if (act === 'revoke') ops.push(op(by, below, { type: 'revoke-invite', invitePublic }))
        else if (act === 'create') ops.push(create(by))
        else ops.push(op(by, below, { type: 'seal' }))
      }
      return ops
    })

  test('and however often, the same operations make the same group', () => {
    fc.assert(
      fc.property(history, fc.infiniteStream(fc.nat()), (ops, chance) => {
        const keyed = [...ops, ...ops.slice(0, 5)].map(item => ({ item, at: chance.next().value }))
        const shuffled = keyed.toSorted((a, b) => a.at - b.at).map(({ item }) => item)
        expect(summary(resolveGroup(shuffled))).toEqual(summary(resolveGroup(ops)))
      }),
      { numRuns: 300 },
    )
  })

  test('operations whose ancestors are missing wait and change nothing', () => {
    fc.assert(
      fc.property(history, fc.nat(), (ops, lost) => {
        const unique = [...new Map(ops.map(item => [item.id, item])).values()]
        const missing = unique[lost % unique.length] ?? root
        const gone = new Set([bytesToHex(idBytes(missing.id).slice(0, 16))])
        for (const { id, body } of unique) {
          if (body.heads.some(head => gone.has(bytesToHex(head)))) gone.add(id.slice(0, 32))
        }
        const rest = unique.filter(({ id }) => id !== missing.id)
        const complete = unique.filter(({ id }) => !gone.has(id.slice(0, 32)))
        const state = resolveGroup(rest)
        expect(state.waiting).toBe(rest.length - complete.length)
        expect(summary({ ...state, waiting: 0 })).toEqual(summary(resolveGroup(complete)))
      }),
      { numRuns: 300 },
    )
  })

  test('every operation that counts has been in somebody’s sight: heads cover the whole line', () => {
    fc.assert(
      fc.property(history, ops => {
        const state = resolveGroup(ops)
        const byPrefix = new Map(ops.map(item => [item.id.slice(0, 32), item]))
        const covered = new Set<string>()
        const pending = state.heads.map(bytesToHex)
        for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
          if (covered.has(next)) continue
          covered.add(next)
          pending.push(...(byPrefix.get(next)?.body.heads.map(bytesToHex) ?? []))
        }
        for (const { id } of ops) {
          if (!state.refused.has(id)) expect(covered).toContain(id.slice(0, 32))
        }
      }),
      { numRuns: 200 },
    )
  })

  test('operations in a circle wait for ever and harm nobody', () => {
    const a = opId('a'.repeat(64))
    const b = opId('b'.repeat(64))
    const circular = (id: typeof a, on: typeof a): ControlOp => ({
      ...leaving(ada, []),
      id,
      body: { type: 'leave', heads: [hexToBytes(on.slice(0, 32)) ?? new Uint8Array()] },
    })
    const state = resolveGroup([
      root,
      circular(a, b),
      circular(b, a),
      circular(opId('c'.repeat(64)), a),
    ])
    expect(state.waiting).toBe(3)
    expect(rolesOf(state)).toEqual({ Ada: 'owner' })
  })

  test('five hundred operations are resolved in a blink', () => {
    const line: ControlOp[] = [root]
    for (let index = 0; index < 500; index++) {
      line.push(inviting(ada, line.slice(-2), `n${index}`))
    }
    const state = resolveGroup(line)
    expect(state.invites.size).toBe(500)
    expect(state.depth).toBe(501)
  })
})
