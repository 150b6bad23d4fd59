/** Carrying out what a person asks. Each intent either happens whole within one step or is refused with a reason; nothing is
 *  half done. */
import {
  type GroupId,
  type Result,
  authorId,
  failure,
  success,
  timestamp,
  utf8ToBytes,
} from './base.ts'
import { join } from './join-ask.ts'
import { normaliseName } from './certificate.ts'
import { type Policy, policyHash } from './control.ts'
import { identityOf } from './identity.ts'
import type { Fact } from './fact.ts'
import { epochKeys } from './epoch.ts'
import { groupOf } from './genesis.ts'
import { addEpoch, createGroup, isMember, memberOf, messageId } from './groups.ts'
import { flushEntries } from './ingest.ts'
import type { Intent, IntentAnswer, MessageId, Priority } from './intent.ts'
import { encodeInvite } from './invite.ts'
import { inviteSecretFromSeed } from './join.ts'
import { markDisplayed, openLedger } from './ledger.ts'
import { limits } from './limits.ts'
import { renewHellos } from './sync.ts'
import { priorities } from './op.ts'
import { planPresence } from './presence.ts'
import { type Refusal, refusal } from './refusal.ts'
import { deviceKey, outboxKey } from './rows.ts'
import { encodeDeviceRow, encodeOutboxRow } from './saved.ts'
import type { Group, Peer } from './state.ts'
import { appendControl, appendFact, appendState, createOwnLog, startLog } from './write.ts'
import { loadEarlier } from './window.ts'

type Answer = Result<IntentAnswer, Refusal>
const done: Answer = success({ type: 'done' })
/** Invites live at most 72 hours unless the asker names less. */
const inviteMillisMax = 72 * 3_600_000

export const perform = (peer: Peer, intent: Intent): Answer => {
  switch (intent.type) {
    case 'set-profile':
      return setProfile(peer, intent)
    case 'create-group':
      return createOwnGroup(peer, intent)
    case 'create-invite':
      return createInvite(peer, intent)
    case 'join':
      return withNames(peer, intent, names => join(peer, { token: intent.token, ...names }))
    case 'send-text':
      return sendText(peer, intent)
    case 'mark-displayed':
      return displayed(peer, intent)
    case 'set-title':
      return withName(intent.title, title =>
        changeState(peer, intent.group, { type: 'title', text: title }),
      )
    case 'set-purpose':
      return utf8ToBytes(intent.purpose).length > limits.purposeBytesMax
        ? failure(refusal('text-too-long'))
        : changeState(peer, intent.group, { type: 'purpose', text: intent.purpose })
    case 'pin':
      return pin(peer, intent)
    case 'leave':
      return leave(peer, intent.group)
    case 'load-earlier':
      return withGroup(peer, intent.group, group => {
        loadEarlier(peer, group)
        return done
      })
    case 'set-presence':
      peer.presence = { page: intent.page, availability: intent.availability }
      planPresence(peer)
      return done
    case 'set-addresses':
      peer.addresses = intent.addresses.slice(0, limits.inviteAddressesMax)
      planPresence(peer)
      return done
  }
}

const withName = (text: string, then: (name: string) => Answer): Answer => {
  const name = normaliseName(text)
  return name.ok ? then(name.value) : name
}

const withNames = (
  peer: Peer,
  names: { readonly name: string; readonly unit: string },
  then: (names: { readonly name: string; readonly unit: string }) => Answer,
): Answer => {
  const { device } = peer
  const name = normaliseName(names.name === '' ? (device?.name ?? '') : names.name)
  if (!name.ok) return name
  if (names.unit === '') return then({ name: name.value, unit: '' })
  const unit = normaliseName(names.unit)
  return unit.ok ? then({ name: name.value, unit: unit.value }) : unit
}

