/** A member may change what the group shares, and nothing else: every hostile form that Yjs itself would take is refused,
 *  and the document stays whole and can be saved. The hostile updates are built here, never stored. */
import { writeUint8, writeVarUint } from 'lib0/encoding'
import * as fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { bytesToHex, concatBytes } from '../../protocol/core/base.ts'
import { limits } from '../../protocol/core/limits.ts'
import type { StateDocument } from '../../protocol/core/state-document.ts'
import { numbers, byte, text, any, bytesOf, item, noDeletes } from './yjs-parts.ts'
import {
  ada,
  bo,
  clientA,
  clientB,
  clientE,
  eve,
  newDocument,
  pin,
  title,
  write,
} from './shared-state.ts'

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
      'bad-update',
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

  test('who wrote the title cannot leave the group without one', () => {
    const name = 'Eve was here'
    const later = bytesOf(numbers(1, 1, clientE, 0), ...item('s', 'title', name), noDeletes)
    const atOnce = bytesOf(
      numbers(1, 1, clientE, 0),
      ...item('s', 'title', name),
      numbers(1, clientE, 1, 0, 1),
    )
    expectRefused(atOnce, 'bad-update')
    expect(document.apply(eve, later).ok).toBe(true)
    const gone = document.apply(eve, bytesOf(numbers(0), numbers(1, clientE, 1, 0, 1)))
    expect(gone).toMatchObject({ error: { type: 'bad-update' } })
    expect(document.read().title).toBeDefined()
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
