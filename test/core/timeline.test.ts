/** Equal messages make equal documents, in whatever order they came; and the documents are Yjs' own to the byte. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { authorId, bytesToHex, groupId } from '../../protocol/core/base.ts'
import type { Cbor } from '../../protocol/core/cbor.ts'
import { type Fact, factToCbor } from '../../protocol/core/fact.ts'
import { limits } from '../../protocol/core/limits.ts'
import {
  type Timeline,
  type TimelineEntry,
  createTimeline,
  derivedChange,
  timelineClient,
  updateOf,
} from '../../protocol/core/timeline.ts'
import { expectGolden } from './golden.ts'
import { gid } from './people.ts'

const authors = Array.from({ length: 5 }, (_, index) => authorId(`${index}`.repeat(16)))
const start = 1_790_000_000_000
const hour = 3_600_000

const message = (author: number, seq: number, hlc: number, text = 'x'): TimelineEntry => ({
  author: authors[author] ?? authorId('f'.repeat(16)),
  seq,
  hlc,
  fact: factToCbor({ type: 'message', text }),
})

const filled = (entries: readonly TimelineEntry[], batch = entries.length): Timeline => {
  const timeline = createTimeline(gid)
  for (let at = 0; at < entries.length; at += batch) timeline.add(entries.slice(at, at + batch))
  return timeline
}

const digestOf = (timeline: Timeline): string => bytesToHex(timeline.digest())

const entries: fc.Arbitrary<readonly TimelineEntry[]> = fc.uniqueArray(
  fc
    .record({
      author: fc.nat(4),
      seq: fc.nat(40),
      hlc: fc.nat(3 * hour).map(after => start + after),
      text: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
    })
    .map(({ author, seq, hlc, text }) => message(author, seq, hlc, text)),
  { maxLength: 60, selector: ({ author, seq }) => `${author}.${seq}` },
)

const shuffle = <T>(items: readonly T[], chance: fc.Stream<number>): T[] =>
  items
    .map(item => ({ item, at: chance.next().value }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item)

describe('the derived update', () => {
  const values: readonly (readonly Cbor[])[] = [
    [0, 'text'],
    [0, '收到 👍', [null, [new Uint8Array([1, 2, 3])]]],
    [4, [[new Uint8Array(8), 0, 2 ** 40]], []],
    [99, true, false, null, -5, 2 ** 31, 2 ** 31 - 1, Number.MAX_SAFE_INTEGER, '', []],
  ]

  test('is byte for byte what Yjs emits', () => {
    for (const [seq, value] of values.entries()) {
      const author = authorId('ab'.repeat(8))
      const client = timelineClient(gid, author, seq)
      const doc = new Y.Doc({ guid: 'test' })
      doc.clientID = client
      const emitted: Uint8Array[] = []
      doc.on('update', (update: Uint8Array) => emitted.push(update))
      doc.getMap('m').set(`${author}.${seq}`, value)
      expect(emitted).toEqual([updateOf([derivedChange(client, `${author}.${seq}`, value)])])
    }
  })

  test('of several messages is what Yjs makes of a document with all of them', () => {
    const changes = values.map((value, seq) => ({
      client: timelineClient(gid, authorId('ab'.repeat(8)), seq),
      key: `abababababababab.${seq}`,
      value,
    }))
    const sorted = changes.toSorted((a, b) => b.client - a.client)
    const update = updateOf(
      sorted.map(({ client, key, value }) => derivedChange(client, key, value)),
    )
    const doc = new Y.Doc({ guid: 'test' })
    Y.applyUpdate(doc, update)
    expect(Y.encodeStateAsUpdate(doc)).toEqual(update)
    expect(doc.getMap('m').toJSON()).toEqual(
      Object.fromEntries(changes.map(({ key, value }) => [key, value])),
    )
  })

  test('has the bytes of the vector', () => {
    const author = authorId('a1a2a3a4a5a6a7a8')
    const client = timelineClient(gid, author, 300)
    const fact: Fact = { type: 'message', text: '收到' }
    const change = derivedChange(client, `${author}.300`, factToCbor(fact))
    expectGolden(
      'fact',
      'timeline update',
      { gid, author, seq: 300, client, fact },
      updateOf([change]),
    )
  })

  test('comes from another client in another group, log or place of the log', () => {
    const [a, b] = authors
    if (a === undefined || b === undefined) throw new Error('authors')
    const clients = [
      timelineClient(gid, a, 0),
      timelineClient(gid, a, 1),
      timelineClient(gid, b, 0),
      timelineClient(groupId('ff'.repeat(16)), a, 0),
    ]
    expect(new Set(clients).size).toBe(4)
    expect(clients.every(client => Number.isSafeInteger(client) && client > 2 ** 32)).toBe(true)
  })
})

describe('a timeline', () => {
  test('is the same whatever the order, the batches and the duplicates', () => {
    fc.assert(
      fc.property(
        entries,
        fc.infiniteStream(fc.nat()),
        fc.integer({ min: 1, max: 20 }),
        (all, chance, batch) => {
          const straight = filled(all)
          const other = filled(shuffle([...all, ...all.slice(0, 9)], chance), batch)
          expect(digestOf(other)).toBe(digestOf(straight))
          expect(other.entries()).toEqual(straight.entries())
          expect(other.size()).toBe(all.length)
        },
      ),
    )
  })

  test('shows its messages by clock, then author, then place in the log', () => {
    fc.assert(
      fc.property(entries, all => {
        const shown = filled(all).entries()
        expect(shown).toHaveLength(all.length)
        const key = ({ hlc, author, seq }: { hlc: number; author: string; seq: number }): string =>
          `${hlc} ${author} ${String(seq).padStart(4, '0')}`
        expect(shown.map(key)).toEqual(all.map(key).toSorted())
        for (const { author, seq, value } of shown) {
          expect(value).toEqual(all.find(one => one.author === author && one.seq === seq)?.fact)
        }
      }),
    )
  })

  test('keeps the first of two entries with one name', () => {
    const timeline = filled([message(1, 1, start, 'first'), message(1, 1, start, 'second')])
    timeline.add([message(1, 1, start + hour, 'third')])
    expect(timeline.entries().map(({ value }) => value)).toEqual([[0, 'first']])
    expect(timeline.has(authors[1] ?? authorId(''), 1)).toBe(true)
    expect(timeline.has(authors[1] ?? authorId(''), 2)).toBe(false)
  })

  test('hands out the same list until something changes', () => {
    const timeline = filled([message(0, 0, start)])
    const first = timeline.entries()
    expect(timeline.entries()).toBe(first)
    timeline.add([message(0, 0, start)])
    expect(timeline.entries()).toBe(first)
    timeline.add([message(0, 1, start)])
    expect(timeline.entries()).not.toBe(first)
    expect(first).toHaveLength(1)
  })

  test('differs when one letter differs', () => {
    const one = filled([message(0, 0, start, 'yes')])
    const other = filled([message(0, 0, start, 'no')])
    expect(digestOf(one)).not.toBe(digestOf(other))
  })

  test('of one busy hour is split, and still the same in any order', () => {
    const count = 2 * limits.shardMessagesMax + 100
    const busy = Array.from({ length: count }, (_, index) =>
      message(index % 5, Math.floor(index / 5), start + index),
    )
    const straight = filled(busy)
    const backward = filled(busy.toReversed(), 37)
    expect(digestOf(backward)).toBe(digestOf(straight))
    expect(backward.entries()).toEqual(straight.entries())
    expect(backward.entries()).toHaveLength(count)
  })

  test('that dropped its oldest is as if they had never been there', () => {
    fc.assert(
      fc.property(entries, fc.nat(60), (all, keep) => {
        const timeline = filled(all)
        const kept = keep === 0 ? [] : timeline.entries().slice(-keep)
        timeline.dropOldest(keep)
        const fresh = filled(
          all.filter(({ author, seq }) =>
            kept.some(one => one.author === author && one.seq === seq),
          ),
        )
        expect(timeline.entries()).toEqual(kept)
        expect(digestOf(timeline)).toBe(digestOf(fresh))
      }),
    )
  })

  test('takes up again what it dropped', () => {
    const count = limits.shardMessagesMax + 50
    const all = Array.from({ length: count }, (_, index) => message(0, index, start + index))
    const timeline = filled(all)
    const before = digestOf(timeline)
    timeline.dropOldest(20)
    expect(timeline.size()).toBe(20)
    timeline.add(all)
    expect(digestOf(timeline)).toBe(before)
  })

  test('takes any clock', () => {
    const clocks = [0, 1, 2 ** 48 - 1]
    const timeline = filled(clocks.map((hlc, seq) => message(0, seq, hlc)))
    expect(timeline.entries().map(({ hlc }) => hlc)).toEqual(clocks)
  })
})
