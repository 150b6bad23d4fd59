/** A seeded world: peers in virtual time over lossy links, driven by the production `step` and `admit`. Effects become rows
 *  in a memory store, frames on links with delay and loss of whole contacts, gossip that reaches some. Same seed, same
 *  digest. It only performs effects; whatever the protocol does stands in protocol/core. */
import { sha256 } from '@noble/hashes/sha2.js'
import {
  type AppView,
  type Cryptography,
  type Effect,
  type GroupId,
  type GroupView,
  type Input,
  type Intent,
  type IntentAnswer,
  type Peer,
  type PeerId,
  type Random,
  type Refusal,
  type Result,
  type Row,
  type VerifiedMessage,
  admissionContext,
  admit,
  createPeer,
  groupViewOf,
  hotRange,
  instant,
  nobleCryptography,
  peerId,
  seededRandom,
  step,
  timestamp,
  viewOf,
} from '#protocol'
import { type Host, memoised, read, toHex } from './host.ts'
import { type Queue, createQueue } from './queue.ts'

export type LinkQuality = {
  readonly delayMillis: number
  readonly jitterMillis: number
  /** Bytes a second in each direction. */
  readonly rate: number
  /** Share of gossip messages that reach a neighbour; frames on a link are never lost, as on TCP. */
  readonly gossip: number
}

export type World = {
  readonly hosts: readonly Host[]
  readonly now: () => number
  readonly host: (name: string) => Host
  /** Performs an intent and returns its answer at once. */
  readonly ask: (name: string, intent: Intent) => Result<IntentAnswer, Refusal>
  readonly connect: (a: string, b: string, quality?: Partial<LinkQuality>) => void
  readonly disconnect: (a: string, b: string) => void
  /** Stops a host without warning; its rows stay. */
  readonly crash: (name: string) => void
  /** `isCopy`: this host noticed that its rows are a copy. */
  readonly start: (
    name: string,
    storage?: 'kept' | 'lost' | ReadonlyMap<string, Row>,
    isCopy?: boolean,
  ) => void
  /** Runs for this long in virtual time. */
  readonly run: (millis: number) => void
  readonly app: (name: string) => AppView
  readonly group: (name: string, group: GroupId) => GroupView | undefined
  readonly digest: () => string
}

type LoadEffect = Extract<Effect, { readonly type: 'load' }>
type Event =
  | {
      readonly type: 'load'
      readonly host: Host
      readonly life: number
      readonly effect: LoadEffect
    }
  | { readonly type: 'wake'; readonly host: Host; readonly at: number; readonly life: number }
  | {
      readonly type: 'frame'
      readonly from: Host
      readonly to: Host
      readonly contact: Contact
      readonly channel: 'sync' | 'join'
      readonly bytes: Uint8Array
    }
  | {
      readonly type: 'gossip'
      readonly from: Host
      readonly to: Host
      readonly topic: string
      readonly bytes: Uint8Array
    }

type Contact = {
  readonly quality: LinkQuality
  isOpen: boolean
  readonly lastArrival: Map<string, number>
  readonly busyUntil: Map<string, number>
}

const perfect: LinkQuality = { delayMillis: 20, jitterMillis: 10, rate: 1e9, gossip: 1 }
const epochStart = 1_790_000_000_000

