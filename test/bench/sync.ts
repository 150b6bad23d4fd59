/** What it costs two neighbours to find out what the other lacks, in a group of 10,000 messages by 50 authors. Counted are the
 *  frames of the real core between two peers, after both HELLOs; the transport's length prefixes (1 or 2 bytes) are not. */
import { bytesToHex } from '../../protocol/core/base.ts'
import { setHashOf } from '../../protocol/core/log.ts'
import { decodeSyncFrame, type SyncFrame } from '../../protocol/core/message.ts'
import { decodeRun, type Op } from '../../protocol/core/op.ts'
import type { Figure } from './figure.ts'
import { round, say } from './figure.ts'
import { createCrowd, joinHost, writeApart, type Crowd } from './crowd.ts'
import { createRoom, type Desk, type Frame, type Room } from './room.ts'

const authors = 50
const messagesEach = 200
const latency = 50

type Seen = Frame & { readonly frame: SyncFrame }

/** Frames by name; everything since the last `clear`. */
const createListener = () => {
  let seen: Seen[] = []
  return {
    onFrame: (frame: Frame): void => {
      if (frame.channel !== 'sync') return
      const decoded = decodeSyncFrame(frame.bytes)
      if (decoded.ok) seen.push({ ...frame, frame: decoded.value })
    },
    clear: (): void => {
      seen = []
    },
    all: (): readonly Seen[] => seen,
  }
}
type Listener = ReturnType<typeof createListener>

const bytesOf = (frames: readonly Seen[], types: readonly SyncFrame['type'][]): number =>
  frames.reduce((sum, { frame, bytes }) => sum + (types.includes(frame.type) ? bytes.length : 0), 0)

/** Long enough for the last ACK and DONE, too short for the next aggregated receipt (30 s at least). */
const settling = 5_000
const quiet = 120_000

/** One contact from link-up until both hold the same and nothing more is said for a while; leaves them apart. */
const contact = async (
  room: Room,
  listener: Listener,
  crowd: Crowd,
  [a, b]: readonly [Desk, Desk],
): Promise<readonly Seen[]> => {
  const held = (desk: Desk): string => {
    const group = desk.peer.groups.get(crowd.group)
    return group === undefined ? '' : bytesToHex(setHashOf(group.log))
  }
  listener.clear()
  room.connect(a, b)
  await room.until(() => held(a) === held(b))
  await room.pass(settling)
  const frames = listener.all()
  room.disconnect(a, b)
  await room.pass(quiet)
  return frames
}

const equalFigures = function* (frames: readonly Seen[], host: Desk): Iterable<Figure> {
  const directions = [true, false].map(fromHost =>
    frames.filter(({ from }) => (from === host) === fromHost),
  )
  const conditions = `${authors} authors × ${messagesEach} messages, both hold the same, larger of the two directions`
  const largest = (types: readonly SyncFrame['type'][]): number =>
    Math.max(...directions.map(direction => bytesOf(direction, types)))
  yield { figure: 'hello_bytes', value: largest(['hello']), unit: 'B', conditions }
  yield {
    figure: 'equal_bytes',
    value: largest(['have', 'done']),
    unit: 'B',
    bar: { atMost: 45 },
    conditions: `${conditions}, HAVE + DONE`,
  }
  yield {
    figure: 'equal_other_bytes',
    value: largest(['slots', 'ack', 'carry', 'want', 'heads']),
    unit: 'B',
    conditions: `${conditions}, everything else in the five seconds after: presence slots, CARRY, ACK`,
  }
}

const isBulk = ({ frame }: Pick<Seen, 'frame'>): boolean =>
  frame.type === 'run' || frame.type === 'ops'
const beside: readonly SyncFrame['type'][] = ['have', 'done', 'ack', 'want', 'heads', 'carry']

