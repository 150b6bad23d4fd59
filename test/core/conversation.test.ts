/** The conversation of the vectors is one that real peers understand: frame by frame, as somebody else's program would say it. */
import { expect, test } from 'vitest'
import {
  admissionContext,
  admit,
  createPeer,
  groupViewOf,
  instant,
  seededRandom,
  step,
  timestamp,
} from '#protocol'
import type { Input, Peer } from '#protocol'
import { createGroupLog, insertOp, setHashOf, tableHashOf } from '../../protocol/core/log.ts'
import { encodeDeviceRow } from '../../protocol/core/saved.ts'
import { deviceKey } from '../../protocol/core/rows.ts'
import { ann, bo, createConversation, gid, texts, title } from './conversation.ts'
import { expectGolden } from './golden.ts'
import { cryptography, wall } from './people.ts'

const conversation = createConversation()
const now = { instant: instant(0), wall: timestamp(wall + 60_000) }

/** Bo's program, or another's: it gets frames and nothing else. */
const createListener = (rows: readonly { key: Uint8Array; value: Uint8Array }[]) => {
  const peer: Peer = createPeer({ peer: bo.peer, random: seededRandom('replay'), cryptography })
  const input = (what: Input) => step(peer, now, what).effects
  input({ type: 'started', rows })
  const hear = (channel: 'sync' | 'join', bytes: Uint8Array): void => {
    const context = admissionContext(peer, ann.peer, { channel })
    const message = admit(bytes, context, cryptography.verify)
    expect(message.ok && 'refusals' in message.value ? message.value.refusals : []).toEqual([])
    if (!message.ok) throw new Error(message.error.type)
    input({ type: 'received', from: ann.peer, message: message.value })
  }
  return { peer, input, hear }
}

const deviceRow = {
  key: deviceKey(),
  value: encodeDeviceRow({
    id: bo.id,
    secret: bo.secret,
    publicKey: bo.publicKey,
    prekeySecret: bo.prekeySecret,
    name: 'Bo',
    unit: '',
  }),
}

test('the conversation has the bytes of the vectors', () => {
  for (const { name, given, bytes } of conversation.steps) {
    expectGolden('conversation', name, given, bytes)
  }
})

test('its set hash is the one that a peer with the same operations tells', () => {
  const log = createGroupLog(gid)
  for (const op of conversation.ops) insertOp(log, op)
  const hello = conversation.steps.find(({ name }) => name === 'frame 1 hello')?.given
  expect(hello).toMatchObject({
    groups: [{ setHash: setHashOf(log), tableHash: tableHashOf(log) }],
  })
})

test('whoever holds the secrets of Bo reads the conversation out of the frames alone', () => {
  const { peer, input, hear } = createListener([deviceRow])
  const { token } = conversation
  input({ type: 'intent', request: 1, intent: { type: 'join', token, name: 'Bo', unit: '' } })
  input({ type: 'link-up', peer: ann.peer })
  hear('join', conversation.answer)
  for (const frame of conversation.frames) hear('sync', frame)
  input({ type: 'woken' })
  const view = groupViewOf(peer, gid, now)
  expect(view?.summary.title).toBe(title)
  expect(view?.members.map(({ name }) => name).toSorted()).toEqual(['Ann', 'Bo'])
  expect(view?.messages.map(({ body }) => 'text' in body && body.text)).toEqual([
    texts.bo,
    texts.ann,
  ])
  expect(view?.messages.map(({ priority }) => priority)).toEqual(['routine', 'flash'])
})

test('a carrier holds the same operations and reads nothing', () => {
  const { peer, input, hear } = createListener([])
  input({ type: 'link-up', peer: ann.peer })
  hear('sync', Uint8Array.of(11, 1, ...Buffer.from(gid, 'hex')))
  for (const frame of conversation.frames) hear('sync', frame)
  const group = peer.groups.get(gid)
  const held = [...(group?.log.held.values() ?? [])].flatMap(bySeq => [...bySeq.values()])
  expect(held.map(({ id }) => id).toSorted()).toEqual(
    conversation.ops.map(({ id }) => id).toSorted(),
  )
  expect(groupViewOf(peer, gid, now)?.messages ?? []).toEqual([])
})
