/** The gate before Yjs. Yjs takes whatever it is given: one small update erases what another member wrote, another leaves
 *  a document that can never be saved again (research/reliability-security.md F1–F4). So an update is read here first,
 *  judged by what each author wrote before, and let through only if it is
 *    of one author under its own client id h53("petrel/1/ys" ‖ gid ‖ author), clocks without gap, plain items of one
 *    allowed value under an allowed key, standing on items that are here, deleting only what it replaces,
 *    and byte for byte what Yjs would write for just that.
 *  The verdict depends on the update and its author's earlier ones, never on the order between authors. */
import {
  createEncoder,
  toUint8Array,
  writeAny,
  writeUint8,
  writeVarString,
  writeVarUint,
} from 'lib0/encoding'
import * as Y from 'yjs'
import {
  type AuthorId,
  type GroupId,
  type Result,
  equalBytes,
  failure,
  idBytes,
  success,
  utf8ToBytes,
} from './base.ts'
import { sha256 } from './crypto.ts'
import { limits } from './limits.ts'
import { isName } from './name.ts'
import { type Refusal, refusal } from './refusal.ts'
import { isTextUpTo } from './shape.ts'
import { first53Bits } from './timeline.ts'

export const roots = { settings: 's', pins: 'pins' } as const

/** The Yjs client id of one log in one group's state document. */
export const stateClient = (gid: GroupId, author: AuthorId): number =>
  first53Bits(sha256(stateDomain, idBytes(gid), idBytes(author)))

const stateDomain = utf8ToBytes('petrel/1/ys')

/** The value that an item is a version of; `gone`: it stands on what a disputed log said, which nobody will ever apply. */
type Slot = 'title' | 'purpose' | 'gone' | `pin ${string}`

/** All that the gate remembers: how far each client wrote, and which value every item belongs to. */
export type GateMemory = {
  readonly nextClock: Map<number, number>
  readonly slots: Map<string, Slot>
}

export const emptyGate = (): GateMemory => ({ nextClock: new Map(), slots: new Map() })

export type JudgedItem = {
  readonly clock: number
  readonly slot: Slot
  /** The item it stands on and replaces. */
  readonly origin: { readonly client: number; readonly clock: number } | null
  readonly value: string | boolean
}
type Decoded = ReturnType<typeof Y.decodeUpdate>

const itemKey = (client: number, clock: number): string => `${client}.${clock}`

/** The items of an update that may be applied; `isGone` names clients of whom nothing more will come. Refused: `too-large`, `malformed`, `non-canonical`, `bad-update`;
 *  `unexpected` when it stands on what is not here yet. */
export const judgeUpdate = (
  memory: GateMemory,
  client: number,
  update: Uint8Array,
  isGone: (client: number) => boolean,
): Result<readonly JudgedItem[], Refusal> => {
  if (update.length > limits.stateUpdateBytesMax) return failure(refusal('too-large'))
  const decoded = decodeYjs(update)
  if (decoded === undefined) return failure(refusal('malformed'))
  const { structs, ds } = decoded
  if (structs.length === 0 && ds.clients.size === 0) return failure(refusal('bad-update', 'empty'))
  const next = memory.nextClock.get(client) ?? 0
  const items: JudgedItem[] = []
  const replaced = new Set<string>()
  for (const struct of structs) {
    if (!(struct instanceof Y.Item)) return failure(refusal('bad-update', 'not an item'))
    if (struct.id.client !== client) return failure(refusal('bad-update', 'another client'))
    const clock = next + items.length
    if (struct.id.clock < clock) return failure(refusal('bad-update', 'clock used'))
    if (struct.id.clock > clock) return failure(refusal('unexpected', 'clock gap'))
    const slot = slotOf(memory, items, client, struct)
    const isLost = !slot.ok && struct.origin !== null && isGone(struct.origin.client)
    if (!slot.ok && !isLost) return slot
    const place = slot.ok ? slot.value : 'gone'
    const value = valueOf(struct, place)
    if (value === undefined) return failure(refusal('bad-update', 'value'))
    const { origin } = struct
    if (origin !== null) replaced.add(itemKey(origin.client, origin.clock))
    items.push({ clock, slot: place, origin, value })
  }
  const deletes = judgeDeletes(decoded, replaced)
  if (deletes !== undefined) return failure(deletes)
  return equalBytes(encodeJudged(items, decoded, client), update)
    ? success(items)
    : failure(refusal('non-canonical'))
}

/** Takes note of an accepted update. */
export const remember = (
  memory: GateMemory,
  client: number,
  items: readonly JudgedItem[],
): void => {
  for (const { clock, slot } of items) {
    memory.slots.set(itemKey(client, clock), slot)
    memory.nextClock.set(client, clock + 1)
  }
}

