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

test('what is saved up has a bound, and a forgotten neighbour starts anew', () => {
  const clock = handClock()
  const allowance = createAllowance({ clock, perSecond: 1, burst: 3 })
  expect(allowance.take(alice)).toBe(true)
  clock.advance(1_000_000)
  for (let i = 0; i < 3; i++) expect(allowance.take(alice)).toBe(true)
  expect(allowance.take(alice)).toBe(false)
  allowance.forget(alice)
  expect(allowance.take(alice)).toBe(true)
})
