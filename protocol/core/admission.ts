/** Joining a group, from both sides. The joiner asks every neighbour with a request signed by the invite's key and its own;
 *  a member who may admit writes `admit` and a welcome into its log and answers with the group's control history, from
 *  which the joiner checks everything itself. Whatever the joiner wrote meanwhile waited in its outbox and is sealed then. */
import {
  type DeviceId,
  type GroupId,
  type PeerId,
  type Result,
  bytesToHex,
  equalBytes,
  failure,
  later,
  success,
} from './base.ts'
import {
  createKeyBundle,
  createSelfCertificate,
  decodeCertificate,
  decodeKeyBundle,
} from './certificate.ts'
import { sealWelcome } from './epoch.ts'
import { mayAdmit } from './group.ts'
import { createGroup, currentEpoch, isMember, memberOf, stateOf } from './groups.ts'
import { x25519PublicKey } from './crypto.ts'
import { addressToMultiaddr, decodeInvite, peerIdOf } from './invite.ts'
import type { IntentAnswer } from './intent.ts'
import { answerWithHistory, forgetAnswers, hasWelcome, sendJoin } from './join-answer.ts'
import type { Asking } from './join-desk.ts'
import {
  type Asked,
  forgetPassed,
  forwardRequest,
  passRefusal,
  releaseRequests,
} from './join-forward.ts'
import {
  type JoinRequest,
  decodeJoinRequest,
  encodeJoinRequest,
  inviteSecretFromSeed,
  joinRequestIsSigned,
  joinRequestMessage,
  requestName,
} from './join.ts'
import { lockCarried } from './ingest.ts'
import { openLedger } from './ledger.ts'
import { namesGroup } from './link.ts'
import { renewHellos } from './sync.ts'
import { planPresence, wishForLinks } from './presence.ts'
import { type Refusal, type RefusalType, refusal } from './refusal.ts'
import { outboxKey } from './rows.ts'
import type { Group, Link, Peer } from './state.ts'
import { appendControl, appendEpoch, appendFact, createOwnLog, startLog } from './write.ts'

/** Rounds of asking get longer: whoever cannot decide keeps the request and passes it on. */
const askAgainMillis = 10_000
const askAgainMillisMax = 60_000
/** Anybody may say no; so asking goes on, only more slowly, and a yes that checks out still counts. */
const askRefusedMillis = 60_000
/** One neighbour after the other, so that the first may let in before the next writes an `admit` as well. */
const askNextMillis = 1_000

/** Begins to join; the group is there at once, waiting. */
export const join = (
  peer: Peer,
  intent: { readonly token: Uint8Array; readonly name: string; readonly unit: string },
): Result<IntentAnswer, Refusal> => {
  const invite = decodeInvite(intent.token)
  if (!invite.ok) return invite
  const gid = invite.value.group
  const known = peer.groups.get(gid)
  if (known !== undefined && known.role === 'member') return failure(refusal('already-member'))
  if (known?.role === 'left') return failure(refusal('already-member', 'left'))
  const group = known ?? createGroup(gid, 'joining')
  if (group.role === 'carrier') lockCarried(group)
  group.role = 'joining'
  group.joining = { ...intent, invite: invite.value, refused: undefined }
  group.metaDirty = true
  peer.groups.set(gid, group)
  peer.joinDesk.asking.delete(gid)
  seekAdmission(peer, group)
  peer.effects.push({ type: 'changed' })
  return success({ type: 'joining', group: gid })
}

/** Asks for a connection to the inviter and asks the next neighbour that knows the group to be let in. Nobody else is asked:
 *  a request shows who wants to be where. */
export const seekAdmission = (peer: Peer, group: Group): void => {
  const { joining, gid } = group
  const asking = askingOf(peer, group)
  if (joining === undefined || asking === undefined || group.role !== 'joining') return
  const inviter = peerIdOf(joining.invite.libp2pKey)
  if (!peer.links.has(inviter)) {
    const addresses = joining.invite.addresses.map(addressToMultiaddr)
    peer.effects.push({ type: 'connect', peer: inviter, addresses })
  }
  if (notAsked(peer, group, asking).length === 0) asking.asked.clear()
  const [link, ...others] = notAsked(peer, group, asking)
  const isLast = others.length === 0
  if (link !== undefined) {
    asking.asked.add(link.peer)
    asking.askedAt = peer.now.instant
    sendJoin(peer, link.peer, { type: 'join-request', request: asking.request })
  }
  const wait = joining.refused === undefined ? asking.wait : askRefusedMillis
  if (isLast) asking.wait = Math.min(2 * asking.wait, askAgainMillisMax)
  peer.deadlines.set(`join/${gid}`, later(peer.now.instant, isLast ? wait : askNextMillis))
}

/** Neighbours worth asking and not asked in this round, the inviter first. */
const notAsked = (peer: Peer, group: Group, asking: Asking): readonly Link[] =>
  [...peer.links.values()]
    .filter(link => !asking.asked.has(link.peer) && knowsGroup(peer, group, link))
    .toSorted((a, b) => Number(isInviter(group, b)) - Number(isInviter(group, a)))

