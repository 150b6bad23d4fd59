/** Named deadlines; the next one is all a shell needs to know. Setting a name again moves it, `sooner` only forward. */
import type { Instant } from './base.ts'

export type Deadlines = {
  readonly set: (name: string, at: Instant) => void
  readonly sooner: (name: string, at: Instant) => void
  readonly clear: (name: string) => void
  readonly next: () => Instant | undefined
  /** Removes and returns the names whose time has come, earliest first, ties by name. */
  readonly due: (now: Instant) => readonly string[]
}

export const createDeadlines = (): Deadlines => {
  const atByName = new Map<string, Instant>()
  let earliest: Instant | undefined
  let stale = false
  const recompute = (): void => {
    earliest = undefined
    for (const at of atByName.values()) if (earliest === undefined || at < earliest) earliest = at
    stale = false
  }
  const set = (name: string, at: Instant): void => {
    if (atByName.get(name) === earliest) stale = true
    atByName.set(name, at)
    if (!stale && (earliest === undefined || at < earliest)) earliest = at
  }
  return {
    set,
    sooner: (name, at) => {
      const current = atByName.get(name)
      if (current === undefined || at < current) set(name, at)
    },
    clear: name => {
      if (atByName.get(name) === earliest) stale = true
      atByName.delete(name)
    },
    next: () => {
      if (stale) recompute()
      return earliest
    },
    due: now => {
      const due = [...atByName].filter(([, at]) => at <= now)
      for (const [name] of due) atByName.delete(name)
      if (due.length > 0) stale = true
      due.sort((a, b) => a[1] - b[1] || (a[0] < b[0] ? -1 : 1))
      return due.map(([name]) => name)
    },
  }
}
