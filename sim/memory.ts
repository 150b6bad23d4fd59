/** What a peer keeps in memory, measured: every map, set and list of it has a bound here, so that one that grows with what
 *  others send is found by any run that looks. A collection without a line here is a problem by itself. */
import { type Peer, limits } from '#protocol'

const heldMax = Math.ceil(limits.heldOpsMax * 1.125)
const edgesMax = limits.authorsMax
const rangesMax = limits.rangesHeldMax + 2
const any = Number.POSITIVE_INFINITY

/** By path; a star stands for every member. Unbounded ones are bounded by what their own person does, or stand as hot rows
 *  in memory by design (control and state operations). */
const bounds: Readonly<Record<string, number>> = {
  groups: 512,
  links: 1_024,
  loads: 1_024,
  refusals: 64,
  rows: 0,
  effects: 0,
  addresses: limits.inviteAddressesMax,
  'joinDesk.asking': limits.joinRequestsMax,
  'joinDesk.asking.*.asked': limits.joinRequestsMax,
  'joinDesk.held': limits.joinRequestsMax,
  'joinDesk.held.*.from': limits.joinRequestsMax,
  'joinDesk.held.*.passed': limits.joinRequestsMax,
  'joinDesk.answered': limits.joinRequestsMax,
  'groups.*.log.authors': limits.authorsMax,
  'groups.*.log.authors.*.ranges': rangesMax,
  'groups.*.log.authors.*.tails': edgesMax,
  'groups.*.log.authors.*.fronts': edgesMax,
  'groups.*.log.held': limits.authorsMax,
  'groups.*.log.held.*': any,
  'groups.*.log.table': limits.authorsMax,
  'groups.*.writeKeys': 256,
  'groups.*.epochs': 256,
  'groups.*.authorKeys': 2 * limits.authorsMax,
  'groups.*.controlOps': any,
  'groups.*.state.members': any,
  'groups.*.state.invites': any,
  'groups.*.state.heads': any,
  'groups.*.state.refused': any,
  'groups.*.authors': limits.authorsMax,
  'groups.*.joining.invite.addresses': limits.inviteAddressesMax,
  'groups.*.waitingState': limits.authorsMax,
  'groups.*.waitingState.*': any,
  'groups.*.appliedState': any,
  'groups.*.ledger': limits.ledgerRowsMax,
  'groups.*.ledger.*.recipients': limits.authorsMax,
  'groups.*.ledger.*.carriedBy': limits.authorsMax,
  'groups.*.ledger.*.delivered': limits.authorsMax,
  'groups.*.ledger.*.displayed': limits.authorsMax,
  'groups.*.arrivals': 2 * heldMax,
  'groups.*.locked': limits.lockedMax,
  'groups.*.pendingEntries': heldMax,
  'groups.*.forks': limits.authorsMax,
  'groups.*.slots': limits.authorsMax * limits.slotsPerAuthorMax,
  'groups.*.slots.*.addresses': limits.inviteAddressesMax,
  'groups.*.outbox': limits.outboxMax,
  'groups.*.freshHeads': limits.authorsMax,
  'groups.*.toAck': limits.authorsMax,
  'groups.*.toAck.*': rangesMax,
  'groups.*.toDisplay': limits.authorsMax,
  'groups.*.toDisplay.*': rangesMax,
  'groups.*.displayed': limits.authorsMax,
  'groups.*.displayed.*': rangesMax,
  'groups.*.oldest.value': 16,
  'groups.*.dirtyLogs': 0,
  'groups.*.dirtyLedger': 0,
  'links.*.mine': limits.helloGroupsMax,
  'links.*.mine.*.vector': limits.authorsMax,
  'links.*.mine.*.table': limits.authorsMax,
  'links.*.hello.groups': limits.helloGroupsMax,
  'links.*.theirs': limits.helloGroupsMax,
  'links.*.theirHello': limits.helloGroupsMax,
  'links.*.groups': limits.helloGroupsMax,
  'links.*.groups.*.vector': limits.authorsMax,
  'links.*.groups.*.vector.*': rangesMax,
  'links.*.groups.*.sent': limits.authorsMax,
  'links.*.groups.*.sent.*': rangesMax,
  'links.*.groups.*.told': limits.authorsMax,
  'links.*.groups.*.told.*': rangesMax,
  'links.*.groups.*.queues': 5,
  'links.*.groups.*.queues.*': 2 * heldMax,
  'links.*.groups.*.fresh': 2 * heldMax,
  'links.*.groups.*.historySkipped': limits.authorsMax,
  'links.*.groups.*.refused': limits.refusedStretchesMax,
  'links.*.groups.*.slotsSent': limits.authorsMax * limits.slotsPerAuthorMax,
  'links.*.inFlight': 512,
  'links.*.framesRefused': limits.ackRefusedMax,
  'links.*.haveDue': limits.helloGroupsMax,
  'links.*.carryAsked': limits.helloGroupsMax,
  'links.*.forksSent': limits.authorsMax,
  'links.*.forksShown': limits.authorsMax,
}

/** Not walked: chance, cryptography, closures, and plain values. */
const isWalked = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !ArrayBuffer.isView(value)

/** Beneath these only operations and rows are found, whose sizes are limited where they are decoded. */
const leaves = new Set([
  'groups.*.log.held.*',
  'groups.*.log.authors.*.tails',
  'groups.*.log.authors.*.fronts',
  'groups.*.controlOps',
  'groups.*.locked',
  'groups.*.pendingEntries',
  'groups.*.forks',
  'groups.*.state.heads',
  'groups.*.waitingState.*',
  'groups.*.appliedState',
  'links.*.groups.*.queues.*',
  'links.*.groups.*.fresh',
  'links.*.mine.*.vector',
  'loads',
])
const skipped = new Set(['random', 'cryptography', 'deadlines', 'document', 'timeline', 'device'])

/** The largest size found at every path. */
export const sizesOf = (peer: Peer): ReadonlyMap<string, number> => {
  const sizes = new Map<string, number>()
  const note = (path: string, size: number): void => {
    sizes.set(path, Math.max(sizes.get(path) ?? 0, size))
  }
  const walk = (value: unknown, path: string): void => {
    if (!isWalked(value)) return
    if (value instanceof Map || value instanceof Set || Array.isArray(value)) {
      const members: readonly unknown[] = [...value.values()]
      note(path, members.length)
      if (leaves.has(path)) return
      for (const member of members) walk(member, `${path}.*`)
      return
    }
    for (const [name, member] of Object.entries(value)) {
      if (!skipped.has(name)) walk(member, path === '' ? name : `${path}.${name}`)
    }
  }
  walk(peer, '')
  return sizes
}

export const checkMemory = (name: string, peer: Peer): readonly string[] => {
  const problems: string[] = []
  for (const [path, size] of sizesOf(peer)) {
    const bound = bounds[path]
    if (bound === undefined) problems.push(`${name}: ${path} has no bound`)
    else if (size > bound) problems.push(`${name}: ${path} holds ${size}, at most ${bound} allowed`)
  }
  for (const group of peer.groups.values()) {
    if (group.log.heldCold > heldMax) problems.push(`${name} holds ${group.log.heldCold} in memory`)
    const shown = Math.max(limits.heldOpsMax, group.window) * 1.25
    if (group.timeline.size() > shown) problems.push(`${name} shows ${group.timeline.size()}`)
  }
  return problems
}
