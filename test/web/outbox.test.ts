/** The outbox hands every text to the peer exactly once, wherever the page is cut short: before or after any write, before
 *  or after the peer has saved it. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { memoryKv } from '../../web/engine/kv.ts'
import { createOutbox } from '../../web/engine/outbox.ts'
import { openCipher, sealedValues } from '../../web/engine/vault.ts'
import { groupId } from '../../protocol/core/base.ts'
import type { GroupView, Intent, IntentAnswer, Refusal, Result } from '#protocol'
import type { PendingText } from '../../web/engine/client.ts'
import type { Kv } from '../../web/engine/kv.ts'

const group = groupId('0123456789abcdef0123456789abcdef')

const text = (at: number, words: string): PendingText => ({
  id: String(at).padStart(6, '0'),
  group,
  text: words,
  priority: 'routine',
  writtenAt: at,
})

/** A peer that keeps what it saved over a crash of the page, as a store does. */
const createPeer = (isWaiting: boolean) => {
  const saved: string[] = []
  const view = (): GroupView => {
    const own = saved.map((words, index) => ({
      id: `aaaaaaaaaaaaaaaa.${index}`,
      mine: true,
      body: { type: 'text', text: words },
    }))
    return {
      summary: { group, state: isWaiting ? 'waiting-for-admission' : 'member' },
      messages: isWaiting ? [] : own,
      outbox: isWaiting ? saved.map(words => ({ text: words, priority: 'routine' })) : [],
    } as unknown as GroupView
  }
  const dispatch = (intent: Intent): Promise<Result<IntentAnswer, Refusal>> => {
    if (intent.type === 'send-text') saved.push(intent.text)
    return Promise.resolve({ ok: true, value: { type: 'done' } })
  }
  return { saved, group: () => view(), dispatch }
}

class Crash extends Error {}

/** Stops the page at the given step: each write and each saving is a step before and a step after. */
const createBreaker = (step: number) => {
  let steps = 0
  return (): void => {
    steps += 1
    if (steps === step) throw new Crash()
  }
}

const breakable = (kv: Kv, breaker: () => void): Kv => ({
  ...kv,
  put: async entries => {
    breaker()
    await kv.put(entries)
    breaker()
  },
})

const open = (kv: Kv) => createOutbox(kv, sealedValues(openCipher))

test.each([false, true])(
  'every text arrives exactly once, in order (waiting for admission: %s)',
  async isWaiting => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('收到', '到位', '好'), { minLength: 1, maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 6 }),
        async (words, crashes) => {
          const kv = memoryKv()
          const peer = createPeer(isWaiting)
          for (const [at, word] of words.entries()) await open(kv).add(text(at, word))
          for (const step of crashes) {
            const breaker = createBreaker(step)
            const cut = {
              group: peer.group,
              dispatch: async (intent: Intent) => {
                breaker()
                const answer = await peer.dispatch(intent)
                breaker()
                return answer
              },
            }
            await open(breakable(kv, breaker))
              .drain(cut)
              .catch((cause: unknown) => {
                if (!(cause instanceof Crash)) throw cause
              })
          }
          await open(kv).drain(peer)
          expect(peer.saved).toEqual(words)
          expect(await open(kv).list()).toEqual([])
        },
      ),
      { numRuns: 300 },
    )
  },
)

test('a text that the peer refuses for good stays with its reason and holds up nothing', async () => {
  const kv = memoryKv()
  const outbox = open(kv)
  await outbox.add(text(1, 'too long'))
  await outbox.add(text(2, 'fine'))
  const peer = createPeer(false)
  const refusing = {
    group: peer.group,
    dispatch: (intent: Intent): Promise<Result<IntentAnswer, Refusal>> =>
      intent.type === 'send-text' && intent.text === 'too long'
        ? Promise.resolve({ ok: false, error: { type: 'text-too-long' } })
        : peer.dispatch(intent),
  }
  await outbox.drain(refusing)
  await outbox.drain(refusing)
  expect(peer.saved).toEqual(['fine'])
  expect(await outbox.list()).toMatchObject([{ text: 'too long', refused: 'text-too-long' }])
})

test('texts of a group that the peer does not know yet wait', async () => {
  const kv = memoryKv()
  const outbox = open(kv)
  await outbox.add(text(1, 'early'))
  const peer = createPeer(false)
  await outbox.drain({ ...peer, group: () => undefined })
  expect(await outbox.list()).toHaveLength(1)
  await outbox.drain(peer)
  expect(peer.saved).toEqual(['early'])
})
