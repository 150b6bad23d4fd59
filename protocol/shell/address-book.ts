/** Where wanted peers were reached, kept over restarts: one row a peer in the shell's own part of the store. Best effort: a
 *  lost entry costs a slower reconnection, never a message. */
import { bytesToUtf8, concatBytes, peerId, utf8ToBytes } from '../core/base.ts'
import { bounds } from './bounds.ts'
import type { PeerId } from '#protocol'
import type { Store } from './ports.ts'

export type BookEntry = {
  readonly peer: PeerId
  /** Multiaddrs without the peer id, the one that worked last first. */
  readonly addresses: readonly string[]
  /** Wall clock of the last success, to forget the oldest by. */
  readonly reachedAt: number
}

export type AddressBook = {
  readonly load: () => Promise<readonly BookEntry[]>
  readonly save: (entry: BookEntry) => void
  readonly forget: (peer: PeerId) => void
}

const prefix = Uint8Array.of(0x81)
const end = Uint8Array.of(0x82)
const keyOf = (peer: PeerId): Uint8Array => concatBytes(prefix, utf8ToBytes(peer))

const decode = (key: Uint8Array, value: Uint8Array): BookEntry | undefined => {
  const name = bytesToUtf8(key.subarray(1))
  const text = bytesToUtf8(value)
  if (name === undefined || text === undefined) return undefined
  const [reachedAt, ...addresses] = text.split(' ')
  return { peer: peerId(name), addresses, reachedAt: Number(reachedAt) }
}

/** value := wall clock in milliseconds • ' ' • multiaddr, as text, space between. */
export const storedAddressBook = (store: Store): AddressBook => {
  const write = (peer: PeerId, text: string | undefined): void => {
    const value = text === undefined ? undefined : utf8ToBytes(text)
    // While storage fails the drive loop says so; this is not worth a second voice.
    store.write([{ key: keyOf(peer), value }]).catch(() => undefined)
  }
  return {
    load: async () => {
      const range = { from: prefix, to: end, limit: bounds.wantedPeersMax, reverse: false }
      const rows = await store.read({ type: 'range', range })
      return rows.flatMap(({ key, value }) => decode(key, value) ?? [])
    },
    save: ({ peer, addresses, reachedAt }) => write(peer, [reachedAt, ...addresses].join(' ')),
    forget: peer => write(peer, undefined),
  }
}
