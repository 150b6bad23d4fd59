/** Links, frames and gossip between real libp2p nodes on loopback. */
import { afterEach, expect, test } from 'vitest'
import { topicName } from '../../protocol/core/base.ts'
import { until } from '../support/until.ts'
import { bytes, startMeshPeer } from './mesh.ts'
import type { MeshPeer } from './mesh.ts'

let peers: MeshPeer[] = []
const start = async (...options: Parameters<typeof startMeshPeer>): Promise<MeshPeer> => {
  const peer = await startMeshPeer(...options)
  peers.push(peer)
  return peer
}
afterEach(async () => {
  await Promise.all(peers.map(peer => peer.stop()))
  peers = []
})

test('two peers that know an address get a link on both sides and frames in order', async () => {
  const [alice, bob] = [await start(), await start()]
  alice.transport.connect(bob.peer, bob.addresses())
  await until(() => alice.isUp(bob.peer) && bob.isUp(alice.peer))
  for (let i = 0; i < 100; i++) alice.transport.send(bob.peer, 'sync', bytes(`frame ${i}`))
  bob.transport.send(alice.peer, 'join', bytes('hello'))
  await until(() => bob.frames().length === 100 && alice.frames('join').length === 1)
  expect(bob.frames()).toEqual(Array.from({ length: 100 }, (_, i) => `frame ${i}`))
  expect(alice.transport.linkKind(bob.peer)).toBe('direct')
})

test('gossip reaches a subscriber', async () => {
  const [alice, bob] = [await start(), await start()]
  const topic = topicName('t')
  alice.transport.subscribe([topic])
  bob.transport.subscribe([topic])
  alice.transport.connect(bob.peer, bob.addresses())
  await until(() => alice.libp2p.node.services.pubsub.getSubscribers(topic).length === 1)
  alice.transport.publish(topic, bytes('news'))
  await until(() => bob.gossip().includes('news'))
})
