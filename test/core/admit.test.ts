/** From bytes to a message the machine may believe: whatever is bent, cut, moved or replayed is refused by name, or is one of
 *  the few fields no signature covers and no operation depends on. */
import { describe, expect, test } from 'vitest'
import { bytesToHex, concatBytes } from '../../protocol/core/base.ts'
import { type VerifiedMessage, admit } from '../../protocol/core/admit.ts'
import { authorTable, encodeAuthorLog, setHashOf } from '../../protocol/core/log.ts'
import { decodeJoinFrame, decodeSyncFrame, encodeSyncFrame } from '../../protocol/core/message.ts'
import { type Refusal, refusalTypes } from '../../protocol/core/refusal.ts'
import { encodeSlot } from '../../protocol/core/slot.ts'
import {
  type Frame,
  type Seat,
  type Table,
  createGroup,
  createInvite,
  createTable,
  join,
  say,
  verify,
} from './table.ts'

/** A name for every sort of frame: its channel, type and, for HAVE, its mode. */
const sortOf = ({ channel, bytes }: Pick<Frame, 'channel' | 'bytes'>): string => {
  if (channel === 'gossip') return 'gossip'
  const frame = channel === 'sync' ? decodeSyncFrame(bytes) : decodeJoinFrame(bytes)
  if (!frame.ok) return frame.error.type
  const { value } = frame
  return value.type === 'have' ? `have ${value.vector.mode}` : value.type
}

/** A conversation in which every sort of frame appears. */
const converse = (table: Table): void => {
  const { gid, token } = createGroup(table, 'ada', 1)
  join(table, 'bo', token)
  table.connect('ada', 'bo')
  table.pass(2_000)
  say(table, 'ada', gid, '请各组十五分钟内撤离')
  say(table, 'bo', gid, 'received')
  table.pass(2_000)
  table.disconnect('ada', 'bo')
  say(table, 'ada', gid, 'apart')
  say(table, 'ada', gid, 'and again')
  table.connect('ada', 'bo')
  table.pass(120_000)
  table.disconnect('ada', 'bo')
  table.connect('ada', 'bo')
  table.pass(2_000)
  table.connect('ada', 'cy')
  table.pass(2_000)
  join(table, 'dan', createInvite(table, 'ada', gid))
  join(table, 'dan', token)
  table.connect('ada', 'dan')
  table.pass(2_000)
  const [ada, bo] = [table.seat('ada'), table.seat('bo')]
  const log = ada.peer.groups.get(gid)?.log
  if (log === undefined) throw new Error('no log')
  const refs = authorTable(log).map(author => ({ author, seq: 0 }))
  const heads = refs.map(ref => ({ ...ref, prefix: new Uint8Array(16) }))
  table.frame(bo, ada, 'sync', encodeSyncFrame({ type: 'want', group: 0, refs }))
  table.frame(bo, ada, 'sync', encodeSyncFrame({ type: 'heads', group: 0, heads }))
}

const sorts = [
  'hello',
  'have named',
  'have table',
  'have changed',
  'have equal',
  'run',
  'ops',
  'want',
  'slots',
  'ack',
  'done',
  'heads',
  'carry',
  'join-request',
  'join-answer',
  'join-refused',
  'gossip',
] as const
type Sort = (typeof sorts)[number]

/** Plays the conversation up to the last frame of that sort that is admitted whole, and stops before it is taken in. */
const stopAt = (sort: Sort): { readonly table: Table; readonly frame: Frame } => {
  const isWanted = (frame: Frame): boolean => {
    if (sortOf(frame) !== sort) return false
    const message = admit(frame.bytes, frame.context, verify)
    return message.ok && refusalsOf(message.value).length === 0
  }
  let count = 0
  const play = (watch: (frame: Frame) => void): Table => {
    const table = createTable(['ada', 'bo', 'cy', 'dan'], watch)
    try {
      converse(table)
    } catch (cause) {
      if (cause !== stopped) throw cause
    }
    return table
  }
  play(frame => {
    if (isWanted(frame)) count += 1
  })
  let found: Frame | undefined
  const table = play(frame => {
    if (isWanted(frame)) count -= 1
    if (!isWanted(frame) || count > 0) return
    found = frame
    throw stopped
  })
  if (found === undefined) throw new Error(`no ${sort} in the conversation`)
  return { table, frame: found }
}
const stopped = new Error('as far as it was wanted')

type Mutant = { readonly bytes: Uint8Array; readonly at: number | undefined }
const mutantsOf = (bytes: Uint8Array): readonly Mutant[] => [
  ...Array.from(bytes, (_, length) => ({ bytes: bytes.subarray(0, length), at: undefined })),
  { bytes: concatBytes(bytes, Uint8Array.of(0)), at: undefined },
  ...Array.from({ length: bytes.length * 8 }, (_, bit) => {
    const at = bit >> 3
    return { bytes: bytes.with(at, (bytes[at] ?? 0) ^ (1 << (bit & 7))), at }
  }),
]

const allow = new Set<string>(refusalTypes)
const opsOf = (message: VerifiedMessage): readonly string[] =>
  message.type === 'ops'
    ? message.ops.map(op => `${op.id} ${bytesToHex(op.signature ?? new Uint8Array(0))}`)
    : []
