/** What the screens know of the peer behind them: views as signals, and ways to ask. The same port stands before a peer in
 *  this tab, before one in another tab, before none at all yet (then it shows what was shown last and keeps what is
 *  written), and before made-up views in tests. */
import type {
  AppView,
  GroupId,
  GroupView,
  Intent,
  IntentAnswer,
  MessageId,
  Millis,
  PeerId,
  Priority,
  Refusal,
  RefusalType,
  Result,
} from '#protocol'
import type { LinkKind } from '#shell'
import type { ReadonlySignal } from '@preact/signals'

/** How the page was opened: https or localhost, a file, or plain http on a LAN. */
export type Tier = 'secure' | 'file' | 'lan'

/** Where secrets are kept: not looked yet; nothing there and a choice is due (plain http); sealed by a passphrase; open;
 *  only in memory until the page closes. */
export type VaultState = 'opening' | 'new' | 'locked' | 'open' | 'memory' | 'failed'

export type NetState =
  /** The network module is on its way; total is 0 when it is not known. */
  | {
      readonly type: 'loading'
      readonly received: number
      readonly total: number
      readonly seconds: number
    }
  | { readonly type: 'starting' }
  | { readonly type: 'failed' }
  | { readonly type: 'alone'; readonly waiting: number }
  | { readonly type: 'relay-only' }
  | { readonly type: 'syncing'; readonly left: number }
  | { readonly type: 'ok'; readonly nodes: number; readonly waiting: number }
  | { readonly type: 'weak'; readonly roundTrip: Millis }

/** Text that a person wrote and that is durable in this browser, not yet taken over by the peer. */
export type PendingText = {
  readonly id: string
  readonly group: GroupId
  readonly text: string
  readonly priority: Priority
  readonly replyTo?: MessageId
  readonly writtenAt: number
  /** The peer would not take it; it stays until the person takes it back. */
  readonly refused?: RefusalType
}

/** An invite that was opened here and is not settled yet. */
export type JoinState =
  | { readonly type: 'none' }
  | { readonly type: 'ready'; readonly invite: InviteSummary }
  | { readonly type: 'joining'; readonly invite: InviteSummary }
  | { readonly type: 'refused'; readonly refusal: Refusal }

export type InviteSummary = {
  readonly group: GroupId
  /** Wall-clock milliseconds. */
  readonly notAfter: number
}

export type InviteMade = { readonly link: string; readonly notAfter: number }

export type Arrival = {
  readonly group: GroupId
  readonly message: MessageId
  readonly priority: Priority
}

export type EngineClient = {
  readonly tier: Tier
  readonly vault: ReadonlySignal<VaultState>
  /** This tab runs the peer, or shows what another tab runs. */
  readonly role: ReadonlySignal<'starting' | 'writer' | 'viewer'>
  readonly storage: ReadonlySignal<'persisted' | 'evictable' | 'memory' | 'unknown'>
  /** The browser keeps the program and opens it while no node answers. */
  readonly kept: ReadonlySignal<boolean>
  readonly net: ReadonlySignal<NetState>
  readonly linkKinds: ReadonlySignal<Readonly<Record<PeerId, LinkKind>>>
  /** undefined until something is known about this device. */
  readonly app: ReadonlySignal<AppView | undefined>
  readonly group: (group: GroupId) => ReadonlySignal<GroupView | undefined>
  /** The newest message of somebody else that arrived while this page was open. */
  readonly arrival: ReadonlySignal<Arrival | undefined>
  readonly pending: ReadonlySignal<readonly PendingText[]>
  readonly join: ReadonlySignal<JoinState>
  readonly dispatch: (intent: Intent) => Promise<Result<IntentAnswer, Refusal>>
  /** Resolves when the text is durable; false when it could not be kept. */
  readonly write: (text: Omit<PendingText, 'id' | 'writtenAt'>) => Promise<boolean>
  readonly discard: (id: string) => Promise<void>
  readonly readDraft: (group: GroupId) => Promise<string>
  readonly keepDraft: (group: GroupId, text: string) => void
  /** A link, a fragment or a bare token. */
  readonly openInvite: (text: string) => void
  readonly closeInvite: () => void
  readonly acceptInvite: (profile: {
    readonly name: string
    readonly unit: string
  }) => Promise<void>
  readonly invite: (options: {
    readonly group: GroupId
    readonly maxUses: number
    readonly validFor: Millis
  }) => Promise<Result<InviteMade, Refusal>>
  /** Plain http only: opens or makes the sealed store; false when the passphrase is wrong. */
  readonly unlock: (passphrase: string) => Promise<boolean>
  readonly useMemory: () => void
  readonly persist: () => Promise<void>
}
