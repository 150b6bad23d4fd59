/** Peers around one table: the real core in one process and in virtual time, with every frame between them open to be
 *  counted. No sockets and no waiting, so that what is measured is the protocol and not the machine's network. */
import {
  admissionContext,
  admit,
  createPeer,
  groupViewOf,
  peerId,
  seededRandom,
  step,
  type Effect,
  type GroupId,
  type GroupView,
  type Input,
  type Intent,
  type IntentAnswer,
  type Now,
  type Peer,
  type PeerId,
  type Topic,
} from '#protocol'
import { hotRange } from '../../protocol/core/row.ts'
import { instant, timestamp } from '../../protocol/core/base.ts'
import { memoryStore, type Store } from '#shell'
import { createNodeCryptography } from '../../node/cryptography.ts'

export type Desk = {
  readonly name: string
  readonly id: PeerId
  readonly peer: Peer
  readonly store: Store
  readonly links: Set<Desk>
  wakeAt: number | undefined
  /** Real milliseconds spent in admitting, stepping and storing. */
  spent: number
}

export type Frame = {
  readonly at: number
  readonly from: Desk
  readonly to: Desk
  readonly channel: 'sync' | 'join'
  readonly bytes: Uint8Array
}

type Gossip = Omit<Frame, 'channel'> & { readonly topic: Topic }
type Arrival = { readonly at: number; readonly to: Desk; readonly input: Input } | Frame | Gossip

export type RoomOptions = {
  readonly seed: string
  /** One way, virtual milliseconds. */
  readonly latency: number
  readonly onFrame?: (frame: Frame) => void
  /** Sees everything published, heard or not. */
  readonly onPublish?: (from: Desk, topic: Topic, bytes: Uint8Array) => void
}

export type Room = {
  readonly add: (name: string, store?: Store) => Promise<Desk>
  readonly connect: (a: Desk, b: Desk) => void
  readonly disconnect: (a: Desk, b: Desk) => void
  /** Takes a peer out of the room, with whatever was on its way to it; its store stays as it is. */
  readonly remove: (desk: Desk) => void
  readonly ask: (desk: Desk, intent: Intent) => Promise<IntentAnswer>
  /** Lets virtual time pass until `isDone`, or until it is `within` milliseconds later: then it throws. */
  readonly until: (isDone: () => boolean, within?: number) => Promise<void>
  readonly pass: (milliseconds: number) => Promise<void>
  readonly now: () => number
  readonly view: (desk: Desk, group: GroupId) => GroupView
  /** From now on everything published is heard by these, linked or not; by nobody at first. */
  readonly hear: (hearers: readonly Desk[]) => void
}

/** Inputs of one durable write; the shell's own bound. */
const batchMax = 256

/** 2026-11-22T08:00:00Z: any fixed start does. */
const wallStart = 1_795_334_400_000

