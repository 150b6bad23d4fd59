/** The scrolling part of a conversation. At most 200 rows stand in the page; it stays at the newest message while the
 *  reader is there, and never moves under a reader who is not. */
import { useSignal } from '@preact/signals'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import { announce } from './announcer.tsx'
import { useDisplayed } from './displayed.ts'
import { Icon } from './icons.tsx'
import { MessageRow, WaitingRow } from './message.tsx'
import { replyTarget } from './reply.ts'
import { go, hashOf } from './routes.ts'
import { letterKeys } from './settings.ts'
import { dayWords, isSameDay, shared, ui } from './i18n/index.ts'
import type { GroupSummary, GroupView, MessageView } from '#protocol'
import type { RefObject } from 'preact'
import type { EngineClient, PendingText } from '../engine/client.ts'

/** Rows in the page at once (measured: more makes every append slow on a phone). */
const rowsMax = 200
/** How far one press on "earlier" or "newer" moves the window. */
const rowsStep = 100
/** Within this distance of the end the reader counts as being there. */
const nearEndPixels = 80
/** A late message says "just arrived" for this long. */
const freshMillis = 10 * 60_000
/** Messages of one author this close together share one name. */
const runMillis = 3 * 60_000

type Props = {
  client: EngineClient
  summary: GroupSummary
  view: GroupView | undefined
  pending: readonly PendingText[]
}

const isFreshLate = (message: MessageView, now: number): boolean =>
  message.late && message.receivedAt !== undefined && now - message.receivedAt < freshMillis

const continuesRun = (before: MessageView | undefined, message: MessageView): boolean =>
  before !== undefined &&
  before.author === message.author &&
  isSameDay(before.sentAt, message.sentAt) &&
  Math.abs(message.sentAt - before.sentAt) < runMillis &&
  !message.late

const Rows = ({ view, from, to }: { view: GroupView; from: number; to: number }) => {
  const now = Date.now()
  const byId = new Map(view.messages.map(message => [message.id, message]))
  return view.messages.slice(from, to).map((message, index) => {
    const before = view.messages[from + index - 1]
    const startsDay = before === undefined || !isSameDay(before.sentAt, message.sentAt)
    const startsLate =
      isFreshLate(message, now) && (before === undefined || !isFreshLate(before, now))
    let lateCount = 0
    if (startsLate) {
      for (let at = from + index; at < view.messages.length; at++) {
        const next = view.messages[at]
        if (next === undefined || !isFreshLate(next, now)) break
        lateCount++
      }
    }
    const replyTo = message.body.type === 'text' ? message.body.replyTo : undefined
    return [
      startsDay && (
        <li key={`day-${message.id}`} class="divider">
          <span>{dayWords(message.sentAt)}</span>
        </li>
      ),
      lateCount > 0 && (
        <li key={`late-${message.id}`} class="divider" data-tone="late">
          <span>{shared.value.message.lateArrivals(lateCount)}</span>
        </li>
      ),
      <MessageRow
        key={message.id}
        group={view.summary.group}
        message={message}
        replied={replyTo === undefined ? undefined : byId.get(replyTo)}
        continues={!startsDay && !startsLate && continuesRun(before, message)}
      />,
    ]
  })
}

/** Where the window of rows stands. `end` undefined: at the newest. */
const windowOf = (length: number, end: number | undefined): { from: number; to: number } => {
  const to = end === undefined ? length : Math.min(length, Math.max(end, Math.min(length, rowsMax)))
  return { from: Math.max(0, to - rowsMax), to }
}

const pendingWords = (text: PendingText): string => {
  if (text.refused === undefined) return ui.value.conversation.pending
  const { what, next } = shared.value.refusals[text.refused]
  return `${what} · ${next}`
}

const messageText = (message: MessageView): string =>
  message.body.type === 'text' ? message.body.text : ''

