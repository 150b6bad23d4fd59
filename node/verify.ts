/** Checks again what is stored: every operation of every group, with its signature or the later one that vouches for it. What
 *  `petrel doctor` runs; opening the store only samples. It reads beside the running peer and changes nothing. */
import { auditLog, auditTasks, createPeer, hotRange, peerId, step } from '#protocol'
import { systemClock } from '#shell'
import { createNodeCryptography } from './cryptography.ts'
import type { Host } from './host.ts'

export type VerifyReport = {
  readonly operations: number
  readonly failed: number
  /** The first places that failed, as `group/author.seq why`, without content. */
  readonly places: readonly string[]
}

const placesMax = 10

export const verifyStore = async ({ store, random, peer: own }: Host): Promise<VerifyReport> => {
  const cryptography = createNodeCryptography()
  const peer = createPeer({ peer: peerId(own), random, cryptography })
  const rows = await store.read({ type: 'range', range: hotRange })
  step(peer, systemClock.now(), { type: 'started', rows })
  // Rows about operations, which restoring could not read.
  const unreadable = peer.refusals.get('storage-failed') ?? 0
  let operations = 0
  let failed = unreadable
  const places: string[] = unreadable === 0 ? [] : [`rows ${unreadable} unreadable`]
  for (const task of auditTasks(peer)) {
    const found = await Promise.all(task.queries.map(query => store.read(query)))
    const report = auditLog(peer, task, found.flat(), cryptography.verify)
    operations += report.operations
    failed += report.faults.length
    for (const { seq, refusal } of report.faults) {
      const place = `${task.group.slice(0, 8)}/${task.author}.${seq} ${refusal.type}`
      if (places.length < placesMax) places.push(place)
    }
  }
  return { operations, failed, places }
}
