/** The findings of research/libp2p.md section 1 that make weak links fail with libp2p's defaults, each on real sockets with
 *  a bad line in between. (1.8, no healing by gossip, is answered by sync: two-nodes.test.ts. 1.10: webrtc.test.ts.) */
import { randomBytes } from 'node:crypto'
import { afterEach, expect, test } from 'vitest'
import { topicName } from '../../protocol/core/base.ts'
import { bounds } from '../../protocol/shell/bounds.ts'
import { createCleanup } from '../support/host.ts'
import { holds, until } from '../support/until.ts'
import { bytes, startMeshPeer } from './mesh.ts'
import { slowLink } from './slow-link.ts'
import type { MeshPeer } from './mesh.ts'
import type { SlowLink } from './slow-link.ts'

const cleanup = createCleanup()
afterEach(() => cleanup.run())

const start = async (...options: Parameters<typeof startMeshPeer>): Promise<MeshPeer> => {
  const peer = await startMeshPeer(...options)
  cleanup.add(peer.stop)
  return peer
}
const lineTo = async (peer: MeshPeer, kind: 'tcp' | 'ws' = 'tcp'): Promise<SlowLink> => {
  const line = await slowLink(peer.port(kind))
  cleanup.add(line.close)
  return line
}
const linked = async (): Promise<{ alice: MeshPeer; bob: MeshPeer; line: SlowLink }> => {
  const [alice, bob] = [await start(), await start()]
  const line = await lineTo(bob)
  alice.transport.connect(bob.peer, [line.address('tcp')])
  await until(() => alice.isUp(bob.peer) && bob.isUp(alice.peer))
  return { alice, bob, line }
}
const downs = (peer: MeshPeer): number => peer.happened.filter(({ type }) => type === 'down').length
const topic = topicName('levee')

test('1: a WebSocket dial at a round trip of 2.5 s works', async () => {
  const [alice, bob] = [
    await start(),
    await start({ listen: { host: '127.0.0.1', tcp: 0, ws: 0 } }),
  ]
  const line = await lineTo(bob, 'ws')
  line.set({ delay: 1_250 })
  alice.transport.connect(bob.peer, [line.address('ws')])
  await until(() => alice.isUp(bob.peer) && bob.isUp(alice.peer), { within: 20_000 })
  alice.transport.send(bob.peer, 'sync', bytes('over the satellite'))
  await until(() => bob.frames().includes('over the satellite'))
}, 40_000)

test('2: a link with 16 s of queue is not taken for dead, and loses nothing', async () => {
  const { alice, bob, line } = await linked()
  line.set({ rate: 2_500, delay: 300 })
  const frame = 'x'.repeat(5_000)
  for (let i = 0; i < 8; i++) alice.transport.send(bob.peer, 'sync', bytes(frame))
  await until(() => bob.frames().length === 8, { within: 25_000 })
  expect(downs(alice) + downs(bob)).toBe(0)
}, 40_000)

test('3: what a slow neighbour does not take is bounded, and the link starts anew', async () => {
  const { alice, bob, line } = await linked()
  line.set({ rate: 10_000 })
  const frame = bytes('x'.repeat(60_000))
  const count = Math.ceil(bounds.sendQueueBytesMax / frame.length) + 20
  for (let i = 0; i < count; i++) alice.transport.send(bob.peer, 'sync', frame)
  await until(() => downs(alice) === 1)
  line.set({ rate: Number.POSITIVE_INFINITY })
  await until(() => alice.isUp(bob.peer))
  alice.transport.send(bob.peer, 'sync', bytes('after'))
  await until(() => bob.frames().includes('after'), { within: 30_000 })
}, 60_000)

const meshed = async (alice: MeshPeer, bob: MeshPeer): Promise<void> => {
  alice.transport.subscribe([topic])
  bob.transport.subscribe([topic])
  const subscribers = (peer: MeshPeer): number =>
    peer.libp2p.node.services.pubsub.getSubscribers(topic).length
  await until(() => subscribers(alice) === 1 && subscribers(bob) === 1)
}

/** Says something both ways, again and again, until both have heard the other. */
const talk = async (alice: MeshPeer, bob: MeshPeer, name: string): Promise<void> => {
  let round = 0
  await until(
    () => {
      round += 1
      alice.transport.publish(topic, bytes(`${name} from alice ${round}`))
      bob.transport.publish(topic, bytes(`${name} from bob ${round}`))
      const heard = (peer: MeshPeer): boolean => peer.gossip().some(text => text.startsWith(name))
      return heard(alice) && heard(bob)
    },
    { every: 250, within: 15_000, that: `${name} heard by both` },
  )
}

