/** Neighbours that break the rules: the connection ends, a name is not needed, everybody else goes on. Rows "frames",
 *  "Noise", "yamux" and "gossip" of research/reliability-security.md 4.1. */
import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import { randomBytes } from 'node:crypto'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, expect, test } from 'vitest'
import { topicName } from '../../protocol/core/base.ts'
import { bounds } from '../../protocol/shell/bounds.ts'
import { encodeFrame } from '../../protocol/shell/frames.ts'
import { createNodeLibp2p } from '../../node/libp2p.ts'
import { createTransport } from '../../protocol/shell/transport.ts'
import { createCleanup } from '../support/host.ts'
import { holds, until } from '../support/until.ts'
import { bytes, silentEvents, startMeshPeer, webrtcBeginnings } from './mesh.ts'
import { stunRequest } from './stun.ts'
import type { Connection, Stream } from '@libp2p/interface'
import type { MeshPeer } from './mesh.ts'

const cleanup = createCleanup()
afterEach(() => cleanup.run())
const start = async (...options: Parameters<typeof startMeshPeer>): Promise<MeshPeer> => {
  const peer = await startMeshPeer(...options)
  cleanup.add(peer.stop)
  return peer
}

/** A victim with an honest friend, and a connection of an attacker who speaks libp2p but not by our rules. */
const scene = async (): Promise<{
  victim: MeshPeer
  friend: MeshPeer
  attacker: MeshPeer
  attack: Connection
}> => {
  const [victim, friend, attacker] = [await start(), await start(), await start()]
  friend.transport.connect(victim.peer, victim.addresses())
  await until(() => friend.isUp(victim.peer) && victim.isUp(friend.peer))
  await attacker.transport.stop()
  const [address] = victim.libp2p.node.getMultiaddrs()
  if (address === undefined) throw new Error('the victim listens')
  return { victim, friend, attacker, attack: await attacker.libp2p.node.dial(address) }
}

const isServed = async (victim: MeshPeer, friend: MeshPeer): Promise<void> => {
  const word = randomBytes(8).toString('hex')
  friend.transport.send(victim.peer, 'sync', bytes(word))
  await until(() => victim.frames().includes(word))
}

const openSync = (connection: Connection): Promise<Stream> =>
  connection.newStream('/petrel/sync/1', { runOnLimitedConnection: true })

test.each([
  ['2^31', [0x80, 0x80, 0x80, 0x80, 0x08]],
  ['one byte too many', [0xf1, 0xa2, 0x04]],
  ['ten bytes', Array.from({ length: 10 }, () => 0xff)],
  ['more bytes than needed', [0x81, 0x00, 0x00]],
])('a frame with a length of %s ends the connection', async (_name, prefix) => {
  const { victim, friend, attack } = await scene()
  const stream = await openSync(attack)
  stream.send(Uint8Array.from(prefix))
  await until(() => attack.status !== 'open')
  await isServed(victim, friend)
  expect(victim.frames()).toHaveLength(1)
})

test('half a frame and then silence holds nothing up', async () => {
  const { victim, friend, attack } = await scene()
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
  cleanup.add(libp2p.stop)
  const transport = createTransport(libp2p.node)
  cleanup.add(transport.stop)
  const waiting: (() => void)[] = []
  let arrived = 0
  await transport.start({
    ...silentEvents,
    frame: (_from, _channel, _bytes, taken) => {
      arrived += 1
      if (taken !== undefined) waiting.push(taken)
    },
  })
  const attacker = await start()
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
  const { victim, friend, attacker, attack } = await scene()
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
  const { victim, friend, attacker } = await scene()
  const [address] = victim.libp2p.node.getMultiaddrs()
  for (let i = 0; i < 20; i++) await attacker.libp2p.node.dial(address ?? [], { force: true })
  const held = (): number => victim.libp2p.node.getConnections(attacker.libp2p.node.peerId).length
  await until(() => held() <= bounds.connectionsPerPeerMax)
  await isServed(victim, friend)
})

test('a flood of UDP packets that begin nothing is forgotten beyond a bound', async () => {
  const victim = await start({ listen: { host: '127.0.0.1', webrtcDirect: 0 } })
  const socket = createSocket('udp4')
  cleanup.add(() => new Promise<void>(resolve => socket.close(() => resolve())))
  const [address] = victim.libp2p.node.getMultiaddrs()
  const port = Number(address?.getComponents()[1]?.value)
  for (let i = 0; i < 400; i++) {
    await new Promise(resolve => {
      socket.send(stunRequest(), port, '127.0.0.1', resolve)
    })
  }
  await until(() => webrtcBeginnings(victim) > 32)
  await holds(() => webrtcBeginnings(victim) <= 64, { during: 1_500, that: 'few beginnings' })
})