const withGroup = (peer: Peer, gid: GroupId, then: (group: Group) => Answer): Answer => {
  const group = peer.groups.get(gid)
  return group === undefined || group.role === 'carrier'
    ? failure(refusal('not-found'))
    : then(group)
}

/** Only with an own log in a group one is in; who still waits is told so. */
const withMembership = (peer: Peer, gid: GroupId, then: (group: Group) => Answer): Answer =>
  withGroup(peer, gid, group => {
    if (group.role === 'joining') return failure(refusal('waiting-for-admission'))
    if (group.role !== 'member' || group.own === undefined || !isMember(peer, group)) {
      return failure(refusal('not-member'))
    }
    return then(group)
  })

const setProfile = (peer: Peer, intent: { readonly name: string; readonly unit: string }): Answer =>
  withNames(peer, intent, ({ name, unit }) => {
    const { device } = peer
    if (device === undefined) return failure(refusal('stopped'))
    device.name = name
    device.unit = unit
    peer.rows.push({ key: deviceKey(), value: encodeDeviceRow(device) })
    peer.effects.push({ type: 'changed' })
    return done
  })

const createOwnGroup = (
  peer: Peer,
  intent: { readonly name: string; readonly purpose: string; readonly kind: Policy['kind'] },
): Answer =>
  withName(intent.name, title => {
    const { device, random, cryptography } = peer
    if (device === undefined) return failure(refusal('stopped'))
    if (utf8ToBytes(intent.purpose).length > limits.purposeBytesMax) {
      return failure(refusal('text-too-long'))
    }
    const { purpose, kind } = intent
    const receipts = kind !== 'daily'
    const policy: Policy = { title, purpose, kind, autoAdmit: true, receipts, history: 'all' }
    const secret = random.bytes(32)
    const authorSecret = random.bytes(32)
    const root = {
      writeKey: epochKeys(secret, cryptography).writePublic,
      policyHash: policyHash(policy),
      random: random.bytes(16),
    }
    const gid = groupOf(cryptography.publicKey(authorSecret), root)
    const group = createGroup(gid, 'member')
    peer.groups.set(gid, group)
    addEpoch(peer, group, secret)
    const { author } = createOwnLog({ ...peer, random: { bytes: () => authorSecret } }, gid, 0)
    const { name, unit } = device
    startLog(peer, group, {
      log: { author, secret: authorSecret, incarnation: 0 },
      name,
      unit,
      root,
    })
    appendControl(peer, group, { type: 'create', policy, ...identityOf(peer, device, device) })
    renewHellos(peer)
    planPresence(peer)
    peer.effects.push({ type: 'changed' })
    return success({ type: 'group-created', group: gid })
  })

const createInvite = (
  peer: Peer,
  intent: Extract<Intent, { readonly type: 'create-invite' }>,
): Answer =>
  withMembership(peer, intent.group, group => {
    const role = memberOf(group, peer.device?.id)?.role
    if (role !== 'owner' && role !== 'admin') return failure(refusal('not-authorised'))
    const seed = peer.random.bytes(16)
    const validFor = Math.min(Math.max(intent.validFor, 60_000), inviteMillisMax)
    const notAfter = timestamp(Math.ceil((peer.now.wall + validFor) / 1000) * 1000)
    appendControl(peer, group, {
      type: 'invite',
      invitePublic: peer.cryptography.publicKey(inviteSecretFromSeed(seed)),
      role: 'member',
      maxUses: Math.min(Math.max(1, Math.floor(intent.maxUses)), limits.authorsMax),
      notAfter,
      needApproval: false,
    })
    const { libp2pKey, addresses } = intent
    const token = encodeInvite({ group: group.gid, seed, libp2pKey, notAfter, addresses })
    return success({ type: 'invited', token, notAfter })
  })

const checkText = (text: string): Refusal | undefined => {
  if (text.trim() === '') return refusal('text-empty')
  return utf8ToBytes(text).length > limits.textBytesMax ? refusal('text-too-long') : undefined
}

