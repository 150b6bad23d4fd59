/** Following a conversation: whatever becomes durable while the first look is taken is told, and told once. */
import { expect, test } from 'vitest'
import { groupId, timestamp } from '#protocol'
import type { GroupView, MessageView } from '#protocol'
import type { Drive, DriveEvent } from '../../protocol/shell/drive.ts'
import { followMessages } from '../../node/follow.ts'

const group = groupId('ab'.repeat(16))

const message = (id: string, receivedAt: number): MessageView => ({
  id,
  author: undefined as unknown as MessageView['author'],
  device: undefined,
  name: '',
  unit: '',
  mine: true,
  priority: 'routine',
  body: { type: 'text', text: id },
  sentAt: timestamp(receivedAt),
  clockSuspect: false,
  receivedAt: timestamp(receivedAt),
  late: false,
  pinned: false,
  ledger: undefined,
  details: undefined,
})

/** A drive that shows what the test says and tells when it changed. */
const showing = (first: readonly MessageView[], hasEarlier = false) => {
  let listener: (event: DriveEvent) => void = () => undefined
  let messages = first
  let isMore = hasEarlier
  const summary = { group, title: 'ops', state: 'member' } as unknown as GroupView['summary']
  const drive = {
    app: () => ({ groups: [summary] }),
    group: () => ({ summary, messages, hasEarlier: isMore, members: [], outbox: [], forks: 0 }),
    subscribe: (given: typeof listener) => {
      listener = given
      return () => undefined
    },
    dispatch: () => Promise.resolve({ ok: true, value: { type: 'done' } }),
  } as unknown as Drive
  return {
    drive,
    show: (next: readonly MessageView[], more = false) => {
      messages = next
      isMore = more
      listener({ type: 'changed', group })
    },
  }
}

const wanted = { groups: [], since: 0, newest: 0, follow: true }
const longAgo = Date.now() - 60_000

test('a message that was stepped before the first look and durable after it is told', async () => {
  const table = showing([])
  const ending = new AbortController()
  const news = followMessages(table.drive, wanted, ending.signal)
  const next = news.next()
  await Promise.resolve()
  table.show([message('a', longAgo)])
  expect((await next).value).toMatchObject({ message: { id: 'a' } })
  const after = news.next()
  await Promise.resolve()
  table.show([message('a', longAgo), message('b', longAgo)])
  expect((await after).value).toMatchObject({ message: { id: 'b' } })
  ending.abort()
})

test('history that somebody pages in is no news', async () => {
  const table = showing([message('c', longAgo)], true)
  const ending = new AbortController()
  const news = followMessages(table.drive, wanted, ending.signal)
  const next = news.next()
  await Promise.resolve()
  table.show([message('a', longAgo), message('c', longAgo)])
  await Promise.resolve()
  table.show([message('a', longAgo), message('c', longAgo), message('d', Date.now() + 1_000)])
  expect((await next).value).toMatchObject({ message: { id: 'd' } })
  ending.abort()
})
