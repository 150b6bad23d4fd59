/** Asynchronous verification: the same verdicts and the same order as with a synchronous verifier, even when what a frame
 *  needs only becomes known by the frame before it. */
import { expect, test } from 'vitest'
import { failure, peerId, success, topicName } from '../../protocol/core/base.ts'
import { refusal } from '../../protocol/core/refusal.ts'
import { until } from '../support/until.ts'
import { asMessage, runScript } from './scripted.ts'
import type { SignatureCheck } from '../../protocol/shell/verify.ts'
import type { DrivenCore } from '../../protocol/shell/drive.ts'
import type { Input } from '#protocol'

const alice = peerId('alice')
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)
const isGood = ({ signature }: SignatureCheck): boolean => signature[0] === 1

/** frame := kind • author • signature. Kind 0 introduces an author; kind 1 needs its author known; kind 2 holds when
 *  either of two keys verifies it. */
const authorsCore = (inputs: Input[]): DrivenCore<undefined, Set<number>> => {
  const authors = new Set<number>()
  return {
    step: (_peer, _now, input) => {
      inputs.push(input)
      const frame = input.type === 'received' ? Reflect.get(input.message, 'bytes') : undefined
      if (frame instanceof Uint8Array && frame[0] === 0) authors.add(frame[1] ?? 0)
      return { effects: [], wakeAt: undefined }
    },
    admissionContext: () => authors,
    admit: (frame, known, verify) => {
      const [kind = 0, author = 0, signature = 0] = frame
      if (kind === 1 && !known.has(author)) return failure(refusal('author-unknown'))
      const message = bytes(kind, author)
      if (kind === 2) {
        const first = verify(bytes(author), message, bytes(0, signature))
        const second = verify(bytes(author + 1), message, bytes(signature))
        return first || second ? success(asMessage(frame)) : failure(refusal('bad-signature'))
      }
      return verify(bytes(author), message, bytes(signature))
        ? success(asMessage(frame))
        : failure(refusal('bad-signature'))
    },
    viewOf: () => {
      throw new Error('not asked')
    },
    groupViewOf: () => undefined,
    ownMessageOf: () => undefined,
  }
}

const outcome = (inputs: readonly Input[]): readonly string[] =>
  inputs.flatMap(input => {
    if (input.type === 'received') return [`received ${input.message.size}`]
    return input.type === 'refused' ? [input.refusal.type] : []
  })

const frames = [
  bytes(0, 5, 1),
  bytes(1, 5, 1),
  bytes(1, 6, 1),
  bytes(0, 6, 0),
  bytes(1, 6, 1),
  bytes(2, 9, 1),
  bytes(0, 7, 1),
  bytes(1, 7, 0),
  bytes(2, 9, 0),
]
const expected = [
  'received 3',
  'received 3',
  'author-unknown',
  'bad-signature',
  'author-unknown',
  'received 3',
  'received 3',
  'bad-signature',
  'bad-signature',
]

const run = async (isBatched: boolean): Promise<{ inputs: Input[]; calls: number }> => {
  const inputs: Input[] = []
  let calls = 0
  const { drive, transport } = await runScript({
    parts: {
      core: authorsCore(inputs) as unknown as DrivenCore<undefined, typeof alice>,
      verify: (publicKey, message, signature) => isGood({ publicKey, message, signature }),
      ...(isBatched && {
        verifyBatch: async checks => {
          calls += 1
          await Promise.resolve()
          return checks.map(isGood)
        },
      }),
    },
  })
  for (const frame of frames) transport.events().frame(alice, 'sync', frame)
  await until(() => outcome(inputs).length === frames.length)
  await drive.stop()
  return { inputs, calls }
}

test('with a synchronous verifier each frame is judged by what came before it', async () => {
  expect(outcome((await run(false)).inputs)).toEqual(expected)
})

test('with batches the verdicts and their order are the same, in few rounds', async () => {
  const { inputs, calls } = await run(true)
  expect(outcome(inputs)).toEqual(expected)
  expect(calls).toBeLessThanOrEqual(4)
})

test('gossip is judged before it is passed on, and its signature checked once', async () => {
  const inputs: Input[] = []
  let checks = 0
  const { transport } = await runScript({
    parts: {
      core: authorsCore(inputs) as unknown as DrivenCore<undefined, typeof alice>,
      verify: (publicKey, message, signature) => {
        checks += 1
        return isGood({ publicKey, message, signature })
      },
    },
  })
  const topic = topicName('t')
  const { mayPassOn, gossip } = transport.events()
  const [good, forged, unknown] = [bytes(0, 5, 1), bytes(0, 6, 0), bytes(1, 9, 1)]
  expect(await mayPassOn(alice, topic, good)).toBe(true)
  gossip(alice, topic, good)
  await until(() => outcome(inputs).length === 1)
  expect(checks).toBe(1)
  expect(await mayPassOn(alice, topic, forged)).toBe(false)
  expect(await mayPassOn(alice, topic, unknown)).toBe(false)
  gossip(alice, topic, forged)
  gossip(alice, topic, unknown)
  await until(() => outcome(inputs).length === 3)
  expect(outcome(inputs)).toEqual(['received 3', 'bad-signature', 'author-unknown'])
})

test('a verifier that breaks stops the drive rather than admit or refuse anything', async () => {
  const inputs: Input[] = []
  const { drive, transport } = await runScript({
    parts: {
      core: authorsCore(inputs) as unknown as DrivenCore<undefined, typeof alice>,
      verifyBatch: () => Promise.reject(new Error('no WebCrypto')),
    },
  })
  transport.events().frame(alice, 'sync', bytes(0, 1, 1))
  await expect(drive.finished).rejects.toThrow('no WebCrypto')
  expect(outcome(inputs)).toEqual([])
})
