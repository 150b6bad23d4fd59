/** The drive loop against scripted cores: what is durable is told, what is told was durable first. */
import { expect, test } from 'vitest'
import { failure, groupId, peerId, success, topicName } from '../../protocol/core/base.ts'
import { refusal } from '../../protocol/core/refusal.ts'
import { bounds } from '../../protocol/shell/bounds.ts'
import { decodeRecord } from '../../protocol/shell/record.ts'
import { memoryStore } from '../../protocol/shell/store.ts'
import { failingStore } from '../support/failing-store.ts'
import { until } from '../support/until.ts'
import { runScript, scriptedTransport } from './scripted.ts'
import type { Effect, Input, Intent } from '#protocol'

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)
const intent: Intent = { type: 'set-profile', name: 'Lin', unit: '' }
const alice = peerId('alice')
const bob = peerId('bob')
const row = (key: number, value = 1): Effect => ({
  type: 'persist',
  rows: [{ key: bytes(key), value: bytes(value) }],
})
const answerTo = (input: Input): readonly Effect[] =>
  input.type === 'intent'
    ? [
        { type: 'answered', request: input.request, answer: success({ type: 'done' }) },
        { type: 'send', to: alice, channel: 'sync', bytes: bytes(input.request) },
        { type: 'changed' },
        row(0x30 + input.request),
      ]
    : []

test('the first input brings the hot rows, before the transport starts', async () => {
  const store = memoryStore([
    { key: bytes(0x02), value: bytes(9) },
    { key: bytes(0x20), value: bytes(8) },
  ])
  const { inputs } = await runScript({ store })
  expect(inputs).toEqual([{ type: 'started', rows: [{ key: bytes(0x02), value: bytes(9) }] }])
})

test('nothing is told, answered or shown before the rows are durable', async () => {
  const order: string[] = []
  const transport = scriptedTransport()
  const inner = memoryStore()
  const store = {
    ...inner,
    write: async (rows: Parameters<typeof inner.write>[0]) => {
      await inner.write(rows)
      order.push('written')
    },
  }
  const { drive } = await runScript({
    store,
    transport: {
      ...transport,
      send: () => order.push('sent'),
    },
    react: answerTo,
  })
  drive.subscribe(({ type }) => order.push(type))
  const answer = await drive.dispatch(intent)
  order.push('answered')
  expect(answer).toEqual(success({ type: 'done' }))
  expect(order).toEqual(['written', 'sent', 'changed', 'answered'])
})

test('whoever got an answer sees what it answers, also while the next step is not durable', async () => {
  const inner = memoryStore()
  let isHeld = false
  let release = (): void => undefined
  const store = {
    ...inner,
    write: async (rows: Parameters<typeof inner.write>[0]) => {
      if (isHeld) await new Promise<void>(resolve => (release = resolve))
      await inner.write(rows)
    },
  }
  const group = groupId('00'.repeat(16))
  const react = (input: Input): readonly Effect[] => [
    ...answerTo(input),
    { type: 'changed', group },
  ]
  const { drive, inputs } = await runScript({ store, react })
  expect(drive.group(group)?.forks).toBe(1)
  await drive.dispatch(intent)
  isHeld = true
  const second = drive.dispatch(intent)
  await until(() => inputs.length === 3)
  expect(drive.group(group)?.forks).toBe(2)
  await until(() => {
    release()
    return drive.group(group)?.forks === 3
  })
  await second
})

test('inputs that wait together share one durable write', async () => {
  const store = failingStore(memoryStore())
  const { drive } = await runScript({ store, react: answerTo })
  await Promise.all(Array.from({ length: 50 }, () => drive.dispatch(intent)))
  expect(store.writes()).toBeLessThanOrEqual(2)
})

test('of several writes to one key in a batch the last one stays', async () => {
  const store = memoryStore()
  const { drive } = await runScript({
    store,
    react: input => [...answerTo(input), row(0x31, 1), row(0x31, 2)],
  })
  await drive.dispatch(intent)
  const rows = await store.read({ type: 'keys', keys: [bytes(0x31)] })
  expect(rows).toEqual([{ key: bytes(0x31), value: bytes(2) }])
})

