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
  seededRandom,
  step,
  timestamp,
  viewOf,
} from '#protocol'
import { type Host, createHost, memoised, nameToPeer, read, toHex } from './host.ts'
import { type LinkQuality, type Passage, createNetwork } from './network.ts'
import { type Queue, createQueue } from './queue.ts'

export type { LinkQuality } from './network.ts'

/** A frame on its way between two hosts. */
export type SentFrame = {
  readonly from: Host
  readonly to: Host
  readonly channel: 'sync' | 'join'
  readonly bytes: Uint8Array
}

export type World = {
  readonly hosts: readonly Host[]
  readonly now: () => number
  readonly host: (name: string) => Host
  /** Performs an intent and returns its answer at once. */
  readonly ask: (name: string, intent: Intent) => Result<IntentAnswer, Refusal>
  readonly connect: (a: string, b: string, quality?: Partial<LinkQuality>) => void
  readonly disconnect: (a: string, b: string) => void
  /** One side's connection ends and comes back, and the other side never notices: what `name` had sent is lost. */
  readonly relink: (name: string, other: string) => void
  /** For so long everything that `from` sends to `to` is lost, and neither knows. */
  readonly mute: (from: string, to: string, forMillis: number) => void
  /** A frame that the protocol of `from` did not send. */
  readonly inject: (from: string, to: string, channel: 'sync' | 'join', bytes: Uint8Array) => void
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
      readonly frame: SentFrame
      readonly passage: Passage
    }
  | { readonly type: 'flush'; readonly host: Host; readonly life: number }
  | {
      readonly type: 'gossip'
      readonly from: Host
      readonly to: Host
      readonly topic: string
      readonly bytes: Uint8Array
    }

const epochStart = 1_790_000_000_000

export const createWorld = (options: {
  readonly seed: number | string
  readonly names: readonly string[]
  readonly cryptography?: Cryptography
  /** What really goes out when a host sends a frame: a liar's frames are others. */
  readonly tamper?: (frame: SentFrame) => readonly Uint8Array[]
}): World => {
  const network = createNetwork(`${options.seed}`)
  const queue: Queue<Event> = createQueue()
  const hash = sha256.create()
  const note = (text: string): void => {
    hash.update(new TextEncoder().encode(text))
  }
  const cryptography = options.cryptography ?? nobleCryptography
  const lives = new Map<Host, number>()
  const verify = memoised(cryptography)
  let now = 0

  const makePeer = (name: string, life: number): Peer =>
    createPeer({
      peer: nameToPeer(name),
      random: seededRandom(`${options.seed}/${name}/${life}`),
      cryptography,
    })

  const hosts = options.names.map(name => createHost(name, makePeer(name, 0)))
  const host = (name: string): Host => {
    const found = hosts.find(candidate => candidate.name === name)
    if (found === undefined) throw new Error(`no host ${name}`)
    return found
  }
  const nowOf = (target: Host) => ({
    instant: instant(now),
    wall: timestamp(
      Math.floor(target.clockStandsAt ?? Math.max(0, epochStart + now + target.clockError)),
    ),
  })

  const input = (target: Host, what: Input): void => {
    if (!target.isUp) return
    const { effects, wakeAt } = step(target.peer, nowOf(target), what)
    if (target.batchMillis === 0) {
      if (!performAll(target, effects)) return
    } else {
      if (target.unperformed.length === 0) {
        const life = lives.get(target) ?? 0
        queue.push(now + target.batchMillis, { type: 'flush', host: target, life })
      }
      target.unperformed.push(...effects)
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

  /** Performs what one or several steps asked for, rows first; false when the power went meanwhile. */
  const performAll = (target: Host, effects: readonly Effect[]): boolean => {
    const rows = effects.flatMap(effect => (effect.type === 'persist' ? effect.rows : []))
    if (rows.length > 0) {
      if (losesPower(target, 'before')) return false
      perform(target, { type: 'persist', rows })
      if (losesPower(target, 'after')) return false
    }
    for (const effect of effects) {
      if (effect.type !== 'persist') perform(target, effect)
      if (!target.isUp) return false
    }
    return true
  }

  const flush = (target: Host): void => {
    performAll(target, target.unperformed.splice(0))
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
          if (value !== undefined && isRecord(key)) target.everHeld.add(name)
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
        network.flood(hosts, target, effect.topic, (from, to, delay) => {
          const { topic, bytes } = effect
          queue.push(now + delay, { type: 'gossip', from, to, topic, bytes })
        })
        return
      case 'send': {
        const to = hosts.find(candidate => candidate.id === effect.to)
        if (to !== undefined) sendFrame({ ...effect, from: target, to })
        return
      }
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

  const sendFrame = (frame: SentFrame): void => {
    const { from, to, channel } = frame
    if (network.contact(from.name, to.name) === undefined) return
    from.sentBytes += frame.bytes.length
    hash.update(frame.bytes)
    for (const bytes of options.tamper?.(frame) ?? [frame.bytes]) {
      dispatch({ from, to, channel, bytes })
    }
  }

  const dispatch = (frame: SentFrame): void => {
    const passage = network.passage(now, frame, frame)
    if (passage !== undefined) queue.push(passage.at, { type: 'frame', frame, passage })
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
        if (network.arrives(event.passage, event.frame.from.name)) {
          receive(event.frame.from, event.frame.to, event.frame)
        }
        return
      case 'flush':
        if (lives.get(event.host) === event.life && event.host.isUp) flush(event.host)
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
    if (!host(a).isUp || !host(b).isUp || !network.open(a, b, quality)) return
    input(host(a), { type: 'link-up', peer: host(b).id })
    input(host(b), { type: 'link-up', peer: host(a).id })
  }
  const disconnect = (a: string, b: string): void => {
    if (!network.close(a, b)) return
    input(host(a), { type: 'link-down', peer: host(b).id })
    input(host(b), { type: 'link-down', peer: host(a).id })
  }
  const relink = (name: string, other: string): void => {
    const contact = network.contact(name, other)
    if (contact === undefined) return
    network.cut(contact, name)
    input(host(name), { type: 'link-down', peer: host(other).id })
    input(host(name), { type: 'link-up', peer: host(other).id })
  }
  const crash = (name: string): void => {
    host(name).isUp = false
    for (const other of hosts) disconnect(name, other.name)
    host(name).topics.clear()
    host(name).unperformed.length = 0
  }
  const start = (
    name: string,
    storage: 'kept' | 'lost' | ReadonlyMap<string, Row> = 'kept',
    isCopy = false,
  ): void => {
    const target = host(name)
    const life = (lives.get(target) ?? 0) + 1
    lives.set(target, life)
    if (storage !== 'kept') {
      target.rows.clear()
      // Whoever forgot what it was told is told again.
      target.notified.length = 0
    }
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
      flush(target)
      input(target, { type: 'intent', request, intent })
      flush(target)
      return target.answers.get(request) ?? { ok: false, error: { type: 'stopped' } }
    },
    connect,
    disconnect,
    relink,
    mute: (from, to, forMillis) => {
      network.contact(from, to)?.mutedUntil.set(from, now + forMillis)
    },
    inject: (from, to, channel, bytes) => {
      dispatch({ from: host(from), to: host(to), channel, bytes })
    },
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

/** Keys of operations: hot records and cold ones. */
const isRecord = (key: Uint8Array): boolean => key[0] === 0x04 || key[0] === 0x20
