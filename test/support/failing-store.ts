/** A store whose writes and reads fail when told to, as a full disk or a closed database does. */
import type { Store } from '../../protocol/shell/ports.ts'

export type FailingStore = Store & {
  /** From now on every use fails, until `heal`. */
  readonly fail: () => void
  readonly heal: () => void
  /** The n-th write from now (1 = the next) fails, once. */
  readonly failWrite: (n: number) => void
  readonly writes: () => number
  readonly attempts: () => number
}

export const failingStore = (inner: Store): FailingStore => {
  let isFailing = false
  let countdown = 0
  let writes = 0
  let attempts = 0
  const broken = (): Promise<never> => Promise.reject(new Error('no space left on device'))
  return {
    write: async rows => {
      attempts += 1
      if (countdown > 0) {
        countdown -= 1
        if (countdown === 0) return broken()
      }
      if (isFailing) return broken()
      await inner.write(rows)
      writes += 1
    },
    read: query => (isFailing ? broken() : inner.read(query)),
    close: () => inner.close(),
    fail: () => {
      isFailing = true
    },
    heal: () => {
      isFailing = false
    },
    failWrite: n => {
      countdown = n
    },
    writes: () => writes,
    attempts: () => attempts,
  }
}