const sendText = (peer: Peer, intent: Extract<Intent, { readonly type: 'send-text' }>): Answer => {
  const text = intent.text.normalize('NFC')
  const fault = checkText(text)
  if (fault !== undefined) return failure(fault)
  return withGroup(peer, intent.group, group => {
    if (group.role === 'joining') return keepForLater(peer, group, text, intent.priority)
    return withMembership(peer, intent.group, () => {
      const replyTo = intent.replyTo === undefined ? undefined : parseMessageId(intent.replyTo)
      const fact: Fact =
        replyTo === undefined ? { type: 'message', text } : { type: 'message', text, replyTo }
      const op = appendFact(peer, group, fact, intent.priority)
      openLedger(peer, group, op)
      return success({ type: 'saved', message: messageId(op), waiting: false })
    })
  })
}

/** Also after a refusal: anybody can send one, and a yes that checks out still counts. */
const keepForLater = (peer: Peer, group: Group, text: string, priority: Priority): Answer => {
  if (group.outbox.size >= limits.outboxMax) return failure(refusal('over-quota', 'outbox'))
  const place = group.outboxNext++
  group.outbox.set(place, { text, priority })
  const value = encodeOutboxRow(text, priorities.indexOf(priority))
  peer.rows.push({ key: outboxKey(group.gid, place), value })
  peer.effects.push({ type: 'changed', group: group.gid })
  return success({ type: 'saved', message: `outbox.${place}`, waiting: true })
}

export const parseMessageId = (
  id: MessageId,
): { readonly author: ReturnType<typeof authorId>; readonly seq: number } | undefined => {
  const match = /^([0-9a-f]{16})\.(\d{1,15})$/.exec(id)
  if (match === null) return undefined
  return { author: authorId(match[1] ?? ''), seq: Number(match[2]) }
}

/** The message and everything shown above it were seen. */
const displayed = (
  peer: Peer,
  intent: { readonly group: GroupId; readonly message: MessageId },
): Answer =>
  withGroup(peer, intent.group, group => {
    flushEntries(peer, group)
    const ref = parseMessageId(intent.message)
    const entries = group.timeline.entries()
    const at = entries.findIndex(entry => entry.author === ref?.author && entry.seq === ref.seq)
    if (at < 0) return failure(refusal('not-found'))
    markDisplayed(peer, group, entries.slice(0, at + 1))
    const mine = group.own?.author
    group.unread = entries.slice(at + 1).filter(entry => entry.author !== mine).length
    peer.effects.push({ type: 'changed', group: group.gid })
    return done
  })

const changeState = (
  peer: Peer,
  gid: GroupId,
  change: Parameters<Group['document']['edit']>[1],
): Answer =>
  withMembership(peer, gid, group => {
    const { own } = group
    if (own === undefined) return failure(refusal('not-member'))
    appendState(peer, group, group.document.edit(own.author, change))
    return done
  })

const pin = (peer: Peer, intent: Extract<Intent, { readonly type: 'pin' }>): Answer => {
  const group = peer.groups.get(intent.group)
  const pins = group?.document.read().pins ?? []
  if (intent.pinned && pins.length >= limits.pinsMax) return failure(refusal('over-quota', 'pins'))
  if (parseMessageId(intent.message) === undefined) return failure(refusal('not-found'))
  const { message, pinned } = intent
  return changeState(peer, intent.group, { type: 'pin', message, pinned })
}

const leave = (peer: Peer, gid: GroupId): Answer =>
  withGroup(peer, gid, group => {
    if (group.role === 'joining') {
      group.role = 'left'
      group.metaDirty = true
      peer.effects.push({ type: 'changed' })
      return done
    }
    return withMembership(peer, gid, member => {
      appendControl(peer, member, { type: 'leave' })
      peer.deadlines.clear(`presence/${gid}`)
      peer.effects.push({ type: 'changed' })
      return done
    })
  })
