/** Looks at all hosts of a world again and again while things go wrong: no word may be stronger than what was really
 *  written down, none may go back, nothing may be shown out of its author's order, and no memory may grow without bound. */
import type { Peer } from '#protocol'
import type { Host } from './host.ts'
import { checkMemory } from './memory.ts'
import type { World } from './world.ts'

export type Watch = {
  /** Call between steps. */
  readonly look: () => void
  /** A host that lost or took back its memory begins anew. */
  readonly forget: (name: string) => void
  readonly problems: () => readonly string[]
}

type Group = Peer['groups'] extends ReadonlyMap<unknown, infer Value> ? Value : never
type Counts = { readonly carried: number; readonly delivered: number; readonly displayed: number }

/** `liars` say what they like about themselves. */
export const createWatch = (world: World, liars: readonly string[] = []): Watch => {
  const found = new Set<string>()
  const hostsByDevice = new Map<string, Host>()
  const shownBefore = new Map<string, Counts>()

  const checkLedger = (host: Host, group: Group): void => {
    const { own } = group
    if (own === undefined) return
    for (const entry of group.ledger.values()) {
      const key = `20${group.gid}${own.author}${entry.seq.toString(16).padStart(12, '0')}`
      const holders = [
        ...[...entry.carriedBy].map(peer => world.hosts.find(({ id }) => id === peer)),
        ...[...entry.delivered].map(device => hostsByDevice.get(device)),
      ]
      for (const holder of holders) {
        if (holder === undefined || liars.includes(holder.name) || holder.everHeld.has(key))
          continue
        found.add(`${host.name} says that ${holder.name} has what it never wrote down`)
      }
      const name = `${host.name} ${group.gid} ${own.author} ${entry.seq}`
      const now = {
        carried: entry.carriedBy.size,
        delivered: entry.delivered.size,
        displayed: entry.displayed.size,
      }
      const before = shownBefore.get(name)
      const isBack =
        before !== undefined &&
        (now.carried < before.carried ||
          now.delivered < before.delivered ||
          now.displayed < before.displayed)
      if (isBack) found.add(`${host.name} took back how far a message got`)
      shownBefore.set(name, now)
    }
  }

  const checkOrder = (host: Host, group: Group): void => {
    const view = world.group(host.name, group.gid)
    const last = new Map<string, number>()
    for (const { author, id, body } of view?.messages ?? []) {
      const seq = Number(id.split('.')[1])
      if (body.type === 'disputed') continue
      if (seq <= (last.get(author) ?? -1)) {
        found.add(`${host.name} shows an author's messages out of order`)
      }
      last.set(author, seq)
    }
  }

  return {
    look: () => {
      for (const host of world.hosts) {
        const { device } = host.peer
        if (device !== undefined) hostsByDevice.set(device.id, host)
      }
      for (const host of world.hosts) {
        if (!host.isUp || host.unperformed.length > 0 || liars.includes(host.name)) continue
        for (const problem of checkMemory(host.name, host.peer)) found.add(problem)
        for (const group of host.peer.groups.values()) {
          if (group.role === 'carrier') continue
          checkLedger(host, group)
          checkOrder(host, group)
        }
      }
    },
    forget: name => {
      for (const key of shownBefore.keys()) if (key.startsWith(`${name} `)) shownBefore.delete(key)
    },
    problems: () => [...found],
  }
}
