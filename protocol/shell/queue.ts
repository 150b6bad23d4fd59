/** What waits to be stepped. Intents and answers of the host go first; arrivals keep their order. The bound drops gossip
 *  first (it is a hint, sync repairs it), then names the neighbour whose frames fill the queue. */
import { bounds } from './bounds.ts'
import type { Input, PeerId, Topic } from '#protocol'

export type Frame = {
  readonly type: 'frame'
  readonly from: PeerId
  readonly source:
    | { readonly channel: 'sync' | 'join' }
    | { readonly channel: 'gossip'; readonly topic: Topic }
  readonly bytes: Uint8Array
  /** Says to where it came from that there is room for another one. */
  readonly taken?: (() => void) | undefined
}
export type Waiting = { readonly type: 'input'; readonly input: Input } | Frame

export type WaitingQueue = {
  readonly pushPressing: (input: Input) => void
  /** Returns the neighbour to be cut off when its frames made the queue overflow; those frames are gone. */
  readonly pushArrival: (waiting: Waiting) => PeerId | undefined
  readonly next: () => Waiting | undefined
  /** Takes the intents that nobody stepped yet. */
  readonly takeIntents: () => readonly (Input & { readonly type: 'intent' })[]
  readonly isEmpty: () => boolean
  readonly droppedGossip: () => number
}

export const createWaitingQueue = (): WaitingQueue => {
  let pressing: Input[] = []
  let arrivals: Waiting[] = []
  /** Entries of `arrivals` before this are taken. */
  let head = 0
  let frames = 0
  let bytes = 0
  let dropped = 0

  const uncount = (waiting: Waiting | undefined): void => {
    if (waiting?.type !== 'frame') return
    frames -= 1
    bytes -= waiting.bytes.length
  }
  const isOver = (): boolean => frames > bounds.queuedFramesMax || bytes > bounds.queuedBytesMax

  const keep = (isKept: (waiting: Waiting) => boolean): number => {
    const before = arrivals.length - head
    const kept: Waiting[] = []
    for (const waiting of arrivals.slice(head)) {
      if (isKept(waiting)) kept.push(waiting)
      else uncount(waiting)
    }
    arrivals = kept
    head = 0
    return before - kept.length
  }

  const noisiest = (): PeerId | undefined => {
    const bytesByPeer = new Map<PeerId, number>()
    for (const waiting of arrivals.slice(head)) {
      if (waiting.type !== 'frame') continue
      const cost = waiting.bytes.length + 64
      bytesByPeer.set(waiting.from, (bytesByPeer.get(waiting.from) ?? 0) + cost)
    }
    return [...bytesByPeer].toSorted(([, a], [, b]) => b - a)[0]?.[0]
  }

  return {
    pushPressing: input => pressing.push(input),
    pushArrival: waiting => {
      arrivals.push(waiting)
      if (waiting.type === 'frame') {
        frames += 1
        bytes += waiting.bytes.length
      }
      if (!isOver()) return undefined
      dropped += keep(entry => entry.type !== 'frame' || entry.source.channel !== 'gossip')
      if (!isOver()) return undefined
      const peer = noisiest()
      keep(entry => entry.type !== 'frame' || entry.from !== peer)
      return peer
    },
    next: () => {
      const input = pressing.shift()
      if (input !== undefined) return { type: 'input', input }
      const waiting = arrivals[head]
      if (waiting === undefined) return undefined
      head += 1
      uncount(waiting)
      if (waiting.type === 'frame') waiting.taken?.()
      if (head > 1_024 && head * 2 > arrivals.length) {
        arrivals = arrivals.slice(head)
        head = 0
      }
      return waiting
    },
    takeIntents: () => {
      const intents = pressing.filter(input => input.type === 'intent')
      pressing = pressing.filter(input => input.type !== 'intent')
      return intents
    },
    isEmpty: () => pressing.length === 0 && head === arrivals.length,
    droppedGossip: () => dropped,
  }
}
