/** What carrying costs is bounded, and what was promised to a group is never taken for another. */
import { expect, test } from 'vitest'
import { type GroupId, type Random, limits, seededRandom } from '#protocol'
import { createNodeCryptography } from '../../node/cryptography.ts'
import { formGroup } from '../../sim/random-run.ts'
import { type World, createWorld } from '../../sim/world.ts'

const cryptography = createNodeCryptography()
const day = 86_400_000

const flood = (world: World, name: string, group: GroupId, count: number): void => {
  const random = seededRandom(name)
  for (let index = 0; index < count; index++) {
    const text = base64Of(random, 3_000)
    world.ask(name, { type: 'send-text', group, text, priority: 'routine' })
    world.run(200)
  }
}
/** Text that no compression makes smaller than this many bytes. */
const base64Of = (random: Random, bytes: number): string =>
  Buffer.concat([random.bytes(1_000), random.bytes(1_000), random.bytes(bytes - 2_000)]).toString(
    'base64',
  )

const coldRows = (world: World, name: string, group: GroupId): number =>
  [...world.host(name).rows.keys()].filter(key => key.startsWith(`20${group}`)).length

test('one author fills no more than its share of a carrier, and another group keeps its place', () => {
  const world = createWorld({ seed: 'quota', names: ['alice', 'bob', 'carrier'], cryptography })
  const small = formGroup(world, ['bob'])
  const large = formGroup(world, ['alice'])
  world.connect('bob', 'carrier')
  world.connect('alice', 'carrier')
  world.run(3_000)
  world.ask('bob', { type: 'send-text', group: small, text: '一条要紧的话', priority: 'routine' })
  flood(world, 'alice', large, 400)
  world.run(60_000)
  const carried = world.app('carrier')
  expect(carried.carriedBytes).toBeLessThan(limits.carriedBytesPerAuthorMax + 100_000)
  expect(carried.refusals['over-quota']).toBeGreaterThan(0)
  expect(coldRows(world, 'carrier', small)).toBe(1)
})

test('what a carrier had no room for is not shown as carried', () => {
  const world = createWorld({ seed: 'honest', names: ['alice', 'carrier'], cryptography })
  const group = formGroup(world, ['alice'])
  world.connect('alice', 'carrier')
  world.run(3_000)
  flood(world, 'alice', group, 400)
  world.run(30_000)
  const last = world.group('alice', group)?.messages.at(-1)
  expect(last?.ledger).toMatchObject({ state: 'held', carried: 0 })
})

test('routine operations are dropped after fourteen days and flash after thirty, and nobody sends them again', () => {
  const world = createWorld({ seed: 'age', names: ['alice', 'carrier'], cryptography })
  const group = formGroup(world, ['alice'])
  world.connect('alice', 'carrier')
  world.run(3_000)
  world.ask('alice', { type: 'send-text', group, text: 'routine', priority: 'routine' })
  world.ask('alice', { type: 'send-text', group, text: 'flash', priority: 'flash' })
  world.run(10_000)
  expect(coldRows(world, 'carrier', group)).toBe(2)
  world.disconnect('alice', 'carrier')
  world.run(15 * day)
  expect(coldRows(world, 'carrier', group)).toBe(1)
  world.connect('alice', 'carrier')
  world.run(60_000)
  expect(coldRows(world, 'carrier', group)).toBe(1)
  world.run(16 * day)
  expect(coldRows(world, 'carrier', group)).toBe(0)
})

test('what a carrier took up before its clock was set is carried as long as anything else', () => {
  const world = createWorld({ seed: 'clock', names: ['alice', 'carrier'], cryptography })
  const group = formGroup(world, ['alice'])
  world.host('carrier').clockError = -1_790_000_000_000
  world.connect('alice', 'carrier')
  world.run(3_000)
  world.ask('alice', { type: 'send-text', group, text: 'routine', priority: 'routine' })
  world.run(10_000)
  expect(coldRows(world, 'carrier', group)).toBe(1)
  world.disconnect('alice', 'carrier')
  world.host('carrier').clockError = 0
  world.run(13 * day)
  expect(coldRows(world, 'carrier', group)).toBe(1)
  world.run(2 * day)
  expect(coldRows(world, 'carrier', group)).toBe(0)
})
