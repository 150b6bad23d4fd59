/** A store that was copied, or put back to an older state, is never written on: each own log ends and a new one begins, so
 *  the copy and the original speak at once, through a partition, and nobody contradicts anybody. */
import { describe, expect, test } from 'vitest'
import { type GroupId, type Row, seededRandom } from '#protocol'
import { createNodeCryptography } from '../../node/cryptography.ts'
import { type Saved, checkConverged } from '../../sim/check.ts'
import { formGroup } from '../../sim/random-run.ts'
import { type World, createWorld } from '../../sim/world.ts'

const cryptography = createNodeCryptography()
const seeds = Array.from({ length: 8 }, (_, seed) => seed)

const rowsOf = (world: World, name: string): ReadonlyMap<string, Row> =>
  new Map(world.host(name).rows)
const forksOf = (world: World, names: readonly string[], group: GroupId): readonly number[] =>
  names.map(name => world.group(name, group)?.forks ?? -1)
const meetAll = (world: World, names: readonly string[]): void => {
  for (const a of names) for (const b of names) if (a < b) world.connect(a, b)
}

type Ending = { readonly problems: readonly string[]; readonly forks: readonly number[] }

/** Writing in turns that the seed draws, and now and then a meeting that lasts a while. */
const writeInTurns = (
  world: World,
  seed: number | string,
  group: GroupId,
  names: readonly string[],
): readonly Saved[] => {
  const random = seededRandom(`turns/${seed}`)
  const draw = (bound: number): number => (random.bytes(1)[0] ?? 0) % bound
  const saved: Saved[] = []
  for (let index = 0; index < 12; index++) {
    const host = names[draw(names.length)] ?? ''
    const text = `${host} ${seed} ${index}`
    const answer = world.ask(host, { type: 'send-text', group, text, priority: 'routine' })
    if (answer.ok) saved.push({ host, text })
    world.run(draw(9) * 500)
    if (draw(4) === 0) world.connect(names[draw(names.length)] ?? '', 'bob')
    if (draw(4) === 0) world.disconnect(names[draw(names.length)] ?? '', 'bob')
  }
  return saved
}

/** Alice's rows are copied after some writing; she and the copy both go on, and in the end everybody meets. */
const runCopy = (seed: number, isNoticed: boolean): Ending => {
  const world = createWorld({ seed, names: ['alice', 'bob', 'copy'], cryptography })
  const group = formGroup(world, ['alice', 'bob'])
  const saved = [...writeInTurns(world, seed, group, ['alice', 'bob'])]
  world.crash('copy')
  world.start('copy', rowsOf(world, 'alice'), isNoticed)
  saved.push(...writeInTurns(world, `${seed}/both`, group, ['alice', 'copy']))
  const everybody = ['alice', 'bob', 'copy']
  meetAll(world, everybody)
  world.run(180_000)
  const problems = checkConverged(world, group, everybody, saved)
  return { problems, forks: forksOf(world, everybody, group) }
}

/** Alice's store is put back to what it was before her latest messages, which Bob has. */
const runRestore = (seed: number, isNoticed: boolean): Ending => {
  const world = createWorld({ seed, names: ['alice', 'bob'], cryptography })
  const group = formGroup(world, ['alice', 'bob'])
  const saved = [...writeInTurns(world, seed, group, ['alice', 'bob'])]
  const backup = rowsOf(world, 'alice')
  world.connect('alice', 'bob')
  for (let index = 0; index < 3; index++) {
    const text = `after the backup ${index}`
    world.ask('alice', { type: 'send-text', group, text, priority: 'routine' })
    saved.push({ host: 'alice', text })
  }
  world.run(60_000)
  world.crash('alice')
  world.host('alice').notified.splice(0)
  world.start('alice', backup, isNoticed)
  for (let index = 0; index < 3; index++) {
    const text = `after the restoring ${index}`
    world.ask('alice', { type: 'send-text', group, text, priority: 'routine' })
    saved.push({ host: 'alice', text })
  }
  meetAll(world, ['alice', 'bob'])
  world.run(180_000)
  const problems = checkConverged(world, group, ['alice', 'bob'], saved)
  return { problems, forks: forksOf(world, ['alice', 'bob'], group) }
}

describe.each([
  ['a copy beside its original', runCopy],
  ['an old state put back', runRestore],
])('%s', (_, run) => {
  test('that was noticed forks no log and loses no message', () => {
    for (const seed of seeds) {
      const { problems, forks } = run(seed, true)
      expect([seed, problems, forks.filter(count => count > 0)]).toEqual([seed, [], []])
    }
  })

  test('that nobody notices is found out by the fork it makes', () => {
    const forked = seeds.filter(seed => run(seed, false).forks.some(count => count > 0))
    expect(forked.length).toBeGreaterThan(seeds.length / 2)
  })
})

test('a copy without any group writes nothing', () => {
  const world = createWorld({ seed: 'empty', names: ['alice', 'bob'], cryptography })
  world.crash('bob')
  const before = rowsOf(world, 'bob')
  world.start('bob', 'kept', true)
  expect(rowsOf(world, 'bob')).toEqual(before)
})
