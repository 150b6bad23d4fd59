/** Deadlines are names with a time; only the earliest matters to the shell. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Instant, instant } from '../../protocol/core/base.ts'
import { createDeadlines } from '../../protocol/core/deadlines.ts'

test('the next deadline is the earliest, and due ones come in order and once', () => {
  const deadlines = createDeadlines()
  expect(deadlines.next()).toBeUndefined()
  deadlines.set('c', instant(30))
  deadlines.set('b', instant(10))
  deadlines.set('a', instant(10))
  expect(deadlines.next()).toBe(10)
  expect(deadlines.due(instant(9))).toEqual([])
  expect(deadlines.due(instant(29))).toEqual(['a', 'b'])
  expect(deadlines.due(instant(29))).toEqual([])
  expect(deadlines.next()).toBe(30)
  deadlines.clear('c')
  expect(deadlines.next()).toBeUndefined()
})

test('setting moves a deadline either way, sooner only forward', () => {
  const deadlines = createDeadlines()
  deadlines.set('a', instant(10))
  deadlines.sooner('a', instant(20))
  expect(deadlines.next()).toBe(10)
  deadlines.sooner('a', instant(5))
  expect(deadlines.next()).toBe(5)
  deadlines.set('a', instant(20))
  expect(deadlines.next()).toBe(20)
})

test('any order of calls behaves as a map of names to times', () => {
  const call = fc.record({
    what: fc.constantFrom('set', 'sooner', 'clear', 'due', 'next'),
    name: fc.constantFrom('a', 'b', 'c', 'd'),
    at: fc.nat({ max: 20 }),
  })
  fc.assert(
    fc.property(fc.array(call, { maxLength: 60 }), calls => {
      const deadlines = createDeadlines()
      const model = new Map<string, Instant>()
      for (const { what, name, at } of calls) {
        const time = instant(at)
        if (what === 'set') deadlines.set(name, time)
        if (what === 'set') model.set(name, time)
        if (what === 'sooner') deadlines.sooner(name, time)
        if (what === 'sooner' && time < (model.get(name) ?? Infinity)) model.set(name, time)
        if (what === 'clear') deadlines.clear(name)
        if (what === 'clear') model.delete(name)
        if (what === 'due') {
          const due = [...model].filter(([, when]) => when <= time)
          due.sort((a, b) => a[1] - b[1] || (a[0] < b[0] ? -1 : 1))
          expect(deadlines.due(time)).toEqual(due.map(([key]) => key))
          for (const [key] of due) model.delete(key)
        }
        const earliest = Math.min(...model.values())
        expect(deadlines.next()).toBe(model.size === 0 ? undefined : earliest)
      }
    }),
  )
})
