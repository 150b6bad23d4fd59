/** Opening a group of 100,000 messages: how long a Node peer takes from the start of its process to the first screen, and how
 *  much memory it holds then. The group is written by the real core into the real store, then opened by a new process. */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { randomFrom, type RowWrite } from '#protocol'
import type { Store } from '#shell'
import { openDataDir } from '../../node/data-dir.ts'
import { createKeys } from '../../node/keys.ts'
import { openNodeStore } from '../../node/node-store.ts'
import { temporaryDirectory } from '../support/host.ts'
import { createCrowd } from './crowd.ts'
import { machine, percentile, round, say, type Figure } from './figure.ts'
import { createRoom } from './room.ts'

const authors = 50
const messagesEach = 2_000
const openings = 3

/** Writes many batches as one: only how the group gets onto the disk, not part of what is measured. */
const gathering = (store: Store): Store & { readonly flush: () => Promise<void> } => {
  let rows: RowWrite[] = []
  const flush = async (): Promise<void> => {
    const taken = rows
    rows = []
    if (taken.length > 0) await store.write(taken)
  }
  return {
    write: async more => {
      rows.push(...more)
      if (rows.length >= 2_000) await flush()
    },
    read: async query => {
      await flush()
      return store.read(query)
    },
    close: async () => {
      await flush()
      await store.close()
    },
    flush,
  }
}

type Opening = {
  readonly reopenMs: number
  readonly rssMb: number
  readonly earlierMs: number
  readonly rssLaterMb: number
}

const open = async (directory: string): Promise<Opening> => {
  const script = fileURLToPath(new URL('./reopen.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [script, directory])
  const opening: Opening = JSON.parse(stdout)
  return opening
}

export const run = async function* (): AsyncIterable<Figure> {
  const directory = await temporaryDirectory('petrel-group100k')
  try {
    openDataDir(directory.path)
    const keys = createKeys(directory.path)
    const random = randomFrom(length => new Uint8Array(randomBytes(length)))
    const store = gathering(await openNodeStore(directory.path, keys.dataKey, random))
    const room = createRoom({ seed: 'group100k', latency: 5 })
    const host = await room.add('host', store)
    say(`writing ${authors * messagesEach} messages; this takes minutes …`)
    await createCrowd(room, { authors, messagesEach }, host)
    await store.close()
    const opened: Opening[] = []
    for (let count = 0; count < openings; count++) opened.push(await open(directory.path))
    const median = (value: (opening: Opening) => number): number =>
      round(percentile(opened.map(value), 0.5), 1)
    const conditions = `${authors * messagesEach} messages of ${authors} authors, median of ${openings} openings by a new process with libp2p running, ${machine()}`
    yield {
      figure: 'reopen_ms',
      value: median(({ reopenMs }) => reopenMs),
      unit: 'ms',
      bar: { atMost: 2_000 },
      conditions: `${conditions}; from the start of the process to the newest 50 messages`,
    }
    yield {
      figure: 'rss_mb',
      value: median(({ rssMb }) => rssMb),
      unit: 'MB',
      bar: { atMost: 300 },
      conditions: `${conditions}; resident set with the first screen open`,
    }
    yield {
      figure: 'rss_scrolled_mb',
      value: median(({ rssLaterMb }) => rssLaterMb),
      unit: 'MB',
      conditions: `${conditions}; after 20 times 'earlier messages'`,
    }
    yield {
      figure: 'earlier_ms',
      value: median(({ earlierMs }) => earlierMs),
      unit: 'ms',
      conditions: `${conditions}; one 'earlier messages', mean of 20`,
    }
  } finally {
    await directory.remove()
  }
}
