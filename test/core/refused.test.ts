/** What a neighbour cannot check yet is not lost on it: it comes again in the same contact once the neighbour learnt more. */
import { expect, test } from 'vitest'
import { groupViewOf, instant, timestamp } from '#protocol'
import { createGroup, createTable, join, say } from './table.ts'

test('messages of an author not known yet come again when he is', () => {
  const table = createTable(['ada', 'bo', 'mal'])
  const { gid, token } = createGroup(table, 'ada')
  for (const name of ['bo', 'mal']) {
    join(table, name, token)
    table.connect('ada', name)
    table.pass(2_000)
  }
  table.disconnect('ada', 'bo')
  const texts = ['one', 'two', 'three']
  for (const text of texts) say(table, 'mal', gid, text)
  table.pass(60_000)
  const author = table.seat('mal').peer.groups.get(gid)?.own?.author
  const log = author && table.seat('bo').peer.groups.get(gid)?.log.authors.get(author)
  if (!log) throw new Error('bo never heard of mal')
  const textsOfMal = (): readonly string[] => {
    const now = { instant: instant(0), wall: timestamp(1_790_000_000_000) }
    const messages = groupViewOf(table.seat('bo').peer, gid, now)?.messages ?? []
    return messages.flatMap(({ body }) =>
      body.type === 'text' && texts.includes(body.text) ? [body.text] : [],
    )
  }

  // As if Mal's first operation were still on its way to Bo.
  const { key } = log
  log.key = undefined
  table.connect('ada', 'bo')
  table.pass(30_000)
  expect(textsOfMal()).toEqual([])
  expect(table.seat('bo').peer.refusals.get('author-unknown')).toBeGreaterThan(0)
  log.key = key
  say(table, 'ada', gid, 'something new')
  table.pass(30_000)
  expect(textsOfMal()).toEqual(texts)
})
