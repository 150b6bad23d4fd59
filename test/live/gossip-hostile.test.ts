/** Neighbours that flood, repeat, forge or talk of other things in gossip. Row "gossip" of research/reliability-security.md
 *  4.1. */
import { randomBytes } from 'node:crypto'
import { afterEach, expect, test } from 'vitest'
import { topicName } from '../../protocol/core/base.ts'
import { encodeFrame } from '../../protocol/shell/frames.ts'
import { until } from '../support/until.ts'
import { createArena, isServed } from './attack.ts'
import { bytes } from './mesh.ts'

const arena = createArena()
afterEach(() => arena.clear())

test('a flood of subscriptions is forgotten beyond the bound', async () => {
  const { victim, friend, attacker, attack } = await arena.scene()
  const { pubsub } = victim.libp2p.node.services
  const stream = await attack.newStream('/meshsub/1.2.0')
  for (let round = 0; round < 20; round++) stream.send(subscriptions(round, 400))
  await isServed(victim, friend)
  const topics: unknown = Reflect.get(pubsub, 'topics')
  expect(topics instanceof Map ? topics.size : -1).toBeLessThanOrEqual(550)
  await attacker.libp2p.node.hangUp(victim.libp2p.node.peerId)
  await until(() => (topics instanceof Map ? topics.size : -1) === 0)
})

/** A gossipsub RPC, length first, with `count` subscriptions to topics of its own: field 1 { 1: true, 2: topic }. */
const subscriptions = (round: number, count: number): Uint8Array => {
  const entries = Array.from({ length: count }, (_, i) => {
    const topic = Buffer.from(`topic-${round}-${i}`)
    const inner = Buffer.concat([Buffer.of(0x08, 0x01, 0x12, topic.length), topic])
    return Buffer.concat([Buffer.of(0x0a, inner.length), inner])
  })
  return encodeFrame(Buffer.concat(entries))
}

test('a neighbour that floods gossip is shown the door', async () => {
  const [victim, attacker] = [await arena.start(), await arena.start()]
  const topic = topicName('flood')
  for (const peer of [victim, attacker]) peer.transport.subscribe([topic])
  attacker.transport.connect(victim.peer, victim.addresses())
  const { pubsub } = attacker.libp2p.node.services
  await until(() => pubsub.getSubscribers(topic).length === 1)
  for (let i = 0; i < 12_000; i++) attacker.transport.publish(topic, bytes(`noise ${i}`))
  await until(() => !victim.isUp(attacker.peer), { within: 30_000 })
  expect(victim.gossip().length).toBeLessThanOrEqual(10_100)
})

/** A gossipsub RPC with one message: field 2 { 2: data, 4: topic }. */
const message = (topic: string, data: Uint8Array): Uint8Array => {
  const inner = Buffer.concat([
    Buffer.of(0x12),
    encodeFrame(data),
    Buffer.of(0x22),
    encodeFrame(Buffer.from(topic)),
  ])
  return encodeFrame(Buffer.concat([Buffer.of(0x12), encodeFrame(inner)]))
}

test('gossip on a topic of nobody here is not kept, and a flood of it ends the connection', async () => {
  const { victim, friend, attack } = await arena.scene()
  const { pubsub } = victim.libp2p.node.services
  const stream = await attack.newStream('/meshsub/1.2.0')
  const sizeOf = (cache: string, member: string): unknown =>
    Reflect.get(Reflect.get(pubsub, cache), member)?.size
  for (let i = 0; i < 10; i++) stream.send(message('not ours', randomBytes(60_000)))
  await isServed(victim, friend)
  expect(sizeOf('mcache', 'msgs')).toBe(0)
  expect(sizeOf('seenCache', 'entries')).toBe(0)
  for (let i = 0; i < 6_000 && attack.status === 'open'; i++) {
    stream.send(message('not ours', bytes(`noise ${i}`)))
  }
  await until(() => attack.status !== 'open')
  await isServed(victim, friend)
})

test('the same gossip again and again is charged each time', async () => {
  const { victim, friend, attack } = await arena.scene()
  victim.transport.subscribe([topicName('ours')])
  const stream = await attack.newStream('/meshsub/1.2.0')
  for (let i = 0; i < 6_000 && attack.status === 'open'; i++) {
    stream.send(message('ours', bytes('once more')))
  }
  await until(() => attack.status !== 'open')
  expect(victim.gossip()).toEqual(['once more'])
  await isServed(victim, friend)
})

test('what is not vouched for is heard and charged, but not passed on', async () => {
  const [hub, attacker, behind] = [await arena.start(), await arena.start(), await arena.start()]
  const topic = topicName('forgery')
  for (const peer of [hub, attacker, behind]) peer.transport.subscribe([topic])
  for (const peer of [attacker, behind]) peer.transport.connect(hub.peer, hub.addresses())
  let round = 0
  await until(
    () => {
      round += 1
      attacker.transport.publish(topic, bytes(`warm ${round}`))
      return behind.gossip().length > 0
    },
    { every: 250 },
  )
  attacker.transport.publish(topic, bytes('forged order'))
  attacker.transport.publish(topic, bytes('signed order'))
  await until(() => behind.gossip().includes('signed order'))
  expect(hub.gossip()).toContain('forged order')
  expect(behind.gossip()).not.toContain('forged order')
})

/** One field of a protobuf message: its number, then its bytes with their length. */
const field = (number: number, content: Uint8Array): Buffer =>
  Buffer.concat([Buffer.of(number * 8 + 2), encodeFrame(content)])

test('control messages at and beyond their limits change nothing between the others', async () => {
  const { victim, friend, attack } = await arena.scene()
  const topic = topicName('order')
  for (const peer of [victim, friend]) peer.transport.subscribe([topic])
  const stream = await attack.newStream('/meshsub/1.2.0')
  const named = field(1, bytes(topic))
  const backoff = Buffer.of(0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01)
  const ids = (count: number, number: number): Buffer =>
    Buffer.concat(Array.from({ length: count }, () => field(number, randomBytes(16))))
  const controls = [
    field(4, Buffer.concat([named, backoff])),
    Buffer.concat(Array.from({ length: 600 }, () => field(3, named))),
    field(1, Buffer.concat([named, ids(3_000, 2)])),
    field(2, ids(3_001, 1)),
    field(5, ids(3_000, 1)),
    field(1, field(1, Buffer.alloc(40_000))),
    Buffer.of(0xff, 0xff, 0xff),
  ]
  for (const control of controls) stream.send(encodeFrame(field(3, control)))
  let round = 0
  await until(
    () => {
      round += 1
      friend.transport.publish(topic, bytes(`order ${round}`))
      return victim.gossip().some(text => text.startsWith('order'))
    },
    { every: 250 },
  )
  await isServed(victim, friend)
})
