/** Peers around a table: the production `step` and `admit`, every frame handed over at once and first shown to whoever
 *  watches. Deterministic, so that a test may play the same conversation again up to any frame. */
import {
  type AdmitContext,
  type Channel,
  type Effect,
  type GroupId,
  type Input,
  type Intent,
  type IntentAnswer,
  type Peer,
  type PeerId,
  type Row,
  type Topic,
  admissionContext,
  admit,
  createPeer,
  hotRange,
  instant,
  millis,
  peerId,
  seededRandom,
  step,
  timestamp,
} from '#protocol'
import { bytesToHex } from '../../protocol/core/base.ts'
import type { Verify } from '../../protocol/core/crypto.ts'
import { createNodeCryptography } from '../../node/cryptography.ts'

const cryptography = createNodeCryptography()

/** Remembers verdicts, since most bits of a bent frame are as they were. */
const createVerify = (): Verify => {
  const verdicts = new Map<string, boolean>()
  return (publicKey, message, signature) => {
    const name = Buffer.concat([publicKey, message, signature]).toString('latin1')
    const verdict = verdicts.get(name) ?? cryptography.verify(publicKey, message, signature)
    verdicts.set(name, verdict)
    return verdict
  }
}
export const verify = createVerify()

export type Seat = { readonly name: string; readonly id: PeerId; peer: Peer }
export type Frame = {
  readonly from: Seat
  readonly to: Seat
  readonly channel: Channel
  readonly bytes: Uint8Array
  readonly context: AdmitContext
}

export type Table = {
  readonly seat: (name: string) => Seat
  readonly connect: (a: string, b: string) => void
  readonly disconnect: (a: string, b: string) => void
  /** Ends a peer and starts it again with what it stored; its links are down. */
  readonly restart: (name: string) => void
  readonly ask: (name: string, intent: Intent) => IntentAnswer
  /** Lets this much virtual time pass. */
  readonly pass: (milliseconds: number) => void
  readonly input: (seat: Seat, input: Input) => readonly Effect[]
  /** What admission knows about a frame that now comes from there. */
  readonly context: (from: Seat, to: Seat, channel: 'sync' | 'join') => AdmitContext
  readonly frame: (from: Seat, to: Seat, channel: 'sync' | 'join', bytes: Uint8Array) => void
}

