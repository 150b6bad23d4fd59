/** Connections end in ugly ways: for one side only, silently, or in the middle of the first words. What people were promised
 *  holds all the same. */
import { expect, test } from 'vitest'
import type { GroupId } from '#protocol'
import { createNodeCryptography } from '../../node/cryptography.ts'
import { formGroup } from '../../sim/random-run.ts'
import { createWatch } from '../../sim/watch.ts'
import { type World, createWorld } from '../../sim/world.ts'

const cryptography = createNodeCryptography()
const say = (world: World, name: string, group: GroupId, text: string): void => {
  const answer = world.ask(name, { type: 'send-text', group, text, priority: 'routine' })
  expect(answer.ok).toBe(true)
}
const textsOf = (world: World, name: string, group: GroupId): readonly string[] =>
  (world.group(name, group)?.messages ?? []).flatMap(({ body }) =>
    body.type === 'text' ? [body.text] : [],
  )

/** Alice and Bob on a link without gossip, over which they have talked for a while. */
const talking = (seed: string, talk: number) => {
  const world = createWorld({ seed, names: ['alice', 'bob'], cryptography })
  const group = formGroup(world, ['alice', 'bob'])
  world.disconnect('alice', 'bob')
  world.connect('alice', 'bob', { gossip: 0, delayMillis: 200 })
  world.run(2_000)
  for (let index = 0; index < talk; index++) {
    say(world, 'alice', group, `alice ${index}`)
    world.run(1_500)
  }
  return { world, group }
}

test('after one side came back unnoticed by the other, both hear each other', () => {
  for (const [side, other] of [
    ['alice', 'bob'],
    ['bob', 'alice'],
  ] as const) {
    const { world, group } = talking(side, 12)
    say(world, 'alice', group, 'on its way from Alice')
    say(world, 'bob', group, 'on its way from Bob')
    world.run(700)
    world.relink(side, other)
    world.run(60_000)
    say(world, 'alice', group, 'after')
    world.run(60_000)
    for (const name of ['alice', 'bob']) {
      const texts = textsOf(world, name, group)
      expect([side, name, texts.includes('on its way from Alice')]).toEqual([side, name, true])
      expect([side, name, texts.includes('on its way from Bob')]).toEqual([side, name, true])
      expect([side, name, texts.at(-1)]).toEqual([side, name, 'after'])
    }
  }
})

test('a big backlog goes on after one side came back unnoticed in the middle of it', () => {
  const { world, group } = talking('backlog', 0)
  world.disconnect('alice', 'bob')
  for (let index = 0; index < 150; index++)
    say(world, 'alice', group, `${index} ${'水位'.repeat(200)}`)
  world.connect('alice', 'bob', { gossip: 0, delayMillis: 100, rate: 4_000 })
  world.run(5_000)
  const watch = createWatch(world)
  for (let count = 0; count < 5; count++) {
    world.relink(count % 2 === 0 ? 'bob' : 'alice', count % 2 === 0 ? 'alice' : 'bob')
    for (let part = 0; part < 10; part++) {
      world.run(300)
      watch.look()
    }
  }
  world.run(240_000)
  watch.look()
  expect(watch.problems()).toEqual([])
  expect(world.group('bob', group)?.summary.missing).toBe(0)
  expect(textsOf(world, 'bob', group)).toHaveLength(50)
})

test('what went into a dead connection arrives after the other side came back over a new one', () => {
  const { world, group } = talking('dead', 5)
  world.mute('alice', 'bob', 20_000)
  world.mute('bob', 'alice', 20_000)
  for (let index = 0; index < 10; index++) {
    say(world, 'alice', group, `into the dark ${index}`)
    world.run(500)
  }
  world.run(1_000)
  world.relink('bob', 'alice')
  world.run(300_000)
  expect(textsOf(world, 'bob', group)).toHaveLength(15)
})

test('what a neighbour did not get through a broken stream is not called carried', () => {
  const { world, group } = talking('honest', 6)
  const watch = createWatch(world)
  world.relink('alice', 'bob')
  world.mute('alice', 'bob', 1)
  for (let index = 0; index < 20; index++) {
    say(world, 'alice', group, `text ${index}`)
    world.run(90)
    watch.look()
  }
  world.run(60_000)
  watch.look()
  expect(watch.problems()).toEqual([])
})
