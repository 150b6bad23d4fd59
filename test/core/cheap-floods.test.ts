/** Frames that cost their sender nothing and us something are charged, and honest talk never is. */
import { expect, test } from 'vitest'
import { limits } from '#protocol'
import { type SyncFrame, encodeSyncFrame } from '../../protocol/core/message.ts'
import { createGroup, createTable, join, say } from './table.ts'

const together = (names: readonly string[]) => {
  const table = createTable(names)
  const [first = '', ...others] = names
  const { gid, token } = createGroup(table, first)
  for (const name of others) {
    join(table, name, token)
    table.connect(first, name)
    table.pass(2_000)
  }
  return { table, gid }
}

const floods: readonly (readonly [string, SyncFrame])[] = [
  ['acknowledges what was never sent', { type: 'ack', frames: 1_000_000, refused: [] }],
  ['acknowledges nothing', { type: 'ack', frames: 0, refused: [] }],
  [
    'says HELLO all the time',
    { type: 'hello', features: 3, nonce: new Uint8Array(16), groups: [] },
  ],
]
test.each(floods)('who %s is cut off', (_, frame) => {
  const { table } = together(['ada', 'mal'])
  const bytes = encodeSyncFrame(frame)
  const [ada, mal] = [table.seat('ada'), table.seat('mal')]
  for (let count = 0; count < limits.refusalsMax + 10; count++) table.frame(mal, ada, 'sync', bytes)
  expect(ada.peer.refusals.get('unexpected')).toBeGreaterThanOrEqual(limits.refusalsMax)
  expect(ada.peer.links.get(mal.id)?.refusals).toBeGreaterThanOrEqual(limits.refusalsMax)
})

test('people who talk, part and meet again are charged for nothing', () => {
  const names = ['ada', 'bo', 'cy']
  const { table, gid } = together(names)
  for (let round = 0; round < 20; round++) {
    for (const name of names) say(table, name, gid, `${name} ${round}`)
    table.pass(round * 50)
    if (round % 5 === 0) table.disconnect('ada', 'bo')
    if (round % 5 === 2) table.connect('ada', 'bo')
  }
  table.pass(120_000)
  for (const name of names) {
    expect([name, [...table.seat(name).peer.refusals]]).toEqual([name, []])
  }
})
