/** The libp2p node of a Node peer: ports, identity and certificate over restarts, the patched WebRTC, relay and mDNS. */
import { randomBytes } from 'node:crypto'
import { pathToFileURL } from 'node:url'
import { join } from 'node:path'
import { createServer } from 'node:net'
import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { LevelDatastore } from 'datastore-level'
import { afterEach, expect, test } from 'vitest'
import { multiaddrToBytes } from '../../protocol/shell/addresses.ts'
import { topicName } from '../../protocol/core/base.ts'
import { createCleanup, repositoryRoot, temporaryDirectory } from '../support/host.ts'
import { holds, until } from '../support/until.ts'
import { bytes, reserve, startMeshPeer } from './mesh.ts'
import type { MeshPeer } from './mesh.ts'

const cleanup = createCleanup()
afterEach(() => cleanup.run())
const start = async (...options: Parameters<typeof startMeshPeer>): Promise<MeshPeer> => {
  const peer = await startMeshPeer(...options)
  cleanup.add(peer.stop)
  return peer
}
const addressesOf = (peer: MeshPeer): readonly string[] =>
  peer.libp2p.node.getMultiaddrs().map(String)

test('a port in use is replaced by another one, and that is said', async () => {
  const server = createServer()
  const port = await new Promise<number>(resolve => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : 0)
    })
  })
  cleanup.add(() => new Promise(resolve => server.close(resolve)))
  const peer = await start({ listen: { host: '127.0.0.1', tcp: port, ws: 0 } })
  expect(peer.libp2p.taken).toEqual([{ transport: 'tcp', wanted: port }])
  expect(peer.port('tcp')).toBeGreaterThan(0)
  expect(peer.port('tcp')).not.toBe(port)
})

test('name, address and WebRTC certificate are the same after a restart', async () => {
  const directory = await temporaryDirectory('petrel-libp2p')
  cleanup.add(directory.remove)
  const identitySeed = randomBytes(32)
  const options = {
    identitySeed,
    dataDirectory: directory.path,
    listen: { host: '127.0.0.1', tcp: 0, webrtcDirect: 0 },
  }
  const first = await start(options)
  const [before, hashBefore] = [first.peer, /certhash\/[^/]+/.exec(addressesOf(first).join())?.[0]]
  await first.stop()
  const second = await start(options)
  expect(hashBefore).toBeDefined()
  expect(second.peer).toBe(before)
  expect(/certhash\/[^/]+/.exec(addressesOf(second).join())?.[0]).toBe(hashBefore)
})

test('passers-by without number fill neither memory nor disk', async () => {
  const { path, remove } = await temporaryDirectory()
  cleanup.add(remove)
  const { libp2p } = await start({ dataDirectory: path, listen: { host: '127.0.0.1' } })
  const { peerStore, peerId } = libp2p.node
  await peerStore.merge(peerId, { multiaddrs: [multiaddr('/ip4/10.0.0.1/tcp/1')] })
  const passersBy = Array.from({ length: 1_500 }, () =>
    peerIdFromPublicKey(publicKeyFromRaw(randomBytes(32))),
  )
  for (const id of passersBy) {
    await peerStore.merge(id, { multiaddrs: [multiaddr('/ip4/10.0.0.2/tcp/1')] })
  }
  expect((await peerStore.all()).length).toBeLessThanOrEqual(1_024)
  expect(await peerStore.has(passersBy.at(-1) ?? peerId)).toBe(true)
  expect(await peerStore.has(peerId)).toBe(true)
  await libp2p.stop()
  const disk = new LevelDatastore(join(path, 'libp2p'))
  await disk.open()
  const kept: string[] = []
  for await (const key of disk.queryKeys({})) kept.push(key.toString())
  await disk.close()
  expect(kept.filter(key => key.startsWith('/peers/'))).toEqual([])
})

test('the WebRTC that Node loads is the mended one', async () => {
  await start({ listen: { host: '127.0.0.1', webrtcDirect: 0 } })
  const file = '@libp2p/webrtc/dist/src/private-to-public/utils/connect.js'
  const url = pathToFileURL(join(repositoryRoot, 'node_modules', file)).href
  const loaded: unknown = await import(/* @vite-ignore */ url)
  const connect: unknown =
    typeof loaded === 'object' && loaded !== null && Reflect.get(loaded, 'connect')
  expect(String(connect)).toContain("case 'failed'")
  expect(String(connect)).not.toContain("case 'disconnected'")
})

test('two peers that reach each other only through a third have a link, for sync and not for gossip', async () => {
  const topic = topicName('relayed')
  const relay = await start({ relay: true })
  const unreachable = { listen: { host: '127.0.0.1' } }
  const [alice, bob] = [await start(unreachable), await start(unreachable)]
  alice.transport.connect(relay.peer, relay.addresses())
  bob.transport.connect(relay.peer, relay.addresses())
  await until(() => alice.isUp(relay.peer) && bob.isUp(relay.peer))
  const through = multiaddr(`${addressesOf(relay)[0] ?? ''}/p2p-circuit`)
  // Node peers do not ask for a place at a relay by themselves: browsers do.
  await reserve(bob, through)
  alice.transport.subscribe([topic])
  bob.transport.subscribe([topic])
  alice.transport.connect(bob.peer, [multiaddrToBytes(through)])
  await until(() => alice.isUp(bob.peer) && bob.isUp(alice.peer), { within: 20_000 })
  expect(alice.transport.linkKind(bob.peer)).toBe('relayed')
  alice.transport.send(bob.peer, 'sync', bytes('by way of a third'))
  await until(() => bob.frames().includes('by way of a third'))
  const gossiped = alice.libp2p.node.services.pubsub
  await holds(() => !gossiped.getPeers().some(peer => peer.toString() === bob.peer), {
    during: 1_500,
    that: 'no gossip over the relay',
  })
})

test('a place at the relay is free again when its holder is gone', async () => {
  const relay = await start({ relay: true })
  const places: unknown = Reflect.get(relay.libp2p.node.services, 'relay')
  const taken = (): unknown => Reflect.get(Reflect.get(Object(places), 'reservations'), 'size')
  const holder = await start({ listen: { host: '127.0.0.1' } })
  holder.transport.connect(relay.peer, relay.addresses())
  await until(() => holder.isUp(relay.peer))
  await reserve(holder, multiaddr(`${addressesOf(relay)[0] ?? ''}/p2p-circuit`))
  expect(taken()).toBe(1)
  await holder.stop()
  await until(() => taken() === 0)
})

test('peers of one network find each other by mDNS', async () => {
  const options = { listen: { host: '0.0.0.0', tcp: 0 }, mdns: true }
  const [alice, bob] = [await start(options), await start(options)]
  await until(() => alice.isUp(bob.peer) && bob.isUp(alice.peer), { within: 20_000 })
})

test('own addresses are told when listening starts, LAN before loopback, at most four', async () => {
  const peer = await start({ listen: { host: '0.0.0.0', tcp: 0, ws: 0 } })
  await until(() => peer.addresses().length > 0)
  expect(peer.addresses().length).toBeLessThanOrEqual(4)
})
