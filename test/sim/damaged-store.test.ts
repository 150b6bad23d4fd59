/** A store in which a row was changed or lost while nobody looked. Alice starts again on it: she stops for nothing, and never
 *  writes one place of her log twice, which Bob would see as a fork. */
import { expect, test } from 'vitest'
import { type GroupId, type Row, seededRandom } from '#protocol'
import { createNodeCryptography } from '../../node/cryptography.ts'
import { formGroup } from '../../sim/random-run.ts'
import { type World, createWorld } from '../../sim/world.ts'

const cryptography = createNodeCryptography()
const say = (world: World, group: GroupId, text: string): boolean =>
  world.ask('alice', { type: 'send-text', group, text, priority: 'routine' }).ok

/** Alice wrote ten messages that Bob has; her rows as they are then. */
const given = (seed: number) => {
  const world = createWorld({ seed, names: ['alice', 'bob'], cryptography })
  const group = formGroup(world, ['alice', 'bob'])
  for (let index = 0; index < 10; index++) say(world, group, `before ${index}`)
  world.run(60_000)
  world.crash('alice')
  return { world, group, rows: new Map(world.host('alice').rows) }
}

const startOn = (world: World, group: GroupId, rows: ReadonlyMap<string, Row>) => {
  world.start('alice', rows)
  world.run(100)
  for (let index = 0; index < 3; index++) say(world, group, `after ${index}`)
  world.connect('alice', 'bob')
  world.run(120_000)
  const views = ['alice', 'bob'].map(name => world.group(name, group))
  return {
    forks: views.map(view => view?.forks),
    texts: views.map(view =>
      view?.messages.map(({ body }) => (body.type === 'text' ? body.text : body.type)),
    ),
    damage: world.app('alice').refusals['storage-failed'] ?? 0,
  }
}

/** The parts of a peer that are operations and logs; sealed rows are the store's to protect. */
const prefixes = ['03', '04', '06', '09', '20', '21']

test('whichever row has a bit changed, nobody is shown a fork', () => {
  const { rows } = given(1)
  const random = seededRandom('bits')
  const keys = [...rows.keys()].filter(key => prefixes.includes(key.slice(0, 2)))
  expect(keys.length).toBeGreaterThan(30)
  // The rows of logs decide what is written next; of all others a few.
  const logs = keys.filter(key => key.startsWith('03'))
  const others = keys.filter((_, index) => index % 4 === 0)
  for (const [round, key] of [...logs, ...logs, ...logs, ...logs, ...others].entries()) {
    const { world, group } = given(1)
    const row = rows.get(key)
    if (row === undefined || row.value.length === 0) continue
    const [a = 0, b = 0, bit = 0] = random.bytes(3)
    const value = row.value.slice()
    const at = (a * 256 + b) % value.length
    value[at] = (value[at] ?? 0) ^ (1 << (bit & 7))
    const { forks } = startOn(world, group, new Map(rows).set(key, { key: row.key, value }))
    expect([round, key, at, bit & 7, forks[1]]).toEqual([round, key, at, bit & 7, 0])
  }
})

test('whichever row is lost, nobody is shown a fork', () => {
  const { rows } = given(2)
  for (const key of rows.keys()) {
    if (!prefixes.includes(key.slice(0, 2))) continue
    const { world, group } = given(2)
    const left = new Map(rows)
    left.delete(key)
    const { forks } = startOn(world, group, left)
    expect([key, forks[1]]).toEqual([key, 0])
  }
})

test('a sound store is continued, in the same log', () => {
  const { world, group, rows } = given(3)
  const { forks, texts, damage } = startOn(world, group, rows)
  expect([forks, damage]).toEqual([[0, 0], 0])
  const view = world.group('bob', group)
  expect(new Set(view?.messages.map(({ author }) => author)).size).toBe(1)
  expect(texts[0]).toHaveLength(13)
  expect(texts[1]).toEqual(texts[0])
})

test('damage to many stored operations is noticed at the next start, without the doctor', () => {
  const { world, group, rows } = given(4)
  const bent = new Map(rows)
  for (const [key, row] of rows) {
    if (!key.startsWith('20')) continue
    const value = row.value.slice()
    value[value.length - 1] = (value[value.length - 1] ?? 0) ^ 1
    bent.set(key, { key: row.key, value })
  }
  expect(startOn(world, group, bent).damage).toBeGreaterThan(0)
})