/** A TCP connection to the WebSocket port that says `text` and no more; resolves when the other side ends it. */
const sayAndWait = (port: number, text: string): Promise<void> =>
  new Promise(resolve => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    cleanup.add(() => {
      socket.destroy()
      return Promise.resolve()
    })
    socket.on('error', () => undefined)
    socket.on('close', () => resolve())
    socket.resume()
  })

test('WebSocket frames that break the rules end their connection and nothing else', async () => {
  const victim = await start({ listen: { host: '127.0.0.1', ws: 0 } })
  const upgrade = [
    'GET / HTTP/1.1',
    'host: x',
    'upgrade: websocket',
    'connection: upgrade',
    'sec-websocket-version: 13',
    'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==',
    '\r\n',
  ].join('\r\n')
  const frames = [
    Buffer.alloc(10, 0xff),
    Buffer.of(0x83, 0x80, 0, 0, 0, 0),
    Buffer.of(0x82, 0x05, 1, 2, 3, 4, 5),
    Buffer.of(0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0),
    Buffer.of(0x80, 0x80, 0, 0, 0, 0),
  ]
  for (const frame of frames) {
    await new Promise<void>(resolve => {
      const socket = connect(victim.port('ws'), '127.0.0.1', () => socket.write(upgrade))
      socket.once('data', () => socket.write(frame))
      socket.on('error', () => undefined)
      socket.on('close', () => resolve())
    })
  }
  const friend = await start({ listen: { host: '127.0.0.1' } })
  friend.transport.connect(victim.peer, victim.addresses())
  await until(() => friend.isUp(victim.peer))
  await isServed(victim, friend)
})

test('a WebSocket port waits neither for ever nor for a message that fills the memory', async () => {
  const victim = await start({ listen: { host: '127.0.0.1', ws: 0 } })
  const port = victim.port('ws')
  const silent = [sayAndWait(port, ''), sayAndWait(port, 'GET / HTTP/1.1\r\nhost: x\r\nslow')]
  const code = await new Promise(resolve => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}`)
    socket.binaryType = 'arraybuffer'
    socket.addEventListener('open', () => socket.send(new Uint8Array(2 * 1_048_576)))
    socket.addEventListener('close', event => resolve(event.code))
  })
  expect(code).toBe(1009)
  const friend = await start({ listen: { host: '127.0.0.1' } })
  friend.transport.connect(victim.peer, victim.addresses())
  await until(() => friend.isUp(victim.peer))
  await Promise.all(silent)
  await isServed(victim, friend)
})

test('bytes that are no handshake, and handshakes cut short, end in a closed socket', async () => {
  const { victim, friend } = await scene()
  const port = victim.port('tcp')
  const multistream = Buffer.from('\u0013/multistream/1.0.0\n')
  const noise = Buffer.from('\u0007/noise\n')
  const attacks = [
    randomBytes(4_096),
    Buffer.alloc(100_000),
    multistream,
    Buffer.concat([multistream, noise, Buffer.of(0x00, 0x20), randomBytes(32)]),
    Buffer.concat([multistream, noise, Buffer.of(0x00, 0x20), Buffer.alloc(32)]),
    Buffer.concat([multistream, noise, Buffer.of(0xff, 0xff), randomBytes(70_000)]),
    Buffer.concat([multistream, noise, Buffer.of(0x00, 0x05), randomBytes(3)]),
  ]
  await Promise.all(
    attacks.map(
      attack =>
        new Promise<void>(resolve => {
          const socket = connect(port, '127.0.0.1', () => {
            socket.write(attack)
            socket.end()
          })
          socket.on('error', () => resolve())
          socket.on('close', () => resolve())
          socket.resume()
        }),
    ),
  )
  await isServed(victim, friend)
})

test('a flood of subscriptions is forgotten beyond the bound', async () => {
  const { victim, friend, attacker, attack } = await scene()
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
  const [victim, attacker] = [await start(), await start()]
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
  const { victim, friend, attack } = await scene()
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
  const { victim, friend, attack } = await scene()
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
  const [hub, attacker, behind] = [await start(), await start(), await start()]
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

test('an address that leads nowhere, to somebody else or to ourselves does no harm', async () => {
  const { victim, friend } = await scene()
  const [own] = victim.libp2p.node.getMultiaddrs()
  victim.transport.connect(friend.peer, [
    Uint8Array.of(1, 2, 3),
    multiaddr('/ip4/127.0.0.1/tcp/1').bytes,
    own?.bytes ?? new Uint8Array(0),
  ])
  victim.transport.connect(victim.peer, victim.addresses())
  await isServed(victim, friend)
})