const differenceFigures = function* (frames: readonly Seen[]): Iterable<Figure> {
  const conditions = `100 operations in the suffixes of ${authors} logs (2 each), half missing on either side, author tables known`
  yield {
    figure: 'diff100_bytes',
    value: bytesOf(frames, beside),
    unit: 'B',
    bar: { atMost: 500 },
    conditions: `${conditions}, both directions, all frames but HELLO, RUN, OPS and presence slots, until both hold the same`,
  }
  const told = frames.filter(({ frame }) => frame.type === 'have')
  const bulk = frames.filter(isBulk)
  const askedAt = Math.min(...told.map(({ at }) => at)) - latency
  const wants = frames.filter(({ frame }) => frame.type === 'want').length
  yield {
    figure: 'round_trips',
    value: round((Math.min(...bulk.map(({ at }) => at)) - askedAt) / latency / 2, 1),
    unit: 'RTT',
    bar: { exactly: 1 },
    conditions: `${conditions}, from sending HAVE to the first missing operation, ${wants} WANTs; the rest follows in one stream`,
  }
  yield {
    figure: 'round_trips_to_all',
    value: round((Math.max(...bulk.map(({ at }) => at)) - askedAt) / latency / 2, 1),
    unit: 'RTT',
    conditions: `${conditions}, to the last operation: the small first window decides`,
  }
}

/** The operations of a frame; those of OPS come from joins and forks and are not looked into. */
const opsIn = (crowd: Crowd, { frame }: Seen): readonly Op[] => {
  const decoded = frame.type === 'run' ? decodeRun(crowd.group, frame.run) : undefined
  return decoded?.ok === true ? decoded.value : []
}
const ops = (crowd: Crowd, frames: readonly Seen[]): number =>
  frames.reduce((sum, seen) => sum + opsIn(crowd, seen).length, 0)

const newestFigures = async (
  room: Room,
  listener: Listener,
  crowd: Crowd,
): Promise<readonly Figure[]> => {
  const late = await room.add('late')
  const newest = room.view(crowd.host, crowd.group).messages.map(({ id }) => id)
  listener.clear()
  await joinHost(room, crowd, late)
  await room.until(() => {
    const shown = new Set(room.view(late, crowd.group).messages.map(({ id }) => id))
    return newest.every(id => shown.has(id))
  }, 60_000)
  const received = listener.all().filter(frame => frame.to === late)
  const wanted = new Set(newest)
  const last = received.findIndex(seen => {
    for (const { author, seq } of opsIn(crowd, seen)) wanted.delete(`${author}.${seq}`)
    return wanted.size === 0
  })
  const frames = received.slice(0, last + 1)
  await room.pass(3_600_000)
  const whole = listener.all().filter(seen => seen.to === late && seen.frame.type === 'run')
  const different = new Set(whole.flatMap(seen => opsIn(crowd, seen).map(({ id }) => id))).size
  const conditions = `somebody who just joined a group of ${authors * messagesEach + 100} messages, up to the frame that brings the last of the newest ${newest.length}`
  return [
    {
      figure: 'newest50_bytes',
      value: frames.reduce((sum, { bytes }) => sum + bytes.length, 0),
      unit: 'B',
      conditions: `${conditions}, all sync frames to the one who joined`,
    },
    {
      figure: 'newest50_ops',
      value: ops(crowd, frames),
      unit: 'ops',
      conditions: `${conditions}, operations received by then: ${authors + 1} welcomes, which go first, and receipts among the messages`,
    },
    {
      figure: 'catchup_bytes_per_op',
      value: round(bytesOf(whole, ['run']) / different, 1),
      unit: 'B',
      conditions: `the same, everything: ${different} operations in ${whole.length} runs, ${ops(crowd, whole) - different} of them twice; messages of 100 random letters and receipts`,
    },
  ]
}

export const run = async function* (): AsyncIterable<Figure> {
  const listener = createListener()
  const room = createRoom({ seed: 'sync', latency, onFrame: listener.onFrame })
  const host = await room.add('host')
  say(`writing ${authors * messagesEach} messages …`)
  const crowd = await createCrowd(room, { authors, messagesEach }, host)
  const other = await room.add('other')
  await joinHost(room, crowd, other)
  await room.pass(600_000)
  room.disconnect(host, other)
  await room.pass(quiet)

  // The first contact of equals also tells what each learnt of the other; the second is the usual one.
  await contact(room, listener, crowd, [host, other])
  yield* equalFigures(await contact(room, listener, crowd, [host, other]), host)

  const hearer = (author: number): Desk => (author % 2 === 0 ? host : other)
  await writeApart(room, crowd, { each: 2, seed: 11, hearer })
  const frames = await contact(room, listener, crowd, [host, other])
  say(`${ops(crowd, frames.filter(isBulk))} operations moved`)
  yield* differenceFigures(frames)
  yield* await newestFigures(room, listener, crowd)
}
