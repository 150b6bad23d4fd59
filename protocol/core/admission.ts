/** Joining a group, from both sides. The joiner asks every neighbour with a request signed by the invite's key and its own;
 *  a member who may admit writes `admit` and a welcome into its log and answers with the group's control history, from
 *  which the joiner checks everything itself. Whatever the joiner wrote meanwhile waited in its outbox and is sealed then. */
import { type GroupId, type PeerId, bytesToHex, later } from './base.ts'
import {
  createKeyBundle,
  createSelfCertificate,
  decodeCertificate,
  decodeKeyBundle,
} from './certificate.ts'
import { decodeWelcome, sealWelcome } from './epoch.ts'
import { createGroup, currentEpoch, isMember, memberOf, stateOf } from './groups.ts'
import { x25519PublicKey } from './crypto.ts'
import { addressToMultiaddr, decodeInvite, peerIdOf } from './invite.ts'
import type { IntentAnswer } from './intent.ts'
import {
  type JoinRequest,
  decodeJoinRequest,
  encodeJoinRequest,
  inviteSecretFromSeed,
  joinRequestIsSigned,
  joinRequestMessage,
} from './join.ts'
import { lockCarried } from './ingest.ts'
import { openLedger } from './ledger.ts'
import { limits } from './limits.ts'
import { renewHellos } from './sync.ts'
import { type JoinFrame, encodeJoinFrame } from './message.ts'
import { type Op, encodeOp, isControlClass, kinds } from './op.ts'
import { planPresence, wishForLinks } from './presence.ts'
import { type Refusal, type RefusalType, refusal } from './refusal.ts'
import { type Result, failure, success } from './base.ts'
import { outboxKey } from './rows.ts'
import type { Group, Peer } from './state.ts'
import { appendControl, appendEpoch, appendFact, createOwnLog, startLog } from './write.ts'

const askAgainMillis = 10_000
/** Anybody may say no; so asking goes on, only more slowly, and a yes that checks out still counts. */
const askRefusedMillis = 60_000
/** Control history travels in frames of about this size. */
const answerBytes = 32_768

const sendJoin = (peer: Peer, to: PeerId, frame: JoinFrame): void => {
  peer.effects.push({ type: 'send', to, channel: 'join', bytes: encodeJoinFrame(frame) })
}

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
  seekAdmission(peer, group)
  peer.effects.push({ type: 'changed' })
  return success({ type: 'joining', group: gid })
}

/** Asks for a connection to the inviter and asks every neighbour to be let in. */
export const seekAdmission = (peer: Peer, group: Group): void => {
  const { joining } = group
  if (joining === undefined || group.role !== 'joining') return
  const inviter = peerIdOf(joining.invite.libp2pKey)
  if (!peer.links.has(inviter)) {
    const addresses = joining.invite.addresses.map(addressToMultiaddr)
    peer.effects.push({ type: 'connect', peer: inviter, addresses })
  }
  for (const neighbour of peer.links.keys()) requestAdmission(peer, group, neighbour)
  peer.deadlines.set(
    `join/${group.gid}`,
    later(peer.now.instant, joining.refused === undefined ? askAgainMillis : askRefusedMillis),
  )
}

const requestAdmission = (peer: Peer, group: Group, to: PeerId): void => {
  const request = createRequest(peer, group)
  if (request !== undefined) {
    sendJoin(peer, to, { type: 'join-request', request: encodeJoinRequest(request) })
  }
}

