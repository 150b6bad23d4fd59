/** An ACK counts the frames that use the sender's window, and no others: a count that ran ahead would call durable what is
 *  still on its way. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeSyncFrame } from '../../protocol/core/message.ts'
import { createGroup, createTable, join, say } from './table.ts'

const pacedCodes = new Set([4, 5, 7])

/** Plays with junk frames from Ann to Bo; answers with the counts that Bo acknowledged beyond what Ann had sent. */
const countsAhead = (junk: readonly Uint8Array[]): readonly number[] => {
  let sent = 0
  const ahead: number[] = []
  const table = createTable(['ann', 'bo'], ({ from, channel, bytes }) => {
    if (channel !== 'sync') return
    if (from.name === 'ann' && pacedCodes.has(bytes[0] ?? 0)) sent += 1
    const frame = decodeSyncFrame(bytes)
    if (from.name === 'ann' || !frame.ok || frame.value.type !== 'ack') return
    if (frame.value.frames > sent) ahead.push(frame.value.frames - sent)
  })
  const { gid, token } = createGroup(table, 'ann')
  table.connect('ann', 'bo')
  join(table, 'bo', token)
  table.pass(2_000)
  for (const bytes of junk) table.frame(table.seat('ann'), table.seat('bo'), 'sync', bytes)
  say(table, 'ann', gid, 'after the junk')
  table.pass(60_000)
  return ahead
}

test('no frame that reads badly or names no group makes an ACK run ahead', () => {
  const unknownGroup = Uint8Array.of(9, 200, 1, ...new Uint8Array(8))
  expect(countsAhead([unknownGroup])).toEqual([])
  expect(countsAhead([Uint8Array.of(99), Uint8Array.of(2), new Uint8Array(0)])).toEqual([])
  const frame = fc
    .tuple(fc.nat({ max: 12 }), fc.uint8Array({ maxLength: 40 }))
    .map(([code, rest]) => Uint8Array.of(code, ...rest))
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 6 }), junk => {
      expect(countsAhead(junk)).toEqual([])
    }),
    { numRuns: 20 },
  )
})