const slotsOf = (message: VerifiedMessage): readonly string[] =>
  message.type === 'slots' ? message.slots.map(slot => bytesToHex(encodeSlot(slot))) : []
const refusalsOf = (message: VerifiedMessage) =>
  message.type === 'ops' || message.type === 'slots' ? message.refusals : []

/** Everything the logs of a peer's groups know, as one text; groups taken up to be carried have none yet. */
const stateOf = ({ peer }: Seat): string =>
  [...peer.groups.values()]
    .filter(({ log }) => log.authors.size > 0)
    .map(({ gid, log, controlOps, own, forks }) => {
      const rows = authorTable(log).map(author => {
        const known = log.authors.get(author)
        return known === undefined ? '' : bytesToHex(encodeAuthorLog(known))
      })
      const held = [...log.held.values()].flatMap(bySeq => [...bySeq.values()].map(({ id }) => id))
      const head = [gid, bytesToHex(setHashOf(log)), own?.author, controlOps.size, forks.size]
      return [...head, ...rows, ...held.toSorted()].join('\n')
    })
    .join('\n\n')
/** What it holds of others. */
const heldIds = ({ peer }: Seat): readonly string[] =>
  [...peer.groups.values()].flatMap(({ log, own }) =>
    [...log.held.values()]
      .flatMap(bySeq => [...bySeq.values()])
      .flatMap(({ id, author }) => (author === own?.author ? [] : [id])),
  )

/** Where a bit may change without a refusal: fields that only say what a neighbour has or wants, on a link that is itself
 *  authenticated. Byte ranges of the frames of `converse`; everything else is refused or leaves the frame without what was
 *  bent. Nothing that carries an operation or a slot stands here. */
const unsignedFields: Readonly<Record<Sort, string>> = {
  hello: 'features, nonce, tags, hashes',
  'have named': 'set hash, authors, ranges',
  'have table': 'set hash, table hash, ranges',
  'have changed': 'set hash, authors, ranges',
  'have equal': 'set hash',
  want: 'authors, seqs',
  ack: 'count',
  done: 'set hash',
  heads: 'authors, seqs, id prefixes',
  carry: 'group ids',
  'join-request': 'everything: its two signatures are checked where it is answered',
  'join-refused': 'group id, reason, name of the request',
  run: '',
  ops: '',
  slots: '',
  'join-answer': '',
  gossip: '',
}

describe('of every sort of frame', () => {
  test.each(sorts)(
    '%s: each prefix and each flipped bit is refused by name or carries nothing altered',
    sort => {
      const { frame } = stopAt(sort)
      const whole = admit(frame.bytes, frame.context, verify)
      if (!whole.ok) throw new Error(whole.error.type)
      const [ops, slots] = [new Set(opsOf(whole.value)), new Set(slotsOf(whole.value))]
      expect(refusalsOf(whole.value)).toEqual([])
      const accepted: number[] = []
      const wrong: string[] = []
      const isNamed = ({ type }: Refusal): boolean => allow.has(type)
      for (const { bytes, at } of mutantsOf(frame.bytes)) {
        const message = admit(bytes, frame.context, verify)
        if (!message.ok) {
          if (!isNamed(message.error)) wrong.push(`byte ${at}: refused as ${message.error.type}`)
          continue
        }
        const { value } = message
        const isKnown =
          opsOf(value).every(op => ops.has(op)) && slotsOf(value).every(slot => slots.has(slot))
        const left = refusalsOf(value)
        const isBulk = value.type === 'ops' || value.type === 'slots'
        if (!isBulk) accepted.push(at ?? -1)
        if (!isKnown || !left.every(isNamed) || (isBulk && left.length === 0)) {
          wrong.push(`byte ${at}: ${value.type}`)
        }
      }
      expect(wrong).toEqual([])
      expect(accepted.length > 0).toBe(unsignedFields[sort] !== '')
    },
  )

  test.each(sorts)('%s: no prefix and no flipped bit, refused or not, changes a log', sort => {
    const { table, frame } = stopAt(sort)
    const { from, to, channel } = frame
    const before = stateOf(to)
    const known = new Set<string>(heldIds(to))
    const whole = admit(frame.bytes, frame.context, verify)
    const given =
      whole.ok && whole.value.type === 'ops' ? whole.value.ops.map(({ id }): string => id) : []
    // Long frames are thinned out: the test above has seen every bit of them.
    const every = 1 + Math.floor(frame.bytes.length / 400)
    const mutants = mutantsOf(frame.bytes).filter((_, index) => index % every === 0)
    for (const { bytes } of mutants) {
      const message = admit(bytes, frame.context, verify)
      if (message.ok) table.input(to, { type: 'received', from: from.id, message: message.value })
      else table.input(to, { type: 'refused', from: from.id, channel, refusal: message.error })
    }
    table.input(to, { type: 'woken' })
    for (const id of heldIds(to)) expect(known.has(id) || given.includes(id)).toBe(true)
    if (given.length < 2) expect(stateOf(to)).toBe(before)
    expect(to.peer.refusals.size).toBeGreaterThan(0)
  })
})
