/** Whatever a neighbour or a member sends, and however long a group lives, memory keeps its bounds and nothing that was said is
 *  lost for it. */
import { expect, test } from 'vitest'
import { type GroupId, groupId, limits, seededRandom } from '#protocol'
import { authorId, bytesToHex } from '../../protocol/core/base.ts'
import { encodeSyncFrame } from '../../protocol/core/message.ts'
import { createNodeCryptography } from '../../node/cryptography.ts'
import { checkConverged } from '../../sim/check.ts'
import { checkMemory } from '../../sim/memory.ts'
import { formGroup } from '../../sim/random-run.ts'
import { type World, createWorld } from '../../sim/world.ts'

const cryptography = createNodeCryptography()

const say = (world: World, name: string, group: GroupId, text: string): void => {
  const answer = world.ask(name, { type: 'send-text', group, text, priority: 'routine' })
  expect(answer.ok).toBe(true)
}
const peerOf = (world: World, name: string) => world.host(name).peer
const linkTo = (world: World, name: string, other: string) =>
  peerOf(world, name).links.get(world.host(other).id)

test('settings changed hundreds of times are the same for who comes late and after a restart', () => {
  const changes = 300
  const world = createWorld({ seed: 'settings', names: ['alice', 'bob'], cryptography })
  const group = formGroup(world, ['alice', 'bob'])
  world.disconnect('alice', 'bob')
  for (let index = 0; index < changes; index++) {
    world.ask('alice', { type: 'set-title', group, title: `第 ${index} 次` })
  }
  const last = `第 ${changes - 1} 次`
  world.connect('alice', 'bob', { gossip: 0 })
  world.run(60_000)
  expect(world.group('bob', group)?.summary.title).toBe(last)
  world.crash('alice')
  world.start('alice')
  expect(world.group('alice', group)?.summary.title).toBe(last)
  world.ask('alice', { type: 'set-title', group, title: 'after' })
  world.connect('alice', 'bob')
  world.run(10_000)
  expect(checkConverged(world, group, ['alice', 'bob'], [])).toEqual([])
  expect(world.group('bob', group)?.summary.title).toBe('after')
})

test('a neighbour that claims to hold the logs of thousands of strangers fills no memory', () => {
  const world = createWorld({ seed: 'claims', names: ['alice', 'mallory'], cryptography })
  const group = formGroup(world, ['alice', 'mallory'])
  const random = seededRandom('strangers')
  for (let count = 0; count < 4; count++) {
    const entries = Array.from({ length: 3_000 }, () => ({
      author: authorId(bytesToHex(random.bytes(8))),
      ranges: [{ from: 0, to: 5 }],
    }))
    const vector = { mode: 'changed', entries } as const
    const frame = { type: 'have', group: 0, setHash: random.bytes(8), vector } as const
    world.inject('mallory', 'alice', 'sync', encodeSyncFrame(frame))
    world.run(1_000)
  }
  const vector = linkTo(world, 'alice', 'mallory')?.groups.get(group)?.vector
  expect(vector?.size).toBeGreaterThan(1)
  expect(vector?.size).toBeLessThanOrEqual(limits.authorsMax)
  expect(checkMemory('alice', peerOf(world, 'alice'))).toEqual([])
})

test('asked for everything at once, a peer answers in frames that may be read, within the window', () => {
  const sizes: number[] = []
  const world = createWorld({
    seed: 'want',
    names: ['alice', 'mallory'],
    cryptography,
    tamper: ({ from, bytes }) => {
      if (from.name === 'alice') sizes.push(bytes.length)
      return [bytes]
    },
  })
  const group = formGroup(world, ['alice', 'mallory'])
  const random = seededRandom('long')
  for (let index = 0; index < 60; index++) {
    say(world, 'alice', group, Buffer.from(random.bytes(1_000)).toString('base64'))
  }
  world.run(30_000)
  const author = peerOf(world, 'alice').groups.get(group)?.own?.author ?? authorId('')
  const refs = Array.from({ length: 64 }, (_, seq) => ({ author, seq }))
  sizes.length = 0
  const before = world.host('alice').sentBytes
  for (let count = 0; count < 50; count++) {
    world.inject('mallory', 'alice', 'sync', encodeSyncFrame({ type: 'want', group: 0, refs }))
  }
  world.run(100)
  expect(Math.max(...sizes)).toBeLessThanOrEqual(limits.frameBytesMax)
  expect(world.host('alice').sentBytes - before).toBeLessThan(2 * limits.windowBytesMax)
})

test('a stranger that asks to carry thousands of groups takes no place from a real one', () => {
  const world = createWorld({
    seed: 'places',
    names: ['alice', 'carrier', 'mallory'],
    cryptography,
  })
  const group = formGroup(world, ['alice'])
  world.connect('mallory', 'carrier')
  world.run(1_000)
  const random = seededRandom('groups')
  for (let count = 0; count < 10; count++) {
    const groups = Array.from({ length: 50 }, () => groupId(bytesToHex(random.bytes(16))))
    world.inject('mallory', 'carrier', 'sync', encodeSyncFrame({ type: 'carry', groups }))
    world.run(1_000)
  }
  world.connect('alice', 'carrier')
  say(world, 'alice', group, '请带上')
  world.run(20_000)
  expect(world.group('alice', group)?.messages[0]?.ledger).toMatchObject({ carried: 1 })
})

test('thousands of messages later memory is bounded everywhere, and who heard nothing meanwhile gets them all', () => {
  const world = createWorld({
    seed: 'long',
    names: ['alice', 'bob', 'chen', 'carrier'],
    cryptography,
  })
  const group = formGroup(world, ['alice', 'bob', 'chen'])
  world.connect('alice', 'carrier')
  world.disconnect('alice', 'bob')
  world.connect('alice', 'bob', { gossip: 0 })
  world.run(2_000)
  world.mute('bob', 'alice', Number.POSITIVE_INFINITY)
  world.mute('alice', 'bob', Number.POSITIVE_INFINITY)
  for (let index = 0; index < 2_600; index++) {
    say(world, 'alice', group, `${index}`)
    if (index % 10 === 0) world.run(100)
  }
  world.run(60_000)
  for (const { name, peer } of world.hosts) expect(checkMemory(name, peer)).toEqual([])
  world.disconnect('alice', 'bob')
  world.connect('alice', 'bob')
  world.run(240_000)
  for (const { name, peer } of world.hosts) expect(checkMemory(name, peer)).toEqual([])
  const { ranges } =
    [...(peerOf(world, 'bob').groups.get(group)?.log.authors.values() ?? [])][0] ?? {}
  expect(ranges).toHaveLength(1)
  expect(world.group('bob', group)?.summary.missing).toBe(0)
}, 120_000)
