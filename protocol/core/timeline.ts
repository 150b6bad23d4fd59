/** The conversation of one group as Yjs documents that every replica derives from the same operations: nothing of Yjs is on
 *  the wire, so no Yjs bytes have to be trusted, messages may come in any order, and equal sets make equal documents.
 *    update := what Y.Map.set(key, fact) emits for client h53("petrel/1/y" ‖ gid ‖ author ‖ seq as u64), clock 0,
 *              root map "m", key "author.seq"
 *  A Yjs transaction costs as much as its document has client ids, so documents are shards: one an hour of the hybrid
 *  clock, split in two by the client id's next bit whenever it would hold more than limits.shardMessagesMax. How an hour is
 *  split depends on nothing but what is in it. */
import * as Y from 'yjs'
import {
  type AnyEncodable,
  createEncoder,
  toUint8Array,
  writeAny,
  writeUint8,
  writeVarString,
  writeVarUint,
} from 'lib0/encoding'
import {
  type AuthorId,
  type GroupId,
  compareText,
  concatBytes,
  idBytes,
  utf8ToBytes,
} from './base.ts'
import { type Cbor, isCborList } from './cbor.ts'
import { createWriter } from './codec.ts'
import { sha256 } from './crypto.ts'
import { limits } from './limits.ts'

/** `fact` is a fact's CBOR list (`factToCbor`). */
export type TimelineEntry = {
  readonly author: AuthorId
  readonly seq: number
  readonly hlc: number
  readonly fact: readonly Cbor[]
}

export type TimelineMessage = {
  readonly author: AuthorId
  readonly seq: number
  readonly hlc: number
  readonly value: readonly Cbor[]
}

export type Timeline = {
  /** Of two entries with one author and seq the first stays. */
  readonly add: (entries: readonly TimelineEntry[]) => void
  readonly has: (author: AuthorId, seq: number) => boolean
  /** Ascending by (hlc, author, seq), out of the documents. The same array until something changes. */
  readonly entries: () => readonly TimelineMessage[]
  readonly size: () => number
  /** Keeps the newest `keep` entries. */
  readonly dropOldest: (keep: number) => void
  /** SHA-256 over the shards' names and encoded states. */
  readonly digest: () => Uint8Array
}

/** What the documents cannot say themselves: where an entry belongs. */
type Place = {
  readonly key: string
  readonly author: AuthorId
  readonly seq: number
  readonly hlc: number
  readonly client: number
  readonly change: Uint8Array
}

type Shard = { readonly doc: Y.Doc; readonly places: Map<string, Place> }

const hourLength = 3_600_000
const maxSplits = 20

