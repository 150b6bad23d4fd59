/** A member may change what the group shares, and nothing else: every hostile form that Yjs itself would take is refused,
 *  and the document stays whole and can be saved. The hostile updates are built here, never stored. */
import {
  type AnyEncodable,
  type Encoder,
  createEncoder,
  toUint8Array,
  writeAny,
  writeUint8,
  writeVarString,
  writeVarUint,
} from 'lib0/encoding'
import * as fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { type AuthorId, authorId, bytesToHex, concatBytes } from '../../protocol/core/base.ts'
import { limits } from '../../protocol/core/limits.ts'
import {
  type StateChange,
  type StateDocument,
  createStateDocument,
} from '../../protocol/core/state-document.ts'
import { stateClient } from '../../protocol/core/state-gate.ts'
import { gid } from './people.ts'

const ada = authorId('aa'.repeat(8))
const bo = authorId('bb'.repeat(8))
const eve = authorId('ee'.repeat(8))
const [clientA, clientB, clientE] = [ada, bo, eve].map(author => stateClient(gid, author))

const newDocument = (): StateDocument => createStateDocument(gid)

/** One change by each author after the other, applied everywhere at once. */
const write = (
  documents: readonly StateDocument[],
  by: { readonly author: AuthorId; readonly document: StateDocument },
  change: StateChange,
): Uint8Array => {
  const update = by.document.edit(by.author, change)
  for (const document of documents) {
    expect(document.apply(by.author, update)).toEqual({ ok: true, value: undefined })
  }
  return update
}

const pin = (message: string, pinned = true): StateChange => ({ type: 'pin', message, pinned })
const title = (text: string): StateChange => ({ type: 'title', text })

describe('what members share', () => {
  test('changes when the change is applied, not when it is made', () => {
    const document = newDocument()
    const update = document.edit(ada, title('First group'))
    expect(document.read()).toEqual({ pins: [] })
    expect(document.apply(ada, update).ok).toBe(true)
    expect(document.read()).toEqual({ title: 'First group', pins: [] })
  })

  test('is title, purpose and pins, each as it was last set', () => {
    const [atA, atB] = [newDocument(), newDocument()]
    const both = [atA, atB]
    const byA = { author: ada, document: atA }
    const byB = { author: bo, document: atB }
    write(both, byA, title('One'))
    write(both, byB, title('Two'))
    write(both, byA, { type: 'purpose', text: '' })
    write(both, byA, pin('aaaaaaaaaaaaaaaa.1'))
    write(both, byB, pin('aaaaaaaaaaaaaaaa.0'))
    write(both, byB, pin('aaaaaaaaaaaaaaaa.1', false))
    expect(atA.read()).toEqual({ title: 'Two', purpose: '', pins: ['aaaaaaaaaaaaaaaa.0'] })
    expect(atB.read()).toEqual(atA.read())
    expect(atB.digest()).toEqual(atA.digest())
  })

  test('shows only so many pins', () => {
    const document = newDocument()
    for (let seq = 0; seq <= limits.pinsMax; seq++) {
      write([document], { author: ada, document }, pin(`aaaaaaaaaaaaaaaa.${seq}`))
    }
    expect(document.read().pins).toHaveLength(limits.pinsMax)
  })

  test('waits for what it stands on, and then is the same in any order between authors', () => {
    const [atA, atB, atC] = [newDocument(), newDocument(), newDocument()]
    const first = write([atA, atB], { author: ada, document: atA }, title('One'))
    const second = write([atA, atB], { author: bo, document: atB }, title('Two'))
    const third = write([atA, atB], { author: bo, document: atB }, pin('aaaaaaaaaaaaaaaa.0'))
    const unexpected = { ok: false, error: { type: 'unexpected' } }
    expect(atC.apply(bo, third)).toMatchObject(unexpected)
    expect(atC.apply(bo, second)).toMatchObject(unexpected)
    expect(atC.apply(ada, first).ok).toBe(true)
    expect(atC.apply(bo, third)).toMatchObject(unexpected)
    expect(atC.apply(bo, second).ok).toBe(true)
    expect(atC.apply(bo, third).ok).toBe(true)
    expect(atC.digest()).toEqual(atA.digest())
    expect(atC.read()).toEqual(atA.read())
  })
})

