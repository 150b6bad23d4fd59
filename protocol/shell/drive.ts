/** The loop between one peer and the world: inputs are stepped, their effects collected, the rows of many steps written
 *  in one durable batch; only then is anything told to others, and only then shown. persist → tell → show.
 *  While storage fails, everything that depends on the failing batch is held back and the write is tried again. */
import { bytesToHex, failure } from '../core/base.ts'
import { refusal } from '../core/refusal.ts'
import { hotRange } from '../core/row.ts'
import { createAdmission } from './admission.ts'
import { bounds } from './bounds.ts'
import { yieldToHost } from './clock.ts'
import { createWaitingQueue } from './queue.ts'
import { encodeRecord } from './record.ts'
import { createShown } from './shown.ts'
import type {
  AppView,
  Effect,
  GroupId,
  GroupView,
  Input,
  Instant,
  Intent,
  IntentAnswer,
  MessageId,
  Now,
  OwnMessageView,
  PeerId,
  Priority,
  Refusal,
  Result,
  RowWrite,
  StepResult,
  Topic,
  VerifiedMessage,
  Verify,
} from '#protocol'
import type { Clock, Store, Transport } from './ports.ts'
import type { Waiting } from './queue.ts'
import type { Admitted } from './admission.ts'
import type { VerifyBatch } from './verify.ts'

export type DriveEvent =
  | { readonly type: 'changed'; readonly group?: GroupId }
  | {
      readonly type: 'notify'
      readonly group: GroupId
      readonly message: MessageId
      readonly priority: Priority
    }
  | { readonly type: 'dropped'; readonly from: PeerId; readonly refusal: Refusal }
  | { readonly type: 'storage'; readonly state: 'ok' | 'failing' }

export type Drive = {
  /** Resolves after the rows that the answer depends on are durable. */
  readonly dispatch: (intent: Intent) => Promise<Result<IntentAnswer, Refusal>>
  readonly app: () => AppView
  readonly group: (group: GroupId) => GroupView | undefined
  /** How far an own message got, however long ago it was written. */
  readonly ownMessage: (group: GroupId, message: MessageId) => OwnMessageView | undefined
  readonly subscribe: (listener: (event: DriveEvent) => void) => () => void
  /** Steps what is queued, makes it durable, closes the links. The store stays open: it is the host's. */
  readonly stop: () => Promise<void>
  /** Resolves when the drive stopped; rejects when a bug in the core stopped it. */
  readonly finished: Promise<void>
}

/** The core's door as the loop uses it. */
export type DrivenCore<Peer, Context> = {
  readonly step: (peer: Peer, now: Now, input: Input) => StepResult
  readonly admit: (
    bytes: Uint8Array,
    context: Context,
    verify: Verify,
  ) => Result<VerifiedMessage, Refusal>
  readonly admissionContext: (
    peer: Peer,
    from: PeerId,
    source: { channel: 'sync' | 'join' } | { channel: 'gossip'; topic: Topic },
  ) => Context
  readonly viewOf: (peer: Peer, now: Now) => AppView
  readonly groupViewOf: (peer: Peer, group: GroupId, now: Now) => GroupView | undefined
  readonly ownMessageOf: (
    peer: Peer,
    group: GroupId,
    message: MessageId,
  ) => OwnMessageView | undefined
}

export type DriveParts<Peer, Context> = {
  readonly core: DrivenCore<Peer, Context>
  readonly peer: Peer
  readonly store: Store
  readonly transport: Transport
  readonly clock: Clock
  /** Synchronous verification; also the last resort when the asynchronous one cannot settle a frame. */
  readonly verify: Verify
  readonly verifyBatch?: VerifyBatch
  readonly record?: (line: string) => void
  /** The store was copied, restored or moved. */
  readonly isCopy?: boolean
}

type EffectOf<Type extends Effect['type']> = Extract<Effect, { readonly type: Type }>
const ofType = <Type extends Effect['type']>(
  effects: readonly Effect[],
  type: Type,
): readonly EffectOf<Type>[] =>
  effects.filter((effect): effect is EffectOf<Type> => effect.type === type)