/** Which value the item sets: named by itself, or that of the item it stands on. */
const slotOf = (
  memory: GateMemory,
  items: readonly JudgedItem[],
  client: number,
  item: Y.Item,
): Result<Slot, Refusal> => {
  const { origin, rightOrigin, parent, parentSub } = item
  if (rightOrigin !== null) return failure(refusal('bad-update', 'right origin'))
  if (origin === null) {
    const slot = namedSlot(parent, parentSub)
    return slot === undefined ? failure(refusal('bad-update', 'unknown place')) : success(slot)
  }
  const own = items.find(({ clock }) => origin.client === client && origin.clock === clock)
  const slot = own?.slot ?? memory.slots.get(itemKey(origin.client, origin.clock))
  if (slot !== undefined) return success(slot)
  return origin.client === client
    ? failure(refusal('bad-update', 'stands on itself'))
    : failure(refusal('unexpected', 'stands on what is not here'))
}

const isMessage = (text: string): boolean => /^[0-9a-f]{16}\.(0|[1-9][0-9]{0,15})$/.test(text)

const namedSlot = (parent: unknown, key: string | null): Slot | undefined => {
  if (parent === roots.settings) return key === 'title' || key === 'purpose' ? key : undefined
  return parent === roots.pins && key !== null && isMessage(key) ? `pin ${key}` : undefined
}

const placeOf = (slot: Slot): readonly [root: string, key: string] =>
  slot === 'title' || slot === 'purpose' ? [roots.settings, slot] : [roots.pins, slot.slice(4)]

const isPurpose = isTextUpTo(limits.purposeBytesMax)

/** The one value of an item, if it is one that the slot may have. */
const valueOf = (item: Y.Item, slot: Slot): string | boolean | undefined => {
  const { content } = item
  if (!(content instanceof Y.ContentAny) || item.length !== 1) return undefined
  const value: unknown = content.arr[0]
  if (slot === 'gone' && typeof value === 'boolean') return value
  if (slot.startsWith('pin ')) return typeof value === 'boolean' ? value : undefined
  if (typeof value !== 'string') return undefined
  return (slot === 'title' ? isName(value) : isPurpose(value)) ? value : undefined
}

/** Exactly what items of this update replace, whoever wrote it: a value may be changed, never taken away. */
const judgeDeletes = ({ ds }: Decoded, replaced: ReadonlySet<string>): Refusal | undefined => {
  const foreign = refusal('bad-update', 'deletes what it does not replace')
  for (const [target, deletes] of ds.clients) {
    for (const { clock, len } of deletes) {
      if (len < 1 || len > replaced.size) return foreign
      for (let offset = 0; offset < len; offset++) {
        if (!replaced.has(itemKey(target, clock + offset))) return foreign
      }
    }
  }
  return undefined
}

/** What stands in for items whose ground is gone: their clocks are used, and their log can go on. */
export const placeholderFor = (client: number, items: readonly JudgedItem[]): Uint8Array => {
  const encoder = createEncoder()
  for (const value of [1, 1, client, items[0]?.clock ?? 0]) writeVarUint(encoder, value)
  writeUint8(encoder, 0)
  for (const value of [items.length, 0]) writeVarUint(encoder, value)
  return toUint8Array(encoder)
}

/** What was understood, in the bytes that Yjs itself would write for it: nothing else may reach the document. */
const encodeJudged = (
  items: readonly JudgedItem[],
  { ds }: Decoded,
  client: number,
): Uint8Array => {
  const encoder = createEncoder()
  const writeNumbers = (...values: readonly number[]): void => {
    for (const value of values) writeVarUint(encoder, value)
  }
  const [first] = items
  if (first === undefined) writeNumbers(0)
  else writeNumbers(1, items.length, client, first.clock)
  for (const { slot, origin, value } of items) {
    writeUint8(encoder, origin === null ? 0x28 : 0xa8)
    if (origin !== null) writeNumbers(origin.client, origin.clock)
    else {
      const [root, key] = placeOf(slot)
      writeNumbers(1)
      writeVarString(encoder, root)
      writeVarString(encoder, key)
    }
    writeNumbers(1)
    writeAny(encoder, value)
  }
  writeNumbers(ds.clients.size)
  for (const [target, deletes] of [...ds.clients].toSorted(([a], [b]) => b - a)) {
    writeNumbers(target, deletes.length, ...deletes.flatMap(({ clock, len }) => [clock, len]))
  }
  return toUint8Array(encoder)
}

/** Reads without changing anything; undefined for what is no update. */
const decodeYjs = (update: Uint8Array): Decoded | undefined => {
  try {
    return Y.decodeUpdate(update)
  } catch {
    return undefined
  }
}