describe('whatever the order', () => {
  const change: fc.Arbitrary<StateChange> = fc.oneof(
    fc.constantFrom('One', 'Two', '三').map(title),
    fc.constantFrom('', 'why', '为什么').map((text): StateChange => ({ type: 'purpose', text })),
    fc
      .tuple(fc.nat(3), fc.boolean())
      .map(([seq, pinned]) => pin(`aaaaaaaaaaaaaaaa.${seq}`, pinned)),
  )
  /** Three members edit, each hearing of the others only now and then. */
  const acts = fc.array(
    fc.oneof(
      { weight: 3, arbitrary: fc.record({ by: fc.nat(2), change }) },
      { weight: 2, arbitrary: fc.record({ by: fc.nat(2), from: fc.nat(2) }) },
    ),
    { maxLength: 40 },
  )

  type Written = { readonly author: AuthorId; readonly update: Uint8Array }

  /** Applies all that can be applied, again and again: what a peer does with operations that wait. */
  const settle = (document: StateDocument, written: readonly Written[]): void => {
    let waiting = written
    for (let before = -1; waiting.length !== before;) {
      before = waiting.length
      waiting = waiting.filter(({ author, update }) => {
        const applied = document.apply(author, update)
        if (!applied.ok) expect(applied.error.type).toBe('unexpected')
        return !applied.ok
      })
    }
    expect(waiting).toEqual([])
  }

  test('all members end with the same state, and no honest change is ever refused', () => {
    fc.assert(
      fc.property(acts, fc.infiniteStream(fc.nat()), (script, chance) => {
        const people = [ada, bo, eve].map(author => ({
          author,
          document: newDocument(),
          heard: [] as Written[],
        }))
        const all: Written[] = []
        for (const act of script) {
          const person = people[act.by]
          if (person === undefined) continue
          if ('change' in act) {
            const written = {
              author: person.author,
              update: person.document.edit(person.author, act.change),
            }
            expect(person.document.apply(written.author, written.update).ok).toBe(true)
            person.heard.push(written)
            all.push(written)
          } else {
            const news = (people[act.from]?.heard ?? []).filter(one => !person.heard.includes(one))
            settle(person.document, news)
            person.heard.push(...news)
          }
        }
        for (const { document, heard } of people) {
          settle(
            document,
            all.filter(one => !heard.includes(one)),
          )
        }
        const stranger = newDocument()
        const keyed = all.map(one => ({ one, at: chance.next().value }))
        settle(
          stranger,
          keyed.toSorted((a, b) => a.at - b.at).map(({ one }) => one),
        )
        for (const { document } of people) {
          expect(document.read()).toEqual(stranger.read())
          expect(bytesToHex(document.digest())).toBe(bytesToHex(stranger.digest()))
        }
      }),
      { numRuns: 200 },
    )
  })
})

type Part = (encoder: Encoder) => void
const numbers =
  (...values: readonly (number | undefined)[]): Part =>
  encoder => {
    for (const value of values) writeVarUint(encoder, value ?? 0)
  }
const byte =
  (value: number): Part =>
  encoder =>
    writeUint8(encoder, value)
const text =
  (value: string): Part =>
  encoder =>
    writeVarString(encoder, value)
const any =
  (...values: readonly AnyEncodable[]): Part =>
  encoder => {
    writeVarUint(encoder, values.length)
    for (const value of values) writeAny(encoder, value)
  }
const bytesOf = (...parts: readonly Part[]): Uint8Array => {
  const encoder = createEncoder()
  for (const part of parts) part(encoder)
  return toUint8Array(encoder)
}

/** An item that stands on nothing, under a key of a root map. */
const item = (root: string, key: string, ...values: readonly AnyEncodable[]): Part[] => [
  byte(0x28),
  numbers(1),
  text(root),
  text(key),
  any(...values),
]
const noDeletes = numbers(0)