test('a load comes back as an input with what the same batch has written', async () => {
  const { drive, inputs } = await runScript({
    react: input =>
      input.type === 'intent'
        ? [
            ...answerTo(input),
            row(0x40),
            { type: 'load', request: 7, query: { type: 'keys', keys: [bytes(0x40)] } },
          ]
        : [],
  })
  await drive.dispatch(intent)
  await until(() => inputs.at(-1)?.type === 'loaded')
  expect(inputs.at(-1)).toEqual({
    type: 'loaded',
    request: 7,
    rows: [{ key: bytes(0x40), value: bytes(1) }],
  })
})

test('frames of one neighbour keep their order and its link', async () => {
  const { transport, inputs } = await runScript()
  transport.events().linkUp(alice)
  for (let i = 0; i < 600; i++) transport.events().frame(alice, 'sync', bytes(i % 256, i >> 8))
  transport.events().linkDown(alice)
  await until(() => inputs.at(-1)?.type === 'link-down')
  const numbers = inputs.flatMap(input =>
    input.type === 'received' ? [Reflect.get(input.message, 'bytes')] : [],
  )
  expect(numbers).toEqual(Array.from({ length: 600 }, (_, i) => bytes(i % 256, i >> 8)))
  expect(inputs[1]?.type).toBe('link-up')
})

test('a refused frame becomes an input that names its sender and channel', async () => {
  const { transport, inputs } = await runScript({
    parts: {
      core: {
        step: (_peer, _now, input) => {
          seen.push(input)
          return { effects: [], wakeAt: undefined }
        },
        admit: () => failure(refusal('malformed')),
        admissionContext: (_peer, from) => from,
        viewOf: () => {
          throw new Error('not asked')
        },
        groupViewOf: () => undefined,
        ownMessageOf: () => undefined,
      },
    },
  })
  transport.events().gossip(bob, topicName('t'), bytes(1))
  await until(() => seen.length === 2)
  expect(inputs).toEqual([])
  expect(seen[1]).toEqual({
    type: 'refused',
    from: bob,
    channel: 'gossip',
    refusal: refusal('malformed'),
  })
})
const seen: Input[] = []

test('one timer wakes the core at its deadline', async () => {
  const { clock, inputs, drive } = await runScript({
    react: answerTo,
    wakeAt: input => (input.type === 'woken' ? undefined : 5_000),
  })
  clock.advance(3_999)
  await drive.dispatch(intent)
  expect(inputs.filter(({ type }) => type === 'woken')).toEqual([])
  clock.advance(1)
  await until(() => inputs.at(-1)?.type === 'woken')
})

test('while storage fails nothing of the batch is told, answered or shown; then all of it is, once', async () => {
  const store = failingStore(memoryStore())
  const { drive, transport, events, clock, types, inputs } = await runScript({
    store,
    react: answerTo,
  })
  const before = drive.app()
  store.fail()
  const answer = drive.dispatch(intent)
  await until(() => events.some(({ type }) => type === 'storage'))
  expect(types()).toEqual(['started', 'intent', 'failed'])
  expect(transport.told).toEqual([])
  expect(events).toEqual([{ type: 'storage', state: 'failing' }])
  expect(drive.app()).toEqual({ ...before, storage: 'failing' })
  const attempts = store.attempts()
  transport.events().linkUp(alice)
  clock.advance(bounds.storageRetryMillisMin)
  await until(() => store.attempts() > attempts)
  expect(await drive.dispatch(intent)).toEqual(failure(refusal('storage-failed')))
  store.heal()
  clock.advance(bounds.storageRetryMillisMax)
  expect(await answer).toEqual(success({ type: 'done' }))
  await until(() => types().at(-1) === 'link-up')
  expect(types()).toEqual(['started', 'intent', 'failed', 'failed', 'link-up'])
  expect(inputs.filter(({ type }) => type === 'failed')).toEqual([
    { type: 'failed', storage: 'failing' },
    { type: 'failed', storage: 'ok' },
  ])
  expect(transport.told).toHaveLength(1)
  expect(events.map(({ type }) => type)).toEqual(['storage', 'storage', 'changed'])
  expect(drive.app().storage).toBe('ok')
})

test('a write that failed once is repeated as it was', async () => {
  const inner = memoryStore()
  const store = failingStore(inner)
  const { drive, clock } = await runScript({ store, react: answerTo })
  store.failWrite(1)
  const answer = drive.dispatch(intent)
  await until(() => store.attempts() === 1)
  await until(() => {
    clock.advance(bounds.storageRetryMillisMin)
    return store.writes() === 1
  })
  expect(await answer).toEqual(success({ type: 'done' }))
  expect(await inner.read({ type: 'keys', keys: [bytes(0x31)] })).toHaveLength(1)
})

