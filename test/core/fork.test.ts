/** Who writes two operations with one place in a log is found out by everybody, whatever the form and order in which the two
 *  come, and nobody is harmed by it. */
import { describe, expect, test } from 'vitest'
import { type GroupId, admit, groupViewOf, instant, timestamp } from '#protocol'
import { encodeJoinFrame, encodeSyncFrame } from '../../protocol/core/message.ts'
import {
  type Op,
  assembleOp,
  encodeOp,
  encodeRun,
  idPrefix,
  kinds,
  signOp,
} from '../../protocol/core/op.ts'
import { createNodeCryptography } from '../../node/cryptography.ts'
import {
  type Frame,
  type Seat,
  type Table,
  createGroup,
  createTable,
  join,
  say,
  verify,
} from './table.ts'
import { unsigned } from './writer.ts'

const cryptography = createNodeCryptography()

type Watch = (frame: Frame) => void

/** Ada, Bo and Cy in one group; Mal wrote `held` messages into it and then forgets the last `forgotten` of them, which `away`
 *  never got. */
const withMal = (held: number, forgotten: number, away?: string, watch?: Watch) => {
  const table = createTable(['ada', 'bo', 'cy', 'mal'], watch)
  const { gid, token } = createGroup(table, 'ada')
  for (const name of ['bo', 'cy', 'mal']) {
    join(table, name, token)
    table.connect('ada', name)
    table.pass(2_000)
  }
  for (let index = 0; index < held; index++) {
    if (index === held - forgotten && away !== undefined) table.disconnect('ada', away)
    say(table, 'mal', gid, `mal ${index}`)
  }
  table.pass(200_000)
  for (const name of ['bo', 'cy', 'mal']) table.disconnect('ada', name)
  const group = table.seat('mal').peer.groups.get(gid)
  const own = group?.own
  const bySeq = own === undefined ? undefined : group?.log.held.get(own.author)
  if (own === undefined || bySeq === undefined) throw new Error('mal has no log')
  const last = Math.max(...bySeq.keys()) - forgotten
  let before = bySeq.get(last)
  if (before === undefined) throw new Error('mal has no such operation')
  const write = (): Op => {
    if (before === undefined) throw new Error('a first operation')
    const { author, seq, hlc, keyId } = before
    const header = {
      kind: kinds.fact,
      priority: 'routine',
      author,
      seq: seq + 1,
      hlc: hlc + 60_000,
      prev: idPrefix(before),
      keyId,
    } as const
    const payload = new Uint8Array(60).fill(seq)
    before = signOp(assembleOp(gid, header, payload, undefined), message =>
      cryptography.sign(own.secret, message),
    )
    return before
  }
  return { table, gid, author: own.author, place: last + 1, write }
}

const viewOf = (table: Table, name: string, gid: GroupId) => {
  const now = { instant: instant(0), wall: timestamp(1_790_000_000_000) }
  const view = groupViewOf(table.seat(name).peer, gid, now)
  if (view === undefined) throw new Error(`${name} has no view`)
  return view
}
const forkAt = (seat: Seat, gid: GroupId, author: Op['author']): number | undefined =>
  seat.peer.groups.get(gid)?.log.authors.get(author)?.forkAt

/** Hands a frame of Mal's to somebody over a link of theirs. */
const give = (table: Table, to: string, frame: Uint8Array): void => {
  table.frame(table.seat('mal'), table.seat(to), 'sync', frame)
}
const asOps = (...ops: readonly Op[]): Uint8Array =>
  encodeSyncFrame({ type: 'ops', group: 0, ops: ops.map(encodeOp) })
/** Operations that reach somebody by themselves, without a link over which more would come. */
const tell = (table: Table, to: string, gid: GroupId, ops: readonly Op[]): void => {
  const [from, seat] = [table.seat('mal'), table.seat(to)]
  const bytes = encodeJoinFrame({ type: 'join-answer', gid, ops: ops.map(encodeOp) })
  const message = admit(bytes, table.context(from, seat, 'join'), verify)
  if (!message.ok) throw new Error(message.error.type)
  table.input(seat, { type: 'received', from: from.id, message: message.value })
}
const asRun = (ops: readonly Op[]): Uint8Array => {
  const run = ops.map((op, index) => (index === ops.length - 1 ? op : unsigned(op)))
  return encodeSyncFrame({ type: 'run', group: 0, run: encodeRun(run) })
}

