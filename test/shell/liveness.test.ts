/** Slow is not dead: connections that answer late are kept, one that never answers is replaced before it is closed. */
import { expect, test } from 'vitest'
import { peerId } from '../../protocol/core/base.ts'
import { bounds } from '../../protocol/shell/bounds.ts'
import { createLiveness } from '../../protocol/shell/liveness.ts'
import { handClock } from './scripted.ts'
import type { Connection } from '@libp2p/interface'
import type { PeerId } from '#protocol'
import type { Link } from '../../protocol/shell/neighbour.ts'
import type { HandClock } from './scripted.ts'

const bob = peerId('bob')

type World = {
  readonly clock: HandClock
  readonly pings: Connection[]
  readonly answers: ((roundTrip: number) => void)[]
  readonly redials: PeerId[]
  readonly aborted: Connection[]
  readonly connect: () => Connection
  readonly hear: (connection: Connection) => void
  readonly pass: (by: number) => Promise<void>
}

const settle = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await Promise.resolve()
}

const world = (): World => {
  const clock = handClock()
  const heardAt = new Map<Connection, number>()
  const pings: Connection[] = []
  const answers: ((roundTrip: number) => void)[] = []
  const redials: PeerId[] = []
  const aborted: Connection[] = []
  const hear = (connection: Connection): void => {
    heardAt.set(connection, clock.now().instant)
  }
  const link = {
    connections: () => [...heardAt.keys()],
    heard: hear,
    heardAt: (connection: Connection) => heardAt.get(connection) ?? 0,
  } as unknown as Link
  const liveness = createLiveness({
    clock,
    links: new Map([[bob, link]]),
    ping: connection => {
      pings.push(connection)
      return new Promise(resolve => answers.push(resolve))
    },
    dialBeside: peer => redials.push(peer),
  })
  liveness.start()
  return {
    clock,
    pings,
    answers,
    redials,
    aborted,
    connect: () => {
      const connection = {
        abort: () => {
          aborted.push(connection)
          heardAt.delete(connection)
        },
      } as unknown as Connection
      hear(connection)
      return connection
    },
    hear,
    pass: async by => {
      for (let left = by; left > 0; left -= 1_000) {
        clock.advance(Math.min(1_000, left))
        await settle()
      }
    },
  }
}

test('a connection that is heard is never asked', async () => {
  const { connect, hear, pass, pings } = world()
  const connection = connect()
  for (let i = 0; i < 20; i++) {
    await pass(20_000)
    hear(connection)
  }
  expect(pings).toEqual([])
})

test('a silent one is asked once, and left alone when it answers', async () => {
  const { connect, pass, pings, answers, redials, aborted } = world()
  connect()
  await pass(bounds.idleMillis + bounds.livenessTickMillis)
  expect(pings).toHaveLength(1)
  answers[0]?.(120)
  await pass(bounds.idleMillis - bounds.livenessTickMillis)
  expect([pings.length, redials.length, aborted.length]).toEqual([1, 0, 0])
})

test('an answer that takes 8 s on a link known to take 4 s starts no second dial', async () => {
  const { connect, pass, answers, redials, aborted } = world()
  connect()
  await pass(bounds.idleMillis + bounds.livenessTickMillis)
  answers[0]?.(4_000)
  await pass(bounds.idleMillis + bounds.livenessTickMillis)
  await pass(8_000)
  answers[1]?.(8_000)
  await pass(1_000)
  expect([redials.length, aborted.length]).toEqual([0, 0])
})

test('a late answer starts one dial beside, and the old connection stays until another one speaks', async () => {
  const { connect, pass, answers, redials, aborted } = world()
  const old = connect()
  await pass(bounds.idleMillis + bounds.livenessTickMillis)
  answers[0]?.(100)
  await pass(bounds.idleMillis + 3 * bounds.livenessTickMillis)
  expect(redials).toEqual([bob])
  await pass(60_000)
  expect(aborted).toEqual([])
  expect(redials).toEqual([bob])
  connect()
  await pass(bounds.livenessTickMillis)
  expect(aborted).toEqual([old])
})

test('without any sign of life it is closed after minutes', async () => {
  const { connect, pass, aborted } = world()
  const connection = connect()
  await pass(bounds.deadMillis - bounds.livenessTickMillis)
  expect(aborted).toEqual([])
  await pass(3 * bounds.livenessTickMillis)
  expect(aborted).toEqual([connection])
})

test('a frame that arrives while an answer is awaited is a sign of life', async () => {
  const { connect, hear, pass, aborted, redials } = world()
  const connection = connect()
  await pass(bounds.idleMillis + bounds.livenessTickMillis)
  hear(connection)
  await pass(25_000)
  expect([redials.length, aborted.length]).toEqual([0, 0])
})

test('after a sleep of the machine every connection is asked at once', async () => {
  const { connect, clock, pass, pings } = world()
  connect()
  clock.advance(3_600_000)
  await pass(1_000)
  expect(pings).toHaveLength(1)
})
