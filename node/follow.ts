/** What happens in a peer as a stream of news: messages as they are shown, and how far one message got. Built on the views
 *  alone: every change of a group is compared with what was told before. */
import { systemClock } from '#shell'
import type { Drive } from '#shell'
import type { GroupId, GroupView, MessageView, OwnMessageView } from '#protocol'

export type MessageNews = {
  readonly type: 'message'
  readonly group: GroupId
  readonly title: string
  readonly message: MessageView
}
export type LedgerNews = OwnMessageView & { readonly type: 'ledger' }

export type Wanted = {
  /** None: every group, also those joined later. */
  readonly groups: readonly GroupId[]
  /** Only messages sent at or after this wall time; 0: the newest `newest` of each group. */
  readonly since: number
  readonly newest: number
  /** Go on until the signal ends it. */
  readonly follow: boolean
}

/** Pages of history that one request may load: 200 × 50 messages. */
const pagesMax = 200
/** How long one page may take to come from disk. */
const pageMillis = 5_000

/** A change is noted from the moment of subscribing, so that none falls between looking and waiting. */
const createWatch = (drive: Drive, signal: AbortSignal) => {
  const changed = new Set<GroupId | undefined>()
  let ring = (): void => undefined
  const unsubscribe = drive.subscribe(event => {
    if (event.type !== 'changed') return
    changed.add(event.group)
    ring()
  })
  const stop = (): void => {
    unsubscribe()
    signal.removeEventListener('abort', stop)
    ring()
  }
  if (signal.aborted) stop()
  else signal.addEventListener('abort', stop)
  return {
    /** Groups that changed since the last call; waits for one. Empty once the signal ended. */
    take: async (): Promise<ReadonlySet<GroupId | undefined>> => {
      while (changed.size === 0 && !signal.aborted) {
        await new Promise<void>(resolve => {
          ring = resolve
        })
      }
      const taken = new Set(changed)
      changed.clear()
      return taken
    },
    stop,
  }
}

/** Pages older messages in until there are enough or no more. */
const loadBack = async (
  drive: Drive,
  group: GroupId,
  isEnough: (view: GroupView) => boolean,
  signal: AbortSignal,
): Promise<void> => {
  for (let page = 0; page < pagesMax && !signal.aborted; page++) {
    const view = drive.group(group)
    if (view === undefined || !view.hasEarlier || isEnough(view)) return
    const hasGrown = (): boolean => {
      const now = drive.group(group)
      return now === undefined || !now.hasEarlier || now.messages.length > view.messages.length
    }
    const late = AbortSignal.any([signal, AbortSignal.timeout(pageMillis)])
    const watch = createWatch(drive, late)
    // At start the newest are on their way already.
    if (view.messages.length > 0) await drive.dispatch({ type: 'load-earlier', group })
    while (!hasGrown() && !late.aborted) await watch.take()
    watch.stop()
    if (!hasGrown()) return
  }
}

export async function* followMessages(
  drive: Drive,
  wanted: Wanted,
  signal: AbortSignal,
): AsyncGenerator<MessageNews> {
  const startedAt = systemClock.now().wall
  const watch = createWatch(drive, signal)
  const told = new Map<GroupId, ReadonlyMap<string, string>>()
  const isWanted = (group: GroupId): boolean =>
    wanted.groups.length === 0 || wanted.groups.includes(group)

  /** Messages of the shown window that were not told before; the window bounds what is remembered. A message is told once
   *  more when it opens. History that somebody pages in later is no news: it stands before everything that was shown. What
   *  was written just before the first look, and became durable just after it, is. */
  const newIn = (group: GroupId, since: number): readonly MessageNews[] => {
    const view = drive.group(group)
    if (view === undefined) return []
    const before = told.get(group)
    told.set(group, new Map(view.messages.map(({ id, body }) => [id, body.type])))
    const firstKnown = view.messages.findIndex(({ id }) => before?.has(id) === true)
    const isBehind = (at: number): boolean =>
      before !== undefined && (firstKnown < 0 ? !view.hasEarlier : at > firstKnown)
    const isNew = ({ id, body, receivedAt, sentAt }: MessageView, at: number): boolean => {
      const known = before?.get(id)
      if (known !== undefined) return known !== body.type
      return (receivedAt ?? sentAt) >= since || isBehind(at)
    }
    return view.messages
      .filter(isNew)
      .map(message => ({ type: 'message', group, title: view.summary.title, message }))
  }

  try {
    for (const { group } of drive.app().groups) {
      if (!isWanted(group)) continue
      const isEnough = ({ messages }: GroupView): boolean =>
        wanted.since > 0
          ? (messages[0]?.sentAt ?? 0) < wanted.since
          : messages.length >= wanted.newest
      await loadBack(drive, group, isEnough, signal)
      const news = newIn(group, 0)
      if (wanted.since > 0) yield* news.filter(({ message }) => message.sentAt >= wanted.since)
      else if (wanted.newest > 0) yield* news.slice(-wanted.newest)
    }
    while (wanted.follow && !signal.aborted) {
      for (const group of await watch.take()) {
        if (group !== undefined && isWanted(group)) yield* newIn(group, startedAt)
      }
    }
  } finally {
    watch.stop()
  }
}

/** The ledger of one own message now and after each change, however far it scrolled away meanwhile. Ends when its ledger is
 *  not there, or no longer. */
export async function* followLedger(
  drive: Drive,
  group: GroupId,
  message: string,
  signal: AbortSignal,
): AsyncGenerator<LedgerNews> {
  const watch = createWatch(drive, signal)
  let last = ''
  try {
    while (!signal.aborted) {
      const view = drive.ownMessage(group, message)
      if (view === undefined) return
      const text = JSON.stringify(view)
      if (text !== last) yield { type: 'ledger', ...view }
      last = text
      await watch.take()
    }
  } finally {
    watch.stop()
  }
}