export const createTimeline = (gid: GroupId): Timeline => {
  const places = new Map<string, Place>()
  /** By name: the hour, then the bits of the client id that its messages share. */
  const shards = new Map<string, Shard>()
  /** Names of shards that were split, so that the way to a message is found from the hour down. */
  const split = new Set<string>()
  /** What was read out of the documents since they last changed, by hour. */
  const readByHour = new Map<number, readonly TimelineMessage[]>()
  let ordered: readonly TimelineMessage[] | undefined

  const shardNameOf = (place: Place): string => {
    let name = `${hourOf(place)}/`
    for (let depth = 0; split.has(name); depth++) name += bitOf(place.client, depth)
    return name
  }

  const fill = (name: string, added: readonly Place[]): void => {
    const shard = shards.get(name) ?? createShard(gid, name)
    const depth = name.length - name.indexOf('/') - 1
    if (shard.places.size + added.length > limits.shardMessagesMax && depth < maxSplits) {
      shards.delete(name)
      split.add(name)
      const all = [...shard.places.values(), ...added]
      for (const bit of ['0', '1']) {
        const half = all.filter(place => bitOf(place.client, depth) === bit)
        if (half.length > 0) fill(name + bit, half)
      }
      return
    }
    shards.set(name, shard)
    for (const place of added) shard.places.set(place.key, place)
    Y.applyUpdate(shard.doc, updateOf(added.map(place => place.change)))
  }

  const fillAll = (added: readonly Place[]): void => {
    const byShard = new Map<string, Place[]>()
    for (const place of added) {
      readByHour.delete(hourOf(place))
      const name = shardNameOf(place)
      const together = byShard.get(name)
      if (together === undefined) byShard.set(name, [place])
      else together.push(place)
    }
    for (const [name, together] of byShard) fill(name, together)
    ordered = undefined
  }

  const add = (entries: readonly TimelineEntry[]): void => {
    const added: Place[] = []
    for (const { author, seq, hlc, fact } of entries) {
      const key = keyOf(author, seq)
      if (places.has(key)) continue
      const client = timelineClient(gid, author, seq)
      const place = { key, author, seq, hlc, client, change: derivedChange(client, key, fact) }
      places.set(key, place)
      added.push(place)
    }
    if (added.length > 0) fillAll(added)
  }

  const read = (): readonly TimelineMessage[] => {
    const stale = new Map<number, TimelineMessage[]>()
    for (const [name, { doc, places: own }] of shards) {
      const hour = Number.parseInt(name, 10)
      if (readByHour.has(hour)) continue
      const messages = stale.get(hour) ?? []
      stale.set(hour, messages)
      for (const [key, value] of doc.getMap<Cbor>('m').entries()) {
        const place = own.get(key)
        if (place === undefined || !isCborList(value)) continue
        messages.push({ author: place.author, seq: place.seq, hlc: place.hlc, value })
      }
    }
    for (const [hour, messages] of stale) readByHour.set(hour, messages.toSorted(inOrder))
    return [...readByHour].toSorted(([a], [b]) => a - b).flatMap(([, messages]) => messages)
  }

  const dropOldest = (keep: number): void => {
    const surplus = places.size - keep
    if (surplus <= 0) return
    const oldest = [...places.values()].toSorted(inOrder).slice(0, surplus)
    const hours = new Set(oldest.map(hourOf))
    for (const { key } of oldest) places.delete(key)
    for (const hour of hours) readByHour.delete(hour)
    const isAffected = (name: string): boolean => hours.has(Number.parseInt(name, 10))
    for (const [name, shard] of shards) {
      if (!isAffected(name)) continue
      shard.doc.destroy()
      shards.delete(name)
    }
    for (const name of split) if (isAffected(name)) split.delete(name)
    fillAll([...places.values()].filter(place => hours.has(hourOf(place))))
  }

  const digest = (): Uint8Array => {
    const names = [...shards.keys()].toSorted(compareText)
    return sha256(
      ...names.flatMap(name => {
        const doc = shards.get(name)?.doc
        return doc === undefined ? [] : [utf8ToBytes(name), sha256(Y.encodeStateAsUpdate(doc))]
      }),
    )
  }

  return {
    add,
    has: (author, seq) => places.has(keyOf(author, seq)),
    entries: () => (ordered ??= read()),
    size: () => places.size,
    dropOldest,
    digest,
  }
}

/** The Yjs client id of one message: 53 bits, so that it is a whole number in every runtime. */
export const timelineClient = (gid: GroupId, author: AuthorId, seq: number): number =>
  first53Bits(
    sha256(timelineDomain, idBytes(gid), idBytes(author), createWriter(8).unsigned(seq, 8).done()),
  )

/** The top 53 bits of a hash as a number; zero, which Yjs documents here use themselves, becomes one. */
export const first53Bits = (hash: Uint8Array): number => {
  let value = 0
  for (let index = 0; index < 6; index++) value = value * 256 + (hash[index] ?? 0)
  return value * 32 + ((hash[6] ?? 0) >> 3) || 1
}

/** One client's part of an update: its only change, clock 0, sets this key. */
export const derivedChange = (client: number, key: string, fact: readonly Cbor[]): Uint8Array => {
  const encoder = createEncoder()
  writeVarUint(encoder, 1)
  writeVarUint(encoder, client)
  writeVarUint(encoder, 0)
  writeUint8(encoder, 0x28)
  writeVarUint(encoder, 1)
  writeVarString(encoder, 'm')
  writeVarString(encoder, key)
  writeVarUint(encoder, 1)
  writeAny(encoder, fact.map(toAny))
  return toUint8Array(encoder)
}

/** Changes of different clients as one update that deletes nothing; of one change, exactly the bytes that Yjs emits. */
export const updateOf = (changes: readonly Uint8Array[]): Uint8Array =>
  concatBytes(createWriter(8).varint(changes.length).done(), ...changes, Uint8Array.of(0))

const toAny = (value: Cbor): AnyEncodable => (isCborList(value) ? value.map(toAny) : value)

const timelineDomain = utf8ToBytes('petrel/1/y')

const keyOf = (author: AuthorId, seq: number): string => `${author}.${seq}`

const hourOf = (place: { readonly hlc: number }): number => Math.floor(place.hlc / hourLength)

const bitOf = (client: number, depth: number): string =>
  Math.floor(client / 2 ** (52 - depth)) % 2 === 0 ? '0' : '1'

const inOrder = (a: Omit<Place, 'key' | 'client' | 'change'>, b: typeof a): number =>
  a.hlc - b.hlc || compareText(a.author, b.author) || a.seq - b.seq

/** Client id 0 writes nothing: the document only receives. */
const createShard = (gid: GroupId, name: string): Shard => {
  const doc = new Y.Doc({ guid: `${gid}/t/${name}`, gc: true })
  doc.clientID = 0
  return { doc, places: new Map() }
}
