/** An answer is waited for, a full disk is not. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { answerOf } from '../../node/answer.ts'
import type { Drive, DriveEvent } from '../../protocol/shell/drive.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

type Answer = Awaited<ReturnType<Drive['dispatch']>>
const saved: Answer = { ok: true, value: { type: 'saved', message: 'a.1', waiting: false } }
const intent = { type: 'load-earlier', group: 'g' } as unknown as Parameters<Drive['dispatch']>[0]

const givenDrive = (storage: 'ok' | 'failing' = 'ok') => {
  const listeners = new Set<(event: DriveEvent) => void>()
  let answer: (value: Answer) => void = () => undefined
  return {
    drive: {
      dispatch: () =>
        new Promise<Answer>(resolve => {
          answer = resolve
        }),
      subscribe: (listener: (event: DriveEvent) => void) => {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
      app: () => ({ storage }) as unknown as ReturnType<Drive['app']>,
    },
    listeners,
    answer: () => answer(saved),
    storage: (state: 'ok' | 'failing') => {
      for (const listener of listeners) listener({ type: 'storage', state })
    },
  }
}

test('a slow peer is waited for', async () => {
  const given = givenDrive()
  const answered = answerOf(given.drive, intent)
  await vi.advanceTimersByTimeAsync(60_000)
  given.answer()
  expect(await answered).toBe(saved)
  expect(given.listeners.size).toBe(0)
})

test('storage that fails for a moment does not show', async () => {
  const given = givenDrive()
  const answered = answerOf(given.drive, intent)
  given.storage('failing')
  await vi.advanceTimersByTimeAsync(1_000)
  given.storage('ok')
  await vi.advanceTimersByTimeAsync(60_000)
  given.answer()
  expect(await answered).toBe(saved)
})

test.each(['before', 'during'])('storage that fails %s it is not waited for', async when => {
  const given = givenDrive(when === 'before' ? 'failing' : 'ok')
  const answered = answerOf(given.drive, intent)
  if (when === 'during') given.storage('failing')
  await vi.advanceTimersByTimeAsync(2_000)
  expect(await answered).toBeUndefined()
  expect(given.listeners.size).toBe(0)
})
