/** Contacts between hosts: how long a frame takes, what gossip reaches whom, and the ways in which connections really end.
 *  A contact may end for one side only (a phone changed its network and came back before the other side noticed), and one
 *  direction may swallow everything for a while (a dead connection that nobody has closed yet). */
import { type Random, seededRandom } from '#protocol'
import type { Host } from './host.ts'

export type LinkQuality = {
  readonly delayMillis: number
  readonly jitterMillis: number
  /** Bytes a second in each direction. */
  readonly rate: number
  /** Share of gossip messages that reach a neighbour; frames on a link are never lost, as on TCP. */
  readonly gossip: number
  /** Share of gossip messages that come twice. */
  readonly repeats: number
}

export const perfect: LinkQuality = {
  delayMillis: 20,
  jitterMillis: 10,
  rate: 1e9,
  gossip: 1,
  repeats: 0,
}

export type Contact = {
  readonly quality: LinkQuality
  isOpen: boolean
  /** By sender and channel: nothing overtakes on one stream. */
  readonly lastArrival: Map<string, number>
  readonly busyUntil: Map<string, number>
  /** By sender: how often its stream was begun anew; what was under way on the one before is lost. */
  readonly streams: Map<string, number>
  /** By sender: until when everything it sends is lost. */
  readonly mutedUntil: Map<string, number>
}

export type Passage = {
  readonly contact: Contact
  readonly stream: number
  readonly at: number
}

export type Network = {
  readonly contact: (a: string, b: string) => Contact | undefined
  /** False when there is a contact already. */
  readonly open: (a: string, b: string, quality: Partial<LinkQuality>) => boolean
  readonly close: (a: string, b: string) => boolean
  /** What `name` has under way is lost. */
  readonly cut: (contact: Contact, name: string) => void
  /** When a frame arrives, if it arrives at all. */
  readonly passage: (
    now: number,
    ends: { readonly from: Host; readonly to: Host },
    frame: { readonly channel: string; readonly bytes: Uint8Array },
  ) => Passage | undefined
  readonly arrives: (passage: Passage, from: string) => boolean
  /** Flooding with loss: whoever gets a message for the first time passes it on. */
  readonly flood: (
    hosts: readonly Host[],
    origin: Host,
    topic: string,
    reached: (from: Host, to: Host, delay: number) => void,
  ) => void
}

export const createNetwork = (seed: string): Network => {
  const chance = seededRandom(`world/${seed}`)
  const contacts = new Map<string, Contact>()
  const contact = (a: string, b: string): Contact | undefined => contacts.get(pairOf(a, b))

  return {
    contact,
    open: (a, b, quality) => {
      if (contact(a, b) !== undefined) return false
      contacts.set(pairOf(a, b), {
        quality: { ...perfect, ...quality },
        isOpen: true,
        lastArrival: new Map(),
        busyUntil: new Map(),
        streams: new Map(),
        mutedUntil: new Map(),
      })
      return true
    },
    close: (a, b) => {
      const open = contact(a, b)
      if (open === undefined) return false
      open.isOpen = false
      contacts.delete(pairOf(a, b))
      return true
    },
    cut: ({ streams }, name) => {
      streams.set(name, (streams.get(name) ?? 0) + 1)
    },
    passage: (now, { from, to }, { channel, bytes }) => {
      const open = contact(from.name, to.name)
      if (open === undefined || now < (open.mutedUntil.get(from.name) ?? 0)) return undefined
      const { delayMillis, jitterMillis, rate } = open.quality
      const stream = `${from.name}/${channel}`
      const start = Math.max(open.busyUntil.get(from.name) ?? 0, now)
      const sent = start + (bytes.length * 1_000) / rate
      open.busyUntil.set(from.name, sent)
      const before = open.lastArrival.get(stream) ?? 0
      const at = Math.max(before, sent + delayMillis + draw(chance) * jitterMillis)
      open.lastArrival.set(stream, at)
      return { contact: open, stream: open.streams.get(from.name) ?? 0, at }
    },
    arrives: (passage, from) =>
      passage.contact.isOpen && passage.stream === (passage.contact.streams.get(from) ?? 0),
    flood: (hosts, origin, topic, reach) => {
      const reached = new Set([origin])
      const frontier = [origin]
      for (let from = frontier.shift(); from !== undefined; from = frontier.shift()) {
        for (const to of hosts) {
          const open = contact(from.name, to.name)
          if (open === undefined || reached.has(to) || !to.topics.has(topic)) continue
          const { quality } = open
          if (draw(chance) >= quality.gossip) continue
          reached.add(to)
          frontier.push(to)
          const delay = (): number => quality.delayMillis + draw(chance) * quality.jitterMillis
          reach(from, to, delay())
          if (quality.repeats > 0 && draw(chance) < quality.repeats) reach(from, to, 3 * delay())
        }
      }
    },
  }
}

const pairOf = (a: string, b: string): string => (a < b ? `${a} ${b}` : `${b} ${a}`)
const draw = (random: Random): number => {
  const [a = 0, b = 0, c = 0] = random.bytes(3)
  return (a * 65_536 + b * 256 + c) / 2 ** 24
}