/** `watch` sees each frame before it is taken in, and may throw to end the play there. */
export const createTable = (
  names: readonly string[],
  watch: (frame: Frame) => void = () => undefined,
): Table => {
  const seats = names.map((name): Seat => {
    const id = peerId(`peer-${name}`)
    const random = seededRandom(`table/${name}`)
    return { name, id, peer: createPeer({ peer: id, random, cryptography }) }
  })
  const links = new Set<string>()
  const wakeAt = new Map<Seat, number>()
  const topics = new Map<Seat, readonly Topic[]>()
  const rows = new Map<Seat, Map<string, Row>>(seats.map(seat => [seat, new Map()]))
  const waiting: (() => void)[] = []
  let clock = 0

  const seat = (name: string): Seat => {
    const found = seats.find(candidate => candidate.name === name)
    if (found === undefined) throw new Error(`nobody called ${name}`)
    return found
  }
  const pairOf = (a: Seat, b: Seat): string => [a.name, b.name].toSorted().join('-')

  const input = (target: Seat, what: Input): readonly Effect[] => {
    const now = { instant: instant(clock), wall: timestamp(1_790_000_000_000 + clock) }
    const { effects, wakeAt: at } = step(target.peer, now, what)
    if (at === undefined) wakeAt.delete(target)
    else wakeAt.set(target, at)
    for (const effect of effects) perform(target, effect)
    return effects
  }
  const drain = (): void => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) next()
  }

  const perform = (target: Seat, effect: Effect): void => {
    if (effect.type === 'subscribe') topics.set(target, effect.topics)
    if (effect.type === 'persist') store(target, effect.rows)
    if (effect.type === 'load') {
      const { request, query } = effect
      waiting.push(() => input(target, { type: 'loaded', request, rows: read(target, query) }))
    }
    if (effect.type === 'send') {
      const to = seats.find(({ id }) => id === effect.to)
      const { channel, bytes } = effect
      if (to !== undefined && links.has(pairOf(target, to))) {
        waiting.push(() => receive(target, to, { channel }, bytes))
      }
    }
    if (effect.type === 'publish') {
      for (const to of seats) {
        const isReached = links.has(pairOf(target, to)) && topics.get(to)?.includes(effect.topic)
        const { topic, bytes } = effect
        if (isReached === true) {
          waiting.push(() => receive(target, to, { channel: 'gossip', topic }, bytes))
        }
      }
    }
  }
  const store = (target: Seat, written: Extract<Effect, { type: 'persist' }>['rows']): void => {
    for (const { key, value } of written) {
      if (value === undefined) rows.get(target)?.delete(bytesToHex(key))
      else rows.get(target)?.set(bytesToHex(key), { key, value })
    }
  }
  const read = (target: Seat, query: Extract<Effect, { type: 'load' }>['query']): Row[] => {
    const held = rows.get(target) ?? new Map<string, Row>()
    if (query.type === 'keys') return query.keys.flatMap(key => held.get(bytesToHex(key)) ?? [])
    const [from, to] = [bytesToHex(query.range.from), bytesToHex(query.range.to)]
    const keys = [...held.keys()].filter(key => key >= from && key < to).toSorted()
    if (query.range.reverse) keys.reverse()
    return keys.slice(0, query.range.limit).flatMap(key => held.get(key) ?? [])
  }

  const receive = (
    from: Seat,
    to: Seat,
    source: Parameters<typeof admissionContext>[2],
    bytes: Uint8Array,
  ): void => {
    if (!links.has(pairOf(from, to))) return
    const context = admissionContext(to.peer, from.id, source)
    const { channel } = source
    watch({ from, to, channel, bytes, context })
    const message = admit(bytes, context, verify)
    if (message.ok) input(to, { type: 'received', from: from.id, message: message.value })
    else input(to, { type: 'refused', from: from.id, channel, refusal: message.error })
  }

  const disconnect = (a: string, b: string): void => {
    if (!links.delete(pairOf(seat(a), seat(b)))) return
    input(seat(a), { type: 'link-down', peer: seat(b).id })
    input(seat(b), { type: 'link-down', peer: seat(a).id })
    drain()
  }
  const restart = (name: string): void => {
    const target = seat(name)
    for (const other of names) disconnect(name, other)
    const random = seededRandom(`table/${name}/again`)
    target.peer = createPeer({ peer: target.id, random, cryptography })
    input(target, { type: 'started', rows: read(target, { type: 'range', range: hotRange }) })
    drain()
  }

  for (const target of seats) input(target, { type: 'started', rows: [] })

  return {
    seat,
    disconnect,
    restart,
    input,
    context: (from, to, channel) => admissionContext(to.peer, from.id, { channel }),
    frame: (from, to, channel, bytes) => {
      waiting.push(() => receive(from, to, { channel }, bytes))
      drain()
    },
    connect: (a, b) => {
      links.add(pairOf(seat(a), seat(b)))
      input(seat(a), { type: 'link-up', peer: seat(b).id })
      input(seat(b), { type: 'link-up', peer: seat(a).id })
      drain()
    },
    ask: (name, intent) => {
      const effects = input(seat(name), { type: 'intent', request: 1, intent })
      const answered = effects.find(effect => effect.type === 'answered')
      drain()
      if (answered?.answer.ok !== true) throw new Error(`${name}: ${JSON.stringify(answered)}`)
      return answered.answer.value
    },
    pass: milliseconds => {
      const end = clock + milliseconds
      for (;;) {
        const next = [...wakeAt].toSorted((a, b) => a[1] - b[1])[0]
        if (next === undefined || next[1] > end) break
        clock = Math.max(clock, next[1])
        wakeAt.delete(next[0])
        input(next[0], { type: 'woken' })
        drain()
      }
      clock = end
    },
  }
}

/** The first named creates a group and an invite that lets in `uses`. */
export const createGroup = (
  table: Table,
  name: string,
  uses = 10,
): { readonly gid: GroupId; readonly token: Uint8Array } => {
  const kind = 'emergency'
  const made = table.ask(name, { type: 'create-group', name: '防汛一组', purpose: '', kind })
  if (made.type !== 'group-created') throw new Error(made.type)
  const gid = made.group
  return { gid, token: createInvite(table, name, gid, uses) }
}

export const createInvite = (table: Table, name: string, gid: GroupId, uses = 1): Uint8Array => {
  const invited = table.ask(name, {
    type: 'create-invite',
    group: gid,
    maxUses: uses,
    validFor: millis(3_600_000),
    libp2pKey: new Uint8Array(32),
    addresses: [],
  })
  if (invited.type !== 'invited') throw new Error(invited.type)
  return invited.token
}

export const join = (table: Table, name: string, token: Uint8Array): void => {
  table.ask(name, { type: 'join', token, name, unit: '' })
}

export const say = (table: Table, name: string, gid: GroupId, text: string): void => {
  table.ask(name, { type: 'send-text', group: gid, text, priority: 'routine' })
}
