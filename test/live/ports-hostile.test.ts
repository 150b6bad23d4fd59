/** Strangers that open a port of ours and never get as far as a neighbour: bytes that are no handshake, sockets that say
 *  nothing, WebSocket frames and UDP packets made to hurt. Rows "Noise" and "yamux" of research/reliability-security.md 4.1. */
import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import { randomBytes } from 'node:crypto'
import { afterEach, expect, test } from 'vitest'
import { holds, until } from '../support/until.ts'
import { createArena, isServed } from './attack.ts'
import { webrtcBeginnings } from './mesh.ts'
import { stunRequest } from './stun.ts'

const arena = createArena()
afterEach(() => arena.clear())

test('a flood of UDP packets that begin nothing is forgotten beyond a bound', async () => {
  const victim = await arena.start({ listen: { host: '127.0.0.1', webrtcDirect: 0 } })
  const socket = createSocket('udp4')
  arena.add(() => new Promise<void>(resolve => socket.close(() => resolve())))
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
    arena.add(() => {
      socket.destroy()
      return Promise.resolve()
    })
    socket.on('error', () => undefined)
    socket.on('close', () => resolve())
    socket.resume()
  })

test('WebSocket frames that break the rules end their connection and nothing else', async () => {
  const victim = await arena.start({ listen: { host: '127.0.0.1', ws: 0 } })
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
  const friend = await arena.start({ listen: { host: '127.0.0.1' } })
  friend.transport.connect(victim.peer, victim.addresses())
  await until(() => friend.isUp(victim.peer))
  await isServed(victim, friend)
})

test('a WebSocket port waits neither for ever nor for a message that fills the memory', async () => {
  const victim = await arena.start({ listen: { host: '127.0.0.1', ws: 0 } })
  const port = victim.port('ws')
  const silent = [sayAndWait(port, ''), sayAndWait(port, 'GET / HTTP/1.1\r\nhost: x\r\nslow')]
  const code = await new Promise(resolve => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}`)
    socket.binaryType = 'arraybuffer'
    socket.addEventListener('open', () => socket.send(new Uint8Array(2 * 1_048_576)))
    socket.addEventListener('close', event => resolve(event.code))
  })
  expect(code).toBe(1009)
  const friend = await arena.start({ listen: { host: '127.0.0.1' } })
  friend.transport.connect(victim.peer, victim.addresses())
  await until(() => friend.isUp(victim.peer))
  await Promise.all(silent)
  await isServed(victim, friend)
})

test('bytes that are no handshake, and handshakes cut short, end in a closed socket', async () => {
  const { victim, friend } = await arena.scene()
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
