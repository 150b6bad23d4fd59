/** The machine: one peer is `step(peer, now, input) → effects`. Here inputs are routed to what they mean and the rows and
 *  effects of one step are gathered; what things mean stands in the files named in the switch. */
import { type Now, type PeerId, type Topic, assert, instant, later, timestamp } from './base.ts'
import { writeAck } from './ack.ts'
import { answerWaiting, completeJoin, forgetNeighbour, onJoinRequest } from './admission.ts'
import { type VerifiedMessage, isPaced } from './admit.ts'
import { dropCarried, onCarry, sweepCarried } from './carry.ts'
import { type Cryptography, nobleCryptography } from './crypto.ts'
import { createDeadlines } from './deadlines.ts'
import { onHeads, sendHead } from './fork.ts'
import { noteGiven, sendChanges } from './have.ts'
import { flushGroup } from './groups.ts'
import { flushEntries, ingestOps, onForkRows, refuse, retryLocked } from './ingest.ts'
import { perform } from './intents.ts'
import type { Effect, Input, StepResult } from './input.ts'
import { limits } from './limits.ts'
import { askNeighbour, onJoinAnswer, onJoinRefused, seekAdmission } from './join-ask.ts'
import { createJoinDesk } from './join-desk.ts'
import { passRequests } from './join-forward.ts'
import { type Op, decodeRecord } from './op.ts'
import { checkStored, onStored, startIncarnation } from './own-log.ts'
import { onSlots, tellPresence, wishForLinks } from './presence.ts'
import { pump, readAck, sendHistory } from './push.ts'
import type { Random } from './random.ts'
import { type Refusal, refusal } from './refusal.ts'
import { restore } from './restore.ts'
import type { Row } from './row.ts'
import type { Group, Link, Load, Peer } from './state.ts'
import {
  begin,
  linkDown,
  linkUp,
  noteDurable,
  onDone,
  onHave,
  onHello,
  onWant,
  renewHellos,
  sendAck,
} from './sync.ts'
import { onArrivals, onWindowOps } from './window.ts'

/** HELLOs of one neighbour: so many at once, and one in so many milliseconds; more are charged. */
const helloBurst = 8
const helloEvery = 250

/** A peer before its first input. `random` is its only chance; `cryptography` the fastest the host has. */
export const createPeer = (options: {
  readonly peer: PeerId
  readonly random: Random
  readonly cryptography?: Cryptography
}): Peer => ({
  peer: options.peer,
  random: options.random,
  cryptography: options.cryptography ?? nobleCryptography,
  device: undefined,
  groups: new Map(),
  links: new Map(),
  deadlines: createDeadlines(),
  loads: new Map(),
  nextLoad: 1,
  joinDesk: createJoinDesk(),
  presence: { page: 'none', availability: 'available' },
  addresses: [],
  topics: '',
  storage: 'ok',
  refusals: new Map(),
  now: { instant: instant(0), wall: timestamp(0) },
  rows: [],
  effects: [],
})

/** Takes one input and answers with everything to be done about it. Synchronous and bounded; the same inputs at the same
 *  times give the same effects. The first input is `started`. */
export const step = (peer: Peer, now: Now, input: Input): StepResult => {
  assert(peer.device !== undefined || input.type === 'started', 'the first input is started')
  peer.now = now
  perceive(peer, input)
  settle(peer)
  const effects: Effect[] = []
  if (peer.rows.length > 0) effects.push({ type: 'persist', rows: peer.rows.splice(0) })
  effects.push(...peer.effects.splice(0))
  return { effects: withoutRepeats(effects), wakeAt: peer.deadlines.next() }
}

const perceive = (peer: Peer, input: Input): void => {
  switch (input.type) {
    case 'started':
      restore(peer, input.rows)
      for (const group of peer.groups.values()) {
        if (input.isCopy === true) startIncarnation(peer, group)
        checkStored(peer, group)
      }
      return
    case 'intent': {
      const answer = perform(peer, input.intent)
      peer.effects.push({ type: 'answered', request: input.request, answer })
      return
    }
    case 'link-up':
      linkUp(peer, input.peer)
      askNeighbour(peer, input.peer)
      return
    case 'link-down':
      linkDown(peer, input.peer)
      forgetNeighbour(peer, input.peer)
      for (const group of peer.groups.values()) wishForLinks(peer, group)
      return
    case 'received':
      receive(peer, input.from, input.message)
      return
    case 'refused':
      onRefused(peer, input.from, input.refusal)
      return
    case 'loaded':
      onLoaded(peer, input.request, input.rows)
      return
    case 'failed':
      peer.storage = input.storage
      peer.effects.push({ type: 'changed' })
      return
    case 'woken':
      for (const name of peer.deadlines.due(peer.now.instant)) onDeadline(peer, name)
  }
}

