/** Control operations of a few devices, to be strung together into stories of a group. */
import {
  type AuthorId,
  authorId,
  bytesToHex,
  compareText,
  idBytes,
  opId,
} from '../../protocol/core/base.ts'
import { type ControlBody, type Role, encodeControl } from '../../protocol/core/control.ts'
import { sha256 } from '../../protocol/core/crypto.ts'
import type { ControlOp, GroupState } from '../../protocol/core/group.ts'
import { type TestDevice, device, invite, joinRequest, policy, wall } from './people.ts'

export const ada = device('Ada')
export const bo = device('Bo')
export const cy = device('Cy')
export const di = device('Di')

export const authorOf = (by: TestDevice): AuthorId => authorId(by.id.slice(0, 16))

export type WithoutHeads<T> = T extends unknown ? Omit<T, 'heads'> : never
export type BodyWithoutHeads = WithoutHeads<ControlBody>

export const op = (
  by: TestDevice,
  parents: readonly ControlOp[],
  rest: BodyWithoutHeads,
): ControlOp => {
  const body: ControlBody = { ...rest, heads: parents.map(({ id }) => idBytes(id).slice(0, 16)) }
  const id = opId(bytesToHex(sha256(idBytes(by.id), encodeControl(body))))
  return { id, author: authorOf(by), seq: 1 + parents.length, device: by.id, hlc: wall, body }
}

export const create = (by: TestDevice, change: Partial<typeof policy> = {}): ControlOp =>
  op(by, [], {
    type: 'create',
    policy: { ...policy, ...change },
    certificate: by.certificate,
    keyBundle: by.keyBundle,
  })

export type InviteBody = Extract<BodyWithoutHeads, { type: 'invite' }>

export const inviting = (
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

export const admitting = (
  by: TestDevice,
  parents: readonly ControlOp[],
  joiner: TestDevice,
  name: string,
): ControlOp => {
  const { gid: _, ...request } = joinRequest(joiner, name)
  return op(by, parents, { type: 'admit', ...request })
}

export const leaving = (by: TestDevice, parents: readonly ControlOp[]): ControlOp =>
  op(by, parents, { type: 'leave' })

export const rolesOf = (state: GroupState): Record<string, Role> =>
  Object.fromEntries(
    [...state.members.values()]
      .filter(({ left }) => !left)
      .map(({ name, role }): [string, Role] => [name, role]),
  )

export const byKey = <K extends string, V>(map: ReadonlyMap<K, V>): readonly (readonly [K, V])[] =>
  [...map].toSorted(([a], [b]) => compareText(a, b))

/** Everything a group state says, in a form that can be compared. */
export const summary = (state: GroupState) => ({
  ...state,
  members: byKey(state.members),
  invites: byKey(state.invites),
  heads: state.heads.map(bytesToHex),
  refused: byKey(state.refused),
})

export const root = create(ada)
export const open = inviting(ada, [root], 'open')
export const inBo = admitting(ada, [open], bo, 'open')