export const createRoom = (options: RoomOptions): Room => {
  const { latency } = options
  const cryptography = createNodeCryptography()
  const desks: Desk[] = []
  const arrivals: Arrival[] = []
  let hearers: readonly Desk[] = []
  let clock = 0
  const now = (): Now => ({
    instant: instant(clock),
    wall: timestamp(wallStart + Math.floor(clock)),
  })

  /** Arrivals come almost in order: the new one goes near the end. */
  const enqueue = (arrival: Arrival): void => {
    let place = arrivals.length
    while (place > 0 && (arrivals[place - 1]?.at ?? 0) > arrival.at) place -= 1
    arrivals.splice(place, 0, arrival)
  }

  const perform = async (desk: Desk, effects: readonly Effect[]): Promise<IntentAnswer[]> => {
    const answers: IntentAnswer[] = []
    const rows = effects.flatMap(effect => (effect.type === 'persist' ? effect.rows : []))
    if (rows.length > 0) {
      const before = performance.now()
      await desk.store.write(rows)
      desk.spent += performance.now() - before
    }
    for (const effect of effects) {
      if (effect.type === 'load') {
        const found = await desk.store.read(effect.query)
        const { request } = effect
        answers.push(...(await take(desk, { type: 'loaded', request, rows: found })))
      }
      if (effect.type === 'send') {
        const to = [...desk.links].find(other => other.id === effect.to)
        const { channel, bytes } = effect
        if (to !== undefined) enqueue({ at: clock + latency, from: desk, to, channel, bytes })
      }
      if (effect.type === 'publish') {
        const { topic, bytes } = effect
        options.onPublish?.(desk, topic, bytes)
        for (const to of hearers)
          if (to !== desk) enqueue({ at: clock + latency, from: desk, to, topic, bytes })
      }
      if (effect.type === 'answered') {
        if (!effect.answer.ok) throw new Error(`${desk.name}: ${effect.answer.error.type}`)
        answers.push(effect.answer.value)
      }
    }
    return answers
  }

  const stepDesk = (desk: Desk, input: Input): readonly Effect[] => {
    const before = performance.now()
    const { effects, wakeAt } = step(desk.peer, now(), input)
    desk.spent += performance.now() - before
    desk.wakeAt = wakeAt
    return effects
  }

  const take = (desk: Desk, input: Input): Promise<IntentAnswer[]> =>
    perform(desk, stepDesk(desk, input))

  const inputOf = (arrival: Arrival): Input | undefined => {
    if ('input' in arrival) return arrival.input
    const { from, to, bytes } = arrival
    const isGossip = 'topic' in arrival
    if (!isGossip) options.onFrame?.(arrival)
    if (!isGossip && !to.links.has(from)) return undefined
    const before = performance.now()
    const source = isGossip
      ? { channel: 'gossip' as const, topic: arrival.topic }
      : { channel: arrival.channel }
    const message = admit(bytes, admissionContext(to.peer, from.id, source), cryptography.verify)
    to.spent += performance.now() - before
    return message.ok
      ? { type: 'received', from: from.id, message: message.value }
      : { type: 'refused', from: from.id, channel: source.channel, refusal: message.error }
  }

  /** What arrives at one desk at one time is written in one batch, as the drive does. */
  const receive = (first: Arrival): Promise<unknown> => {
    const effects: Effect[] = []
    let arrival: Arrival | undefined = first
    for (let count = 1; arrival !== undefined; count++) {
      const input = inputOf(arrival)
      if (input !== undefined) effects.push(...stepDesk(arrival.to, input))
      const next: Arrival | undefined = arrivals[0]
      const isSame = next?.to === first.to && next.at <= clock && count < batchMax
      arrival = isSame ? arrivals.shift() : undefined
    }
    return perform(first.to, effects)
  }

  /** The next thing that happens, if it happens before `end`. */
  const happen = async (end: number): Promise<boolean> => {
    const sleeper = desks.reduce<Desk | undefined>(
      (first, desk) => ((desk.wakeAt ?? Infinity) < (first?.wakeAt ?? Infinity) ? desk : first),
      undefined,
    )
    const arrival = arrivals[0]
    const at = Math.min(arrival?.at ?? Infinity, sleeper?.wakeAt ?? Infinity)
    if (at > end) return false
    clock = Math.max(clock, at)
    if (arrival !== undefined && arrival.at <= at) {
      arrivals.shift()
      await receive(arrival)
    } else if (sleeper !== undefined) {
      sleeper.wakeAt = undefined
      await take(sleeper, { type: 'woken' })
    }
    return true
  }

  const pass = async (milliseconds: number): Promise<void> => {
    const end = clock + milliseconds
    while (await happen(end));
    clock = end
  }

  const linked = (a: Desk, b: Desk, type: 'link-up' | 'link-down'): void => {
    enqueue({ at: clock, to: a, input: { type, peer: b.id } })
    enqueue({ at: clock, to: b, input: { type, peer: a.id } })
  }

  const disconnect = (a: Desk, b: Desk): void => {
    a.links.delete(b)
    b.links.delete(a)
    linked(a, b, 'link-down')
  }

  return {
    add: async (name, store = memoryStore()) => {
      const id = peerId(`peer-${name}`)
      const random = seededRandom(`${options.seed}/${name}`)
      const peer = createPeer({ peer: id, random, cryptography })
      const desk: Desk = { name, id, peer, store, links: new Set(), wakeAt: undefined, spent: 0 }
      desks.push(desk)
      const rows = await store.read({ type: 'range', range: hotRange })
      await take(desk, { type: 'started', rows })
      return desk
    },
    connect: (a, b) => {
      a.links.add(b)
      b.links.add(a)
      linked(a, b, 'link-up')
    },
    disconnect,
    remove: desk => {
      for (const other of desk.links) disconnect(desk, other)
      desks.splice(desks.indexOf(desk), 1)
      arrivals.splice(0, arrivals.length, ...arrivals.filter(({ to }) => to !== desk))
    },
    ask: async (desk, intent) => {
      const [answer] = await take(desk, { type: 'intent', request: 1, intent })
      if (answer === undefined) throw new Error(`${desk.name} gave no answer to ${intent.type}`)
      return answer
    },
    until: async (isDone, within = 3_600_000) => {
      const end = clock + within
      while (!isDone()) {
        if (!(await happen(end))) throw new Error(`not done within ${within} virtual ms`)
      }
    },
    pass,
    now: () => clock,
    hear: who => {
      hearers = who
    },
    view: (desk, group) => {
      const view = groupViewOf(desk.peer, group, now())
      if (view === undefined) throw new Error(`${desk.name} does not know the group`)
      return view
    },
  }
}
