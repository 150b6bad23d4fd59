/** The same control operations make the same group in any order, any number of times, with any of them missing. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bytesToHex, hexToBytes, idBytes, opId } from '../../protocol/core/base.ts'
import type { Role } from '../../protocol/core/control.ts'
import { type ControlOp, resolveGroup } from '../../protocol/core/group.ts'
import { invite } from './people.ts'
import {
  ada,
  bo,
  cy,
  di,
  op,
  create,
  inviting,
  admitting,
  leaving,
  rolesOf,
  summary,
  root,
  open,
  inBo,
} from './control-ops.ts'

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
