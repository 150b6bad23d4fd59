/** What a group shares and anybody in it may change: title, purpose, pinned messages. Such changes travel as Yjs updates
 *  inside kind-2 operations, and Yjs must never see bytes of others unchecked: one small update can erase what another
 *  member wrote, another leaves a document that can never be saved again. So every update passes a gate first, which knows
 *  what each author wrote and judges only by that (research/reliability-security.md F1–F4):
 *    one author, its own client id h53("petrel/1/ys" ‖ gid ‖ author), clocks without gap, plain items of one allowed value
 *    under an allowed key, standing on items that are here, deleting only what is the author's own or just replaced.
 *  Whether an update is refused depends on the update and its author's earlier ones, never on the order between authors. */
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
  assert,
  compareText,
  equalBytes,
  failure,
  idBytes,
  success,
  utf8ToBytes,
} from './base.ts'
import { encodeCbor } from './cbor.ts'
import { sha256 } from './crypto.ts'
import { limits } from './limits.ts'
import { isName } from './name.ts'
import { type Refusal, refusal } from './refusal.ts'
import { isTextUpTo } from './shape.ts'
import { first53Bits } from './timeline.ts'

export type StateChange =
  | { readonly type: 'title' | 'purpose'; readonly text: string }
  | { readonly type: 'pin'; readonly message: string; readonly pinned: boolean }

export type SharedState = {
  readonly title?: string
  readonly purpose?: string
  /** Message ids, ascending; at most limits.pinsMax. */
  readonly pins: readonly string[]
}

export type StateDocument = {
  /** The update by which this log makes the change on top of what is applied; it counts once it is applied itself. */
  readonly edit: (author: AuthorId, change: StateChange) => Uint8Array
  /** Refused: `too-large`, `malformed`, `non-canonical`, `bad-update`; `unexpected` when something it stands on has not come yet. */
  readonly apply: (author: AuthorId, update: Uint8Array) => Result<void, Refusal>
  readonly read: () => SharedState
  /** SHA-256 of all values and of how far each author's writing is known. */
  readonly digest: () => Uint8Array
}

export const createStateDocument = (gid: GroupId): StateDocument => {
  let doc = emptyDocument(gid)
  const accepted: Uint8Array[] = []
  const known: Known = { nextClock: new Map(), slots: new Map() }

  const rebuild = (): void => {
    doc.destroy()
    doc = emptyDocument(gid)
    for (const update of accepted) Y.applyUpdate(doc, update)
  }

  const edit = (author: AuthorId, change: StateChange): Uint8Array => {
    const draft = emptyDocument(gid)
    Y.applyUpdate(draft, Y.encodeStateAsUpdate(doc))
    draft.clientID = stateClient(gid, author)
    let made: Uint8Array | undefined
    draft.on('update', (update: Uint8Array) => {
      made = update
    })
    if (change.type === 'pin') draft.getMap(roots.pins).set(change.message, change.pinned)
    else draft.getMap(roots.settings).set(change.type, change.text)
    draft.destroy()
    assert(made !== undefined, 'a change makes an update')
    return made
  }

  const apply = (author: AuthorId, update: Uint8Array): Result<void, Refusal> => {
    const judged = judgeUpdate(known, stateClient(gid, author), update)
    if (!judged.ok) return judged
    if (!applyWhole(doc, update)) {
      rebuild()
      return failure(refusal('bad-update', 'did not apply'))
    }
    accepted.push(update)
    for (const { clock, slot } of judged.value) {
      known.slots.set(itemKey(stateClient(gid, author), clock), slot)
      known.nextClock.set(stateClient(gid, author), clock + 1)
    }
    return success(undefined)
  }

  const read = (): SharedState => {
    const settings = doc.getMap(roots.settings)
    const title = settings.get('title')
    const purpose = settings.get('purpose')
    return {
      ...(typeof title === 'string' ? { title } : {}),
      ...(typeof purpose === 'string' ? { purpose } : {}),
      pins: pinnedIn(doc).slice(0, limits.pinsMax),
    }
  }

  const digest = (): Uint8Array => {
    const { title, purpose } = read()
    const clocks = [...known.nextClock].toSorted(([a], [b]) => a - b)
    return sha256(encodeCbor([title ?? null, purpose ?? null, pinnedIn(doc), clocks]))
  }

  return { edit, apply, read, digest }
}

/** The Yjs client id of one log in one group's state document. */
export const stateClient = (gid: GroupId, author: AuthorId): number =>
  first53Bits(sha256(stateDomain, idBytes(gid), idBytes(author)))

