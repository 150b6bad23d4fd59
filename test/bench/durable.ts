/** How many messages a second one Node peer saves when a person (or a program) writes many at once. Saved means answered by
 *  the drive, that is: the rows are in the store's log and the disk was told to keep them (`sync: true`). */
import { randomBytes } from 'node:crypto'
import { randomFrom } from '#protocol'
import { startDrive, systemClock, type Drive } from '#shell'
import { createNodeCryptography } from '../../node/cryptography.ts'
import { openNodeStore } from '../../node/node-store.ts'
import { temporaryDirectory } from '../support/host.ts'
import { createTexts } from './crowd.ts'
import { machine, percentile, round, type Figure } from './figure.ts'
import { silentTransport } from './silent-transport.ts'

const messages = 3_000
const inFlight = 64

const createGroup = async (drive: Drive) => {
  const created = await drive.dispatch({
    type: 'create-group',
    name: 'bench',
    purpose: '',
    kind: 'daily',
  })
  if (!created.ok || created.value.type !== 'group-created') throw new Error('no group')
  return created.value.group
}

/** `count` messages with at most `width` unanswered at a time; how long each took until saved. */
const save = async (drive: Drive, count: number, width: number): Promise<readonly number[]> => {
  const group = await createGroup(drive)
  const nextText = createTexts(3)
  const taken: number[] = []
  let left = count
  const write = async (): Promise<void> => {
    while (left > 0) {
      left -= 1
      const startedAt = performance.now()
      const answer = await drive.dispatch({
        type: 'send-text',
        group,
        text: nextText(),
        priority: 'routine',
      })
      if (!answer.ok) throw new Error(answer.error.type)
      taken.push(performance.now() - startedAt)
    }
  }
  await Promise.all(Array.from({ length: width }, write))
  return taken
}

export const run = async function* (): AsyncIterable<Figure> {
  const directory = await temporaryDirectory('petrel-durable')
  const random = randomFrom(length => new Uint8Array(randomBytes(length)))
  const store = await openNodeStore(directory.path, randomBytes(32), random)
  const drive = await startDrive({
    store,
    transport: silentTransport('durable'),
    clock: systemClock,
    random,
    cryptography: createNodeCryptography(),
  })
  try {
    const named = await drive.dispatch({ type: 'set-profile', name: 'Bench', unit: '' })
    if (!named.ok) throw new Error(named.error.type)
    await save(drive, 200, inFlight)
    const conditions = `classic-level, sync: true, group commit, 100 letters each, ${machine()}`
    const startedAt = performance.now()
    const taken = await save(drive, messages, inFlight)
    const seconds = (performance.now() - startedAt) / 1_000
    yield {
      figure: 'saved_per_s',
      value: round(messages / seconds),
      unit: '1/s',
      bar: { atLeast: 300 },
      conditions: `${messages} messages, ${inFlight} in flight, ${conditions}`,
    }
    yield {
      figure: 'saved_p99_ms',
      value: round(percentile(taken, 0.99), 1),
      unit: 'ms',
      conditions: `${messages} messages, ${inFlight} in flight, ${conditions}`,
    }
    const alone = await save(drive, 200, 1)
    yield {
      figure: 'saved_alone_p50_ms',
      value: round(percentile(alone, 0.5), 1),
      unit: 'ms',
      conditions: `200 messages one after the other, ${conditions}`,
    }
  } finally {
    await drive.stop()
    await store.close()
    await directory.remove()
  }
}