test('stopping while storage fails answers that nothing was saved', async () => {
  const store = failingStore(memoryStore())
  const { drive, events, transport } = await runScript({ store, react: answerTo })
  store.fail()
  const answer = drive.dispatch(intent)
  await until(() => events.length > 0)
  await drive.stop()
  expect(await answer).toEqual(failure(refusal('storage-failed')))
  expect(transport.told).toEqual([])
  expect(transport.isStopped()).toBe(true)
})

test('stopping makes what waits durable, closes the links and refuses what comes after', async () => {
  const store = failingStore(memoryStore())
  const { drive, transport } = await runScript({ store, react: answerTo })
  const answers = Promise.all([drive.dispatch(intent), drive.dispatch(intent)])
  await drive.stop()
  expect(await answers).toEqual([success({ type: 'done' }), success({ type: 'done' })])
  expect(store.writes()).toBeGreaterThan(0)
  expect(transport.isStopped()).toBe(true)
  expect(await drive.dispatch(intent)).toEqual(failure(refusal('stopped')))
})

test('a frame is taken when its turn comes, not while storage holds everything up', async () => {
  const store = failingStore(memoryStore())
  const { transport, clock, types } = await runScript({ store, react: () => [row(1)] })
  const { frame } = transport.events()
  const taken: number[] = []
  const send = (value: number): void => {
    frame(alice, 'sync', bytes(value), () => taken.push(value))
  }
  store.fail()
  send(1)
  await until(() => types().at(-1) === 'failed')
  for (const value of [2, 3]) send(value)
  clock.advance(bounds.storageRetryMillisMin)
  await until(() => store.attempts() > 1)
  expect(taken).toEqual([1])
  store.heal()
  await until(() => {
    clock.advance(bounds.storageRetryMillisMax)
    return taken.length === 3
  })
})

test('a full queue drops gossip first, then cuts off the neighbour that fills it', async () => {
  const { transport, inputs } = await runScript()
  const { gossip, frame, linkDown } = transport.events()
  const big = new Uint8Array(60_000)
  for (let i = 0; i < 20; i++) gossip(bob, topicName('t'), new Uint8Array(1_000))
  for (let i = 0; i < 10; i++) frame(bob, 'sync', bytes(i))
  for (let i = 0; i < 150; i++) frame(alice, 'sync', big)
  linkDown(alice)
  await until(() => inputs.at(-1)?.type === 'link-down')
  expect(transport.told).toEqual([{ type: 'disconnect', peer: alice }])
  const sizes = inputs.flatMap(input => (input.type === 'received' ? [input.message.size] : []))
  expect(sizes.filter(size => size === 1)).toHaveLength(10)
  expect(sizes).not.toContain(1_000)
})

test('a bug in the core stops the drive, loudly, with every question answered', async () => {
  const { drive, transport } = await runScript({
    react: input => {
      if (input.type === 'intent') throw new Error('assertion failed: a bug')
      return []
    },
  })
  const answer = drive.dispatch(intent)
  await expect(drive.finished).rejects.toThrow('a bug')
  expect(await answer).toEqual(failure(refusal('stopped')))
  expect(transport.isStopped()).toBe(true)
})

test('changes of one batch are shown once for each group', async () => {
  const group = groupId('11')
  const { drive, events } = await runScript({
    react: input => [
      ...answerTo(input),
      { type: 'changed', group },
      { type: 'changed', group },
      { type: 'changed' },
    ],
  })
  await drive.dispatch(intent)
  await until(() => events.length === 2)
  expect(events).toEqual([{ type: 'changed' }, { type: 'changed', group }])
})

test('the record holds every input with its time, and reads back as it was', async () => {
  const lines: string[] = []
  const { transport, inputs, drive } = await runScript({
    parts: { record: line => lines.push(line) },
  })
  transport.events().linkUp(alice)
  transport.events().frame(alice, 'sync', bytes(1, 2, 255))
  await until(() => inputs.length === 3)
  await drive.stop()
  expect(lines.map(decodeRecord).map(({ input }) => input)).toEqual(inputs)
  expect(lines.map(decodeRecord)[1]?.now).toEqual({ instant: 1_000, wall: 1_000 })
})