const stateDomain = utf8ToBytes('petrel/1/ys')
const roots = { settings: 's', pins: 'pins' } as const

const emptyDocument = (gid: GroupId): Y.Doc => {
  const doc = new Y.Doc({ guid: `${gid}/s`, gc: false })
  doc.clientID = 0
  return doc
}

/** Whether all of it went in; nothing may stay pending. */
const applyWhole = (doc: Y.Doc, update: Uint8Array): boolean => {
  try {
    Y.applyUpdate(doc, update)
    Y.encodeStateAsUpdate(doc)
    return doc.store.pendingStructs === null && doc.store.pendingDs === null
  } catch {
    return false
  }
}

const pinnedIn = (doc: Y.Doc): readonly string[] => {
  const pinned: string[] = []
  for (const [message, isPinned] of doc.getMap(roots.pins).entries()) {
    if (isPinned === true) pinned.push(message)
  }
  return pinned.toSorted(compareText)
}

/** The value that an item is a version of. */
type Slot = 'title' | 'purpose' | `pin ${string}`

/** All that the gate remembers: how far each client wrote, and which value every item belongs to. */
type Known = { readonly nextClock: Map<number, number>; readonly slots: Map<string, Slot> }

type JudgedItem = {
  readonly clock: number
  readonly slot: Slot
  /** The item it stands on and replaces. */
  readonly origin: { readonly client: number; readonly clock: number } | null
  readonly value: string | boolean
}
type Decoded = ReturnType<typeof Y.decodeUpdate>

const itemKey = (client: number, clock: number): string => `${client}.${clock}`

const judgeUpdate = (
  known: Known,
  client: number,
  update: Uint8Array,
): Result<readonly JudgedItem[], Refusal> => {
  if (update.length > limits.stateUpdateBytesMax) return failure(refusal('too-large'))
  const decoded = decodeYjs(update)
  if (decoded === undefined) return failure(refusal('malformed'))
  const { structs, ds } = decoded
  if (structs.length === 0 && ds.clients.size === 0) return failure(refusal('bad-update', 'empty'))
  const next = known.nextClock.get(client) ?? 0
  const items: JudgedItem[] = []
  const replaced = new Set<string>()
  for (const struct of structs) {
    if (!(struct instanceof Y.Item)) return failure(refusal('bad-update', 'not an item'))
    if (struct.id.client !== client) return failure(refusal('bad-update', 'another client'))
    const clock = next + items.length
    if (struct.id.clock < clock) return failure(refusal('bad-update', 'clock used'))
    if (struct.id.clock > clock) return failure(refusal('unexpected', 'clock gap'))
    const slot = slotOf(known, items, client, struct)
    if (!slot.ok) return slot
    const value = valueOf(struct, slot.value)
    if (value === undefined) return failure(refusal('bad-update', 'value'))
    const { origin } = struct
    if (origin !== null) replaced.add(itemKey(origin.client, origin.clock))
    items.push({ clock, slot: slot.value, origin, value })
  }
  if (!areOwnDeletes(decoded, client, next + items.length, replaced)) {
    return failure(refusal('bad-update', 'deletes what is not its own'))
  }
  return equalBytes(encodeJudged(items, decoded, client), update)
    ? success(items)
    : failure(refusal('non-canonical'))
}

/** Which value the item sets: named by itself, or that of the item it stands on. */
const slotOf = (
  known: Known,
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
  const slot = own?.slot ?? known.slots.get(itemKey(origin.client, origin.clock))
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
  if (slot !== 'title' && slot !== 'purpose') return typeof value === 'boolean' ? value : undefined
  if (typeof value !== 'string') return undefined
  return (slot === 'title' ? isName(value) : isPurpose(value)) ? value : undefined
}

/** Own items up to the last one here, and of others exactly what an item of this update replaces. */
const areOwnDeletes = (
  decoded: Decoded,
  client: number,
  nextClock: number,
  replaced: ReadonlySet<string>,
): boolean => {
  for (const [target, deletes] of decoded.ds.clients) {
    for (const { clock, len } of deletes) {
      if (target === client) {
        if (len < 1 || clock + len > nextClock) return false
        continue
      }
      if (len < 1 || len > replaced.size) return false
      for (let offset = 0; offset < len; offset++) {
        if (!replaced.has(itemKey(target, clock + offset))) return false
      }
    }
  }
  return true
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