/** After every input: who may have become a member, which topics follow, which rows are to be written. */
const settle = (peer: Peer): void => {
  for (const group of peer.groups.values()) {
    completeJoin(peer, group)
    flushEntries(peer, group)
    flushGroup(peer, group)
  }
  const topics = topicsOf(peer)
  const name = topics.join(' ')
  if (name === peer.topics) return
  peer.topics = name
  peer.effects.push({ type: 'subscribe', topics })
}

const topicsOf = (peer: Peer): readonly Topic[] => {
  const topics: Topic[] = []
  for (const group of peer.groups.values()) {
    if (group.role !== 'member') continue
    for (const epoch of [...group.epochs.values()].slice(-4)) topics.push(epoch.topic)
  }
  return topics.toSorted()
}

const withoutRepeats = (effects: readonly Effect[]): readonly Effect[] => {
  const seen = new Set<string>()
  return effects.filter(effect => {
    if (effect.type !== 'changed') return true
    const name = effect.group ?? ''
    if (seen.has(name)) return false
    seen.add(name)
    return true
  })
}

const receive = (peer: Peer, from: PeerId, message: VerifiedMessage): void => {
  const link = peer.links.get(from)
  if (link !== undefined) link.receivedBytes += message.size
  if (message.type === 'join-request') receiveJoinRequest(peer, from, message.request)
  if (message.type === 'join-refused') onJoinRefused(peer, from, message)
  const isWhole = message.type === 'ops' ? receiveOps(peer, from, message) : true
  if (link === undefined) return
  receiveOnLink(peer, link, message)
  if (isPaced(message)) noteDurable(peer, link, isWhole)
}

/** A request that proves nothing is charged like any other bad frame. */
const receiveJoinRequest = (peer: Peer, from: PeerId, request: Uint8Array): void => {
  const fault = onJoinRequest(peer, from, request)
  const link = peer.links.get(from)
  if (fault === undefined) return
  if (link === undefined) refuse(peer, from, fault)
  else charge(peer, link, fault)
}

const receiveOnLink = (peer: Peer, link: Link, message: VerifiedMessage): void => {
  switch (message.type) {
    case 'hello':
      chargeIf(peer, link, hellosTooFast(peer, link))
      onHello(peer, link, message)
      askNeighbour(peer, link.peer)
      passRequests(peer)
      return
    case 'ack':
      chargeIf(peer, link, readAck(peer, link, message))
      return
    case 'carry':
      if (onCarry(peer, link.peer, message.groups)) renewHellos(peer)
      return
    case 'have':
    case 'want':
    case 'done':
    case 'heads':
    case 'slots':
      receiveInGroup(peer, link, message)
      return
    case 'ops':
    case 'join-request':
    case 'join-refused':
      return
  }
}

type GroupMessage = Extract<
  VerifiedMessage,
  { readonly type: 'have' | 'want' | 'done' | 'heads' | 'slots' }
>

const receiveInGroup = (peer: Peer, link: Link, message: GroupMessage): void => {
  const group = peer.groups.get(message.gid)
  if (group === undefined || group.role === 'left') return
  switch (message.type) {
    case 'have':
      chargeIf(peer, link, onHave(peer, link, group, message))
      return
    case 'want':
      onWant(peer, link, group, message.refs)
      return
    case 'done':
      onDone(peer, link, group, message.setHash)
      return
    case 'heads':
      onHeads(peer, link, group, message.heads)
      return
    case 'slots':
      onSlots(peer, link, group, message.slots)
      for (const fault of message.refusals) charge(peer, link, fault)
  }
}

/** True when everything in the message is held now. */
const receiveOps = (
  peer: Peer,
  from: PeerId,
  message: Extract<VerifiedMessage, { readonly type: 'ops' }>,
): boolean => {
  const group = peer.groups.get(message.gid)
  const link = peer.links.get(from)
  const shared = link?.groups.get(message.gid)
  if (group === undefined || group.role === 'left') return false
  const isWhole = ingestOps(peer, group, message.ops, from)
  answerWaiting(peer, group, message.ops)
  if (message.source === 'join') onJoinAnswer(peer, group)
  for (const fault of message.refusals) {
    if (link === undefined) refuse(peer, from, fault)
    else charge(peer, link, fault)
  }
  if (!isWhole || message.refusals.length > 0) return false
  if (shared !== undefined && message.source === 'sync') {
    for (const { author, seq } of message.ops) noteGiven(shared, author, seq)
  }
  return true
}

