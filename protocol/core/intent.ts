/** What a person (or the host itself) may ask of a peer, and what the peer answers. An answer is given after the rows it
 *  depends on are durable. */
import type { GroupId, Millis, Timestamp } from './base.ts'

/** Order under scarcity, most pressing first: flash 特急, urgent 加急, routine 普通, bulk (history, chunks). */
export type Priority = 'flash' | 'urgent' | 'routine' | 'bulk'
export type GroupKind = 'emergency' | 'special' | 'temporary' | 'daily'

/** How to reach a libp2p peer, small enough for an invite. `host` is an IPv4, IPv6 or DNS name. */
export type CompactAddress = {
  readonly transport: 'tcp' | 'ws' | 'webrtc-direct'
  readonly host: string
  readonly port: number
  /** SHA-256 of the WebRTC certificate, 32 bytes; webrtc-direct only. */
  readonly certificateHash?: Uint8Array
}

/** One message, as shown and referred to: `author.seq`. */
export type MessageId = string

export type Intent =
  /** 1–64 graphemes for names; both may be changed later. */
  | { readonly type: 'set-profile'; readonly name: string; readonly unit: string }
  | {
      readonly type: 'create-group'
      readonly name: string
      readonly purpose: string
      readonly kind: GroupKind
    }
  /** Answers with `token`. `addresses`: up to 4 ways to reach this peer; `libp2pKey`: its 32-byte public key. */
  | {
      readonly type: 'create-invite'
      readonly group: GroupId
      readonly maxUses: number
      readonly validFor: Millis
      readonly libp2pKey: Uint8Array
      readonly addresses: readonly CompactAddress[]
    }
  /** Starts to join; the group appears at once as `waiting-for-admission`. */
  | {
      readonly type: 'join'
      readonly token: Uint8Array
      readonly name: string
      readonly unit: string
    }
  | {
      readonly type: 'send-text'
      readonly group: GroupId
      readonly text: string
      readonly priority: Priority
      readonly replyTo?: MessageId
    }
  /** The person has seen this message and everything shown above it. */
  | { readonly type: 'mark-displayed'; readonly group: GroupId; readonly message: MessageId }
  | { readonly type: 'set-title'; readonly group: GroupId; readonly title: string }
  | { readonly type: 'set-purpose'; readonly group: GroupId; readonly purpose: string }
  | {
      readonly type: 'pin'
      readonly group: GroupId
      readonly message: MessageId
      readonly pinned: boolean
    }
  | { readonly type: 'leave'; readonly group: GroupId }
  /** Bring older messages into the view. */
  | { readonly type: 'load-earlier'; readonly group: GroupId }
  /** Presence of this device; shared with the groups' members, never logged. */
  | {
      readonly type: 'set-presence'
      readonly page: 'front' | 'background' | 'none'
      readonly availability: 'available' | 'busy' | 'field' | 'do-not-disturb'
    }
  /** The host's own addresses (binary multiaddrs without the peer id, at most 4) changed. */
  | { readonly type: 'set-addresses'; readonly addresses: readonly Uint8Array[] }

export type IntentAnswer =
  | { readonly type: 'done' }
  | { readonly type: 'group-created'; readonly group: GroupId }
  | { readonly type: 'joining'; readonly group: GroupId }
  | { readonly type: 'invited'; readonly token: Uint8Array; readonly notAfter: Timestamp }
  /** `waiting`: it stays in the outbox until this device is admitted; it has no id yet. */
  | { readonly type: 'saved'; readonly message: MessageId; readonly waiting: boolean }
