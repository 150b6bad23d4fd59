/** Everything one peer knows, as plain data owned by `step`. Only the modules called from peer.ts change it, one step at a
 *  time; nothing here is shared between peers. */
import type {
  AuthorId,
  DeviceId,
  EpochId,
  GroupId,
  Instant,
  Now,
  OpId,
  PeerId,
  Timestamp,
} from './base.ts'
import type { ControlOp, GroupState } from './group.ts'
import type { Cryptography } from './crypto.ts'
import type { Deadlines } from './deadlines.ts'
import type { EpochKeys } from './epoch.ts'
import type { Effect } from './input.ts'
import type { Invite } from './invite.ts'
import type { JoinDesk } from './join-desk.ts'
import type { GroupLog } from './log.ts'
import type { HelloGroup } from './message.ts'
import type { Op } from './op.ts'
import type { MessageId, Priority } from './intent.ts'
import type { Random } from './random.ts'
import type { Ranges } from './ranges.ts'
import type { RefusalType } from './refusal.ts'
import type { ArrivalRef, ArrivalRow } from './rows.ts'
import type { RowWrite } from './row.ts'
import type { Slot } from './slot.ts'
import type { StateDocument } from './state-document.ts'
import type { Timeline, TimelineEntry } from './timeline.ts'

export type Device = {
  readonly id: DeviceId
  readonly secret: Uint8Array
  readonly publicKey: Uint8Array
  readonly prekeySecret: Uint8Array
  name: string
  unit: string
}

/** Who writes a log, as its sealed first operation says. */
export type AuthorInfo = {
  readonly device: DeviceId
  readonly name: string
  readonly unit: string
  readonly incarnation: number
}

/** My own log in a group; a new incarnation gets a new key and never continues an old log. */
export type OwnLog = {
  readonly author: AuthorId
  readonly secret: Uint8Array
  readonly incarnation: number
}

export type Joining = {
  readonly token: Uint8Array
  readonly invite: Invite
  readonly name: string
  readonly unit: string
  refused: RefusalType | undefined
}

/** How far one own message got: facts that signatures or authenticated links prove, never taken back. */
export type LedgerEntry = {
  readonly seq: number
  readonly recipients: readonly DeviceId[]
  readonly carriedBy: Set<PeerId>
  readonly delivered: Set<DeviceId>
  readonly displayed: Set<DeviceId>
}

/** What is known of an operation besides its bytes. */
export type Arrival = { readonly receivedAt: number; readonly late: boolean }

export type PresenceState = {
  readonly page: 'front' | 'background' | 'none'
  readonly availability: 'available' | 'busy' | 'field' | 'do-not-disturb'
}
export type KnownSlot = {
  readonly slot: Slot
  readonly receivedAt: Timestamp
  readonly peer: PeerId | undefined
  readonly addresses: readonly Uint8Array[]
  readonly presence: PresenceState | undefined
}

export type GroupRole = 'member' | 'joining' | 'carrier' | 'left'

export type Group = {
  readonly gid: GroupId
  role: GroupRole
  readonly log: GroupLog
  /** The log whose first operation the group id commits to, and the policy hash it commits to. */
  creator: AuthorId | undefined
  rootPolicy: Uint8Array | undefined
  /** Public write keys of epochs, from the root and from epoch operations. */
  readonly writeKeys: Map<EpochId, Uint8Array>
  readonly epochs: Map<EpochId, EpochKeys>
  current: EpochId | undefined
  /** Cached author keys, by epoch, purpose and author. */
  readonly authorKeys: Map<string, Uint8Array>
  readonly controlOps: Map<OpId, ControlOp>
  state: GroupState | undefined
  readonly authors: Map<AuthorId, AuthorInfo>
  own: OwnLog | undefined
  joining: Joining | undefined
  /** Who asked for a carried group to be carried; not kept over a restart. */
  carriedFor: PeerId | undefined
  readonly timeline: Timeline
  document: StateDocument
  /** State operations by log: opened and waiting for their turn; judged, in the order they were. */
  readonly waitingState: Map<AuthorId, { readonly seq: number; readonly update: Uint8Array }[]>
  readonly appliedState: {
    readonly author: AuthorId
    readonly seq: number
    readonly update: Uint8Array
  }[]
  readonly ledger: Map<number, LedgerEntry>
  readonly arrivals: Map<MessageId, Arrival>
  /** Operations that wait for an epoch or for their author's first operation, by message id. */
  readonly locked: Map<MessageId, Op>
  /** Understood in this step; shown together at its end. */
  readonly pendingEntries: TimelineEntry[]
  /** Per forked log: the proof for the lowest seq known to be doubled. */
  readonly forks: Map<AuthorId, ForkProof>
  readonly slots: Map<string, KnownSlot>
  readonly outbox: Map<number, { readonly text: string; readonly priority: Priority }>
  outboxNext: number
  /** Heads of other logs seen since my own last operation. */
  readonly freshHeads: Map<AuthorId, number>
  /** Messages of others here and not yet acknowledged; seen by the person and not yet told; seen. */
  readonly toAck: Map<AuthorId, Ranges>
  readonly toDisplay: Map<AuthorId, Ranges>
  readonly displayed: Map<AuthorId, Ranges>
  lastAck: Instant | undefined
  unread: number
  newestHlc: number
  /** How many messages the view shows, and whether the store holds older ones. */
  window: number
  oldest: ArrivalRef | undefined
  hasEarlier: boolean
  loadingEarlier: boolean
  /** Rows to be written at the end of this step. */
  readonly dirtyLogs: Set<AuthorId>
  readonly dirtyLedger: Set<number>
  metaDirty: boolean
  /** Own wall clock when the group's row was last written; what arrived later is looked through after a crash. */
  savedAt: number
}

