/** Text that a person sent, durable in this browser before the peer has it, and handed over exactly once. Before each
 *  handing over a mark is written: the newest own message then known. After a crash, a text with a mark is compared with
 *  the own messages that came after the mark; if it is among them, it was handed over already. */
import { groupId } from '../../protocol/core/base.ts'
import type {
  GroupId,
  GroupView,
  Intent,
  IntentAnswer,
  MessageView,
  Refusal,
  Result,
} from '#protocol'
import type { PendingText } from './client.ts'
import type { Kv } from './kv.ts'
import type { SealedValues } from './vault.ts'

/** What the peer showed of this group when the text was about to be handed over. */
type Mark = {
  /** Ids of the own messages then in the view. */
  readonly known: readonly string[]
  /** How many equal texts waited for admission. */
  readonly waiting: number
}

type Entry = { readonly text: PendingText; readonly mark?: Mark }

export type Outbox = {
  readonly list: () => Promise<readonly PendingText[]>
  readonly add: (text: PendingText) => Promise<void>
  readonly discard: (id: string) => Promise<void>
  /** Hands over what can be handed over, oldest first; the rest stays. Answers with the ids of what the peer has now. */
  readonly drain: (peer: {
    readonly group: (group: GroupId) => GroupView | undefined
    readonly dispatch: (intent: Intent) => Promise<Result<IntentAnswer, Refusal>>
  }) => Promise<ReadonlySet<string>>
}

const prefix = 'outbox/'

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null

const isEntry = (value: unknown): value is Entry =>
  isRecord(value) && isRecord(value['text']) && typeof value['text']['group'] === 'string'

const ownIds = (view: GroupView): readonly string[] =>
  view.messages.filter(message => message.mine).map(message => message.id)

const isSameText = (message: MessageView, text: PendingText): boolean =>
  message.body.type === 'text' && message.body.text === text.text

const waitingLike = (view: GroupView, text: PendingText): number =>
  view.outbox.filter(entry => entry.text === text.text).length

/** Whether the peer took it over before the page was cut short. */
const wasHandedOver = (view: GroupView, { text, mark }: Entry): boolean => {
  if (mark === undefined) return false
  const known = new Set(mark.known)
  const isThere = view.messages.some(
    message => message.mine && !known.has(message.id) && isSameText(message, text),
  )
  return isThere || waitingLike(view, text) > mark.waiting
}

const toIntent = (text: PendingText): Intent => ({
  type: 'send-text',
  group: text.group,
  text: text.text,
  priority: text.priority,
  ...(text.replyTo === undefined ? {} : { replyTo: text.replyTo }),
})

/** Refused for good: the text stays for the person to see and to take back, with the reason. */
const isFinal = (reason: Refusal): boolean =>
  reason.type !== 'storage-failed' && reason.type !== 'stopped' && reason.type !== 'locked'

export const createOutbox = (kv: Kv, sealed: SealedValues): Outbox => {
  let turn: Promise<ReadonlySet<string>> = Promise.resolve(new Set())

  const read = async (): Promise<readonly Entry[]> => {
    const entries: Entry[] = []
    for (const { key, value } of await kv.list(prefix)) {
      const entry = await sealed.open(key, value)
      if (isEntry(entry)) entries.push(entry)
    }
    return entries
  }
  const write = async (entry: Entry): Promise<void> => {
    const name = prefix + entry.text.id
    await kv.put([[name, await sealed.seal(name, entry)]])
  }
  const remove = (id: string): Promise<void> => kv.put([[prefix + id, undefined]])

  const handOver = async (
    entry: Entry,
    peer: Parameters<Outbox['drain']>[0],
  ): Promise<'done' | 'stays'> => {
    const { text } = entry
    if (text.refused !== undefined) return 'stays'
    const view = peer.group(groupId(text.group))
    if (view === undefined || view.summary.state === 'refused' || view.summary.state === 'left') {
      return 'stays'
    }
    if (wasHandedOver(view, entry)) {
      await remove(text.id)
      return 'done'
    }
    await write({ text, mark: { known: ownIds(view), waiting: waitingLike(view, text) } })
    const answer = await peer.dispatch(toIntent(text))
    if (answer.ok) {
      await remove(text.id)
      return 'done'
    }
    await write({ text: isFinal(answer.error) ? { ...text, refused: answer.error.type } : text })
    return 'stays'
  }

  const drainAll: Outbox['drain'] = async peer => {
    const stuck = new Set<GroupId>()
    const done = new Set<string>()
    for (const entry of await read()) {
      const { group } = entry.text
      // never overtake an earlier text of the same group
      if (stuck.has(group)) continue
      if ((await handOver(entry, peer)) === 'done') done.add(entry.text.id)
      else if (entry.text.refused === undefined) stuck.add(group)
    }
    return done
  }

  return {
    list: async () => (await read()).map(entry => entry.text),
    add: text => write({ text }),
    discard: remove,
    drain: peer => {
      turn = turn.then(
        () => drainAll(peer),
        () => drainAll(peer),
      )
      return turn
    },
  }
}