export const createWorld = (options: {
  readonly seed: number | string
  readonly names: readonly string[]
  readonly cryptography?: Cryptography
}): World => {
  const chance = seededRandom(`world/${options.seed}`)
  const queue: Queue<Event> = createQueue()
  const hash = sha256.create()
  const note = (text: string): void => {
    hash.update(new TextEncoder().encode(text))
  }
  const cryptography = options.cryptography ?? nobleCryptography
  const lives = new Map<Host, number>()
  const contacts = new Map<string, Contact>()
  const verify = memoised(cryptography)
  let now = 0

  const makePeer = (name: string, life: number): Peer =>
    createPeer({
      peer: nameToPeer(name),
      random: seededRandom(`${options.seed}/${name}/${life}`),
      cryptography,
    })

  const hosts = options.names.map((name): Host => ({
    name,
    id: nameToPeer(name),
    peer: makePeer(name, 0),
    rows: new Map(),
    isUp: false,
    wakeAt: undefined,
    clockError: 0,
    topics: new Set(),
    notified: [],
    requests: 0,
    answers: new Map(),
    dropped: 0,
    sentBytes: 0,
    persisted: 0,
    powerLoss: undefined,
  }))
  const host = (name: string): Host => {
    const found = hosts.find(candidate => candidate.name === name)
    if (found === undefined) throw new Error(`no host ${name}`)
    return found
  }
  const nowOf = (target: Host) => ({
    instant: instant(now),
    wall: timestamp(Math.floor(epochStart + now + target.clockError)),
  })

  const input = (target: Host, what: Input): void => {
    if (!target.isUp) return
    const { effects, wakeAt } = step(target.peer, nowOf(target), what)
    for (const effect of effects) {
      if (effect.type === 'persist' && losesPower(target, 'before')) return
      perform(target, effect)
      if (effect.type === 'persist' && losesPower(target, 'after')) return
    }
    if (wakeAt === undefined || wakeAt === target.wakeAt) return
    target.wakeAt = wakeAt
    queue.push(Math.max(now, wakeAt), {
      type: 'wake',
      host: target,
      at: wakeAt,
      life: lives.get(target) ?? 0,
    })
  }

  const losesPower = (target: Host, when: 'before' | 'after'): boolean => {
    if (when === 'before') target.persisted += 1
    const { powerLoss } = target
    if (powerLoss?.at !== target.persisted || powerLoss.when !== when) return false
    crash(target.name)
    return true
  }

  const perform = (target: Host, effect: Effect): void => {
    note(`${target.name} ${now} ${effect.type}`)
    switch (effect.type) {
      case 'persist':
        for (const { key, value } of effect.rows) {
          const name = toHex(key)
          note(name)
          if (value !== undefined) hash.update(value)
          if (value === undefined) target.rows.delete(name)
          else target.rows.set(name, { key, value })
        }
        return
      case 'load':
        queue.push(now, { type: 'load', host: target, life: lives.get(target) ?? 0, effect })
        return
      case 'subscribe':
        target.topics.clear()
        for (const topic of effect.topics) target.topics.add(topic)
        return
      case 'publish':
        spreadGossip(target, effect.topic, effect.bytes)
        return
      case 'send':
        sendFrame(target, effect)
        return
      case 'answered':
        target.answers.set(effect.request, effect.answer)
        return
      case 'notify':
        target.notified.push(effect.message)
        return
      case 'dropped':
        target.dropped += 1
        return
      case 'connect':
      case 'changed':
      case 'disconnect':
    }
  }

  const sendFrame = (from: Host, effect: Extract<Effect, { readonly type: 'send' }>): void => {
    const to = hosts.find(candidate => candidate.id === effect.to)
    const contact = to === undefined ? undefined : contacts.get(pairOf(from.name, to.name))
    if (to === undefined || contact === undefined) return
    from.sentBytes += effect.bytes.length
    hash.update(effect.bytes)
    const { delayMillis, jitterMillis, rate } = contact.quality
    const before = contact.lastArrival.get(from.name) ?? 0
    const start = Math.max(contact.busyUntil.get(from.name) ?? 0, now)
    const sent = start + (effect.bytes.length * 1_000) / rate
    contact.busyUntil.set(from.name, sent)
    const arrival = Math.max(before, sent + delayMillis + draw(chance) * jitterMillis)
    contact.lastArrival.set(from.name, arrival)
    const { channel, bytes } = effect
    queue.push(arrival, { type: 'frame', from, to, contact, channel, bytes })
  }

  /** Flooding with loss: whoever gets a message for the first time passes it on. */
  const spreadGossip = (origin: Host, topic: string, bytes: Uint8Array): void => {
    const reached = new Set([origin])
    const frontier = [origin]
    for (let from = frontier.shift(); from !== undefined; from = frontier.shift()) {
      for (const to of hosts) {
        const contact = contacts.get(pairOf(from.name, to.name))
        if (contact === undefined || reached.has(to) || !to.topics.has(topic)) continue
        if (draw(chance) >= contact.quality.gossip) continue
        reached.add(to)
        frontier.push(to)
        const delay = contact.quality.delayMillis + draw(chance) * contact.quality.jitterMillis
        queue.push(now + delay, { type: 'gossip', from, to, topic, bytes })
      }
    }
  }

  const handle = (event: Event): void => {
    switch (event.type) {
      case 'wake':
        if (event.host.wakeAt !== event.at || lives.get(event.host) !== event.life) return
        event.host.wakeAt = undefined
        input(event.host, { type: 'woken' })
        return
      case 'load': {
        if (lives.get(event.host) !== event.life) return
        const { request, query } = event.effect
        input(event.host, { type: 'loaded', request, rows: read(event.host, query) })
        return
      }
      case 'frame':
        if (event.contact.isOpen) receive(event.from, event.to, event)
        return
      case 'gossip':
        if (!event.to.topics.has(event.topic)) return
        receive(event.from, event.to, { channel: 'gossip', bytes: event.bytes, topic: event.topic })
    }
  }

  const receive = (
    from: Host,
    to: Host,
    frame: {
      readonly channel: 'sync' | 'join' | 'gossip'
      readonly bytes: Uint8Array
      readonly topic?: string
    },
  ): void => {
    if (!to.isUp) return
    const source =
      frame.channel === 'gossip'
        ? { channel: frame.channel, topic: topicOf(to, frame.topic ?? '') }
        : { channel: frame.channel }
    const context = admissionContext(to.peer, from.id, source)
    const message: Result<VerifiedMessage, Refusal> = admit(frame.bytes, context, verify)
    if (message.ok) input(to, { type: 'received', from: from.id, message: message.value })
    else {
      input(to, { type: 'refused', from: from.id, channel: frame.channel, refusal: message.error })
    }
  }

  const connect = (a: string, b: string, quality: Partial<LinkQuality> = {}): void => {
    const pair = pairOf(a, b)
    if (contacts.has(pair) || !host(a).isUp || !host(b).isUp) return
    contacts.set(pair, {
      quality: { ...perfect, ...quality },
      isOpen: true,
      lastArrival: new Map(),
      busyUntil: new Map(),
    })
    input(host(a), { type: 'link-up', peer: host(b).id })
    input(host(b), { type: 'link-up', peer: host(a).id })
  }
  const disconnect = (a: string, b: string): void => {
    const contact = contacts.get(pairOf(a, b))
    if (contact === undefined) return
    contact.isOpen = false
    contacts.delete(pairOf(a, b))
    input(host(a), { type: 'link-down', peer: host(b).id })
    input(host(b), { type: 'link-down', peer: host(a).id })
  }
  const crash = (name: string): void => {
    host(name).isUp = false
    for (const other of hosts) disconnect(name, other.name)
    host(name).topics.clear()
  }
  const start = (
    name: string,
    storage: 'kept' | 'lost' | ReadonlyMap<string, Row> = 'kept',
    isCopy = false,
  ): void => {
    const target = host(name)
    const life = (lives.get(target) ?? 0) + 1
    lives.set(target, life)
    if (storage !== 'kept') target.rows.clear()
    if (typeof storage !== 'string') for (const [key, row] of storage) target.rows.set(key, row)
    target.peer = makePeer(name, life)
    target.isUp = true
    target.wakeAt = undefined
    const rows = read(target, { type: 'range', range: hotRange })
    input(target, isCopy ? { type: 'started', rows, isCopy } : { type: 'started', rows })
  }

  for (const { name } of hosts) start(name)

  return {
    hosts,
    now: () => now,
    host,
    ask: (name, intent) => {
      const target = host(name)
      const request = ++target.requests
      input(target, { type: 'intent', request, intent })
      return target.answers.get(request) ?? { ok: false, error: { type: 'stopped' } }
    },
    connect,
    disconnect,
    crash,
    start,
    run: millis => {
      const end = now + millis
      for (let at = queue.next(); at !== undefined && at <= end; at = queue.next()) {
        now = Math.max(now, at)
        const event = queue.pop()
        if (event !== undefined) handle(event)
      }
      now = end
    },
    app: name => viewOf(host(name).peer, nowOf(host(name))),
    group: (name, group) => groupViewOf(host(name).peer, group, nowOf(host(name))),
    digest: () => toHex(hash.clone().digest()),
  }
}

const topicOf = (host: Host, name: string) => {
  for (const group of host.peer.groups.values()) {
    for (const { topic } of group.epochs.values()) if (topic === name) return topic
  }
  throw new Error('gossip reached a host that does not follow its topic')
}

const pairOf = (a: string, b: string): string => (a < b ? `${a} ${b}` : `${b} ${a}`)
const draw = (random: Random): number => {
  const [a = 0, b = 0, c = 0] = random.bytes(3)
  return (a * 65_536 + b * 256 + c) / 2 ** 24
}
const nameToPeer = (name: string): PeerId => peerId(`peer-${name}`)
