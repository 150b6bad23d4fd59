/** Transports of one process that reach each other by name: same order and same loss as real ones, no sockets. For tests
 *  of what stands above the transport. */
import { utf8ToBytes, bytesToUtf8 } from '../../protocol/core/base.ts'
import type { PeerId, Topic } from '#protocol'
import type { Transport, TransportEvents } from '../../protocol/shell/ports.ts'

export type MemoryMesh = {
  /** Its only address is its name; whoever knows that can connect. */
  readonly create: (peer: PeerId) => Transport
  /** Takes a link down, as a cut cable does; `connect` brings it up again. */
  readonly cut: (a: PeerId, b: PeerId) => void
}

type Node = {
  readonly peer: PeerId
  events: TransportEvents | undefined
  topics: ReadonlySet<Topic>
  readonly links: Set<PeerId>
  readonly banned: Set<PeerId>
}

export const memoryMesh = (): MemoryMesh => {
  const nodes = new Map<PeerId, Node>()

  /** What was sent on a link that is down by then is lost. */
  const deliver = (from: Node, to: PeerId, give: (events: TransportEvents) => void): void => {
    queueMicrotask(() => {
      const node = nodes.get(to)
      if (node?.events !== undefined && from.links.has(to)) give(node.events)
    })
  }
  const link = (a: Node, b: Node): void => {
    if (a.events === undefined || b.events === undefined || a.links.has(b.peer)) return
    if (a.banned.has(b.peer) || b.banned.has(a.peer)) return
    a.links.add(b.peer)
    b.links.add(a.peer)
    a.events.linkUp(b.peer)
    b.events.linkUp(a.peer)
  }
  const unlink = (a: Node, b: Node): void => {
    if (!a.links.delete(b.peer)) return
    b.links.delete(a.peer)
    a.events?.linkDown(b.peer)
    b.events?.linkDown(a.peer)
  }

  return {
    create: peer => {
      const node: Node = {
        peer,
        events: undefined,
        topics: new Set(),
        links: new Set(),
        banned: new Set(),
      }
      return {
        peer,
        publicKey: new Uint8Array(32),
        start: events => {
          node.events = events
          nodes.set(peer, node)
          events.addresses([utf8ToBytes(peer)])
          return Promise.resolve()
        },
        send: (to, channel, frame) =>
          deliver(node, to, events => events.frame(peer, channel, frame.slice())),
        publish: (topic, message) => {
          for (const to of node.links) {
            if (nodes.get(to)?.topics.has(topic) !== true) continue
            deliver(node, to, events => events.gossip(peer, topic, message.slice()))
          }
        },
        subscribe: topics => {
          node.topics = new Set(topics)
        },
        connect: (other, addresses) => {
          const known = nodes.get(other)
          if (known === undefined || !addresses.some(bytes => bytesToUtf8(bytes) === other)) return
          queueMicrotask(() => link(node, known))
        },
        disconnect: other => {
          node.banned.add(other)
          const known = nodes.get(other)
          if (known !== undefined) unlink(node, known)
        },
        linkKind: other => (node.links.has(other) ? 'direct' : undefined),
        stop: () => {
          node.events = undefined
          for (const other of node.links) {
            const known = nodes.get(other)
            if (known !== undefined) unlink(node, known)
          }
          nodes.delete(peer)
          return Promise.resolve()
        },
      }
    },
    cut: (a, b) => {
      const [one, other] = [nodes.get(a), nodes.get(b)]
      if (one !== undefined && other !== undefined) unlink(one, other)
    },
  }
}
