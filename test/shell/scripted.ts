/** A core that does as the test says, a transport that only listens, and a clock that is turned by hand: everything the
 *  drive loop touches, and nothing real. */
import { instant, peerId, success, timestamp } from '../../protocol/core/base.ts'
import { drive } from '../../protocol/shell/drive.ts'
import { memoryStore } from '../../protocol/shell/store.ts'
import type { AppView, Effect, GroupView, Input, PeerId, Topic, VerifiedMessage } from '#protocol'
import type { Drive, DriveEvent, DriveParts } from '../../protocol/shell/drive.ts'
import type { Clock, Store, Transport, TransportEvents } from '../../protocol/shell/ports.ts'

export type Told =
  | { readonly type: 'send'; readonly to: PeerId; readonly bytes: Uint8Array }
  | { readonly type: 'publish'; readonly topic: Topic; readonly bytes: Uint8Array }
  | { readonly type: 'subscribe'; readonly topics: readonly Topic[] }
  | { readonly type: 'connect' | 'disconnect'; readonly peer: PeerId }

export type ScriptedTransport = Transport & {
  readonly told: Told[]
  readonly events: () => TransportEvents
  readonly isStopped: () => boolean
}

export const scriptedTransport = (): ScriptedTransport => {
  const told: Told[] = []
  let events: TransportEvents | undefined
  let isStopped = false
  return {
    peer: peerId('own'),
    publicKey: new Uint8Array(32),
    start: given => {
      events = given
      return Promise.resolve()
    },
    send: (to, _channel, bytes) => told.push({ type: 'send', to, bytes }),
    publish: (topic, bytes) => told.push({ type: 'publish', topic, bytes }),
    subscribe: topics => told.push({ type: 'subscribe', topics }),
    connect: peer => told.push({ type: 'connect', peer }),
    disconnect: peer => told.push({ type: 'disconnect', peer }),
    linkKind: () => undefined,
    stop: () => {
      isStopped = true
      return Promise.resolve()
    },
    told,
    events: () => {
      if (events === undefined) throw new Error('not started')
      return events
    },
    isStopped: () => isStopped,
  }
}

export type HandClock = Clock & { readonly advance: (by: number) => void }

/** Stands still until it is advanced; what is due then is called in order. */
export const handClock = (): HandClock => {
  let now = 1_000
  let alarms: { readonly due: number; readonly callback: () => void }[] = []
  const ring = (): void => {
    const due = alarms.filter(alarm => alarm.due <= now).toSorted((a, b) => a.due - b.due)
    alarms = alarms.filter(alarm => alarm.due > now)
    for (const { callback } of due) callback()
  }
  return {
    now: () => ({ instant: instant(now), wall: timestamp(now) }),
    at: (due, callback) => {
      const alarm = { due, callback }
      alarms.push(alarm)
      if (due <= now) queueMicrotask(ring)
      return () => {
        alarms = alarms.filter(other => other !== alarm)
      }
    },
    advance: by => {
      now += by
      ring()
    },
  }
}

export type Script = {
  readonly inputs: Input[]
  readonly drive: Drive
  readonly events: DriveEvent[]
  readonly transport: ScriptedTransport
  readonly clock: HandClock
  readonly types: () => readonly string[]
}

type ScriptOptions = {
  /** The effects of one input; the default is none. */
  readonly react?: (input: Input) => readonly Effect[]
  readonly wakeAt?: (input: Input) => number | undefined
  readonly store?: Store
  readonly transport?: ScriptedTransport
  readonly parts?: Partial<DriveParts<undefined, PeerId>>
}

/** Admits every frame as it is; the context is the sender. */
export const asMessage = (bytes: Uint8Array): VerifiedMessage =>
  ({ type: 'scripted', bytes, size: bytes.length }) as unknown as VerifiedMessage

/** The view counts the inputs, so that a test sees which state is shown. */
const view = (count: number): AppView => ({ storage: 'ok', carriedOps: count }) as AppView
const groupView = (count: number): GroupView => ({ forks: count }) as GroupView

export const runScript = async (options: ScriptOptions = {}): Promise<Script> => {
  const inputs: Input[] = []
  const events: DriveEvent[] = []
  const transport = options.transport ?? scriptedTransport()
  const clock = handClock()
  const running = await drive<undefined, PeerId>({
    core: {
      step: (_peer, _now, input) => {
        inputs.push(input)
        const wakeAt = options.wakeAt?.(input)
        return {
          effects: options.react?.(input) ?? [],
          wakeAt: wakeAt === undefined ? undefined : instant(wakeAt),
        }
      },
      admit: bytes => success(asMessage(bytes)),
      admissionContext: (_peer, from) => from,
      viewOf: () => view(inputs.length),
      groupViewOf: () => groupView(inputs.length),
      ownMessageOf: () => undefined,
    },
    peer: undefined,
    store: options.store ?? memoryStore(),
    transport,
    clock,
    verify: () => true,
    ...options.parts,
  })
  running.subscribe(event => events.push(event))
  return {
    inputs,
    drive: running,
    events,
    transport,
    clock,
    types: () => inputs.map(({ type }) => type),
  }
}
