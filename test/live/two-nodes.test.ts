/** Two real peers on loopback, from core to disk: drive loop, level store and libp2p transport. A group is made, joined by
 *  invite, spoken in both ways; one peer is killed while the other writes; both end with everything, once, in one order. */
import { createHash, randomBytes } from 'node:crypto'
import { Level } from 'level'
import { afterEach, expect, test } from 'vitest'
import { createNodeLibp2p } from '../../node/libp2p.ts'
import {
  byteEncodings,
  bytesToMultiaddr,
  createTransport,
  multiaddrToCompact,
  openStore,
  startDrive,
  systemClock,
} from '#shell'
import { millis } from '../../protocol/core/base.ts'
import { randomFrom, sealedPrefixes } from '#protocol'
import { createCleanup, temporaryDirectory } from '../support/host.ts'
import { slowLink } from './slow-link.ts'
import { until, untilDefined } from '../support/until.ts'
import type { Drive, Store } from '#shell'
import type { CompactAddress, GroupId, Intent, IntentAnswer } from '#protocol'
import type { NodeLibp2p } from '../../node/libp2p.ts'

const cleanup = createCleanup()
afterEach(() => cleanup.run())

type NodePeer = {
  readonly drive: Drive
  readonly libp2p: NodeLibp2p
  readonly invitation: () => Pick<Intent & { type: 'create-invite' }, 'libp2pKey' | 'addresses'>
  readonly stop: () => Promise<void>
}

const random = randomFrom(length => new Uint8Array(randomBytes(length)))
const hash = (text: string): Uint8Array =>
  new Uint8Array(createHash('sha256').update(text).digest())

/** The same `name` and directory make the same peer again, as after a restart. */
const startPeer = async (name: string, directory: string): Promise<NodePeer> => {
  const libp2p = await createNodeLibp2p({
    identitySeed: hash(`${name}/identity`),
    listen: { host: '127.0.0.1', tcp: 0, ws: 0 },
    mdns: false,
    relay: true,
  })
  const store: Store = await openStore({
    level: new Level(`${directory}/store`, byteEncodings),
    cipher: { dataKey: hash(`${name}/data`), random },
    sealedPrefixes,
  })
  const transport = createTransport(libp2p.node)
  const drive = await startDrive({ store, transport, clock: systemClock, random })
  let isStopped = false
  const stop = async (): Promise<void> => {
    if (isStopped) return
    isStopped = true
    await drive.stop()
    await libp2p.stop()
    await store.close()
  }
  cleanup.add(stop)
  return {
    drive,
    libp2p,
    invitation: () => ({
      libp2pKey: transport.publicKey,
      addresses: libp2p.node
        .getMultiaddrs()
        .flatMap(address => bytesToMultiaddr(address.bytes) ?? [])
        .flatMap(address => multiaddrToCompact(address) ?? [])
        .slice(0, 2),
    }),
    stop,
  }
}

const ask = async (peer: NodePeer, intent: Intent): Promise<IntentAnswer> => {
  const answer = await peer.drive.dispatch(intent)
  if (!answer.ok) throw new Error(`${intent.type}: ${answer.error.type}`)
  return answer.value
}

const directoryFor = async (name: string): Promise<string> => {
  const directory = await temporaryDirectory(`petrel-${name}`)
  cleanup.add(directory.remove)
  return directory.path
}

const createGroup = async (peer: NodePeer): Promise<GroupId> => {
  await ask(peer, { type: 'set-profile', name: 'Alice', unit: '' })
  const made = await ask(peer, {
    type: 'create-group',
    name: 'Levee',
    purpose: '',
    kind: 'emergency',
  })
  if (made.type !== 'group-created') throw new Error(made.type)
  return made.group
}

const invite = async (
  peer: NodePeer,
  group: GroupId,
  addresses: readonly CompactAddress[] = peer.invitation().addresses,
): Promise<Uint8Array> => {
  const made = await ask(peer, {
    type: 'create-invite',
    group,
    maxUses: 1,
    validFor: millis(3_600_000),
    libp2pKey: peer.invitation().libp2pKey,
    addresses,
  })
  if (made.type !== 'invited') throw new Error(made.type)
  return made.token
}