const onRefused = (peer: Peer, from: PeerId, why: Refusal): void => {
  const link = peer.links.get(from)
  if (link === undefined) {
    refuse(peer, from, why)
    return
  }
  charge(peer, link, why)
  // The sender counted the frame in its window; it is dealt with, whatever it was.
  if (why.isPaced === true) noteDurable(peer, link, false)
}

/** Counts a refusal against the neighbour it came from; too many close the link for a while. An author not known yet is
 *  no fault of the sender. */
const charge = (peer: Peer, link: Link, why: Refusal): void => {
  refuse(peer, link.peer, why)
  if (why.type === 'author-unknown' || why.type === 'group-unknown') return
  link.refusals += 1
  if (link.refusals === limits.refusalsMax)
    peer.effects.push({ type: 'disconnect', peer: link.peer })
}

const chargeIf = (peer: Peer, link: Link, why: Refusal | undefined): void => {
  if (why !== undefined) charge(peer, link, why)
}

/** Groups come and go one by one, and each HELLO costs a whole HAVE in answer. */
const hellosTooFast = (peer: Peer, link: Link): Refusal | undefined => {
  const { instant: now } = peer.now
  const isTooFast = link.helloDue > later(now, helloBurst * helloEvery)
  link.helloDue = later(link.helloDue > now ? link.helloDue : now, helloEvery)
  return isTooFast ? refusal('unexpected', 'HELLO after HELLO') : undefined
}

const onDeadline = (peer: Peer, name: string): void => {
  const [what = '', subject = ''] = name.split('/')
  const group = [...peer.groups.values()].find(({ gid }) => gid === subject)
  const link = [...peer.links.values()].find(({ peer: neighbour }) => neighbour === subject)
  if (group !== undefined) onGroupDeadline(peer, what, group)
  else if (link !== undefined) onLinkDeadline(peer, what, link)
  else if (what === 'carry') sweepCarried(peer)
  else if (what === 'pass') passRequests(peer)
}

const onGroupDeadline = (peer: Peer, what: string, group: Group): void => {
  if (what === 'retry') {
    retryLocked(peer, group)
    peer.effects.push({ type: 'changed', group: group.gid }, { type: 'changed' })
  }
  if (what === 'meta') group.metaDirty = true
  if (what === 'ack') writeAck(peer, group)
  if (what === 'join') seekAdmission(peer, group)
  if (what === 'presence') tellPresence(peer, group)
  if (what === 'incarnate') startIncarnation(peer, group)
}

const onLinkDeadline = (peer: Peer, what: string, link: Link): void => {
  if (what === 'push') pump(peer, link)
  if (what === 'ack') sendAck(peer, link)
  if (what === 'hello') begin(peer, link)
  if (what !== 'have') return
  for (const gid of link.haveDue) {
    const group = peer.groups.get(gid)
    const shared = link.groups.get(gid)
    if (group !== undefined && shared !== undefined) sendChanges(peer, link, group, shared)
  }
  link.haveDue.clear()
}

const onLoaded = (peer: Peer, request: number, rows: readonly Row[]): void => {
  const load = peer.loads.get(request)
  const group = load === undefined ? undefined : peer.groups.get(load.gid)
  peer.loads.delete(request)
  if (load === undefined || group === undefined) return
  continueLoad(peer, group, load, rows)
}

const continueLoad = (peer: Peer, group: Group, load: Load, rows: readonly Row[]): void => {
  switch (load.type) {
    case 'window':
      onArrivals(peer, group, rows, load.earlier)
      return
    case 'window-ops':
      onWindowOps(peer, group, rows, load.arrivals)
      return
    case 'stored':
      onStored(peer, group, load, rows)
      return
    case 'carried':
      dropCarried(peer, group, rows)
      return
    case 'history': {
      const link = peer.links.get(load.peer)
      if (link !== undefined) {
        sendHistory(peer, link, group, { ...load, ops: opsOf(group, rows) })
      }
      return
    }
    case 'fork':
      onForkRows(peer, group, load, opsOf(group, rows))
      return
    case 'head': {
      const link = peer.links.get(load.peer)
      if (link !== undefined) sendHead(peer, link, group, opsOf(group, rows), load.seq)
    }
  }
}

const opsOf = (group: Group, rows: readonly Row[]): readonly Op[] =>
  rows.flatMap(row => {
    const op = decodeRecord(group.gid, row.value)
    return op.ok ? [op.value] : []
  })
