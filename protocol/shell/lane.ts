/** One outbound stream to one neighbour on one channel: opened when needed, kept for long (a new stream costs a round
 *  trip), fed only as fast as it drains. Frames keep their order. When the stream dies its unsent and perhaps
 *  undelivered frames are gone; `lost` says so, and the neighbour's next sync repairs it. */
import { bounds } from './bounds.ts'
import { encodeFrame } from './frames.ts'
import type { Connection, Stream } from '@libp2p/interface'
import type { Clock } from './ports.ts'

export type LaneEvents = {
  /** The neighbour speaks this channel: its stream is open. */
  readonly opened: () => void
  /** Frames given to `send` may not have arrived. */
  readonly lost: () => void
}

export type Lane = {
  readonly send: (frame: Uint8Array) => void
  /** Connections came or went, or the neighbour was identified: open a stream where none is, move it where a better
   *  connection is. */
  readonly refresh: () => void
  readonly isOpen: () => boolean
  /** Forgets what is queued. */
  readonly clear: () => void
  readonly close: () => void
}

export type LaneOptions = {
  readonly protocol: string
  /** Open a stream before there is anything to send. */
  readonly isEager: boolean
  readonly clock: Clock
  readonly events: LaneEvents
  /** The best connection to the neighbour now. */
  readonly best: () => Connection | undefined
  /** A better connection than the one in use is worth a move. */
  readonly shouldMove: (from: Connection, to: Connection) => boolean
}

type Open = { readonly stream: Stream; readonly connection: Connection; lastSentAt: number }

export const createLane = (options: LaneOptions): Lane => {
  const { protocol, isEager, clock, events, best, shouldMove } = options
  let queue: Uint8Array[] = []
  let queuedBytes = 0
  let open: Open | undefined
  let isOpening = false
  let isClosed = false
  let failures = 0
  let cancelRetry = (): void => undefined

  const clear = (): void => {
    queue = []
    queuedBytes = 0
  }

  /** Nothing was sent for so long that it either arrived or the connection is known to be dead. */
  const isQuiet = (used: Open): boolean =>
    queue.length === 0 && clock.now().instant - used.lastSentAt > bounds.idleMillis

  const drop = (used: Open): void => {
    if (open !== used) return
    open = undefined
    const wasQuiet = isQuiet(used)
    if (wasQuiet) openSoon()
    else {
      clear()
      events.lost()
    }
  }

  const pump = (): void => {
    const used = open
    if (used === undefined) return
    while (queue.length > 0 && !used.stream.writableNeedsDrain) {
      const frame = queue.shift()
      if (frame === undefined) return
      queuedBytes -= frame.length
      used.lastSentAt = clock.now().instant
      try {
        used.stream.send(frame)
      } catch {
        drop(used)
        return
      }
    }
  }

  const attach = (stream: Stream, connection: Connection): void => {
    const used: Open = { stream, connection, lastSentAt: Number.NEGATIVE_INFINITY }
    open = used
    failures = 0
    /** The neighbour has nothing to say on our stream. */
    stream.maxReadBufferLength = 1_024
    stream.addEventListener('close', () => drop(used))
    stream.addEventListener('drain', () => {
      if (open === used) pump()
    })
    events.opened()
    pump()
  }

  const openOn = async (connection: Connection): Promise<void> => {
    isOpening = true
    try {
      const stream = await connection.newStream(protocol, {
        runOnLimitedConnection: true,
        signal: AbortSignal.timeout(bounds.streamOpenMillis),
      })
      isOpening = false
      if (isClosed || stream.status !== 'open') stream.abort(new Error('not needed any more'))
      else attach(stream, connection)
    } catch {
      isOpening = false
      failures += 1
      retryLater()
    }
  }

  const openSoon = (): void => {
    cancelRetry()
    if (isClosed || isOpening || open !== undefined) return
    if (!isEager && queue.length === 0) return
    const connection = best()
    if (connection !== undefined) void openOn(connection)
  }

  const retryLater = (): void => {
    cancelRetry()
    if (isClosed || failures > bounds.streamOpenAttempts) return
    const wait = Math.min(1_000 * 2 ** failures, bounds.dialBackoffMillisMax)
    cancelRetry = clock.at(clock.now().instant + wait, openSoon)
  }

  /** Closes the old stream after what it holds was written, and opens one on the better connection. */
  const move = (used: Open): void => {
    open = undefined
    used.stream.close().catch((reason: unknown) => {
      used.stream.abort(reason instanceof Error ? reason : new Error('could not close'))
      clear()
      events.lost()
    })
    openSoon()
  }

  return {
    send: frame => {
      const encoded = encodeFrame(frame)
      if (queuedBytes + encoded.length > bounds.sendQueueBytesMax) {
        open?.stream.abort(new Error('the neighbour does not drain'))
        return
      }
      queue.push(encoded)
      queuedBytes += encoded.length
      if (open === undefined) openSoon()
      else pump()
    },
    isOpen: () => open !== undefined,
    refresh: () => {
      failures = 0
      const to = best()
      if (open === undefined) openSoon()
      else if (to !== undefined && to !== open.connection && shouldMove(open.connection, to)) {
        move(open)
      }
    },
    clear,
    close: () => {
      isClosed = true
      cancelRetry()
      clear()
      const used = open
      open = undefined
      used?.stream.close().catch((reason: unknown) => {
        used.stream.abort(reason instanceof Error ? reason : new Error('could not close'))
      })
    },
  }
}