/** A paced frame under way, and the stretch of a log in it that its acknowledgement proves to be held there. */
export type InFlight = {
  readonly size: number
  readonly at: Instant
  readonly run: Stretch | undefined
}
export type Stretch = {
  readonly gid: GroupId
  readonly author: AuthorId
  readonly from: number
  readonly to: number
}

export type RefusedStretch = {
  readonly stretch: Stretch
  readonly tries: number
  readonly isWaiting: boolean
}

/** What one neighbour told and was told about one group. */
export type LinkGroup = {
  /** What the neighbour says it holds; undefined until its first HAVE. */
  vector: Map<AuthorId, Ranges> | undefined
  /** Sent on this link, so not to be sent again. */
  readonly sent: Map<AuthorId, Ranges>
  /** What the neighbour knows that we hold: told, or got from it. */
  told: Map<AuthorId, Ranges> | undefined
  /** By urgency: control, flash, urgent, routine, bulk; the next to send last. */
  readonly queues: readonly Op[][]
  /** How many routine operations went out since the queues were filled. */
  taken: number
  /** New operations that gossip may deliver first. */
  fresh: { readonly op: Op; readonly at: Instant }[]
  historyLoading: boolean
  /** Nothing is missing there but what memory and the queues know of. */
  historyDone: boolean
  /** Logs whose older rows were found unusable on this link. */
  readonly historySkipped: Set<AuthorId>
  /** Stretches the neighbour did not take, by author and first seq. */
  readonly refused: Map<string, RefusedStretch>
  /** A full HAVE was answered and DONE not said yet. */
  doneDue: boolean
  headsSent: boolean
  readonly slotsSent: Map<string, number>
  /** Slots wait for room in the window. */
  slotsDue: boolean
}

export type Hello = {
  readonly features: number
  readonly nonce: Uint8Array
  readonly groups: readonly HelloGroup[]
}

/** A group in my HELLO, with what I held and the author table it named. */
export type HelloEntry = {
  readonly gid: GroupId
  readonly vector: Map<AuthorId, Ranges>
  readonly table: readonly AuthorId[]
  readonly setHash: Uint8Array
  readonly tableHash: Uint8Array
}

export type Link = {
  readonly peer: PeerId
  nonce: Uint8Array
  readonly since: Instant
  /** When all its HELLOs so far would have come, had they come one by one. */
  helloDue: Instant
  /** What acknowledgements of my frames, and mine of theirs, are counted from. */
  countsFrom: number
  theirCountsFrom: number
  features: number
  /** My latest HELLO: groups in order, with what I held then. */
  mine: readonly HelloEntry[]
  /** The neighbour's latest HELLO, and its groups as far as I know them. */
  hello: Hello | undefined
  theirs: readonly (GroupId | undefined)[] | undefined
  theirHello: Map<GroupId, { readonly setHash: Uint8Array; readonly tableHash: Uint8Array }>
  readonly groups: Map<GroupId, LinkGroup>
  windowBytes: number
  inFlightBytes: number
  readonly inFlight: InFlight[]
  framesSent: number
  framesAcked: number
  /** Frames of theirs that are durable here, and how many of them we acknowledged. */
  framesDurable: number
  framesTold: number
  /** Numbers of those not taken in whole, not yet told. */
  framesRefused: number[]
  roundTrip: number | undefined
  leastDelay: number
  readonly haveDue: Set<GroupId>
  refusals: number
  sentBytes: number
  receivedBytes: number
  readonly carryAsked: Set<GroupId>
  /** By group and author: the lowest place of its log for which this neighbour got a proof from us. */
  readonly forksShown: Map<string, number>
}

/** Two stretches of one log that cannot both belong to it, each ending in a signature. */
export type ForkProof = {
  readonly place: number
  readonly sides: readonly [readonly Op[], readonly Op[]]
}

export type Load =
  | { readonly type: 'window'; readonly gid: GroupId; readonly earlier: boolean }
  | { readonly type: 'window-ops'; readonly gid: GroupId; readonly arrivals: readonly ArrivalRow[] }
  | {
      readonly type: 'history'
      readonly gid: GroupId
      readonly peer: PeerId
      readonly author: AuthorId
      readonly from: number
      readonly to: number
    }
  | { readonly type: 'carried'; readonly gid: GroupId }
  | {
      readonly type: 'stored'
      readonly gid: GroupId
      /** The head of my own log as the log's row says. */
      readonly mine:
        | {
            readonly author: AuthorId
            readonly head: { readonly seq: number; readonly prefix: Uint8Array }
          }
        | undefined
      readonly sample: readonly { readonly author: AuthorId; readonly seq: number }[]
    }
  /** The checked stretch `suspect` may contradict what the store holds. */
  | {
      readonly type: 'fork'
      readonly gid: GroupId
      readonly suspect: readonly Op[]
      readonly from: PeerId | undefined
    }
  | {
      readonly type: 'head'
      readonly gid: GroupId
      readonly peer: PeerId
      readonly author: AuthorId
      readonly seq: number
    }

export type Peer = {
  readonly peer: PeerId
  readonly random: Random
  readonly cryptography: Cryptography
  device: Device | undefined
  readonly groups: Map<GroupId, Group>
  readonly links: Map<PeerId, Link>
  readonly deadlines: Deadlines
  readonly loads: Map<number, Load>
  nextLoad: number
  readonly joinDesk: JoinDesk
  presence: PresenceState
  addresses: readonly Uint8Array[]
  topics: string
  storage: 'ok' | 'failing'
  readonly refusals: Map<RefusalType, number>
  /** Of the step under way. */
  now: Now
  readonly rows: RowWrite[]
  readonly effects: Effect[]
}
