/** What screens, the CLI and reports show, made anew from a peer's state on each call; nothing is remembered here and no word
 *  is stronger than what the ledger and the resolved membership prove. */
import {
  type AuthorId,
  type DeviceId,
  type GroupId,
  type Now,
  type Timestamp,
  millis,
  timestamp,
} from './base.ts'
import { countCarried } from './carry.ts'
import { cborToFact } from './fact.ts'
import { isMember, memberOf, messageId, stateOf } from './groups.ts'
import type { MessageId } from './intent.ts'
import { authorLog, heldOp } from './log.ts'
import type { TimelineMessage } from './timeline.ts'
import { flushEntries } from './ingest.ts'
import { ledgerDetailsOf, ledgerOf } from './ledger-view.ts'
import { neighboursOf } from './link.ts'
import { kinds } from './op.ts'
import { presenceOf } from './presence.ts'
import { countMissing } from './push.ts'
import { assert } from './base.ts'
import type {
  AppView,
  GroupSummary,
  GroupView,
  LinkView,
  MemberView,
  MessageBody,
  MessageView,
} from './screen.ts'
import type { Group, LedgerEntry, Link, Peer } from './state.ts'

/** A claimed time this far ahead of the own clock is shown as suspect and clamped. */
const clockSlack = 600_000
/** 1 January 2020: no message of this program is older. */
const earliestPlausible = 1_577_836_800_000

export const viewOf = (peer: Peer, now: Now): AppView => {
  const { device } = peer
  assert(device !== undefined, 'a view needs a started peer')
  const groups = [...peer.groups.values()]
    .filter(group => group.role !== 'carrier')
    .map(group => summaryOf(peer, group, now))
  const carried = countCarried(peer)
  return {
    device: device.id,
    peer: peer.peer,
    name: device.name,
    unit: device.unit,
    groups: groups.toSorted(
      (a, b) => (b.lastAt ?? 0) - (a.lastAt ?? 0) || (a.group < b.group ? -1 : 1),
    ),
    links: [...peer.links.values()].map(link => linkViewOf(peer, link)),
    carriedOps: carried.ops,
    carriedBytes: carried.bytes,
    storage: peer.storage,
    refusals: Object.fromEntries(peer.refusals),
  }
}

export const groupViewOf = (peer: Peer, gid: GroupId, now: Now): GroupView | undefined => {
  const group = peer.groups.get(gid)
  if (group === undefined || group.role === 'carrier') return undefined
  flushEntries(peer, group)
  const entries = group.timeline.entries()
  const shown = [...entries.slice(-group.window).map(fromEntry), ...lockedRefs(group)]
  const pins = new Set(group.document.read().pins)
  const messages = shown
    .toSorted(
      (a, b) =>
        a.hlc - b.hlc || (a.author < b.author ? -1 : a.author > b.author ? 1 : a.seq - b.seq),
    )
    .map(item => messageOf(peer, group, item, { now, pins }))
  return {
    summary: summaryOf(peer, group, now),
    members: membersOf(peer, group, now),
    messages: messages.filter(message => message !== undefined),
    hasEarlier: group.hasEarlier || group.loadingEarlier || entries.length > group.window,
    outbox: [...group.outbox.values()],
    forks: [...group.log.authors.values()].filter(log => log.forkAt !== undefined).length,
  }
}

type Shown = {
  readonly author: AuthorId
  readonly seq: number
  readonly hlc: number
  readonly value: TimelineMessage['value'] | undefined
}
const fromEntry = ({ author, seq, hlc, value }: TimelineMessage): Shown => ({
  author,
  seq,
  hlc,
  value,
})

/** Facts that cannot be opened yet stand at their place. */
const lockedRefs = (group: Group): readonly Shown[] =>
  [...group.locked.values()]
    .filter(op => op.kind === kinds.fact)
    .map(({ author, seq, hlc }) => ({ author, seq, hlc, value: undefined }))

const summaryOf = (peer: Peer, group: Group, now: Now): GroupSummary => {
  flushEntries(peer, group)
  const state = stateOf(group)
  const shared = group.document.read()
  const last = group.timeline.entries().at(-1)
  const text = last === undefined ? undefined : bodyOf(group, fromEntry(last))
  return {
    group: group.gid,
    title: shared.title ?? state.policy?.title ?? '',
    purpose: shared.purpose ?? state.policy?.purpose ?? '',
    kind: state.policy?.kind ?? 'temporary',
    state: stateWord(peer, group),
    refusal: group.joining?.refused,
    members: [...state.members.values()].filter(member => !member.left).length,
    unread: group.unread,
    heldOnly:
      [...group.ledger.values()].filter(entry => isHeldOnly(entry)).length + group.outbox.size,
    lastText: text?.type === 'text' ? text.text : '',
    lastName: last === undefined ? '' : nameOf(group, last.author).name,
    lastAt: last === undefined ? undefined : shownTime(last.hlc, now).at,
    missing: missingOf(peer, group),
    receipts: state.policy?.receipts ?? false,
  }
}

const isHeldOnly = (entry: LedgerEntry): boolean =>
  entry.carriedBy.size === 0 && entry.delivered.size === 0

const stateWord = (peer: Peer, group: Group): GroupSummary['state'] => {
  if (group.role === 'joining') {
    return group.joining?.refused === undefined ? 'waiting-for-admission' : 'refused'
  }
  return group.role === 'left' || !isMember(peer, group) ? 'left' : 'member'
}

