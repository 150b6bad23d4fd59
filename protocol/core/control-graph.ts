/** The graph that control operations form by naming heads, brought into one line. Operations whose ancestors are all here
 *  stand by depth, then by id; a depth is one more than that of the deepest head. Every peer with the same set has the
 *  same line. */
import { type OpId, bytesToHex, compareText, hexToBytes } from './base.ts'

type Node = { readonly id: OpId; readonly body: { readonly heads: readonly Uint8Array[] } }
type Placed<T> = { readonly op: T; readonly depth: number }

/** What waits for an ancestor, or for itself in a circle, is left out and counted. */
export const lineUp = <T extends Node>(
  ops: readonly T[],
): { readonly line: readonly Placed<T>[]; readonly waiting: number } => {
  const sorted = [...new Map(ops.map(op => [op.id, op])).values()].toSorted(byId)
  const byPrefix = new Map(sorted.toReversed().map(op => [prefixOf(op.id), op]))
  const children = new Map<OpId, T[]>()
  const missing = new Map<OpId, number>()
  const depths = new Map<OpId, number>()
  const ready: T[] = []
  for (const op of sorted) {
    const parents = op.body.heads.map(head => byPrefix.get(bytesToHex(head)))
    missing.set(op.id, parents.length)
    if (parents.length === 0) ready.push(op)
    for (const parent of parents) {
      if (parent === undefined) continue
      const siblings = children.get(parent.id)
      if (siblings === undefined) children.set(parent.id, [op])
      else siblings.push(op)
    }
  }
  const placed: Placed<T>[] = []
  for (let op = ready.pop(); op !== undefined; op = ready.pop()) {
    const depth = 1 + (depths.get(op.id) ?? 0)
    placed.push({ op, depth })
    for (const child of children.get(op.id) ?? []) {
      depths.set(child.id, Math.max(depths.get(child.id) ?? 0, depth))
      const left = (missing.get(child.id) ?? 0) - 1
      missing.set(child.id, left)
      if (left === 0) ready.push(child)
    }
  }
  const line = placed.toSorted((a, b) => a.depth - b.depth || byId(a.op, b.op))
  return { line, waiting: sorted.length - placed.length }
}

/** 16-byte prefixes of the ids that none of these refers to, ascending. */
export const headsOf = (ops: readonly Node[]): readonly Uint8Array[] => {
  const referred = new Set(ops.flatMap(op => op.body.heads.map(bytesToHex)))
  return ops
    .map(op => prefixOf(op.id))
    .filter(prefix => !referred.has(prefix))
    .toSorted(compareText)
    .map(prefix => hexToBytes(prefix) ?? new Uint8Array(16))
}

const byId = (a: Node, b: Node): number => compareText(a.id, b.id)
const prefixOf = (id: OpId): string => id.slice(0, 32)
