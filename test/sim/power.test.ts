/** The power may go at any moment: for every batch of rows that Alice writes in a small story, once just before it is durable
 *  and once just after, before anything was told. What she was told was saved is there afterwards, everywhere, once. */
import { expect, test } from 'vitest'
import { createNodeCryptography } from '../../node/cryptography.ts'
import { type Saved, checkConverged } from '../../sim/check.ts'
import { formGroup } from '../../sim/random-run.ts'
import { createWorld } from '../../sim/world.ts'

const cryptography = createNodeCryptography()
const people = ['alice', 'bob', 'chen']

type Loss = { readonly at: number; readonly when: 'before' | 'after' }

/** Runs the story; answers how many batches Alice wrote in it and what was wrong in the end. */
const story = (
  loss: Loss | undefined,
): { readonly batches: number; readonly problems: readonly string[] } => {
  const world = createWorld({ seed: 'power', names: people, cryptography })
  const group = formGroup(world, people)
  const alice = world.host('alice')
  const before = alice.persisted
  alice.powerLoss = loss === undefined ? undefined : { ...loss, at: before + loss.at }
  const saved: Saved[] = []
  for (let index = 0; index < 6; index++) {
    const host = people[index % 2] ?? 'alice'
    const text = `${host} ${index}`
    const answer = world.ask(host, { type: 'send-text', group, text, priority: 'routine' })
    if (answer.ok) saved.push({ host, text })
    world.run(700)
    if (!alice.isUp) restart()
  }
  world.run(5_000)
  if (!alice.isUp) restart()
  const batches = alice.persisted - before
  world.run(60_000)
  return { batches, problems: checkConverged(world, group, people, saved) }

  function restart(): void {
    alice.powerLoss = undefined
    world.start('alice')
    world.connect('alice', 'bob')
    world.connect('alice', 'chen')
  }
}

test('whenever the power goes, nothing that was saved is lost, doubled or out of order', () => {
  const { batches, problems } = story(undefined)
  expect(problems).toEqual([])
  expect(batches).toBeGreaterThan(10)
  for (let at = 1; at <= batches; at++) {
    for (const when of ['before', 'after'] as const) {
      const outcome = story({ at, when })
      expect(outcome.problems, `power lost ${when} batch ${at}`).toEqual([])
    }
  }
})