/** Speaks what arrives at the end while the list is open: name and text, nothing else. */
const useSpokenArrivals = (messages: readonly MessageView[]): void => {
  const spoken = useRef<string | undefined>(undefined)
  const newest = messages.at(-1)
  useEffect(() => {
    if (newest === undefined) return
    const isFirst = spoken.current === undefined
    if (!isFirst && spoken.current !== newest.id && !newest.mine) {
      announce(`${ui.value.conversation.from(newest.name)}${messageText(newest)}`)
    }
    spoken.current = newest.id
  }, [newest?.id])
}

type Window = {
  readonly from: number
  readonly to: number
  readonly isAtEnd: boolean
  readonly isNewestShown: boolean
  readonly unseen: number
  readonly toNewest: () => void
  readonly toEarlier: () => void
  readonly toNewer: () => void
  readonly follow: () => void
}

/** Which rows stand in the page and where the box is scrolled: at the end while the reader is there, otherwise at the
 *  row the reader was looking at. */
const useWindow = (
  scroller: RefObject<HTMLDivElement | null>,
  length: number,
  loadEarlier: () => void,
): Window => {
  const isAtEnd = useSignal(true)
  const end = useSignal<number | undefined>(undefined)
  const seenLength = useSignal(length)
  const anchor = useRef<{ readonly id: string; readonly top: number } | undefined>(undefined)
  const { from, to } = windowOf(length, end.value)

  const noteAnchor = (): void => {
    const row = scroller.current?.querySelector<HTMLElement>('li.message[data-id]')
    const id = row?.dataset['id']
    anchor.current =
      row === null || row === undefined || id === undefined
        ? undefined
        : { id, top: row.getBoundingClientRect().top }
  }
  const keepAnchor = (box: HTMLElement): boolean => {
    const held = anchor.current
    const row =
      held === undefined ? null : box.querySelector(`li[data-id="${CSS.escape(held.id)}"]`)
    if (held === undefined || row === null) return false
    const moved = row.getBoundingClientRect().top - held.top
    if (moved === 0) return false
    box.scrollTop += moved
    anchor.current = undefined
    return true
  }

  useLayoutEffect(() => {
    const box = scroller.current
    if (box === null || keepAnchor(box)) return
    if (isAtEnd.value && end.value === undefined) {
      box.scrollTop = box.scrollHeight
      seenLength.value = length
    }
  })
  /** Rows that come into view get their true height, and the box changes with the keyboard: stay at the end. */
  useEffect(() => {
    const box = scroller.current
    const content = box?.firstElementChild
    if (box === null || content === null || content === undefined) return
    const observer = new ResizeObserver(() => {
      if (isAtEnd.peek() && end.peek() === undefined) box.scrollTop = box.scrollHeight
    })
    observer.observe(content)
    observer.observe(box)
    return () => observer.disconnect()
  }, [])

  return {
    from,
    to,
    isAtEnd: isAtEnd.value,
    isNewestShown: to === length,
    unseen: Math.max(0, length - seenLength.value),
    toNewest: () => {
      end.value = undefined
      isAtEnd.value = true
      const box = scroller.current
      requestAnimationFrame(() => box?.scrollTo({ top: box.scrollHeight }))
    },
    toEarlier: () => {
      noteAnchor()
      if (from > 0) end.value = Math.max(rowsMax, to - rowsStep)
      else loadEarlier()
    },
    toNewer: () => {
      noteAnchor()
      end.value = to + rowsStep >= length ? undefined : to + rowsStep
    },
    follow: () => {
      const box = scroller.current
      if (box === null) return
      isAtEnd.value = box.scrollHeight - box.scrollTop - box.clientHeight < nearEndPixels
      if (isAtEnd.value) seenLength.value = length
    },
  }
}

