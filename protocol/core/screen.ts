/** The shapes that screens, the CLI and reports read. Everything here is what this peer knows now; no word is stronger
 *  than the signatures behind it. `viewOf` and `groupViewOf` in view.ts make them. */
import type { AuthorId, DeviceId, GroupId, Millis, PeerId, Timestamp } from './base.ts'
import type { GroupKind, MessageId, Priority } from './intent.ts'
import type { RefusalType } from './refusal.ts'

/** How far one own message got. `recipients` is the roster at sending without this device (frozen). */
export type LedgerView = {
  readonly state: 'waiting' | 'held' | 'carried' | 'delivered' | 'displayed' | 'expired' | 'refused'
  /** Distinct peers that acknowledged it after persisting. */
  readonly carried: number
  readonly delivered: number
  readonly displayed: number
  readonly recipients: number
}

export type MessageBody =
  | { readonly type: 'text'; readonly text: string; readonly replyTo?: MessageId }
  | { readonly type: 'waiting-for-key' }
  | { readonly type: 'needs-newer-version' }
  | { readonly type: 'disputed' }

export type MessageView = {
  readonly id: MessageId
  readonly author: AuthorId
  readonly device: DeviceId | undefined
  /** The name in the author's certificate, or the start of the author id when it is not known yet. */
  readonly name: string
  readonly unit: string
  readonly mine: boolean
  readonly priority: Priority
  readonly body: MessageBody
  /** What the author's clock claimed, clamped for display when `clockSuspect`. */
  readonly sentAt: Timestamp
  readonly clockSuspect: boolean
  readonly receivedAt: Timestamp | undefined
  /** It arrived more than two minutes after newer messages were already here. */
  readonly late: boolean
  readonly pinned: boolean
  /** For own messages only. */
  readonly ledger: LedgerView | undefined
  /** Names behind the ledger, for the details screen; own messages only. */
  readonly details: MessageDetails | undefined
}

export type MessageDetails = {
  readonly opId: string
  readonly bytes: number
  readonly carriedBy: readonly PeerId[]
  readonly deliveredTo: readonly string[]
  readonly displayedTo: readonly string[]
  readonly waitingFor: readonly string[]
}

/** An own message by its id, whether or not it is in the window. */
export type OwnMessageView = {
  readonly ledger: LedgerView
  readonly details: MessageDetails
}

export type MemberView = {
  readonly device: DeviceId
  readonly name: string
  readonly unit: string
  readonly role: 'owner' | 'admin' | 'member' | 'observer' | 'records'
  readonly me: boolean
  readonly left: boolean
  readonly reachable: 'direct' | 'carried' | 'unknown'
  readonly lastSeen: Timestamp | undefined
  readonly page: 'front' | 'background' | 'none' | 'unknown'
  readonly availability: 'available' | 'busy' | 'field' | 'do-not-disturb' | 'unknown'
}

export type GroupSummary = {
  readonly group: GroupId
  readonly title: string
  readonly purpose: string
  readonly kind: GroupKind
  readonly state: 'member' | 'waiting-for-admission' | 'refused' | 'left'
  /** Why joining was refused, when `state` is `refused`. */
  readonly refusal: RefusalType | undefined
  readonly members: number
  readonly unread: number
  /** Own messages not yet with any other node. */
  readonly heldOnly: number
  readonly lastText: string
  readonly lastName: string
  readonly lastAt: Timestamp | undefined
  /** Operations known to exist at neighbours and not here yet. */
  readonly missing: number
  readonly receipts: boolean
}

export type GroupView = {
  readonly summary: GroupSummary
  readonly members: readonly MemberView[]
  /** Oldest first: the loaded window, in the one order every peer shows. */
  readonly messages: readonly MessageView[]
  /** Older messages are in the store, or are being read: at start everything is. */
  readonly hasEarlier: boolean
  /** Written while waiting for admission; sealed and sent afterwards. */
  readonly outbox: readonly { readonly text: string; readonly priority: Priority }[]
  readonly forks: number
}

export type LinkView = {
  readonly peer: PeerId
  /** The member at the other end, where one is known on this link, and its name. */
  readonly device: DeviceId | undefined
  readonly name: string | undefined
  readonly roundTrip: Millis | undefined
  readonly toSend: number
  readonly sharedGroups: number
  /** Bytes of Petrel frames since the link came up. */
  readonly sentBytes: number
  readonly receivedBytes: number
}

export type AppView = {
  readonly device: DeviceId
  readonly peer: PeerId
  readonly name: string
  readonly unit: string
  readonly groups: readonly GroupSummary[]
  readonly links: readonly LinkView[]
  /** Operations carried for groups this device is not in. */
  readonly carriedOps: number
  readonly carriedBytes: number
  readonly storage: 'ok' | 'failing'
  readonly refusals: Readonly<Partial<Record<RefusalType, number>>>
}
