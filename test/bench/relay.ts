/** A hundred real libp2p peers around one relay, all behind one address, in one group: does every message reach everybody, and
 *  how long after it was saved at its sender is it known at each receiver? Gossip alone delivers 64 % here. */
import { availableParallelism } from 'node:os'
import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { untilValue } from '../support/until.ts'
import { machine, percentile, round, say, type Figure } from './figure.ts'
import type { Order, Report } from './relay-peers.ts'

const processes = 4
const peersEach = 25
const perSecond = 5
const seconds = 60
/** For the last messages; whoever has not got them then never does as far as this figure is concerned. */
const patienceMs = 60_000

type Worker = {
  readonly order: (order: Order) => Promise<Report>
  readonly end: () => Promise<void>
}

const startWorker = (): Worker => {
  const script = fileURLToPath(new URL('./relay-peers.ts', import.meta.url))
  const child: ChildProcess = fork(script, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const waiting = new Map<
    number,
    { resolve: (report: Report) => void; reject: (cause: Error) => void }
  >()
  let requests = 0
  child.on('message', (answer: { request: number; report?: Report; error?: string }) => {
    const asked = waiting.get(answer.request)
    waiting.delete(answer.request)
    if (answer.report === undefined) asked?.reject(new Error(answer.error))
    else asked?.resolve(answer.report)
  })
  child.on('exit', code => {
    for (const { reject } of waiting.values()) reject(new Error(`a process ended with ${code}`))
  })
  return {
    order: order =>
      new Promise((resolve, reject) => {
        requests += 1
        waiting.set(requests, { resolve, reject })
        child.send({ request: requests, order })
      }),
    end: () =>
      new Promise(resolve => {
        if (child.exitCode !== null) resolve()
        child.once('exit', () => resolve())
        child.disconnect()
      }),
  }
}

const expectReport = <Type extends Report['type']>(
  report: Report | undefined,
  type: Type,
): Extract<Report, { type: Type }> => {
  if (report?.type !== type) throw new Error(`expected ${type}, got ${report?.type}`)
  return report as Extract<Report, { type: Type }>
}

type Sent = { readonly message: string; readonly savedAt: number }

/** Sends at the wanted rate, from all peers in turn; the next second does not wait for the last one's answers. */
const speak = async (workers: readonly Worker[]): Promise<readonly Sent[]> => {
  const saving: Promise<Report>[] = []
  const startedAt = performance.now()
  const total = perSecond * seconds
  for (let count = 0; count < total; count++) {
    const due = startedAt + (count * 1_000) / perSecond
    await untilValue(
      () => performance.now(),
      now => now >= due,
      { every: 5, within: 5_000 },
    )
    const speaker = (count * 37) % (processes * peersEach)
    const worker = workers[Math.floor(speaker / peersEach)]
    if (worker === undefined) continue
    saving.push(worker.order({ type: 'send', peer: speaker % peersEach }))
  }
  const reports = await Promise.all(saving)
  return reports.map(report => expectReport(report, 'sent'))
}

const collect = async (workers: readonly Worker[]) => {
  const reports = await Promise.all(workers.map(worker => worker.order({ type: 'collect' })))
  return reports.map(report => expectReport(report, 'collected'))
}

const measure = async function* (relay: Worker, workers: readonly Worker[]): AsyncIterable<Figure> {
  const {
    token,
    relay: relayPeer,
    address,
  } = expectReport(await relay.order({ type: 'host' }), 'hosting')
  say(`${processes * peersEach} peers join …`)
  const joinStart = performance.now()
  await Promise.all(
    workers.map((worker, index) =>
      worker.order({
        type: 'join',
        count: peersEach,
        first: index * peersEach,
        token,
        relay: relayPeer,
        address,
      }),
    ),
  )
  const everybody = processes * peersEach + 1
  await untilValue(
    async () => {
      const reports = await Promise.all(workers.map(worker => worker.order({ type: 'settled' })))
      return Math.min(...reports.map(report => expectReport(report, 'members').least))
    },
    members => members === everybody,
    { within: 180_000, every: 500, that: 'everybody to know everybody' },
  )
  const joinSeconds = round((performance.now() - joinStart) / 1_000, 1)
  say(`joined in ${joinSeconds} s; ${seconds} s at ${perSecond} messages/s …`)
  const processor = async (): Promise<number> =>
    (await collect([relay, ...workers])).reduce((sum, { cpuMs }) => sum + cpuMs, 0)
  const usedBefore = await processor()
  const sent = await speak(workers)
  const expected = sent.length * (processes * peersEach - 1)
  const messages = new Map(sent.map(({ message, savedAt }) => [message, savedAt]))
  const collected = await untilValue(
    () => collect(workers),
    all =>
      all.reduce((sum, { seen }) => sum + seen.filter(([id]) => messages.has(id)).length, 0) >=
      expected,
    { within: patienceMs, every: 1_000, that: 'every message everywhere' },
  ).catch(() => collect(workers))
  const used = (await processor()) - usedBefore
  const delays = new Map<string, number>()
  for (const { seen } of collected)
    for (const [message, peer, at] of seen) {
      const savedAt = messages.get(message)
      const pair = `${message} ${peer}`
      if (savedAt !== undefined && !delays.has(pair)) delays.set(pair, at - savedAt)
    }
  const repeated =
    collected.reduce((sum, { seen }) => sum + seen.filter(([id]) => messages.has(id)).length, 0) -
    delays.size
  const conditions = `${everybody - 1} peers in ${processes} processes and a relay process on 127.0.0.1, TCP, noise, yamux, each its own classic-level store (sync: true), ${seconds} s at ${perSecond} messages/s, ${machine()}`
  const values = [...delays.values()]
  yield {
    figure: 'delivery',
    value: round(delays.size / expected, 6),
    unit: '1',
    bar: { exactly: 1 },
    conditions: `${conditions}; ${delays.size} of ${expected} (message, receiver) pairs, ${repeated} told twice`,
  }
  yield {
    figure: 'p99_ms',
    value: round(percentile(values, 0.99)),
    unit: 'ms',
    bar: { atMost: 2_000 },
    conditions: `${conditions}; from saved at the sender to told at the receiver`,
  }
  yield { figure: 'p50_ms', value: round(percentile(values, 0.5)), unit: 'ms', conditions }
  yield { figure: 'max_ms', value: round(percentile(values, 1)), unit: 'ms', conditions }
  yield {
    figure: 'join_s',
    value: joinSeconds,
    unit: 's',
    conditions: `${conditions}; until each of ${everybody} knows all others`,
  }
  yield {
    figure: 'cpu_ms_per_message',
    value: round(used / sent.length),
    unit: 'ms',
    conditions: `${conditions}; processor time of all ${processes + 1} processes until the last delivery; ${perSecond} messages/s keep up while this is below ${round((availableParallelism() * 1_000) / perSecond)}`,
  }
  const refusals = collected.map(({ refusals: counts }) => counts)
  say(`refusals: ${JSON.stringify(refusals)}`)
}

export const run = async function* (): AsyncIterable<Figure> {
  const relay = startWorker()
  const workers = Array.from({ length: processes }, startWorker)
  try {
    yield* measure(relay, workers)
    await Promise.all([relay, ...workers].map(worker => worker.order({ type: 'stop' })))
  } finally {
    await Promise.all([relay, ...workers].map(worker => worker.end()))
  }
}