/** A neighbour came: whoever waits for admission asks it too. */
export const askNeighbour = (peer: Peer, neighbour: PeerId): void => {
  for (const group of peer.groups.values()) {
    if (group.role === 'joining') requestAdmission(peer, group, neighbour)
  }
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

/** Somebody asks to be let in: answered with the history, a named refusal, or not at all when this peer cannot tell. Answers
 *  with what is to be charged to the neighbour. */
export const onJoinRequest = (peer: Peer, from: PeerId, bytes: Uint8Array): Refusal | undefined => {
  const request = decodeJoinRequest(bytes)
  if (!request.ok) return request.error
  const group = peer.groups.get(request.value.gid)
  if (group === undefined || group.role !== 'member' || !isMember(peer, group)) return undefined
  const refused = admitDevice(peer, group, request.value)
  if (refused === undefined) {
    answerWithHistory(peer, group, from, request.value)
    return undefined
  }
  sendJoin(peer, from, { type: 'join-refused', gid: group.gid, refusal: refused })
  return refused === 'bad-signature' || refused === 'invite-unknown' ? refusal(refused) : undefined
}

const admitDevice = (peer: Peer, group: Group, request: JoinRequest): RefusalType | undefined => {
  const certificate = decodeCertificate(request.certificate)
  const bundle = decodeKeyBundle(request.keyBundle)
  if (!certificate.ok) return certificate.error.type
  if (!bundle.ok) return bundle.error.type
  if (!joinRequestIsSigned(request, peer.cryptography)) return 'bad-signature'
  const { device } = certificate.value
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

const hasWelcome = (group: Group, device: string): boolean =>
  controlOps(group).some(op => {
    const decoded = op.kind === kinds.epoch ? decodeWelcome(op.payload) : undefined
    return decoded?.ok === true && decoded.value.device === device
  })

const welcome = (
  peer: Peer,
  group: Group,
  device: JoinDevice,
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
type JoinDevice = Parameters<typeof sealWelcome>[0]['device']

const controlOps = (group: Group): readonly Op[] => {
  const ops: Op[] = []
  for (const bySeq of group.log.held.values()) {
    for (const op of bySeq.values()) if (isControlClass(op.kind)) ops.push(op)
  }
  const rank = (op: Op): number =>
    op.author === group.creator ? 0 : op.kind === kinds.genesis ? 1 : 2
  return ops.toSorted((a, b) => rank(a) - rank(b) || a.hlc - b.hlc)
}

/** The control history, without welcomes that are not the joiner's. */
const answerWithHistory = (peer: Peer, group: Group, to: PeerId, request: JoinRequest): void => {
  const certificate = decodeCertificate(request.certificate)
  let ops: Uint8Array[] = []
  let size = 0
  const flush = (): void => {
    if (ops.length > 0) sendJoin(peer, to, { type: 'join-answer', gid: group.gid, ops })
    ops = []
    size = 0
  }
  for (const op of controlOps(group)) {
    const sealed = op.kind === kinds.epoch ? decodeWelcome(op.payload) : undefined
    const isForeign =
      sealed?.ok === true && certificate.ok && sealed.value.device !== certificate.value.device
    if (isForeign || op.signature === undefined) continue
    const bytes = encodeOp(op)
    if (size + bytes.length > answerBytes || ops.length >= limits.runOpsMax) flush()
    ops.push(bytes)
    size += bytes.length
  }
  flush()
}

/** Somebody says no: shown with its reason, and asked again later and at every new contact. */
export const onJoinRefused = (peer: Peer, gid: GroupId, why: RefusalType): void => {
  const group = peer.groups.get(gid)
  if (group?.joining === undefined || group.role !== 'joining') return
  group.joining.refused = why
  group.metaDirty = true
  peer.deadlines.set(`join/${gid}`, later(peer.now.instant, askRefusedMillis))
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
  const { name, unit } = joining
  startLog(peer, group, { log: createOwnLog(peer, group.gid, 0), name, unit })
  emptyOutbox(peer, group)
  renewHellos(peer)
  planPresence(peer)
  wishForLinks(peer, group)
  peer.effects.push({ type: 'changed' })
}

const emptyOutbox = (peer: Peer, group: Group): void => {
  for (const [place, { text, priority }] of group.outbox) {
    openLedger(peer, group, appendFact(peer, group, { type: 'message', text }, priority))
    peer.rows.push({ key: outboxKey(group.gid, place), value: undefined })
  }
  group.outbox.clear()
}