describe('a second operation with one place', () => {
  test('is shown as a fork by who got it, by its neighbours, and by who meets them later', () => {
    const { table, gid, author, place, write } = withMal(3, 1)
    table.connect('ada', 'bo')
    table.connect('ada', 'mal')
    give(table, 'ada', asOps(write()))
    table.pass(5_000)
    expect(forkAt(table.seat('ada'), gid, author)).toBe(place)
    expect(forkAt(table.seat('bo'), gid, author)).toBe(place)
    expect(forkAt(table.seat('cy'), gid, author)).toBeUndefined()
    table.disconnect('ada', 'mal')
    table.connect('bo', 'cy')
    table.pass(5_000)
    expect(forkAt(table.seat('cy'), gid, author)).toBe(place)
    for (const name of ['ada', 'bo', 'cy']) {
      const { forks, messages } = viewOf(table, name, gid)
      expect([name, forks]).toEqual([name, 1])
      expect(messages.map(({ body }) => body.type)).toEqual(['text', 'text', 'disputed'])
    }
    expect(table.seat('ada').peer.refusals.get('equivocation')).toBe(1)
  })

  test('inside a run, without a signature of its own, marks the fork and stops nobody', () => {
    const { table, gid, author, place, write } = withMal(4, 3)
    table.connect('ada', 'bo')
    table.connect('ada', 'mal')
    give(table, 'ada', asRun([write(), write(), write()]))
    table.pass(5_000)
    expect(forkAt(table.seat('ada'), gid, author)).toBe(place)
    table.disconnect('ada', 'bo')
    table.connect('ada', 'bo')
    table.connect('ada', 'cy')
    table.pass(200_000)
    say(table, 'ada', gid, 'still here')
    table.pass(200_000)
    for (const name of ['bo', 'cy']) {
      expect(
        viewOf(table, name, gid).messages.some(
          ({ body }) => body.type === 'text' && body.text === 'still here',
        ),
      ).toBe(true)
      expect(forkAt(table.seat(name), gid, author)).toBeDefined()
    }
  })

  test('known only by what follows it, is proved to both sides', () => {
    const { table, gid, author, place, write } = withMal(2, 1)
    const [third, fourth] = [write(), write()]
    // Bo gets the other side whole, Ada only what follows.
    table.connect('bo', 'cy')
    table.connect('ada', 'mal')
    give(table, 'ada', asOps(fourth))
    table.pass(5_000)
    expect(third.seq).toBe(place)
    expect(forkAt(table.seat('ada'), gid, author)).toBe(place)
    table.disconnect('ada', 'mal')
    table.connect('ada', 'bo')
    table.pass(5_000)
    expect(forkAt(table.seat('bo'), gid, author)).toBe(place)
    expect(forkAt(table.seat('cy'), gid, author)).toBe(place)
  })

  test('is remembered over a restart and told again', () => {
    const { table, gid, author, place, write } = withMal(2, 1)
    table.connect('ada', 'mal')
    give(table, 'ada', asOps(write()))
    table.pass(1_000)
    table.restart('ada')
    expect(forkAt(table.seat('ada'), gid, author)).toBe(place)
    table.connect('ada', 'cy')
    table.pass(5_000)
    expect(forkAt(table.seat('cy'), gid, author)).toBe(place)
  })

  test('at a place that has left memory is found in the store, proved and told', () => {
    const { table, gid, author, place, write } = withMal(320, 310)
    for (const name of ['ada', 'bo', 'cy']) table.restart(name)
    expect(table.seat('ada').peer.groups.get(gid)?.log.held.get(author)?.has(place)).toBe(false)
    table.connect('ada', 'bo')
    table.connect('ada', 'mal')
    give(table, 'ada', asOps(write()))
    table.pass(5_000)
    expect(forkAt(table.seat('ada'), gid, author)).toBe(place)
    expect(forkAt(table.seat('bo'), gid, author)).toBe(place)
    table.disconnect('ada', 'mal')
    table.connect('bo', 'cy')
    table.pass(5_000)
    expect(forkAt(table.seat('cy'), gid, author)).toBe(place)
  })

  test('an operation that comes again, long after it left memory, is no fork', () => {
    const { table, gid, author, place } = withMal(320, 310)
    const mal = table.seat('mal').peer.groups.get(gid)
    const old = mal?.log.held.get(author)?.get(place)
    if (old === undefined) throw new Error('mal forgot it')
    table.restart('ada')
    table.connect('ada', 'mal')
    give(table, 'ada', asOps(old))
    table.pass(5_000)
    expect(forkAt(table.seat('ada'), gid, author)).toBeUndefined()
    expect(table.seat('ada').peer.refusals.get('equivocation')).toBeUndefined()
  })

  test('two long branches are disputed from where they part, and then there is nothing more to say', () => {
    const sent: string[] = []
    const kindsOfEvidence = new Set([4, 5, 10])
    const { table, gid, author, place, write } = withMal(
      90,
      80,
      'bo',
      ({ from, channel, bytes }) => {
        if (channel === 'sync' && kindsOfEvidence.has(bytes[0] ?? 0)) sent.push(from.name)
      },
    )
    const branch = Array.from({ length: 70 }, write)
    tell(table, 'bo', gid, branch)
    expect(forkAt(table.seat('bo'), gid, author)).toBeUndefined()
    table.connect('ada', 'bo')
    table.connect('ada', 'cy')
    table.pass(60_000)
    for (const name of ['ada', 'bo', 'cy']) {
      expect([name, forkAt(table.seat(name), gid, author)]).toEqual([name, place])
    }
    for (const other of ['bo', 'cy']) table.disconnect('ada', other)
    sent.length = 0
    table.connect('ada', 'bo')
    table.connect('bo', 'cy')
    table.pass(60_000)
    expect(sent).toEqual([])
  })
})
