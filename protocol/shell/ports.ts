/** What the drive loop needs from a host. Three hosts implement them: Node, the browser, and tests in one process. Ports
 *  may throw; drive.ts alone catches and turns a failure into an input. */
import type { AddressBook } from './address-book.ts'
import type { PeerId, Row, RowQuery, RowWrite, Topic, Now } from '#protocol'

export type Store = {
  /** Durable (`sync: true`, or IndexedDB `strict`) and atomic: when it resolves, all rows survive power loss. */
  readonly write: (rows: readonly RowWrite[]) => Promise<void>
  /** In key order (reversed for reverse ranges); rows that do not exist are left out. */
  readonly read: (query: RowQuery) => Promise<readonly Row[]>
  readonly close: () => Promise<void>
}

export type TransportEvents = {
  /** At least one usable connection to this peer, over which frames can be sent. */
  readonly linkUp: (peer: PeerId) => void
  readonly linkDown: (peer: PeerId) => void
  /** `taken` is called when the frame's turn has come: a neighbour whose frames wait is not read further. */
  readonly frame: (
    from: PeerId,
    channel: 'sync' | 'join',
    bytes: Uint8Array,
    taken?: () => void,
  ) => void
  readonly gossip: (from: PeerId, topic: Topic, bytes: Uint8Array) => void
  /** Whether these bytes may be passed on to other neighbours: they are an operation whose signature holds. `gossip` is
   *  called with the same bytes whatever the answer. */
  readonly mayPassOn: (from: PeerId, topic: Topic, bytes: Uint8Array) => Promise<boolean>
  /** Own reachable addresses as binary multiaddrs without the peer id, best first, at most 4. */
  readonly addresses: (addresses: readonly Uint8Array[]) => void
}

export type LinkKind = 'direct' | 'relayed'

export type Transport = {
  readonly peer: PeerId
  /** 32-byte Ed25519 public key of the libp2p identity. */
  readonly publicKey: Uint8Array
  readonly start: (events: TransportEvents) => Promise<void>
  /** Queued, never throws; lost when the link goes down (the next contact's sync repairs it). */
  readonly send: (to: PeerId, channel: 'sync' | 'join', bytes: Uint8Array) => void
  readonly publish: (topic: Topic, bytes: Uint8Array) => void
  readonly subscribe: (topics: readonly Topic[]) => void
  /** Adds to the wanted peers of the dial supervisor and remembers the addresses. */
  readonly connect: (peer: PeerId, addresses: readonly Uint8Array[]) => void
  /** Keeps the addresses of wanted peers over restarts; startDrive hands it the store. */
  readonly rememberIn?: (book: AddressBook) => Promise<void>
  /** Closes every connection and refuses new ones for a minute. */
  readonly disconnect: (peer: PeerId) => void
  readonly linkKind: (peer: PeerId) => LinkKind | undefined
  readonly stop: () => Promise<void>
}

export type Clock = {
  readonly now: () => Now
  /** Calls back once at or after `instant`; returns a cancel function. */
  readonly at: (instant: number, callback: () => void) => () => void
}
