/** The host's own clocks: a monotonic one for deadlines and a wall clock which may jump. */
import { instant, timestamp } from '../core/base.ts'
import type { Clock } from './ports.ts'

/** Longest wait that setTimeout takes; longer ones are cut into pieces. */
const timeoutMax = 2_147_483_647

export const systemClock: Clock = {
  now: () => ({
    instant: instant(Math.round(performance.timeOrigin + performance.now())),
    wall: timestamp(Date.now()),
  }),
  at: (due, callback) => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const arm = (): void => {
      const left = due - systemClock.now().instant
      if (left > 0) timer = setTimeout(arm, Math.min(left, timeoutMax))
      else callback()
    }
    const first = due - systemClock.now().instant
    timer = setTimeout(arm, Math.max(0, Math.min(first, timeoutMax)))
    return () => clearTimeout(timer)
  },
}

/** Lets timers, sockets and painting have their turn; faster than a timer of 0 where the host has a message channel. */
export const yieldToHost = (): Promise<void> =>
  new Promise(resolve => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(undefined)
  })
