/** How tabs of one browser speak: the writer shows its views to the others, the others hand it what was asked. */
import type {
  AppView,
  GroupId,
  GroupView,
  Intent,
  IntentAnswer,
  PeerId,
  Refusal,
  Result,
} from '#protocol'
import type { LinkKind } from '#shell'
import type { InviteMade, JoinState, NetState } from './client.ts'

export type LinkKinds = Readonly<Record<PeerId, LinkKind>>

export type InviteRequest = {
  readonly group: GroupId
  readonly maxUses: number
  readonly validFor: number
}

export type TabMessage =
  /** A tab that only looks on is here and wants to see this group, if any. */
  | { readonly type: 'hello'; readonly watch: readonly GroupId[] }
  | {
      readonly type: 'intent'
      readonly from: string
      readonly request: number
      readonly intent: Intent
    }
  | {
      readonly type: 'invite'
      readonly from: string
      readonly request: number
      readonly wanted: InviteRequest
    }
  /** Something durable changed that the writer should pick up: texts to send, an invite to use. */
  | { readonly type: 'picked'; readonly what: 'outbox' | 'join' }
  /** From the writer. */
  | {
      readonly type: 'state'
      readonly app: AppView
      readonly net: NetState
      readonly kinds: LinkKinds
      readonly join: JoinState
    }
  | { readonly type: 'net'; readonly net: NetState }
  | { readonly type: 'group'; readonly group: GroupId; readonly view: GroupView | undefined }
  | {
      readonly type: 'answer'
      readonly to: string
      readonly request: number
      readonly answer: Result<IntentAnswer, Refusal>
    }
  | {
      readonly type: 'invited'
      readonly to: string
      readonly request: number
      readonly answer: Result<InviteMade, Refusal>
    }
  | { readonly type: 'outbox-changed' }

export type Tabs = {
  readonly id: string
  readonly post: (message: TabMessage) => void
  readonly listen: (listener: (message: TabMessage) => void) => void
}

const hasType = (value: unknown): value is TabMessage =>
  typeof value === 'object' && value !== null && 'type' in value

export const openTabs = (name: string): Tabs => {
  const channel = new BroadcastChannel(name)
  // same origin, same program: the type is enough
  return {
    id: Array.from(crypto.getRandomValues(new Uint8Array(8)), byte => byte.toString(16)).join('.'),
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel has no target origin
    post: message => channel.postMessage(message),
    listen: listener => {
      channel.addEventListener('message', (event: MessageEvent<unknown>) => {
        if (hasType(event.data)) listener(event.data)
      })
    },
  }
}
