/** What a group is and how it behaves, as its creator set it. The hash of the first policy is part of the group id.
 *    policy := [title, purpose, kind, autoAdmit, receipts, history]
 *    change := the same list with null for what stays
 *  history, what a new member may read: 0 nothing older, 1 everything, [days]. */
import { type Cbor, encodeCbor, isCborList } from './cbor.ts'
import { sha256 } from './crypto.ts'
import type { GroupKind } from './intent.ts'
import { limits } from './limits.ts'
import { isName } from './name.ts'
import { type Shaped, isFlag, isInteger, isTextUpTo, isTuple, orNull } from './shape.ts'

export type History = 'none' | 'all' | { readonly days: number }

export type Policy = {
  /** A name: 1 to 64 code points. */
  readonly title: string
  /** May be empty. */
  readonly purpose: string
  readonly kind: GroupKind
  /** Any member may admit the holder of an invite. */
  readonly autoAdmit: boolean
  /** Members tell what they displayed. */
  readonly receipts: boolean
  readonly history: History
}

export type PolicyChange = { readonly [K in keyof Policy]: Policy[K] | undefined }

export const policyHash = (policy: Policy): Uint8Array => sha256(encodeCbor(policyToList(policy)))

const kinds: readonly GroupKind[] = ['emergency', 'special', 'temporary', 'daily']

const isTitle = (value: Cbor | undefined): value is string =>
  typeof value === 'string' && isName(value)
const isPurpose = isTextUpTo(limits.purposeBytesMax)
const isKind = isInteger(0, kinds.length - 1)
const isDays = isTuple(isInteger(1, 65_535))
const isHistory = (value: Cbor | undefined): value is 0 | 1 | readonly [number] =>
  value === 0 || value === 1 || isDays(value)

export const isPolicyList = isTuple(isTitle, isPurpose, isKind, isFlag, isFlag, isHistory)
export const isPolicyChangeList = isTuple(
  orNull(isTitle),
  orNull(isPurpose),
  orNull(isKind),
  orNull(isFlag),
  orNull(isFlag),
  orNull(isHistory),
)

type PolicyList = Shaped<typeof isPolicyList>
type PolicyChangeList = Shaped<typeof isPolicyChangeList>

export const policyToList = (policy: Policy): Cbor => [
  policy.title,
  policy.purpose,
  kinds.indexOf(policy.kind),
  policy.autoAdmit,
  policy.receipts,
  historyToCbor(policy.history),
]

export const listToPolicy = (list: PolicyList): Policy => {
  const [title, purpose, kind, autoAdmit, receipts, history] = list
  return {
    title,
    purpose,
    kind: kindOf(kind),
    autoAdmit,
    receipts,
    history: cborToHistory(history),
  }
}

export const policyChangeToList = (change: PolicyChange): Cbor => [
  change.title ?? null,
  change.purpose ?? null,
  change.kind === undefined ? null : kinds.indexOf(change.kind),
  change.autoAdmit ?? null,
  change.receipts ?? null,
  change.history === undefined ? null : historyToCbor(change.history),
]

export const listToPolicyChange = (list: PolicyChangeList): PolicyChange => {
  const [title, purpose, kind, autoAdmit, receipts, history] = list
  return {
    title: title ?? undefined,
    purpose: purpose ?? undefined,
    kind: kind === null ? undefined : kindOf(kind),
    autoAdmit: autoAdmit ?? undefined,
    receipts: receipts ?? undefined,
    history: history === null ? undefined : cborToHistory(history),
  }
}

const kindOf = (number: number): GroupKind => kinds[number] ?? 'daily'

const historyToCbor = (history: History): Cbor => {
  if (history === 'none') return 0
  return history === 'all' ? 1 : [history.days]
}

const cborToHistory = (value: 0 | 1 | readonly [number]): History => {
  if (isCborList(value)) return { days: value[0] }
  return value === 0 ? 'none' : 'all'
}
