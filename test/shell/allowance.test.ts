/** What one neighbour may send: a burst, then so much a second, each neighbour for himself. */
import { expect, test } from 'vitest'
import { peerId } from '../../protocol/core/base.ts'
import { createAllowance } from '../../protocol/shell/allowance.ts'
import { handClock } from './scripted.ts'

const alice = peerId('alice')
const bob = peerId('bob')

test('a burst is allowed, then only what refills', () => {
  const clock = handClock()
  const allowance = createAllowance({ clock, perSecond: 2, burst: 10 })
  for (let i = 0; i < 10; i++) expect(allowance.take(alice)).toBe(true)
  expect(allowance.take(alice)).toBe(false)
  expect(allowance.take(bob)).toBe(true)
  clock.advance(1_000)
  expect([allowance.take(alice), allowance.take(alice), allowance.take(alice)]).toEqual([
    true,
    true,
    false,
  ])
})

test('what is saved up has a bound', () => {
  const clock = handClock()
  const allowance = createAllowance({ clock, perSecond: 1, burst: 3 })
  expect(allowance.take(alice)).toBe(true)
  clock.advance(1_000_000)
  for (let i = 0; i < 3; i++) expect(allowance.take(alice)).toBe(true)
  expect(allowance.take(alice)).toBe(false)
})

test('something large is charged at once, and what was not granted leaves nothing', () => {
  const clock = handClock()
  const allowance = createAllowance({ clock, perSecond: 1, burst: 10 })
  expect(allowance.take(alice, 10)).toBe(true)
  clock.advance(5_000)
  expect(allowance.take(alice, 6)).toBe(false)
  expect(allowance.take(alice)).toBe(false)
})

test('thousands of passing names do not refill a neighbour that has spent everything', () => {
  const clock = handClock()
  const allowance = createAllowance({ clock, perSecond: 1, burst: 2 })
  for (let i = 0; i < 2; i++) expect(allowance.take(alice)).toBe(true)
  for (let i = 0; i < 5_000; i++) allowance.take(peerId(`passer-by ${i}`))
  expect(allowance.take(alice)).toBe(false)
})