export const drive = async <Peer, Context>(parts: DriveParts<Peer, Context>): Promise<Drive> => {
  const { core, peer, store, transport, clock } = parts
  const queue = createWaitingQueue()
  const listeners = new Set<(event: DriveEvent) => void>()
  const answerers = new Map<number, (answer: Result<IntentAnswer, Refusal>) => void>()
  let lastRequest = 0
  /** Effects of the batch in hand. */
  let effects: Effect[] = []
  let wakeAt: Instant | undefined
  let cancelWake = (): void => undefined
  let cancelPause = (): void => undefined
  let state: 'starting' | 'running' | 'stopping' | 'stopped' = 'starting'
  /** Told to stop while storage fails: what was not written is lost, and nobody was told of it. */
  let hasGivenUp = false
  let isFailing = false
  /** Steps were taken whose rows are not durable yet: show what was last shown. */
  let isUnsettled = false
  let shownApp: AppView | undefined
  const shownGroup = createShown<GroupId, GroupView>(bounds.shownGroupsMax)
  const shownMessage = createShown<string, OwnMessageView>(bounds.shownGroupsMax)
  let ring = (): void => undefined

  const emit = (event: DriveEvent): void => {
    for (const listener of listeners) listener(event)
  }

  const step = (input: Input): void => {
    const now = clock.now()
    parts.record?.(encodeRecord({ now, input }))
    const result = core.step(peer, now, input)
    wakeAt = result.wakeAt
    for (const effect of result.effects) effects.push(effect)
  }

  const admission = createAdmission({
    admitWith: (frame, verify) =>
      core.admit(frame.bytes, core.admissionContext(peer, frame.from, frame.source), verify),
    verify: parts.verify,
    verifyBatch: parts.verifyBatch,
  })

  const stepWaiting = (waiting: Waiting, verdict: Admitted | undefined): void => {
    if (waiting.type === 'input') {
      step(waiting.input)
      return
    }
    const { from } = waiting
    const { channel } = waiting.source
    if (verdict === undefined) return
    if (verdict.ok) step({ type: 'received', from, message: verdict.value })
    else step({ type: 'refused', from, channel, refusal: verdict.error })
  }

  const takeBatch = (): readonly Waiting[] => {
    const batch: Waiting[] = []
    while (batch.length < bounds.batchInputsMax) {
      const waiting = queue.next()
      if (waiting === undefined) break
      batch.push(waiting)
    }
    return batch
  }

  const stepBatch = async (): Promise<void> => {
    isUnsettled = true
    if (parts.verifyBatch !== undefined) {
      await admission.inOrder(takeBatch(), stepWaiting)
      return
    }
    const endsBy = clock.now().instant + bounds.batchMillisMax
    for (let count = 0; count < bounds.batchInputsMax; count++) {
      const waiting = queue.next()
      if (waiting === undefined) return
      stepWaiting(waiting, waiting.type === 'frame' ? admission.admit(waiting) : undefined)
      if (clock.now().instant >= endsBy) return
    }
  }

  const pause = (length: number): Promise<void> =>
    new Promise(resolve => {
      const cancel = clock.at(clock.now().instant + length, resolve)
      cancelPause = () => {
        cancel()
        resolve()
      }
    })

  const answer = (request: number, value: Result<IntentAnswer, Refusal>): void => {
    answerers.get(request)?.(value)
    answerers.delete(request)
  }

  const storageFailed = (): void => {
    if (isFailing) return
    isFailing = true
    for (const { request } of queue.takeIntents()) {
      answer(request, failure(refusal('storage-failed')))
    }
    step({ type: 'failed', storage: 'failing' })
    emit({ type: 'storage', state: 'failing' })
  }

  /** Repeats a use of the store until it succeeds or the drive is told to stop. */
  const persistently = async <T>(use: () => Promise<T>): Promise<T> => {
    for (let wait: number = bounds.storageRetryMillisMin; ;) {
      try {
        const value = await use()
        if (isFailing) {
          isFailing = false
          queue.pushPressing({ type: 'failed', storage: 'ok' })
          emit({ type: 'storage', state: 'ok' })
        }
        return value
      } catch (reason) {
        if (state !== 'running') {
          hasGivenUp = state === 'stopping'
          throw reason
        }
        storageFailed()
        await pause(wait)
        wait = Math.min(2 * wait, bounds.storageRetryMillisMax)
      }
    }
  }

  /** The rows of a batch, the last write of each key only. */
  const rowsOf = (batch: readonly Effect[]): readonly RowWrite[] => {
    const rowsByKey = new Map<string, RowWrite>()
    for (const { rows } of ofType(batch, 'persist')) {
      for (const row of rows) rowsByKey.set(bytesToHex(row.key), row)
    }
    return [...rowsByKey.values()]
  }

  const tell = (batch: readonly Effect[]): void => {
    const topics = ofType(batch, 'subscribe').at(-1)?.topics
    if (topics !== undefined) transport.subscribe(topics)
    for (const effect of batch) {
      if (effect.type === 'connect') transport.connect(effect.peer, effect.addresses)
      else if (effect.type === 'publish') transport.publish(effect.topic, effect.bytes)
      else if (effect.type === 'send') transport.send(effect.to, effect.channel, effect.bytes)
      else if (effect.type === 'disconnect') transport.disconnect(effect.peer)
    }
  }

  const viewOf = (group: GroupId): GroupView | undefined =>
    shownGroup(group, isUnsettled, () => core.groupViewOf(peer, group, clock.now()))

  const show = (batch: readonly Effect[]): void => {
    const changed = new Set(ofType(batch, 'changed').map(({ group }) => group))
    const answered = ofType(batch, 'answered')
    // Whoever gets an answer may look only when the next steps are under way, and must see what was answered.
    if (answered.length > 0) for (const group of changed) if (group !== undefined) viewOf(group)
    for (const effect of answered) answer(effect.request, effect.answer)
    for (const group of changed) {
      emit(group === undefined ? { type: 'changed' } : { type: 'changed', group })
    }
    for (const effect of batch) {
      if (effect.type === 'notify' || effect.type === 'dropped') emit(effect)
    }
  }

  const perform = async (): Promise<void> => {
    const batch = effects
    effects = []
    const rows = rowsOf(batch)
    if (rows.length > 0) await persistently(() => store.write(rows))
    isUnsettled = effects.length > 0
    for (const { request, query } of ofType(batch, 'load')) {
      const loaded = await persistently(() => store.read(query))
      queue.pushPressing({ type: 'loaded', request, rows: loaded })
    }
    tell(batch)
    show(batch)
  }

  const setWake = (): void => {
    cancelWake()
    if (wakeAt === undefined || state !== 'running') return
    cancelWake = clock.at(wakeAt, () => {
      queue.pushPressing({ type: 'woken' })
      ring()
    })
  }

  const run = async (): Promise<void> => {
    for (;;) {
      while (!queue.isEmpty() || effects.length > 0) {
        cancelWake()
        await stepBatch()
        await perform()
        await yieldToHost()
      }
      if (state !== 'running') return
      setWake()
      await new Promise<void>(resolve => {
        ring = resolve
      })
    }
  }

  const arrive = (waiting: Waiting): void => {
    if (state !== 'running') return
    const noisy = queue.pushArrival(waiting)
    if (noisy !== undefined) transport.disconnect(noisy)
    ring()
  }

  const ask = (intent: Intent): Promise<Result<IntentAnswer, Refusal>> => {
    if (state !== 'running') return Promise.resolve(failure(refusal('stopped')))
    if (isFailing) return Promise.resolve(failure(refusal('storage-failed')))
    if (answerers.size >= bounds.queuedIntentsMax) {
      return Promise.resolve(failure(refusal('over-quota')))
    }
    const request = ++lastRequest
    return new Promise(resolve => {
      answerers.set(request, resolve)
      queue.pushPressing({ type: 'intent', request, intent })
      ring()
    })
  }

  const end = async (reason: 'stopped' | 'storage-failed'): Promise<void> => {
    state = 'stopped'
    cancelWake()
    for (const request of answerers.keys()) answer(request, failure(refusal(reason)))
    await transport.stop()
  }

  queue.pushPressing({
    type: 'started',
    rows: await store.read({ type: 'range', range: hotRange }),
    ...(parts.isCopy === true ? { isCopy: true } : {}),
  })
  await stepBatch()
  await perform()
  state = 'running'
  await transport.start({
    linkUp: linked => arrive({ type: 'input', input: { type: 'link-up', peer: linked } }),
    linkDown: linked => arrive({ type: 'input', input: { type: 'link-down', peer: linked } }),
    frame: (from, channel, bytes, taken) =>
      arrive({ type: 'frame', from, source: { channel }, bytes, taken }),
    gossip: (from, topic, bytes) =>
      arrive({ type: 'frame', from, source: { channel: 'gossip', topic }, bytes }),
    mayPassOn: admission.mayPassOn,
    addresses: addresses => {
      const intent: Intent = { type: 'set-addresses', addresses }
      arrive({ type: 'input', input: { type: 'intent', request: ++lastRequest, intent } })
    },
  })
  const finished = run().then(
    () => end('stopped'),
    async (reason: unknown) => {
      await end(hasGivenUp ? 'storage-failed' : 'stopped')
      if (!hasGivenUp) throw reason
    },
  )

  return {
    dispatch: ask,
    app: () => {
      if (!isUnsettled || shownApp === undefined) shownApp = core.viewOf(peer, clock.now())
      return isFailing ? { ...shownApp, storage: 'failing' } : shownApp
    },
    group: viewOf,
    ownMessage: (group, message) =>
      shownMessage(`${group}/${message}`, isUnsettled, () =>
        core.ownMessageOf(peer, group, message),
      ),
    subscribe: listener => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    stop: async () => {
      if (state === 'running') state = 'stopping'
      cancelPause()
      ring()
      await finished
    },
    finished,
  }
}
