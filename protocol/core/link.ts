/** One neighbour: the link's own state, its frames, and the HELLO that names the groups both sides know without telling
 *  their ids to anybody else.
 *    tag := HMAC(syncKey(gid), senderNonce ‖ senderPeer ‖ receiverPeer)[0..8]      syncKey := HKDF(gid, "petrel/1/sync") */
import {
  type GroupId,
  type Instant,
  type PeerId,
  bytesToHex,
  compareText,
  concatBytes,
  equalBytes,
  idBytes,
  later,
  utf8ToBytes,
} from './base.ts'
import { derive, hmacSha256 } from './crypto.ts'
import { limits } from './limits.ts'
import { authorTable, setHashOf, tableHashOf, vectorOf } from './log.ts'
import {
  type HelloGroup,
  type SyncFrame,
  encodeSyncFrame,
  featureAnswers,
  featureCarries,
  featureRenews,
} from './message.ts'
import type { Group, Hello, Link, LinkGroup, Peer, Stretch } from './state.ts'

export const createLink = (peer: PeerId, since: Instant): Link => ({
  peer,
  nonce: new Uint8Array(16),
  since,
  helloDue: since,
  countsFrom: 0,
  theirCountsFrom: 0,
  features: 0,
  mine: [],
  hello: undefined,
  theirs: undefined,
  theirHello: new Map(),
  groups: new Map(),
  windowBytes: limits.windowBytesMin * 2,
  inFlightBytes: 0,
  inFlight: [],
  framesSent: 0,
  framesAcked: 0,
  framesDurable: 0,
  framesTold: 0,
  framesRefused: [],
  roundTrip: undefined,
  leastDelay: Number.POSITIVE_INFINITY,
  haveDue: new Set(),
  refusals: 0,
  sentBytes: 0,
  receivedBytes: 0,
  carryAsked: new Set(),
  forksShown: new Map(),
})

export const createLinkGroup = (): LinkGroup => ({
  vector: undefined,
  sent: new Map(),
  told: undefined,
  queues: [[], [], [], [], []],
  taken: 0,
  fresh: [],
  historyLoading: false,
  historyDone: false,
  historySkipped: new Set(),
  refused: new Map(),
  doneDue: false,
  headsSent: false,
  slotsSent: new Map(),
  slotsDue: false,
})

/** Sends one frame; returns its size. */
export const sendFrame = (peer: Peer, link: Link, frame: SyncFrame): number => {
  const bytes = encodeSyncFrame(frame)
  link.sentBytes += bytes.length
  peer.effects.push({ type: 'send', to: link.peer, channel: 'sync', bytes })
  return bytes.length
}

/** Sends a frame that counts in the window until the neighbour says it is durable there. */
export const sendPaced = (peer: Peer, link: Link, frame: SyncFrame, run?: Stretch): void => {
  const size = sendFrame(peer, link, frame)
  link.inFlight.push({ size, at: peer.now.instant, run })
  link.inFlightBytes += size
  link.framesSent += 1
}

const syncTag = (
  gid: GroupId,
  hello: { readonly nonce: Uint8Array; readonly sender: PeerId; readonly receiver: PeerId },
): Uint8Array =>
  hmacSha256(
    derive(idBytes(gid), 'petrel/1/sync'),
    concatBytes(hello.nonce, utf8ToBytes(hello.sender), utf8ToBytes(hello.receiver)),
  ).slice(0, 8)

/** A group without any log yet is one I still wait to join. */
const isShareable = (group: Group): boolean =>
  group.role === 'carrier' || (group.role !== 'left' && group.log.authors.size > 0)

const placeBits = { begins: 0, answers: featureAnswers, renews: featureRenews } as const

/** What frames are counted from after a first HELLO. One that answers may cross acknowledgements of what was before it, and
 *  they are known by their number. */
export const countsFrom = (features: number, nonce: Uint8Array): number =>
  (features & featureAnswers) === 0 ? 0 : 16 * (1 + (nonce[0] ?? 0))

/** Tells (again) which groups this peer knows; what is told afterwards counts groups by this list. */
export const sendHello = (
  peer: Peer,
  link: Link,
  place: 'begins' | 'answers' | 'renews' = 'renews',
): void => {
  const features = featureCarries | placeBits[place]
  const nonce = peer.random.bytes(16)
  const groups = [...peer.groups.values()]
    .filter(isShareable)
    .toSorted((a, b) => compareText(a.gid, b.gid))
    .slice(0, limits.helloGroupsMax)
  link.nonce = nonce
  if (place !== 'renews') link.countsFrom = countsFrom(features, nonce)
  link.mine = groups.map(group => ({
    gid: group.gid,
    vector: vectorOf(group.log),
    table: authorTable(group.log),
    setHash: setHashOf(group.log),
    tableHash: tableHashOf(group.log),
  }))
  const names = { nonce, sender: peer.peer, receiver: link.peer }
  const told: HelloGroup[] = link.mine.map(({ gid, setHash, tableHash }) => ({
    tag: syncTag(gid, names),
    setHash,
    tableHash,
  }))
  sendFrame(peer, link, { type: 'hello', features, nonce, groups: told })
}

/** Reads a neighbour's HELLO: which of its groups I know, by trying my tags. */
export const readHello = (peer: Peer, link: Link, hello: Hello): void => {
  const names = { nonce: hello.nonce, sender: link.peer, receiver: peer.peer }
  const gids = new Map<string, GroupId>()
  for (const group of peer.groups.values()) {
    if (group.role !== 'left') gids.set(bytesToHex(syncTag(group.gid, names)), group.gid)
  }
  link.hello = hello
  link.features = hello.features
  link.theirHello = new Map()
  link.theirs = hello.groups.map(({ tag, setHash, tableHash }) => {
    const gid = gids.get(bytesToHex(tag))
    if (gid !== undefined) link.theirHello.set(gid, { setHash, tableHash })
    return gid
  })
}

/** Whether the neighbour's HELLO names this group, also one that was not known here yet when it came. */
export const namesGroup = (peer: Peer, link: Link, gid: GroupId): boolean => {
  const { hello } = link
  if (hello === undefined) return false
  const names = { nonce: hello.nonce, sender: link.peer, receiver: peer.peer }
  const expected = syncTag(gid, names)
  return hello.groups.some(({ tag }) => equalBytes(tag, expected))
}

/** The number by which I name a group to this neighbour; undefined: not in my latest HELLO. */
export const indexOf = (link: Link, gid: GroupId): number | undefined => {
  const index = link.mine.findIndex(entry => entry.gid === gid)
  return index < 0 ? undefined : index
}

export const neighboursOf = function* (
  peer: Peer,
  gid: GroupId,
): Generator<readonly [Link, LinkGroup]> {
  for (const link of peer.links.values()) {
    const shared = link.groups.get(gid)
    if (shared !== undefined) yield [link, shared]
  }
}

type Task = 'have' | 'ack' | 'push' | 'hello'

export const dueSoon = (peer: Peer, link: Link, what: Task, by: number): void =>
  peer.deadlines.sooner(`${what}/${link.peer}`, later(peer.now.instant, by))

/** The link's own round trip as far as known: smoothed figures also hold the time a busy neighbour takes. */
export const leastRoundTrip = (link: Link): number =>
  Number.isFinite(link.leastDelay) ? link.leastDelay : 0
