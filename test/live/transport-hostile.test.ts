/** Neighbours that break the rules: the connection ends, a name is not needed, everybody else goes on. Rows "frames"
 *  and "yamux" of research/reliability-security.md 4.1. */
import { randomBytes } from 'node:crypto'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, expect, test } from 'vitest'
import { bounds } from '../../protocol/shell/bounds.ts'
import { encodeFrame } from '../../protocol/shell/frames.ts'
import { createNodeLibp2p } from '../../node/libp2p.ts'
import { createTransport } from '../../protocol/shell/transport.ts'
import { holds, until } from '../support/until.ts'
import { createArena, isServed } from './attack.ts'
import { silentEvents } from './mesh.ts'
import type { Connection, Stream } from '@libp2p/interface'

const arena = createArena()
afterEach(() => arena.clear())

const openSync = (connection: Connection): Promise<Stream> =>
  connection.newStream('/petrel/sync/1', { runOnLimitedConnection: true })

test.each([
  ['2^31', [0x80, 0x80, 0x80, 0x80, 0x08]],
  ['one byte too many', [0xf1, 0xa2, 0x04]],
  ['ten bytes', Array.from({ length: 10 }, () => 0xff)],
  ['more bytes than needed', [0x81, 0x00, 0x00]],
])('a frame with a length of %s ends the connection', async (_name, prefix) => {
  const { victim, friend, attack } = await arena.scene()
  const stream = await openSync(attack)
  stream.send(Uint8Array.from(prefix))
  await until(() => attack.status !== 'open')
  await isServed(victim, friend)
  expect(victim.frames()).toHaveLength(1)
})

test('half a frame and then silence holds nothing up', async () => {
  const { victim, friend, attack } = await arena.scene()
  const stream = await openSync(attack)
  stream.send(Uint8Array.of(0x05, 1, 2))
  await isServed(victim, friend)
})

test('a neighbour is read no faster than its frames are dealt with', async () => {
  const libp2p = await createNodeLibp2p({
    identitySeed: randomBytes(32),
    listen: { host: '127.0.0.1', tcp: 0 },
    mdns: false,
    relay: false,
  })
  arena.add(libp2p.stop)
  const transport = createTransport(libp2p.node)
  arena.add(transport.stop)
  const waiting: (() => void)[] = []
  let arrived = 0
  await transport.start({
    ...silentEvents,
    frame: (_from, _channel, _bytes, taken) => {
      arrived += 1
      if (taken !== undefined) waiting.push(taken)
    },
  })
  const attacker = await arena.start()
  const [address] = libp2p.node.getMultiaddrs()
  if (address === undefined) throw new Error('the victim listens')
  const stream = await openSync(await attacker.libp2p.node.dial(address))
  for (let i = 0; i < 400; i++) stream.send(encodeFrame(randomBytes(2_048)))
  await until(() => arrived >= 32)
  await holds(() => arrived <= 200, { during: 1_000, that: 'most of it is not read' })
  await until(() => {
    for (const taken of waiting.splice(0)) taken()
    return arrived === 400
  })
})

test('a thousand streams are refused beyond the bound', async () => {
  const { victim, friend, attacker, attack } = await arena.scene()
  const opened = await Promise.allSettled(Array.from({ length: 1_000 }, () => openSync(attack)))
  await until(() => attack.streams.length <= 40 || attack.status !== 'open')
  expect(opened.filter(({ status }) => status === 'fulfilled').length).toBeLessThan(200)
  const held = victim.libp2p.node
    .getConnections(attacker.libp2p.node.peerId)
    .reduce((sum, { streams }) => sum + streams.length, 0)
  expect(held).toBeLessThanOrEqual(32)
  await isServed(victim, friend)
})

test('one peer holds no more than a few connections', async () => {
  const { victim, friend, attacker } = await arena.scene()
  const [address] = victim.libp2p.node.getMultiaddrs()
  for (let i = 0; i < 20; i++) await attacker.libp2p.node.dial(address ?? [], { force: true })
  const held = (): number => victim.libp2p.node.getConnections(attacker.libp2p.node.peerId).length
  await until(() => held() <= bounds.connectionsPerPeerMax)
  await isServed(victim, friend)
})

test('an address that leads nowhere, to somebody else or to ourselves does no harm', async () => {
  const { victim, friend } = await arena.scene()
  const [own] = victim.libp2p.node.getMultiaddrs()
  victim.transport.connect(friend.peer, [
    Uint8Array.of(1, 2, 3),
    multiaddr('/ip4/127.0.0.1/tcp/1').bytes,
    own?.bytes ?? new Uint8Array(0),
  ])
  victim.transport.connect(victim.peer, victim.addresses())
  await isServed(victim, friend)
})
