/** The whole conversation between a peer and the world: inputs that may happen, effects it asks for. Effects are performed
 *  in this order: persist, load, subscribe and connect, publish and send, then answered, changed and notify. A shell may
 *  run several steps before it performs the collected effects, so that one durable batch serves many inputs. */
import type { GroupId, Instant, PeerId, Topic } from './base.ts'
import type { VerifiedMessage } from './admit.ts'
import type { Intent, IntentAnswer, MessageId, Priority } from './intent.ts'
import type { Refusal } from './refusal.ts'
import type { Result } from './base.ts'
import type { Row, RowQuery, RowWrite } from './row.ts'

/** `sync` and `join` are byte frames on an authenticated link to one neighbour; `gossip` is a topic message. */
export type Channel = 'sync' | 'join' | 'gossip'

export type Input =
  /** First input: every hot row (see row.ts). `isCopy`: the host saw that these rows were copied, restored or moved since they
   *  were written, so another may hold the same logs: each own log ends here and a new incarnation begins. */
  | { readonly type: 'started'; readonly rows: readonly Row[]; readonly isCopy?: boolean }
  | { readonly type: 'intent'; readonly request: number; readonly intent: Intent }
  | { readonly type: 'link-up'; readonly peer: PeerId }
  | { readonly type: 'link-down'; readonly peer: PeerId }
  | {
      readonly type: 'received'
      readonly from: PeerId
      readonly message: VerifiedMessage
    }
  /** admit() refused a whole frame. */
  | {
      readonly type: 'refused'
      readonly from: PeerId
      readonly channel: Channel
      readonly refusal: Refusal
    }
  | { readonly type: 'loaded'; readonly request: number; readonly rows: readonly Row[] }
  /** Storage failed or works again. Until it works nothing is told to anybody. */
  | { readonly type: 'failed'; readonly storage: 'failing' | 'ok' }
  | { readonly type: 'woken' }

export type Effect =
  | { readonly type: 'persist'; readonly rows: readonly RowWrite[] }
  | { readonly type: 'load'; readonly request: number; readonly query: RowQuery }
  /** The whole set of topics to be subscribed to from now on. */
  | { readonly type: 'subscribe'; readonly topics: readonly Topic[] }
  /** Somebody worth a connection: binary multiaddrs, possibly none. The shell decides when and whether to dial. */
  | { readonly type: 'connect'; readonly peer: PeerId; readonly addresses: readonly Uint8Array[] }
  | { readonly type: 'publish'; readonly topic: Topic; readonly bytes: Uint8Array }
  | {
      readonly type: 'send'
      readonly to: PeerId
      readonly channel: 'sync' | 'join'
      readonly bytes: Uint8Array
    }
  | {
      readonly type: 'answered'
      readonly request: number
      readonly answer: Result<IntentAnswer, Refusal>
    }
  /** Something to show changed; no group: the list, the links or the profile. */
  | { readonly type: 'changed'; readonly group?: GroupId }
  /** A message of somebody else arrived for the first time; exactly once per device and message. */
  | {
      readonly type: 'notify'
      readonly group: GroupId
      readonly message: MessageId
      readonly priority: Priority
    }
  | { readonly type: 'dropped'; readonly from: PeerId; readonly refusal: Refusal }
  /** This neighbour keeps sending garbage: close its links for a while. */
  | { readonly type: 'disconnect'; readonly peer: PeerId }

export type StepResult = {
  readonly effects: readonly Effect[]
  /** When to send `woken`; undefined: no need. */
  readonly wakeAt: Instant | undefined
}