const isInviter = (group: Group, link: Link): boolean =>
  group.joining !== undefined && peerIdOf(group.joining.invite.libp2pKey) === link.peer

const knowsGroup = (peer: Peer, group: Group, link: Link): boolean =>
  isInviter(group, link) || namesGroup(peer, link, group.gid)

/** A neighbour came or told which groups it knows: whoever waits for admission asks it too. */
export const askNeighbour = (peer: Peer, neighbour: PeerId): void => {
  const link = peer.links.get(neighbour)
  for (const group of peer.groups.values()) {
    if (group.role !== 'joining' || link === undefined || !knowsGroup(peer, group, link)) continue
    const asking = askingOf(peer, group)
    if (asking === undefined || asking.asked.has(neighbour)) continue
    asking.wait = askAgainMillis
    const { askedAt } = asking
    const next = askedAt === undefined ? peer.now.instant : later(askedAt, askNextMillis)
    if (next <= peer.now.instant) seekAdmission(peer, group)
    else peer.deadlines.sooner(`join/${group.gid}`, next)
  }
}

/** A neighbour went: at the next contact everything is asked and answered anew. */
export const forgetNeighbour = (peer: Peer, neighbour: PeerId): void => {
  for (const { asked } of peer.joinDesk.asking.values()) asked.delete(neighbour)
  forgetAnswers(peer, neighbour)
  forgetPassed(peer, neighbour)
}

const askingOf = (peer: Peer, group: Group): Asking | undefined => {
  const known = peer.joinDesk.asking.get(group.gid)
  if (known !== undefined) return known
  const request = createRequest(peer, group)
  if (request === undefined) return undefined
  const bytes = encodeJoinRequest(request)
  const asking: Asking = {
    request: bytes,
    asked: new Set(),
    askedAt: undefined,
    wait: askAgainMillis,
  }
  peer.joinDesk.asking.set(group.gid, asking)
  return asking
}

const createRequest = (peer: Peer, group: Group): JoinRequest | undefined => {
  const { device, cryptography, random } = peer
  const { joining, gid } = group
  if (device === undefined || joining === undefined) return undefined
  const inviteSecret = inviteSecretFromSeed(joining.invite.seed)
  const invitePublic = cryptography.publicKey(inviteSecret)
  const { secret } = device
  const { name, unit } = joining
  const certificate = createSelfCertificate({
    secret,
    cryptography,
    name,
    unit,
    wall: peer.now.wall,
    random,
  })
  const prekey = x25519PublicKey(device.prekeySecret)
  const keyBundle = createKeyBundle({ secret, cryptography, prekey })
  const nonce = random.bytes(16)
  const message = joinRequestMessage(gid, invitePublic, certificate, keyBundle, nonce)
  return {
    gid,
    invitePublic,
    certificate,
    keyBundle,
    nonce,
    inviteSignature: cryptography.sign(inviteSecret, message),
    deviceSignature: cryptography.sign(secret, message),
  }
}

/** Somebody asks to be let in: answered with the history or a named refusal by who may decide, kept and passed on by others
 *  who hold the group, ignored by everybody else. Answers with what is to be charged to the neighbour. */
export const onJoinRequest = (peer: Peer, from: PeerId, bytes: Uint8Array): Refusal | undefined => {
  const request = decodeJoinRequest(bytes)
  if (!request.ok) return request.error
  const group = peer.groups.get(request.value.gid)
  if (group === undefined || group.role === 'left') return undefined
  const certificate = decodeCertificate(request.value.certificate)
  if (!certificate.ok) return certificate.error
  const { device } = certificate.value
  if (device === peer.device?.id) return undefined
  const asked = { request: request.value, bytes, device, from }
  if (group.role !== 'member') return forwardRequest(peer, group, asked)
  if (!isMember(peer, group)) return undefined
  return mayDecide(peer, group, asked)
    ? decide(peer, group, asked)
    : forwardRequest(peer, group, asked)
}

/** Who may not admit can still say that an invite is spent. */
const mayDecide = (peer: Peer, group: Group, { request, device }: Asked): boolean => {
  const state = stateOf(group)
  const me = memberOf(group, peer.device?.id)
  const invite = state.invites.get(bytesToHex(request.invitePublic))
  if (me !== undefined && mayAdmit(state, me, invite ?? { needApproval: false })) return true
  const isIn = memberOf(group, device)?.left === false
  return !isIn && invite !== undefined && inviteRefusal(peer, group, request) !== undefined
}