const tcpPort = (peer: NodePeer): number => {
  const own = peer.libp2p.node.getMultiaddrs().find(address => !address.toString().includes('/ws'))
  return Number(own?.getComponents()[1]?.value)
}

const say = (peer: NodePeer, group: GroupId, text: string): Promise<IntentAnswer> =>
  ask(peer, { type: 'send-text', group, text, priority: 'routine' })

const texts = (peer: NodePeer, group: GroupId): readonly string[] =>
  (peer.drive.group(group)?.messages ?? []).flatMap(({ body }) =>
    body.type === 'text' ? [body.text] : [],
  )

const joined = async (): Promise<{
  alice: NodePeer
  bob: NodePeer
  group: GroupId
  bobDirectory: string
}> => {
  const alice = await startPeer('alice', await directoryFor('alice'))
  const bobDirectory = await directoryFor('bob')
  const bob = await startPeer('bob', bobDirectory)
  const group = await createGroup(alice)
  const token = await invite(alice, group)
  await ask(bob, { type: 'join', token, name: 'Bob', unit: '' })
  await untilDefined(
    () => (bob.drive.group(group)?.summary.state === 'member' ? true : undefined),
    { within: 20_000, that: 'Bob is a member' },
  )
  return { alice, bob, group, bobDirectory }
}

test('an invite brings a second peer in, and both read each other', async () => {
  const { alice, bob, group } = await joined()
  await say(alice, group, 'water at 31.2')
  await say(bob, group, 'seen, closing gate 4')
  const both = ['water at 31.2', 'seen, closing gate 4']
  await until(() => texts(alice, group).length === 2 && texts(bob, group).length === 2)
  expect(texts(alice, group).toSorted()).toEqual(both.toSorted())
  expect(texts(bob, group)).toEqual(texts(alice, group))
})

test('on a line of 20 kbit/s a flash text overtakes the history that is on its way', async () => {
  const alice = await startPeer('alice', await directoryFor('alice'))
  const bobDirectory = await directoryFor('bob')
  const bob = await startPeer('bob', bobDirectory)
  const line = await slowLink(tcpPort(alice))
  cleanup.add(line.close)
  const group = await createGroup(alice)
  const door = { transport: 'tcp', host: '127.0.0.1', port: line.port } as const
  const token = await invite(alice, group, [door])
  await ask(bob, { type: 'join', token, name: 'Bob', unit: '' })
  await until(() => bob.drive.group(group)?.summary.state === 'member', { within: 20_000 })
  await bob.stop()
  const text =
    'The water rises by four centimetres an hour, the dike holds, and nobody is missing here. '
  for (let i = 0; i < 200; i++) await say(alice, group, `${text}${i}`)

  line.set({ rate: 2_500, delay: 300 })
  const back = await startPeer('bob', bobDirectory)
  await until(() => texts(back, group).length > 0, { within: 60_000, that: 'history begins' })
  const began = performance.now()
  await ask(alice, {
    type: 'send-text',
    group,
    text: 'The dike breaks. Leave now.',
    priority: 'flash',
  })
  await until(() => texts(back, group).includes('The dike breaks. Leave now.'), {
    within: 60_000,
    that: 'the flash text',
  })
  const took = performance.now() - began
  expect(took).toBeLessThan(4_000)
  expect(texts(back, group).length).toBeLessThan(201)
}, 120_000)

test('what was written while the other was away is there after its return, once, in one order', async () => {
  const { alice, bob, group, bobDirectory } = await joined()
  await say(bob, group, 'before')
  await until(() => texts(alice, group).includes('before'))
  await bob.stop()
  for (let i = 0; i < 20; i++) await say(alice, group, `while away ${i}`)
  const back = await startPeer('bob', bobDirectory)
  await say(back, group, 'I am back')
  await until(() => texts(back, group).length === 22 && texts(alice, group).length === 22, {
    within: 30_000,
    that: 'both have all 22 messages',
  })
  expect(texts(back, group)).toEqual(texts(alice, group))
  expect(new Set(texts(back, group)).size).toBe(22)
})
