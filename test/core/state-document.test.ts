/** What members share is the same for all of them, whatever the order in which their changes come. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type AuthorId, bytesToHex } from '../../protocol/core/base.ts'
import { limits } from '../../protocol/core/limits.ts'
import type { StateChange, StateDocument } from '../../protocol/core/state-document.ts'
import { ada, bo, eve, newDocument, pin, title, write } from './shared-state.ts'

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
