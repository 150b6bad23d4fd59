/** Own operations: sealed for the current epoch, signed, linked to the one before, and then applied by the same path as
 *  everybody else's. */
import { type AuthorId, assert } from './base.ts'
import { certificateOf } from './identity.ts'
import { type ControlBody, encodeControl } from './control.ts'
import { encodeBody } from './body.ts'
import { type Fact, encodeFact } from './fact.ts'
import {
  authorOf,
  deviceMessage,
  encodeGenesisBody,
  encodeGenesisClear,
  writeMessage,
  type RootFields,
} from './genesis.ts'
import { currentEpoch, sealingKey, stateOf } from './groups.ts'
import { ingestOwn } from './ingest.ts'
import type { Priority } from './intent.ts'
import { limits } from './limits.ts'
import { authorLog, headOf } from './log.ts'
import {
  type Op,
  type OpHeader,
  assembleOp,
  encodeOp,
  firstPrev,
  kinds,
  sealPayload,
  signOp,
} from './op.ts'
import { below } from './random.ts'
import type { Group, OwnLog, Peer } from './state.ts'

const clockSlack = 10 * 60_000

/** Own logical clock: after everything seen, but never dragged along by a clock far ahead of the own one. */
const nextHlc = (peer: Peer, group: Group): number => {
  const wall = Math.max(0, Math.floor(peer.now.wall))
  const seen = group.newestHlc > wall + clockSlack ? 0 : group.newestHlc
  const own = group.own === undefined ? 0 : authorLog(group.log, group.own.author).newestHlc
  const after = Math.max(seen, own) + 1 + below(peer.random, 1_024)
  return Math.min(Math.max(wall, after), 2 ** 48 - 1)
}

type Draft = {
  readonly kind: number
  readonly priority: Priority
  readonly payload: (header: OpHeader) => Uint8Array
}

/** Appends one operation to the own log. The caller has made sure that there is a log and an epoch. */
const append = (peer: Peer, group: Group, draft: Draft): Op => {
  const { own } = group
  const epoch = currentEpoch(group)
  assert(own !== undefined && epoch !== undefined, 'writing needs an own log and an epoch')
  const head = headOf(authorLog(group.log, own.author))
  const header: OpHeader = {
    kind: draft.kind,
    priority: draft.priority,
    author: own.author,
    seq: head === undefined ? 0 : head.seq + 1,
    hlc: nextHlc(peer, group),
    prev: head?.prefix ?? firstPrev,
    keyId: epoch.keyId,
  }
  const op = signOp(assembleOp(group.gid, header, draft.payload(header), undefined), message =>
    peer.cryptography.sign(own.secret, message),
  )
  ingestOwn(peer, group, op)
  if (op.header.length + op.payload.length + 66 <= limits.gossipBytesMax) {
    peer.effects.push({ type: 'publish', topic: epoch.topic, bytes: encodeOp(op) })
  }
  return op
}

/** A new log of this device in the group: a fresh author key and its first operation. */
export const startLog = (
  peer: Peer,
  group: Group,
  options: {
    readonly log: OwnLog
    readonly name: string
    readonly unit: string
    readonly root?: RootFields
  },
): void => {
  const { device, cryptography } = peer
  const epoch = currentEpoch(group)
  assert(device !== undefined && epoch !== undefined, 'a log needs a device and an epoch')
  const { log, name, unit, root } = options
  const authorPublic = cryptography.publicKey(log.secret)
  group.own = log
  group.metaDirty = true
  const clear = encodeGenesisClear({
    authorKey: authorPublic,
    epoch: epoch.id,
    writeSignature: cryptography.sign(epoch.writeSecret, writeMessage(group.gid, authorPublic)),
    root,
  })
  const certificate = certificateOf(peer, device, { name, unit })
  const body = encodeGenesisBody({
    incarnation: log.incarnation,
    certificate,
    deviceSignature: cryptography.sign(
      device.secret,
      deviceMessage(group.gid, authorPublic, log.incarnation),
    ),
  })
  append(peer, group, {
    kind: kinds.genesis,
    priority: 'routine',
    payload: header =>
      sealPayload(sealingKey(group, epoch, 'control', log.author), header, body, clear),
  })
}

/** A fresh log key; its author id depends on the group. */
export const createOwnLog = (peer: Peer, gid: Group['gid'], incarnation: number): OwnLog => {
  const secret = peer.random.bytes(32)
  return { author: authorOf(gid, peer.cryptography.publicKey(secret)), secret, incarnation }
}

const sealed = (group: Group, purpose: 'content' | 'control', body: Uint8Array) => {
  const epoch = currentEpoch(group)
  const { own } = group
  assert(epoch !== undefined && own !== undefined, 'sealing needs an epoch and a log')
  return (header: OpHeader): Uint8Array =>
    sealPayload(sealingKey(group, epoch, purpose, own.author), header, body)
}

type WithoutHeads<T> = T extends unknown ? Omit<T, 'heads'> : never

/** A control operation on top of everything this peer knows of the group's control state. */
export const appendControl = (
  peer: Peer,
  group: Group,
  body: WithoutHeads<Exclude<ControlBody, { readonly type: 'unknown' }>>,
): Op => {
  const heads = stateOf(group).heads.slice(0, limits.controlHeadsMax)
  const bytes = encodeControl({ ...body, heads })
  return append(peer, group, {
    kind: kinds.control,
    priority: 'urgent',
    payload: sealed(group, 'control', bytes),
  })
}

/** A kind-3 operation, readable in clear: the payload is made elsewhere. */
export const appendEpoch = (peer: Peer, group: Group, payload: Uint8Array): Op =>
  append(peer, group, { kind: kinds.epoch, priority: 'urgent', payload: () => payload })

/** A fact, naming the newest heads of other logs seen since the own last one: causal order and implicit delivery. */
export const appendFact = (peer: Peer, group: Group, fact: Fact, priority: Priority): Op => {
  const deps = [...group.freshHeads]
    .slice(-limits.depsMax)
    .map(([author, seq]): { author: AuthorId; seq: number } => ({ author, seq }))
  group.freshHeads.clear()
  const body = encodeBody({ deps, cbor: encodeFact(fact) })
  return append(peer, group, {
    kind: kinds.fact,
    priority,
    payload: sealed(group, 'content', body),
  })
}

/** A change of the shared state document. */
export const appendState = (peer: Peer, group: Group, update: Uint8Array): Op =>
  append(peer, group, {
    kind: kinds.state,
    priority: 'routine',
    payload: sealed(group, 'content', update),
  })