const decide = (peer: Peer, group: Group, asked: Asked): Refusal | undefined => {
  const { request, bytes, device, from } = asked
  const refused = admitDevice(peer, group, request, device)
  if (refused === undefined) {
    answerWithHistory(peer, group, from, device)
    return undefined
  }
  const { gid } = group
  const name = requestName(bytes)
  sendJoin(peer, from, { type: 'join-refused', gid, refusal: refused, request: name })
  // Whoever only passes it on cannot know which invites there are.
  const isForwarder = peer.links.get(from)?.theirHello.has(gid) === true
  const isFault = refused === 'bad-signature' || (refused === 'invite-unknown' && !isForwarder)
  return isFault ? refusal(refused) : undefined
}

const admitDevice = (
  peer: Peer,
  group: Group,
  request: JoinRequest,
  device: DeviceId,
): RefusalType | undefined => {
  const bundle = decodeKeyBundle(request.keyBundle)
  if (!bundle.ok) return bundle.error.type
  if (!joinRequestIsSigned(request, peer.cryptography)) return 'bad-signature'
  const member = memberOf(group, device)
  if (member !== undefined && !member.left) {
    return hasWelcome(group, device) ? undefined : welcome(peer, group, device, bundle.value.prekey)
  }
  const refused = inviteRefusal(peer, group, request)
  if (refused !== undefined) return refused
  const { invitePublic, keyBundle, nonce, inviteSignature, deviceSignature } = request
  appendControl(peer, group, {
    type: 'admit',
    invitePublic,
    certificate: request.certificate,
    keyBundle,
    nonce,
    inviteSignature,
    deviceSignature,
  })
  return memberOf(group, device) === undefined
    ? 'not-authorised'
    : welcome(peer, group, device, bundle.value.prekey)
}

const inviteRefusal = (peer: Peer, group: Group, request: JoinRequest): RefusalType | undefined => {
  const state = stateOf(group)
  const invite = state.invites.get(bytesToHex(request.invitePublic))
  if (invite === undefined) return 'invite-unknown'
  if (invite.revoked) return 'invite-revoked'
  if (invite.notAfter < peer.now.wall) return 'invite-expired'
  return invite.used >= invite.maxUses ? 'invite-used' : undefined
}

const welcome = (
  peer: Peer,
  group: Group,
  device: DeviceId,
  prekey: Uint8Array,
): RefusalType | undefined => {
  const { gid, epochs } = group
  const current = currentEpoch(group)
  if (current === undefined) return 'not-authorised'
  const older = [...epochs.values()].filter(epoch => epoch.id !== current.id)
  const all = stateOf(group).policy?.history === 'all' ? [current, ...older] : [current]
  const secrets = all.map(epoch => epoch.secret)
  const sealed = sealWelcome({ gid, device, prekey, secrets, random: peer.random })
  if (!sealed.ok) return sealed.error.type
  appendEpoch(peer, group, sealed.value)
  return undefined
}

/** Somebody says no. To the own request: shown with its reason, and asked again later and at every new contact. To a request
 *  that was passed on: handed back. */
export const onJoinRefused = (
  peer: Peer,
  from: PeerId,
  answer: { readonly gid: GroupId; readonly request: Uint8Array; readonly refusal: RefusalType },
): void => {
  const { gid } = answer
  const group = peer.groups.get(gid)
  const asking = peer.joinDesk.asking.get(gid)
  const isMine = asking !== undefined && equalBytes(requestName(asking.request), answer.request)
  if (!isMine) {
    passRefusal(peer, from, answer)
    return
  }
  if (group?.joining === undefined || group.role !== 'joining') return
  group.joining.refused = answer.refusal
  group.metaDirty = true
  const isLast = notAsked(peer, group, asking).length === 0
  if (isLast) peer.deadlines.set(`join/${gid}`, later(peer.now.instant, askRefusedMillis))
  peer.effects.push({ type: 'changed', group: gid }, { type: 'changed' })
}

/** After anything was learnt: if the resolved membership has this device and its keys are here, it is in. */
export const completeJoin = (peer: Peer, group: Group): void => {
  const { joining } = group
  if (group.role !== 'joining' || joining === undefined) return
  if (currentEpoch(group) === undefined || !isMember(peer, group)) return
  group.role = 'member'
  group.joining = undefined
  group.metaDirty = true
  peer.deadlines.clear(`join/${group.gid}`)
  peer.joinDesk.asking.delete(group.gid)
  const { name, unit } = joining
  startLog(peer, group, { log: createOwnLog(peer, group.gid, 0), name, unit })
  emptyOutbox(peer, group)
  renewHellos(peer)
  planPresence(peer)
  wishForLinks(peer, group)
  peer.effects.push({ type: 'changed' })
  for (const { bytes, from } of releaseRequests(peer, group.gid)) {
    for (const neighbour of from) onJoinRequest(peer, neighbour, bytes)
  }
}

const emptyOutbox = (peer: Peer, group: Group): void => {
  for (const [place, { text, priority }] of group.outbox) {
    openLedger(peer, group, appendFact(peer, group, { type: 'message', text }, priority))
    peer.rows.push({ key: outboxKey(group.gid, place), value: undefined })
  }
  group.outbox.clear()
}
