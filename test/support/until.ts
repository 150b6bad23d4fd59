/** Waiting without sleeping: ask again and again until an answer is there or a deadline has passed. A test that gives up
 *  says what it saw last, which is most of what a person needs to know. */

export type Wait = {
  /** Give up after this many milliseconds. */
  readonly within?: number
  /** Ask again after this many milliseconds. */
  readonly every?: number
  /** What was waited for, in words; part of the failure. */
  readonly that?: string
}

const pause = (milliseconds: number): Promise<void> =>
  new Promise(resolve => {
    setTimeout(resolve, milliseconds)
  })

const shown = (value: unknown): string => {
  if (value instanceof Error) return value.message
  try {
    return JSON.stringify(value)?.slice(0, 2_000) ?? String(value)
  } catch {
    return String(value)
  }
}

/** Resolves with the first value of `read` that `isRight` accepts. A throwing `read` counts as a value to be shown. */
export const untilValue = async <T>(
  read: () => T | Promise<T>,
  isRight: (value: T) => boolean,
  wait: Wait = {},
): Promise<T> => {
  const { within = 10_000, every = 25, that = 'the condition' } = wait
  const giveUpAt = performance.now() + within
  let last: unknown
  for (;;) {
    try {
      const value = await read()
      last = value
      if (isRight(value)) return value
    } catch (cause) {
      last = cause
    }
    if (performance.now() > giveUpAt)
      throw new Error(`${that} did not come within ${within} ms; last seen: ${shown(last)}`)
    await pause(every)
  }
}

/** Resolves as soon as `condition` holds. */
export const until = async (
  condition: () => boolean | Promise<boolean>,
  wait: Wait = {},
): Promise<void> => {
  await untilValue(condition, holds => holds, wait)
}

/** Resolves with the first value that is not undefined. */
export const untilDefined = async <T>(
  read: () => T | undefined | Promise<T | undefined>,
  wait: Wait = {},
): Promise<T> => {
  const found = await untilValue<T | undefined>(read, value => value !== undefined, wait)
  if (found === undefined) throw new Error('unreachable: untilValue accepts only defined values')
  return found
}

/** Throws when `condition` stops holding within `during` milliseconds: for what must *not* happen. */
export const holds = async (
  condition: () => boolean | Promise<boolean>,
  wait: { readonly during: number; readonly that: string },
): Promise<void> => {
  const endAt = performance.now() + wait.during
  while (performance.now() < endAt) {
    if (!(await condition())) throw new Error(`${wait.that} did not hold for ${wait.during} ms`)
    await pause(50)
  }
}
