/** What must hold after faults stopped and everybody met, in words a reader of a report understands. Each problem names the
 *  host and what differs; an empty list is a pass. */
import type { GroupId, GroupView } from '#protocol'
import type { World } from './world.ts'

/** A message somebody's peer said it had saved. */
export type Saved = {
  readonly host: string
  readonly text: string
  readonly group?: GroupId
  /** It went into the outbox of somebody not let in yet. */
  readonly isWaiting?: boolean
}

/** Convergence, no acknowledged loss, one order, no second notification, honest ledger. */
export const checkConverged = (
  world: World,
  group: GroupId,
  members: readonly string[],
  saved: readonly Saved[],
): readonly string[] => {
  const problems: string[] = []
  const views = members.flatMap(name => {
    showAll(world, name, group)
    const view = world.group(name, group)
    if (view === undefined || view.summary.state !== 'member') problems.push(`${name} is not in`)
    return view === undefined ? [] : [{ name, view }]
  })
  const [first, ...others] = views
  if (first === undefined) return ['nobody has a view']
  for (const { name, view } of others) {
    if (orderOf(view) !== orderOf(first.view)) {
      problems.push(`${name} and ${first.name} show different conversations`)
    }
    if (membersOf(view) !== membersOf(first.view)) {
      problems.push(`${name} and ${first.name} show different members`)
    }
    if (sharedOf(view) !== sharedOf(first.view)) {
      problems.push(`${name} and ${first.name} show different settings`)
    }
  }
  for (const { name, view } of views) problems.push(...checkView(name, view, saved))
  return problems
}

const textOf = (message: GroupView['messages'][number]): string =>
  message.body.type === 'text' ? message.body.text : message.body.type

/** Without what is disputed: nobody passes it on, so who holds which of it is chance. */
const orderOf = (view: GroupView): string =>
  view.messages
    .filter(({ body }) => body.type !== 'disputed')
    .map(message => `${message.id}=${textOf(message)}`)
    .join('\n')

const checkView = (name: string, view: GroupView, saved: readonly Saved[]): readonly string[] => {
  const problems: string[] = []
  const counts = new Map<string, number>()
  for (const message of view.messages) {
    counts.set(textOf(message), (counts.get(textOf(message)) ?? 0) + 1)
    const { ledger } = message
    if (ledger === undefined) continue
    if (ledger.delivered > ledger.recipients || ledger.displayed > ledger.delivered) {
      problems.push(`${name} shows a ledger beyond its proofs`)
    }
    if (ledger.recipients >= view.members.length) {
      problems.push(`${name} counts too many recipients`)
    }
  }
  for (const { host, text } of saved) {
    const count = counts.get(text) ?? 0
    if (count === 0) problems.push(`lost: ${name} never got "${text}" of ${host}`)
    if (count > 1) problems.push(`duplicated: ${name} shows "${text}" ${count} times`)
  }
  if (view.summary.missing > 0) problems.push(`${name} still misses ${view.summary.missing}`)
  return problems
}

const membersOf = (view: GroupView): string =>
  view.members
    .map(({ device, name, role, left }) => `${device} ${name} ${role} ${left}`)
    .toSorted()
    .join('\n')

const sharedOf = ({ summary, messages }: GroupView): string =>
  [
    summary.title,
    summary.purpose,
    ...messages.filter(({ pinned }) => pinned).map(({ id }) => id),
  ].join('\n')

/** Widens the view until the whole conversation is in it. */
const showAll = (world: World, name: string, group: GroupId): void => {
  for (let pages = 0; pages < 100; pages++) {
    if (world.group(name, group)?.hasEarlier !== true) return
    world.ask(name, { type: 'load-earlier', group })
    world.run(1)
  }
}

/** No message was announced twice. */
export const checkNotified = (world: World, name: string): readonly string[] => {
  const { notified } = world.host(name)
  return new Set(notified).size === notified.length ? [] : [`${name} was notified twice`]
}