/** J and K walk, I opens the details, R answers; only while the list has the focus. */
const pressKey = (
  event: KeyboardEvent,
  box: HTMLElement | null,
  view: GroupView | undefined,
): void => {
  if (!letterKeys.value || event.ctrlKey || event.metaKey || event.altKey) return
  if (box === null || view === undefined || !(event.target instanceof HTMLElement)) return
  const rows = [...box.querySelectorAll<HTMLElement>('li.message[data-id]')]
  const current = event.target.closest<HTMLElement>('li.message')
  const at = current === null ? rows.length : rows.indexOf(current)
  const message = view.messages.find(row => row.id === current?.dataset['id'])
  const key = event.key.toLowerCase()
  if (key === 'j') rows[Math.min(rows.length - 1, at + 1)]?.focus()
  else if (key === 'k') rows[Math.max(0, at - 1)]?.focus()
  else if (key === 'i' && message !== undefined) {
    go({ screen: 'message', group: view.summary.group, message: message.id })
  } else if (key === 'r' && message !== undefined) replyTarget.value = message
  else return
  event.preventDefault()
}

/** What stands after the messages: texts that wait for admission, and texts that wait for the peer. */
const Waiting = ({
  client,
  view,
  pending,
}: {
  client: EngineClient
  view: GroupView | undefined
  pending: readonly PendingText[]
}) => (
  <>
    {view?.outbox.map((text, index) => (
      <WaitingRow
        key={`outbox-${index}`}
        text={text.text}
        priority={text.priority}
        words={shared.value.ledger.waiting.long}
      />
    ))}
    {pending.map(text => (
      <WaitingRow
        key={text.id}
        text={text.text}
        priority={text.priority}
        words={pendingWords(text)}
        onDiscard={() => void client.discard(text.id)}
      />
    ))}
  </>
)

/** Whoever was refused has a way to try again here; only who may write is told to. */
const EmptyGroup = ({ purpose, state }: GroupSummary) => (
  <div class="empty">
    <p class="empty-title">{ui.value.conversation.empty}</p>
    {purpose !== '' && <p dir="auto">{purpose}</p>}
    {state === 'refused' ? (
      <a class="button" href={hashOf({ screen: 'join' })}>
        {ui.value.join.other}
      </a>
    ) : (
      state !== 'left' && <p>{ui.value.conversation.emptyHint}</p>
    )}
  </div>
)

export const MessageList = ({ client, summary, view, pending }: Props) => {
  const scroller = useRef<HTMLDivElement>(null)
  const messages = view?.messages ?? []
  const shown = useWindow(scroller, messages.length, () => {
    void client.dispatch({ type: 'load-earlier', group: summary.group })
  })
  useSpokenArrivals(messages)
  useDisplayed({ client, summary, messages, scroller })
  const isEmpty = messages.length + pending.length + (view?.outbox.length ?? 0) === 0
  return (
    <div class="message-frame">
      <div
        class="message-scroll"
        ref={scroller}
        role="log"
        aria-live="off"
        aria-label={ui.value.conversation.log}
        tabIndex={0}
        onScroll={shown.follow}
        onKeyDown={event => pressKey(event, scroller.current, view)}
      >
        <div class="message-column">
          {(view?.hasEarlier === true || shown.from > 0) && (
            <button type="button" class="button earlier" onClick={shown.toEarlier}>
              {ui.value.conversation.earlier}
            </button>
          )}
          {summary.missing > 0 && (
            <p class="gap-line">
              <Icon name="waiting" />
              {shared.value.message.gap(summary.missing)}
            </p>
          )}
          {isEmpty && <EmptyGroup {...summary} />}
          <ol class="messages">
            {view !== undefined && <Rows view={view} from={shown.from} to={shown.to} />}
            {shown.isNewestShown && <Waiting client={client} view={view} pending={pending} />}
          </ol>
          {!shown.isNewestShown && (
            <button type="button" class="button earlier" onClick={shown.toNewer}>
              {ui.value.conversation.newer}
            </button>
          )}
        </div>
      </div>
      {(!shown.isAtEnd || !shown.isNewestShown) && (
        <button type="button" class="button to-newest" onClick={shown.toNewest}>
          <Icon name="down" />
          {ui.value.conversation.newest(shown.unseen)}
        </button>
      )}
    </div>
  )
}
