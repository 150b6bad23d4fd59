/** What libp2p keeps of its own: its certificate on disk, and the peers it met in memory, newest first to a bound. It would
 *  write down every stranger who ever said hello and forget none, so passers-by could fill the disk. Whom we want to meet
 *  again stands in our own address book. */
import { NotFoundError } from '@libp2p/interface'
import { LevelDatastore } from 'datastore-level'
import type { PeerId } from '@libp2p/interface'

type Key = Parameters<LevelDatastore['get']>[0]

/** Three times as many as there can be connections. */
const peersMax = 1_024
const peerPrefix = '/peers/'

const isPeer = (key: Key): boolean => key.toString().startsWith(peerPrefix)

/** Open and close are the caller's. The record of `own` is never given up. */
export const createLibp2pStore = (directory: string, own: PeerId): LevelDatastore => {
  const disk = new LevelDatastore(directory)
  const peers = new Map<string, { readonly key: Key; readonly value: Uint8Array }>()
  const ownKey = `${peerPrefix}${own.toCID().toString()}`

  const remember = (key: Key, value: Uint8Array): void => {
    peers.delete(key.toString())
    peers.set(key.toString(), { key, value })
    if (peers.size <= peersMax) return
    for (const name of peers.keys()) {
      if (name === ownKey) continue
      peers.delete(name)
      return
    }
  }
  const recall = (key: Key): Uint8Array => {
    const known = peers.get(key.toString())
    if (known === undefined) throw new NotFoundError()
    return known.value
  }

  const [put, get, has, remove, query] = [
    disk.put.bind(disk),
    disk.get.bind(disk),
    disk.has.bind(disk),
    disk.delete.bind(disk),
    // oxlint-disable-next-line no-underscore-dangle -- filters and orders are applied behind this one, by its name.
    disk._query.bind(disk),
  ]
  return Object.assign(disk, {
    put: async (...[key, value, options]: Parameters<typeof put>) => {
      if (!isPeer(key)) return put(key, value, options)
      remember(key, value)
      return key
    },
    get: async (...[key, options]: Parameters<typeof get>) =>
      isPeer(key) ? recall(key) : get(key, options),
    has: async (...[key, options]: Parameters<typeof has>) =>
      isPeer(key) ? peers.has(key.toString()) : has(key, options),
    delete: async (...[key, options]: Parameters<typeof remove>) => {
      if (!isPeer(key)) return remove(key, options)
      peers.delete(key.toString())
    },
    _query: async function* (options: Parameters<typeof query>[0]) {
      if (options.prefix === peerPrefix) yield* peers.values()
      else yield* query(options)
    },
  })
}
