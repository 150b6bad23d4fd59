/** A member signs whatever it likes: places far apart, two operations for one place, presence without end, keys nobody asked
 *  for. It costs others a bounded amount, and they understand each other as before. */
import { expect, test } from 'vitest'
import { type GroupId, seededRandom } from '#protocol'
import { authorId } from '../../protocol/core/base.ts'
import { x25519PublicKey } from '../../protocol/core/crypto.ts'
import { sealWelcome } from '../../protocol/core/epoch.ts'
import { encodeSyncFrame } from '../../protocol/core/message.ts'
import { type Op, assembleOp, encodeOp, idPrefix, kinds, signOp } from '../../protocol/core/op.ts'
import { createSlot, encodeSlot } from '../../protocol/core/slot.ts'
import { createNodeCryptography } from '../../node/cryptography.ts'
import { checkConverged } from '../../sim/check.ts'
import { checkMemory } from '../../sim/memory.ts'
import { formGroup } from '../../sim/random-run.ts'
import { type World, createWorld } from '../../sim/world.ts'

const cryptography = createNodeCryptography()
const people = ['alice', 'bob', 'chen'] as const

/** Alice, Bob and Chen in a chain, and Mal beside Alice, who may sign operations for any place of its log. */
const withMal = (seed: string) => {
  const world = createWorld({ seed, names: [...people, 'mal'], cryptography })
  const group = formGroup(world, [...people, 'mal'])
  world.disconnect('alice', 'chen')
  world.connect('bob', 'chen')
  world.run(5_000)
  const mine = world.host('mal').peer.groups.get(group)
  const own = mine?.own
  const epoch = mine?.epochs.values().next().value
  if (own === undefined || epoch === undefined) throw new Error('mal is not in')
  const head = Math.max(...(mine?.log.held.get(own.author)?.keys() ?? []))
  const sign = (
    seq: number,
    options: {
      readonly prev?: Uint8Array
      readonly body?: number
      readonly welcome?: Uint8Array
    } = {},
  ): Op => {
    const { prev = new Uint8Array(16).fill(7), body = 1, welcome } = options
    const header = {
      kind: welcome === undefined ? kinds.fact : kinds.epoch,
      priority: 'routine',
      author: own.author,
      seq,
      hlc: 1_790_000_100_000 + seq,
      prev,
      keyId: epoch.keyId,
    } as const
    const payload = new Uint8Array(40)
    new DataView(payload.buffer).setUint32(0, body)
    const op = assembleOp(group, header, welcome ?? payload, undefined)
    return signOp(op, message => cryptography.sign(own.secret, message))
  }
  const give = (ops: readonly Op[]): void => {
    for (let at = 0; at < ops.length; at += 100) {
      const part = ops.slice(at, at + 100).map(encodeOp)
      world.inject('mal', 'alice', 'sync', encodeSyncFrame({ type: 'ops', group: 0, ops: part }))
      world.run(200)
    }
  }
  return { world, group, own, epoch, head, sign, give }
}

const say = (world: World, name: string, group: GroupId, text: string): void => {
  world.ask(name, { type: 'send-text', group, text, priority: 'routine' })
}
const agree = (world: World, group: GroupId): readonly string[] => {
  for (const name of people) world.disconnect(name, 'mal')
  say(world, 'alice', group, 'still here')
  say(world, 'chen', group, 'here as well')
  world.run(120_000)
  const saved = [
    { host: 'alice', text: 'still here' },
    { host: 'chen', text: 'here as well' },
  ]
  return [
    ...checkConverged(world, group, people, saved),
    ...people.flatMap(name => checkMemory(name, world.host(name).peer)),
  ]
}

test('operations with a hole before each fill no memory', () => {
  const { world, group, head, sign, give } = withMal('holes')
  give(Array.from({ length: 1_600 }, (_, index) => sign(head + 2 + 2 * index)))
  world.run(30_000)
  expect(agree(world, group)).toEqual([])
}, 120_000)

test('thousands of operations for one place are one fork, and are not passed on', () => {
  const { world, group, head, sign, give } = withMal('forks')
  give([sign(head + 1)])
  world.run(5_000)
  const before = world.host('alice').sentBytes
  give(Array.from({ length: 2_000 }, (_, index) => sign(head + 1, { body: 2 + index })))
  world.run(30_000)
  expect(world.host('alice').sentBytes - before).toBeLessThan(20_000)
  expect(agree(world, group)).toEqual([])
})