const missingOf = (peer: Peer, group: Group): number => {
  let most = 0
  for (const [, shared] of neighboursOf(peer, group.gid)) {
    most = Math.max(most, countMissing(group, shared))
  }
  return most
}

const nameOf = (
  group: Group,
  author: AuthorId,
): { readonly name: string; readonly unit: string } => {
  const info = group.authors.get(author)
  const member = memberOf(group, info?.device)
  return {
    name: member?.name ?? info?.name ?? author.slice(0, 6),
    unit: member?.unit ?? info?.unit ?? '',
  }
}

const shownTime = (
  hlc: number,
  now: Now,
): { readonly at: Timestamp; readonly suspect: boolean } => {
  const suspect = hlc > now.wall + clockSlack || hlc < earliestPlausible
  return { at: timestamp(suspect ? Math.min(hlc, now.wall) : hlc), suspect }
}

const bodyOf = (group: Group, item: Shown): MessageBody => {
  const log = group.log.authors.get(item.author)
  if (log?.forkAt !== undefined && item.seq >= log.forkAt) return { type: 'disputed' }
  if (item.value === undefined) return { type: 'waiting-for-key' }
  const fact = cborToFact(item.value)
  if (!fact.ok || fact.value.type !== 'message') return { type: 'needs-newer-version' }
  const { text, replyTo } = fact.value
  return replyTo === undefined
    ? { type: 'text', text }
    : { type: 'text', text, replyTo: messageId(replyTo) }
}

type MessageContext = { readonly now: Now; readonly pins: ReadonlySet<MessageId> }

/** Undefined: its author is known and not a member, so it is evidence, not conversation. */
const messageOf = (
  peer: Peer,
  group: Group,
  item: Shown,
  context: MessageContext,
): MessageView | undefined => {
  const info = group.authors.get(item.author)
  if (info !== undefined && memberOf(group, info.device) === undefined) return undefined
  const id = messageId(item)
  const op = heldOp(group.log, item.author, item.seq)
  const arrival = group.arrivals.get(id)
  const { at, suspect } = shownTime(item.hlc, context.now)
  const isOwnLog = item.author === group.own?.author
  const entry = isOwnLog ? group.ledger.get(item.seq) : undefined
  return {
    id,
    author: item.author,
    device: info?.device,
    ...nameOf(group, item.author),
    mine: isOwnLog || (info !== undefined && info.device === peer.device?.id),
    priority: op?.priority ?? 'routine',
    body: bodyOf(group, item),
    sentAt: at,
    clockSuspect: suspect,
    receivedAt: arrival === undefined ? undefined : timestamp(arrival.receivedAt),
    late: arrival?.late ?? false,
    pinned: context.pins.has(id),
    ledger: entry === undefined ? undefined : ledgerOf(entry),
    details: entry === undefined ? undefined : ledgerDetailsOf(group, entry, op),
  }
}

const membersOf = (peer: Peer, group: Group, now: Now): readonly MemberView[] => {
  const authorsByDevice = new Map<DeviceId, AuthorId[]>()
  for (const [author, { device }] of group.authors) {
    authorsByDevice.set(device, [...(authorsByDevice.get(device) ?? []), author])
  }
  return [...stateOf(group).members.values()].map(member => {
    const authors = authorsByDevice.get(member.device) ?? []
    const me = member.device === peer.device?.id
    const known = authors
      .map(author => presenceOf(peer, group, author))
      .find(slot => slot !== undefined)
    const newest = Math.max(0, ...authors.map(author => authorLog(group.log, author).newestHlc))
    const seen = Math.max(newest, known?.slot.hlc ?? 0)
    const isDirect = known?.peer !== undefined && peer.links.has(known.peer)
    return {
      device: member.device,
      name: member.name,
      unit: member.unit,
      role: member.role,
      me,
      left: member.left,
      reachable: me || isDirect ? 'direct' : known === undefined ? 'unknown' : 'carried',
      lastSeen: seen === 0 ? undefined : shownTime(seen, now).at,
      page: me ? peer.presence.page : (known?.presence?.page ?? 'unknown'),
      availability: me ? peer.presence.availability : (known?.presence?.availability ?? 'unknown'),
    }
  })
}

const linkViewOf = (peer: Peer, link: Link): LinkView => {
  let toSend = 0
  let member: LinkMember | undefined
  for (const [gid, shared] of link.groups) {
    toSend += shared.fresh.length
    for (const queue of shared.queues) toSend += queue.length
    member ??= memberAt(peer, gid, link)
  }
  return {
    peer: link.peer,
    device: member?.device,
    name: member?.name,
    roundTrip: link.roundTrip === undefined ? undefined : millis(link.roundTrip),
    toSend,
    sharedGroups: link.groups.size,
    sentBytes: link.sentBytes,
    receivedBytes: link.receivedBytes,
  }
}

type LinkMember = { readonly device: DeviceId | undefined; readonly name: string }

const memberAt = (peer: Peer, gid: GroupId, link: Link): LinkMember | undefined => {
  const group = peer.groups.get(gid)
  if (group === undefined) return undefined
  for (const { peer: at, slot } of group.slots.values()) {
    if (at !== link.peer) continue
    return { device: group.authors.get(slot.author)?.device, name: nameOf(group, slot.author).name }
  }
  return undefined
}
