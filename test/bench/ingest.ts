/** How fast one peer takes in what others wrote. Cold: a newcomer gets 10,000 messages by sync. Live: single messages come by
 *  gossip, each with its own signature. Both go the whole way: admit (decode, verify), step (open, apply to the
 *  conversation) and a durable write to the real store. */
import { randomBytes } from 'node:crypto'
import { bytesToHex } from '../../protocol/core/base.ts'
import { setHashOf } from '../../protocol/core/log.ts'
import { randomFrom } from '#protocol'
import type { GroupId, Topic } from '#protocol'
import { startDrive, systemClock, type Store } from '#shell'
import { createNodeCryptography } from '../../node/cryptography.ts'
import { openNodeStore } from '../../node/node-store.ts'
import { temporaryDirectory } from '../support/host.ts'
import { until } from '../support/until.ts'
import { createCrowd, joinHost, writeApart, type Crowd } from './crowd.ts'
import { machine, round, say, type Figure } from './figure.ts'
import { createRoom, type Desk, type Room } from './room.ts'
import { silentTransport } from './silent-transport.ts'

const authors = 50
const messagesEach = 200
const liveEach = 40
/** Gossip waiting to be taken in at any time; more would only wait in a longer queue. */
const liveAhead = 64

const setHash = (desk: Desk, group: GroupId): string => {
  const known = desk.peer.groups.get(group)
  return known === undefined ? '' : bytesToHex(setHashOf(known.log))
}

const cold = async (room: Room, crowd: Crowd, store: Store): Promise<Figure> => {
  const late = await room.add('late', store)
  late.spent = 0
  await joinHost(room, crowd, late)
  await room.until(() => setHash(late, crowd.group) === setHash(crowd.host, crowd.group))
  room.view(late, crowd.group)
  const seconds = late.spent / 1_000
  room.remove(late)
  const ops = authors * messagesEach
  return {
    figure: 'cold_ops_per_s',
    value: round(ops / seconds),
    unit: '1/s',
    bar: { atLeast: 3_000 },
    conditions: `${ops} messages of ${authors} authors in runs of about 2 KB; time of the receiver alone, one durable write for what arrives together; ${machine()}`,
  }
}

type Published = { readonly topic: Topic; readonly bytes: Uint8Array }

const live = async (
  store: Store,
  group: GroupId,
  published: readonly Published[],
): Promise<Figure> => {
  const transport = silentTransport('late')
  const drive = await startDrive({
    store,
    transport,
    clock: systemClock,
    random: randomFrom(length => new Uint8Array(randomBytes(length))),
    cryptography: createNodeCryptography(),
  })
  let arrived = 0
  drive.subscribe(event => {
    if (event.type === 'notify' && event.group === group) arrived += 1
  })
  try {
    const startedAt = performance.now()
    for (const [index, { topic, bytes }] of published.entries()) {
      if (index - arrived >= liveAhead)
        await until(() => index - arrived < liveAhead / 2, { every: 1, within: 60_000 })
      transport.events()?.gossip(transport.peer, topic, bytes)
    }
    await until(() => arrived === published.length, {
      every: 1,
      that: 'every message',
      within: 60_000,
    })
    const seconds = (performance.now() - startedAt) / 1_000
    return {
      figure: 'live_ops_per_s',
      value: round(published.length / seconds),
      unit: '1/s',
      bar: { atLeast: 500 },
      conditions: `${published.length} messages by gossip through the drive, at most ${liveAhead} waiting, from arrival to notify; ${machine()}`,
    }
  } finally {
    await drive.stop()
  }
}

export const run = async function* (): AsyncIterable<Figure> {
  const published: Published[] = []
  const room = createRoom({
    seed: 'ingest',
    latency: 5,
    onPublish: (from, topic, bytes) => {
      if (from.name !== 'host') published.push({ topic, bytes })
    },
  })
  const host = await room.add('host')
  say(`writing ${authors * messagesEach} messages …`)
  const crowd = await createCrowd(room, { authors, messagesEach }, host)
  const directory = await temporaryDirectory('petrel-ingest')
  const random = randomFrom(length => new Uint8Array(randomBytes(length)))
  const store = await openNodeStore(directory.path, randomBytes(32), random)
  try {
    yield await cold(room, crowd, store)
    published.length = 0
    await writeApart(room, crowd, { each: liveEach, seed: 13 })
    yield await live(store, crowd.group, published)
  } finally {
    await store.close()
    await directory.remove()
  }
}