test('4: gossip and frames go on when either of two connections dies', async () => {
  const { alice, bob, line } = await linked()
  await meshed(alice, bob)
  await talk(alice, bob, 'one connection')
  const { node } = alice.libp2p
  let identified = 0
  let identifiedAt = 0
  for (const peer of [alice, bob]) {
    peer.libp2p.node.addEventListener('peer:identify', () => {
      identified += 1
      identifiedAt = performance.now()
    })
  }
  const [target] = bob.libp2p.node.getMultiaddrs()
  if (target === undefined) throw new Error('bob listens')
  await node.dial(target, { force: true })
  await until(() => node.getConnections().length === 2 && identified >= 2)
  // An identification would open a gossip stream by chance; they come again a second after each start.
  await until(() => performance.now() - identifiedAt > 2_500)
  await talk(alice, bob, 'two connections')
  line.cut()
  await until(() => node.getConnections().length === 1)
  await talk(alice, bob, 'the first died')
  await until(() => alice.isUp(bob.peer) && bob.isUp(alice.peer))
  alice.transport.send(bob.peer, 'sync', bytes('still here'))
  bob.transport.send(alice.peer, 'sync', bytes('me too'))
  await until(() => bob.frames().includes('still here') && alice.frames().includes('me too'))
}, 60_000)

test('5: a peer that stalls does not keep gossip from the others', async () => {
  const [alice, bob] = [await start(), await start()]
  const stalled = await start()
  const line = await lineTo(stalled)
  alice.transport.subscribe([topic])
  bob.transport.subscribe([topic])
  const connection = await alice.libp2p.node.dial(stalled.libp2p.node.getMultiaddrs()[0] ?? [])
  await until(() => alice.isUp(stalled.peer))
  const { pubsub } = alice.libp2p.node.services
  await until(() => pubsub.getPeers().length === 1)
  // From here on nothing is answered on any new stream to it.
  const stall = Object.assign(Object.create(connection), {
    newStream: () => new Promise(() => undefined),
  })
  const outbound: unknown = Reflect.get(pubsub, 'streamsOutbound')
  if (outbound instanceof Map) outbound.delete(stalled.peer)
  const queue: unknown = Reflect.get(pubsub, 'outboundInflightQueue')
  const push: unknown = typeof queue === 'object' && queue !== null && Reflect.get(queue, 'push')
  if (typeof push !== 'function') throw new Error('no queue')
  push({ peerId: stalled.libp2p.node.peerId, connection: stall })
  const began = performance.now()
  alice.transport.connect(bob.peer, bob.addresses())
  await until(() => pubsub.getSubscribers(topic).length === 1)
  alice.transport.publish(topic, bytes('not held up'))
  await until(() => bob.gossip().includes('not held up'))
  expect(performance.now() - began).toBeLessThan(5_000)
  expect(line.connections()).toBe(0)
}, 30_000)

test('6: sixteen peers behind one address all receive gossip', async () => {
  const hub = await start()
  hub.transport.subscribe([topic])
  const others = await Promise.all(Array.from({ length: 16 }, () => start()))
  for (const peer of others) {
    peer.transport.subscribe([topic])
    peer.transport.connect(hub.peer, hub.addresses())
  }
  const { pubsub } = hub.libp2p.node.services
  await until(() => pubsub.getSubscribers(topic).length === 16, { within: 20_000 })
  for (let i = 0; i < 5; i++) hub.transport.publish(topic, bytes(`alarm ${i}`))
  await until(() => others.every(peer => new Set(peer.gossip()).size === 5), {
    within: 20_000,
    that: 'all sixteen heard all five',
  })
}, 60_000)

test('7: twenty peers that dial at once are all let in', async () => {
  const hub = await start()
  const others = await Promise.all(Array.from({ length: 20 }, () => start()))
  for (const peer of others) peer.transport.connect(hub.peer, hub.addresses())
  await until(() => others.every(peer => peer.isUp(hub.peer) && hub.isUp(peer.peer)), {
    within: 5_000,
  })
}, 60_000)

test('9: a peer that restarts is found again by both sides, without being asked for', async () => {
  const seed = randomBytes(32)
  const [alice, bob] = [await start(), await start({ identitySeed: seed })]
  const port = bob.port('tcp')
  alice.transport.connect(bob.peer, bob.addresses())
  await until(() => alice.isUp(bob.peer))
  await bob.stop()
  await until(() => !alice.isUp(bob.peer))
  const back = await start({ identitySeed: seed, listen: { host: '127.0.0.1', tcp: port } })
  expect(back.libp2p.taken).toEqual([])
  await until(() => alice.isUp(back.peer) && back.isUp(alice.peer), { within: 20_000 })
}, 40_000)

test('9: a link that was cut is up again within seconds', async () => {
  const { alice, bob, line } = await linked()
  line.cut()
  await until(() => downs(alice) === 1)
  await until(() => alice.isUp(bob.peer) && bob.isUp(alice.peer), { within: 15_000 })
}, 30_000)

test('a short freeze of the line is no reason to do anything', async () => {
  const { alice, bob, line } = await linked()
  line.freeze()
  alice.transport.send(bob.peer, 'sync', bytes('patience'))
  await holds(() => downs(alice) + downs(bob) === 0, { during: 6_000, that: 'both links are up' })
  line.thaw()
  await until(() => bob.frames().includes('patience'))
  expect(downs(alice) + downs(bob)).toBe(0)
}, 30_000)
