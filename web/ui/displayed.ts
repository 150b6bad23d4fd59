/** Tells the peer what the person has really seen: the newest message that was on screen while the page was visible and
 *  had the focus. Whether anything is sent about it is the group's policy and the core's business. */
import { useEffect, useRef } from 'preact/hooks'
import type { GroupSummary, MessageView } from '#protocol'
import type { RefObject } from 'preact'
import type { EngineClient } from '../engine/client.ts'

/** On screen for this long counts as seen. */
const lookMillis = 400

type Options = {
  readonly client: EngineClient
  readonly summary: GroupSummary
  readonly messages: readonly MessageView[]
  readonly scroller: RefObject<HTMLDivElement | null>
}

/** The last row whose bottom is inside the box. */
const lowestVisible = (box: HTMLElement): string | undefined => {
  const { bottom, top } = box.getBoundingClientRect()
  const rows = [...box.querySelectorAll<HTMLElement>('li.message[data-id]')]
  const row = rows.findLast(candidate => {
    const place = candidate.getBoundingClientRect()
    return place.bottom <= bottom + 4 && place.bottom > top
  })
  return row?.dataset['id']
}

export const useDisplayed = ({ client, summary, messages, scroller }: Options): void => {
  const marked = useRef<number>(-1)
  const latest = useRef(messages)
  latest.current = messages
  useEffect(() => {
    const box = scroller.current
    if (box === null) return
    let timer: ReturnType<typeof setTimeout> | undefined
    const look = (): void => {
      timer = undefined
      if (document.visibilityState !== 'visible' || !document.hasFocus()) return
      const id = lowestVisible(box)
      const at = latest.current.findIndex(message => message.id === id)
      const others = latest.current.slice(0, at + 1).findLast(message => !message.mine)
      const place = others === undefined ? -1 : latest.current.indexOf(others)
      if (others === undefined || (place <= marked.current && summary.unread === 0)) return
      marked.current = place
      void client.dispatch({ type: 'mark-displayed', group: summary.group, message: others.id })
    }
    const soon = (): void => {
      timer ??= setTimeout(look, lookMillis)
    }
    soon()
    box.addEventListener('scroll', soon, { passive: true })
    addEventListener('focus', soon)
    document.addEventListener('visibilitychange', soon)
    return () => {
      clearTimeout(timer)
      box.removeEventListener('scroll', soon)
      removeEventListener('focus', soon)
      document.removeEventListener('visibilitychange', soon)
    }
  }, [summary.group, messages.length, messages.at(-1)?.id])
}