test('forks found further and further down cost a bounded number of frames', () => {
  const { world, group, head, sign, give } = withMal('deeper')
  const chain: Op[] = []
  for (let index = 0; index < 200; index++) {
    const last = chain.at(-1)
    chain.push(sign(head + 1 + index, last === undefined ? {} : { prev: idPrefix(last) }))
  }
  give(chain)
  world.run(10_000)
  const before = world.host('alice').sentBytes
  give(chain.toReversed().map(op => sign(op.seq, { prev: op.prev, body: 9 })))
  world.run(30_000)
  expect(world.host('alice').sentBytes - before).toBeLessThan(1_000_000)
  expect(agree(world, group)).toEqual([])
})

test('settings made on top of what a forked log said stay open to everybody else', () => {
  const { world, group, own, head, sign, give } = withMal('settings')
  world.ask('mal', { type: 'set-title', group, title: 'mal' })
  world.run(5_000)
  expect(world.group('chen', group)?.summary.title).toBe('mal')
  world.ask('alice', { type: 'set-title', group, title: 'alice' })
  world.run(5_000)
  world.ask('chen', { type: 'set-title', group, title: 'chen' })
  world.run(5_000)
  expect(world.group('alice', group)?.summary.title).toBe('chen')
  const before = world.host('mal').peer.groups.get(group)?.log.held.get(own.author)?.get(head)
  give([sign(head + 1, before === undefined ? {} : { prev: idPrefix(before) })])
  world.run(10_000)
  expect(world.group('alice', group)?.summary.title).toBe('防汛指挥组')
  for (const name of ['alice', 'chen']) {
    world.ask(name, { type: 'set-title', group, title: `again ${name}` })
    world.run(5_000)
    expect(world.group('bob', group)?.summary.title).toBe(`again ${name}`)
  }
  world.ask('bob', { type: 'set-title', group, title: 'bob' })
  world.run(5_000)
  expect(agree(world, group)).toEqual([])
  expect(world.group('chen', group)?.summary.title).toBe('bob')
})

test('presence told thousands of times reaches the others as often as their links bear', () => {
  const { world, group, own, epoch } = withMal('presence')
  world.disconnect('alice', 'bob')
  world.connect('alice', 'bob', { rate: 2_000, delayMillis: 300 })
  world.run(20_000)
  const before = world.host('alice').sentBytes
  for (let count = 0; count < 100; count++) {
    const slots = Array.from({ length: 8 }, (_, index) => {
      const hlc = 1_790_000_100_000 + count * 8 + index
      const head = { author: own.author, number: 1, hlc, ttlSeconds: 600, keyId: epoch.keyId }
      const body = new Uint8Array(300)
      return encodeSlot(
        createSlot(group, head, epoch.slot, body, message =>
          cryptography.sign(own.secret, message),
        ),
      )
    })
    world.inject('mal', 'alice', 'sync', encodeSyncFrame({ type: 'slots', group: 0, slots }))
    world.run(20)
  }
  expect(world.host('alice').sentBytes - before).toBeLessThan(40_000)
  world.run(30_000)
  const newest = world.host('bob').peer.groups.get(group)?.slots.get(`${own.author}/1`)?.slot.hlc
  expect(newest).toBe(1_790_000_100_799)
  expect(agree(world, group)).toEqual([])
})

test('keys that nobody uses are not taken, so that those in use are not pushed out', () => {
  const { world, group, give, sign } = withMal('keys')
  const alice = world.host('alice')
  const { device } = alice.peer
  if (device === undefined) throw new Error('not started')
  const topics = new Set(alice.topics)
  const random = seededRandom('keys')
  const secrets = Array.from({ length: 8 }, () => random.bytes(32))
  const prekey = x25519PublicKey(device.prekeySecret)
  const welcome = sealWelcome({ gid: group, device: device.id, prekey, secrets, random })
  if (!welcome.ok) throw new Error('no welcome')
  const mal = world.host('mal').peer.groups.get(group)
  const { own } = mal ?? {}
  const last = [...(mal?.log.held.get(own?.author ?? authorId('')) ?? [])].at(-1)?.[1]
  if (last === undefined) throw new Error('an empty log')
  give([sign(last.seq + 1, { prev: idPrefix(last), welcome: welcome.value })])
  world.run(5_000)
  expect(alice.peer.groups.get(group)?.epochs.size).toBe(1)
  expect(alice.topics).toEqual(topics)
  expect(agree(world, group)).toEqual([])
})
