/** The process that group100k starts: opens a data directory as `petrel up` does and says how long that took. */
import { readKeys } from '../../node/keys.ts'
import { openHost } from '../../node/host.ts'
import { until } from '../support/until.ts'
import { round } from './figure.ts'

const [directory = ''] = process.argv.slice(2)
const megabytes = (): number => round(process.memoryUsage.rss() / 1_048_576, 1)

const keys = readKeys(directory)
if (!keys.ok) throw new Error(keys.error.type)
const host = await openHost({
  dataDir: directory,
  keys: keys.value,
  network: { listen: { host: '127.0.0.1', tcp: 0 }, mdns: false },
})
const group = host.drive.app().groups[0]?.group
if (group === undefined) throw new Error('no group in this store')
const shown = (): number => host.drive.group(group)?.messages.length ?? 0
await until(() => shown() >= 50, { every: 2, within: 60_000, that: 'the first screen' })
const reopenMs = round(performance.now(), 1)
const rssMb = megabytes()

const rounds = 20
const startedAt = performance.now()
for (let count = 0; count < rounds; count++) {
  const before = shown()
  await host.drive.dispatch({ type: 'load-earlier', group })
  await until(() => shown() > before, { every: 1, that: 'earlier messages' })
}
const earlierMs = round((performance.now() - startedAt) / rounds, 2)
process.stdout.write(`${JSON.stringify({ reopenMs, rssMb, earlierMs, rssLaterMb: megabytes() })}\n`)
await host.stop()