describe('a hostile member', () => {
  let document: StateDocument
  const adaWrote = (): readonly Uint8Array[] => {
    const written: Uint8Array[] = []
    for (const change of [title('防汛'), pin('aaaaaaaaaaaaaaaa.0'), title('防汛一组')]) {
      written.push(write([document], { author: ada, document }, change))
    }
    return written
  }

  beforeEach(() => {
    document = newDocument()
    adaWrote()
  })

  /** Eve's update is refused by this name; nothing is lost, everybody can go on, and it can be saved and read again. */
  const expectRefused = (update: Uint8Array, type: string, author = eve): void => {
    const before = [document.read(), bytesToHex(document.digest())]
    expect(document.apply(author, update)).toMatchObject({ ok: false, error: { type } })
    expect([document.read(), bytesToHex(document.digest())]).toEqual(before)
    const next = document.edit(ada, pin('aaaaaaaaaaaaaaaa.7'))
    expect(document.apply(ada, next).ok).toBe(true)
    expect(document.read()).toEqual({
      title: '防汛一组',
      pins: ['aaaaaaaaaaaaaaaa.0', 'aaaaaaaaaaaaaaaa.7'],
    })
  }

  const cases: readonly (readonly [string, string, () => Uint8Array])[] = [
    [
      'writes as somebody else',
      'bad-update',
      () => bytesOf(numbers(1, 1, clientA, 3), ...item('s', 'title', 'mine'), noDeletes),
    ],
    [
      'writes as somebody who has not written yet',
      'bad-update',
      () => bytesOf(numbers(1, 1, clientB, 0), ...item('s', 'title', 'mine'), noDeletes),
    ],
    [
      'writes as itself and as somebody else',
      'bad-update',
      () =>
        bytesOf(
          numbers(2),
          numbers(1, clientE, 0),
          ...item('s', 'title', 'mine'),
          numbers(1, clientA, 3),
          ...item('s', 'title', 'mine'),
          noDeletes,
        ),
    ],
    [
      'fills the clock of somebody else with rubbish',
      'bad-update',
      () => bytesOf(numbers(1, 1, clientA, 3), byte(0), numbers(2 ** 40), noDeletes),
    ],
    [
      'fills what somebody else wrote with rubbish',
      'bad-update',
      () => bytesOf(numbers(1, 1, clientA, 0), byte(0), numbers(2 ** 52), noDeletes),
    ],
    [
      'fills its own clock with rubbish',
      'bad-update',
      () => bytesOf(numbers(1, 1, clientE, 0), byte(0), numbers(2 ** 52), noDeletes),
    ],
    [
      'skips its own clock',
      'bad-update',
      () => bytesOf(numbers(1, 1, clientE, 0), byte(10), numbers(5), noDeletes),
    ],
    [
      'deletes what somebody else wrote',
      'bad-update',
      () => bytesOf(numbers(0), numbers(1, clientA, 1, 0, 3)),
    ],
    [
      'deletes what somebody else has not written yet',
      'bad-update',
      () => bytesOf(numbers(0), numbers(1, clientB, 1, 0, 2 ** 40)),
    ],
    [
      'deletes a value that it does not replace along with one that it does',
      'bad-update',
      () =>
        bytesOf(
          numbers(1, 1, clientE, 0),
          byte(0xa8),
          numbers(clientA, 2),
          any('mine'),
          numbers(1, clientA, 1, 1, 2),
        ),
    ],
    [
      'deletes its own future',
      'unexpected',
      () => bytesOf(numbers(0), numbers(1, clientE, 1, 0, 1)),
    ],
    [
      'leaves a gap',
      'unexpected',
      () => bytesOf(numbers(1, 1, clientE, 5), ...item('s', 'title', 'mine'), noDeletes),
    ],
    [
      'stands on what nobody wrote',
      'unexpected',
      () =>
        bytesOf(
          numbers(1, 1, clientE, 0),
          byte(0xa8),
          numbers(clientA, 99),
          any('mine'),
          noDeletes,
        ),
    ],
    [
      'stands on itself',
      'bad-update',
      () =>
        bytesOf(numbers(1, 1, clientE, 0), byte(0xa8), numbers(clientE, 0), any('x'), noDeletes),
    ],
    [
      'pushes in from the right',
      'bad-update',
      () =>
        bytesOf(
          numbers(1, 1, clientE, 0),
          byte(0xe8),
          numbers(clientA, 0, clientA, 2),
          any('mine'),
          noDeletes,
        ),
    ],
    [
      'writes under a root of its own',
      'bad-update',
      () => bytesOf(numbers(1, 1, clientE, 0), ...item('m', 'title', 'mine'), noDeletes),
    ],
    [
      'writes under a key of its own',
      'bad-update',
      () => bytesOf(numbers(1, 1, clientE, 0), ...item('s', '__proto__', 'mine'), noDeletes),
    ],
    [
      'pins what is no message',
      'bad-update',
      () => bytesOf(numbers(1, 1, clientE, 0), ...item('pins', 'x'.repeat(99), true), noDeletes),
    ],
    [
      'writes into a list without a key',
      'bad-update',
      () =>
        bytesOf(numbers(1, 1, clientE, 0), byte(0x08), numbers(1), text('s'), any('x'), noDeletes),
    ],
    [
      'writes below an item of somebody else',
      'bad-update',
      () =>
        bytesOf(
          numbers(1, 1, clientE, 0),
          byte(0x28),
          numbers(0, clientA, 0),
          text('title'),
          any('x'),
          noDeletes,
        ),
    ],
    [
      'writes several values as one item',
      'bad-update',
      () => bytesOf(numbers(1, 1, clientE, 0), ...item('s', 'title', 'a', 'b'), noDeletes),
    ],
    [
      'writes no value as an item',
      'bad-update',
      () => bytesOf(numbers(1, 1, clientE, 0), ...item('s', 'title'), noDeletes),
    ],
    [
      'writes a number as title',
      'bad-update',
      () => bytesOf(numbers(1, 1, clientE, 0), ...item('s', 'title', 7), noDeletes),
    ],
    [
      'writes an object as title',
      'bad-update',
      () => bytesOf(numbers(1, 1, clientE, 0), ...item('s', 'title', { a: 1 }), noDeletes),
    ],
    [
      'writes a title that hides something',
      'bad-update',
      () => bytesOf(numbers(1, 1, clientE, 0), ...item('s', 'title', 'a\u202Eb'), noDeletes),
    ],
    [
      'writes a purpose longer than allowed',
      'bad-update',
      () =>
        bytesOf(
          numbers(1, 1, clientE, 0),
          ...item('s', 'purpose', 'x'.repeat(limits.purposeBytesMax + 1)),
          noDeletes,
        ),
    ],
    [
      'replaces a title by a pin',
      'bad-update',
      () =>
        bytesOf(
          numbers(1, 1, clientE, 0),
          byte(0xa8),
          numbers(clientA, 2),
          any(true),
          numbers(1, clientA, 1, 2, 1),
        ),
    ],
    ...[1, 2, 3, 4, 5, 6, 7, 9].map((content): readonly [string, string, () => Uint8Array] => [
      `writes content of type ${content}`,
      'refused',
      () =>
        bytesOf(
          numbers(1, 1, clientE, 0),
          byte(0x20 | content),
          numbers(1),
          text('s'),
          text('title'),
          numbers(1, 1, 1, 1),
          noDeletes,
        ),
    ]),
    [
      'announces more structs than it brings',
      'malformed',
      () => bytesOf(numbers(1, 2 ** 40, clientE, 0), ...item('s', 'title', 'x')),
    ],
    [
      'announces more clients than it brings',
      'malformed',
      () => bytesOf(numbers(2 ** 50), noDeletes),
    ],
    ['announces more deletes than it brings', 'malformed', () => bytesOf(numbers(0, 2 ** 50))],
    ['says nothing', 'bad-update', () => bytesOf(numbers(0, 0))],
    ['sends nothing', 'malformed', () => new Uint8Array()],
    [
      'adds bytes behind',
      'non-canonical',
      () => bytesOf(numbers(1, 1, clientE, 0), ...item('s', 'title', 'x'), noDeletes, numbers(0)),
    ],
    [
      'writes a number in a longer form',
      'non-canonical',
      () =>
        concatBytes(
          Uint8Array.of(0x81, 0x00),
          bytesOf(numbers(1, clientE, 0), ...item('s', 'title', 'x'), noDeletes),
        ),
    ],
    ['sends more than allowed', 'too-large', () => new Uint8Array(limits.stateUpdateBytesMax + 1)],
    [
      'nests without end',
      'refused',
      () =>
        bytesOf(
          numbers(1, 1, clientE, 0),
          byte(0x28),
          numbers(1),
          text('s'),
          text('title'),
          numbers(1),
          encoder => {
            for (let depth = 0; depth < 4_000; depth++) {
              writeUint8(encoder, 117)
              writeVarUint(encoder, 1)
            }
          },
          byte(126),
          noDeletes,
        ),
    ],
  ]

  test.each(cases)('who %s is refused as %s', (_, type, update) => {
    if (type !== 'refused') {
      expectRefused(update(), type)
      return
    }
    const refused = document.apply(eve, update())
    expect(refused.ok).toBe(false)
    if (!refused.ok) expectRefused(update(), refused.error.type)
  })

  test('who says two things at one clock is heard once', () => {
    const said = bytesOf(numbers(1, 1, clientE, 0), ...item('s', 'title', 'one'), noDeletes)
    const other = bytesOf(numbers(1, 1, clientE, 0), ...item('s', 'title', 'two'), noDeletes)
    expect(document.apply(eve, said).ok).toBe(true)
    expect(document.apply(eve, said)).toMatchObject({ error: { type: 'bad-update' } })
    expect(document.apply(eve, other)).toMatchObject({ error: { type: 'bad-update' } })
  })

  test('who takes the update of somebody else for its own is refused', () => {
    const atB = newDocument()
    const update = atB.edit(bo, title('by Bo'))
    expectRefused(update, 'bad-update')
  })

  test('may delete what it wrote itself', () => {
    const own = bytesOf(
      numbers(1, 1, clientE, 0),
      ...item('pins', 'aaaaaaaaaaaaaaaa.9', true),
      noDeletes,
    )
    expect(document.apply(eve, own).ok).toBe(true)
    expect(document.read().pins).toContain('aaaaaaaaaaaaaaaa.9')
    expect(document.apply(eve, bytesOf(numbers(0), numbers(1, clientE, 1, 0, 1))).ok).toBe(true)
    expect(document.read().pins).not.toContain('aaaaaaaaaaaaaaaa.9')
  })

  test('who changes bytes of an honest update never breaks, erases or unlocks anything', () => {
    const atB = newDocument()
    const honest = [title('防汛'), title('B'), pin('aaaaaaaaaaaaaaaa.0')].map(change => {
      const update = atB.edit(bo, change)
      atB.apply(bo, update)
      return update
    })
    fc.assert(
      fc.property(
        fc.nat(2),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        fc.nat(),
        (which, changes, cut) => {
          const fresh = newDocument()
          for (const change of [title('防汛'), pin('aaaaaaaaaaaaaaaa.0'), title('防汛一组')]) {
            write([fresh], { author: ada, document: fresh }, change)
          }
          for (const update of honest.slice(0, which)) fresh.apply(bo, update)
          const bytes = Uint8Array.from(honest[which] ?? [])
          for (const [where, value] of changes) bytes[where % bytes.length] = value
          const shortened = cut % 5 === 0 ? bytes.slice(0, cut % bytes.length) : bytes
          fresh.apply(bo, shortened)
          expect(fresh.read().title).toBeDefined()
          const next = fresh.edit(ada, title('still here'))
          expect(fresh.apply(ada, next).ok).toBe(true)
          expect(fresh.read().pins.length).toBeLessThanOrEqual(2)
        },
      ),
      { numRuns: 1_000 },
    )
  })

  test('as noise is refused and never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), bytes => {
        expect(document.apply(eve, bytes).ok).toBe(false)
      }),
      { numRuns: 2_000 },
    )
  })
})

test('the forms refused here are ones that Yjs by itself takes', () => {
  const honest = new Y.Doc({ guid: 'honest' })
  honest.clientID = clientA ?? 1
  honest.getMap('s').set('title', 'kept')
  const erasing = bytesOf(numbers(0), numbers(1, clientA, 1, 0, 1))
  Y.applyUpdate(honest, erasing)
  expect(honest.getMap('s').get('title')).toBeUndefined()
})
