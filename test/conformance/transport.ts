/** What every transport must do, whatever carries it: the drive loop and the core count on each of these. */
import { expect, test } from 'vitest'
import { peerId, topicName } from '../../protocol/core/base.ts'
import { holds, until } from '../support/until.ts'
import { bytes } from '../live/mesh.ts'
import type { Happening } from '../live/mesh.ts'
import type { PeerId } from '#protocol'
import type { Transport } from '../../protocol/shell/ports.ts'

/** A started transport with everything that it reported. */
export type TransportUnderTest = {
  readonly transport: Transport
  readonly happened: readonly Happening[]
  /** Where others reach it, in binary form. */
  readonly addresses: () => readonly Uint8Array[]
}

export type MeshUnderTest = {
  /** As many started transports as asked for, nobody connected. */
  readonly start: (count: number) => Promise<readonly TransportUnderTest[]>
  readonly stop: () => Promise<void>
}

const topic = topicName('conformance')

export const transportConformance = (name: string, create: () => MeshUnderTest): void => {
  const check = (
    claim: string,
    body: (alice: TransportUnderTest, bob: TransportUnderTest) => Promise<void>,
  ): void =>
    test(`${name}: ${claim}`, async () => {
      const mesh = create()
      try {
        const [alice, bob] = await mesh.start(2)
        if (alice === undefined || bob === undefined) throw new Error('two were asked for')
        await body(alice, bob)
      } finally {
        await mesh.stop()
      }
    })
  const isUp = ({ happened }: TransportUnderTest, peer: PeerId): boolean =>
    happened.findLast(event => event.peer === peer && /up|down/.test(event.type))?.type === 'up'
  const frames = ({ happened }: TransportUnderTest): readonly string[] =>
    happened.flatMap(event => (event.type === 'frame' ? [`${event.channel} ${event.text}`] : []))
  const gossip = ({ happened }: TransportUnderTest): readonly string[] =>
    happened.flatMap(event => (event.type === 'gossip' ? [event.text] : []))
  const connect = async (alice: TransportUnderTest, bob: TransportUnderTest): Promise<void> => {
    alice.transport.connect(bob.transport.peer, bob.addresses())
    await until(() => isUp(alice, bob.transport.peer) && isUp(bob, alice.transport.peer))
  }

  check(
    'a connection is a link on both sides, reported once, before any frame',
    async (alice, bob) => {
      await connect(alice, bob)
      alice.transport.send(bob.transport.peer, 'sync', bytes('first'))
      await until(() => frames(bob).length === 1)
      expect(bob.happened[0]).toEqual({ type: 'up', peer: alice.transport.peer })
      expect(bob.happened.filter(({ type }) => type === 'up')).toHaveLength(1)
      expect(alice.transport.linkKind(bob.transport.peer)).toBe('direct')
    },
  )

  check(
    'frames of a channel arrive whole, once, in order; the channels are apart',
    async (alice, bob) => {
      await connect(alice, bob)
      const sizes = [0, 1, 127, 128, 16_384, 70_000, 3]
      for (const [index, size] of sizes.entries()) {
        alice.transport.send(bob.transport.peer, 'sync', bytes(`${index}`.repeat(size)))
      }
      alice.transport.send(bob.transport.peer, 'join', bytes('apart'))
      await until(() => frames(bob).length === sizes.length + 1)
      const sync = frames(bob).filter(frame => frame.startsWith('sync '))
      expect(sync.map(frame => frame.length - 5)).toEqual(sizes)
      expect(frames(bob)).toContain('join apart')
    },
  )

  check('both sides send at once', async (alice, bob) => {
    await connect(alice, bob)
    for (let i = 0; i < 50; i++) {
      alice.transport.send(bob.transport.peer, 'sync', bytes(`a${i}`))
      bob.transport.send(alice.transport.peer, 'sync', bytes(`b${i}`))
    }
    await until(() => frames(bob).length === 50 && frames(alice).length === 50)
    expect(frames(bob)).toEqual(Array.from({ length: 50 }, (_, i) => `sync a${i}`))
    expect(frames(alice)).toEqual(Array.from({ length: 50 }, (_, i) => `sync b${i}`))
  })

  check('sending to nobody, publishing to nobody and leaving nobody do nothing', async alice => {
    const nobody = peerId('12D3KooWJtSF5zy8f6iMuUbBPS7MnaobNMi6JXqsFhXsmNpHdqRF')
    alice.transport.send(nobody, 'sync', bytes('lost'))
    alice.transport.publish(topic, bytes('lost'))
    alice.transport.disconnect(nobody)
    alice.transport.connect(nobody, [Uint8Array.of(1, 2, 3), new Uint8Array(0)])
    expect(alice.transport.linkKind(nobody)).toBeUndefined()
    await holds(() => alice.happened.length === 0, { during: 300, that: 'nothing happened' })
  })

  check('gossip reaches subscribers of the topic, and only while they are', async (alice, bob) => {
    alice.transport.subscribe([topic])
    bob.transport.subscribe([topic])
    await connect(alice, bob)
    let round = 0
    await until(
      () => {
        round += 1
        alice.transport.publish(topic, bytes(`news ${round}`))
        return gossip(bob).length > 0
      },
      { every: 100 },
    )
    bob.transport.subscribe([topicName('another')])
    alice.transport.publish(topic, bytes('unheard'))
    await holds(() => !gossip(bob).includes('unheard'), { during: 500, that: 'nothing heard' })
    expect(gossip(alice)).toEqual([])
  })

  check(
    'after disconnect the link is down on both sides and stays down for a while',
    async (alice, bob) => {
      await connect(alice, bob)
      alice.transport.disconnect(bob.transport.peer)
      await until(() => !isUp(alice, bob.transport.peer) && !isUp(bob, alice.transport.peer))
      bob.transport.connect(alice.transport.peer, alice.addresses())
      await holds(() => !isUp(alice, bob.transport.peer), { during: 1_000, that: 'it stays away' })
      bob.transport.send(alice.transport.peer, 'sync', bytes('let me in'))
      expect(frames(alice)).toEqual([])
    },
  )

  check('a stopped transport takes its links down at the neighbours', async (alice, bob) => {
    await connect(alice, bob)
    await alice.transport.stop()
    const { happened } = alice
    const before = happened.length
    bob.transport.send(alice.transport.peer, 'sync', bytes('too late'))
    await holds(() => happened.length === before, { during: 300, that: 'it is silent' })
  })
}
