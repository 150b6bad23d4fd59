/** What a group shares and anybody in it may change: title, purpose, pinned messages. Such changes travel as Yjs updates
 *  inside kind-2 operations and pass a gate before Yjs sees them (state-gate.ts). What was accepted is kept, so that the
 *  document can be built anew should Yjs ever throw. The caller applies each author's updates in the order of its log. */
import * as Y from 'yjs'
import {
  type AuthorId,
  type GroupId,
  type Result,
  assert,
  compareText,
  failure,
  success,
} from './base.ts'
import { encodeCbor } from './cbor.ts'
import { sha256 } from './crypto.ts'
import { limits } from './limits.ts'
import { type Refusal, refusal } from './refusal.ts'
import {
  type GateMemory,
  emptyGate,
  judgeUpdate,
  placeholderFor,
  remember,
  roots,
  stateClient,
} from './state-gate.ts'

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
  /** Refused: `too-large`, `malformed`, `non-canonical`, `bad-update`; `unexpected` when something it stands on has not come yet.
   *  What stands on something of clients that `isGone` names, and is not here, takes its clocks and says nothing. */
  readonly apply: (
    author: AuthorId,
    update: Uint8Array,
    isGone?: (client: number) => boolean,
  ) => Result<void, Refusal>
  readonly read: () => SharedState
  /** SHA-256 of all values and of how far each author's writing is known. */
  readonly digest: () => Uint8Array
}

export const createStateDocument = (gid: GroupId): StateDocument => {
  let doc = emptyDocument(gid)
  const accepted: Uint8Array[] = []
  const gate: GateMemory = emptyGate()

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

  const apply: StateDocument['apply'] = (author, update, isGone = () => false) => {
    const client = stateClient(gid, author)
    const items = judgeUpdate(gate, client, update, isGone)
    if (!items.ok) return items
    const isLost = items.value.some(({ slot }) => slot === 'gone')
    const effective = isLost ? placeholderFor(client, items.value) : update
    if (!applyWhole(doc, effective)) {
      rebuild()
      return failure(refusal('bad-update', 'did not apply'))
    }
    accepted.push(effective)
    const lost = items.value.map(item => ({ ...item, slot: 'gone' }) as const)
    remember(gate, client, isLost ? lost : items.value)
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
    const clocks = [...gate.nextClock].toSorted(([a], [b]) => a - b)
    return sha256(encodeCbor([title ?? null, purpose ?? null, pinnedIn(doc), clocks]))
  }

  return { edit, apply, read, digest }
}

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
