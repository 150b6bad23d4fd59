/** Letting somebody in, and finding oneself let in. A member who may admit writes `admit` and a welcome into its log and answers
 *  with what opens the group, from which the joiner goes on to check everything itself; other holders of the group keep the
 *  request and pass it on. Whatever the joiner wrote meanwhile waited in its outbox and is sealed then. */
import { type DeviceId, type PeerId, bytesToHex } from './base.ts'
import { decodeCertificate, decodeKeyBundle } from './certificate.ts'
import { sealWelcome } from './epoch.ts'
import { mayAdmit } from './group.ts'
import { currentEpoch, isMember, memberOf, stateOf } from './groups.ts'
import { answerJoiner, forgetAnswers, hasWelcome, sendJoin } from './join-answer.ts'
import type { HeldRequest } from './join-desk.ts'
import {
  type Asked,
  answerWelcomed,
  forgetPassed,
  forwardRequest,
  parkRequest,
} from './join-forward.ts'
import { releaseRequests } from './join-keep.ts'
import { type JoinRequest, decodeJoinRequest, joinRequestIsSigned, requestName } from './join.ts'
import { openLedger, planAck } from './ledger.ts'
import type { Op } from './op.ts'
import { renewHellos } from './sync.ts'
import { planPresence, wishForLinks } from './presence.ts'
import { type Refusal, type RefusalType, refusal } from './refusal.ts'
import { outboxKey } from './rows.ts'
import type { Group, Peer } from './state.ts'
import { loadNewest } from './window.ts'
import { appendControl, appendEpoch, appendFact, createOwnLog, startLog } from './write.ts'

/** Somebody asks to be let in: answered with the opening or a named refusal by who may decide, kept and passed on by others
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
    answerJoiner(peer, group, from, device)
    return undefined
  }
  const { gid } = group
  const name = requestName(bytes)
  sendJoin(peer, from, { type: 'join-refused', gid, refusal: refused, request: name })
  if (refused !== 'invite-unknown')
    return refused === 'bad-signature' ? refusal(refused) : undefined
  parkRequest(peer, group, asked)
  // Whoever only passes it on cannot know which invites there are.
  const isForwarder = peer.links.get(from)?.theirHello.has(gid) === true
  return isForwarder ? undefined : refusal(refused)
}

/** Operations of the group came: who is welcomed in them hears of it, and so does who asked with an invite unknown till now. */
export const answerWaiting = (peer: Peer, group: Group, ops: readonly Op[]): void => {
  if (peer.joinDesk.held.size === 0) return
  answerWelcomed(peer, group, ops)
  if (group.role !== 'member') return
  const { invites } = stateOf(group)
  decideReleased(peer, group, held => held.isParked && invites.has(held.invite))
}

const decideReleased = (peer: Peer, group: Group, fits: (held: HeldRequest) => boolean): void => {
  for (const { bytes, from } of releaseRequests(peer, group.gid, fits)) {
    for (const neighbour of from) onJoinRequest(peer, neighbour, bytes)
  }
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

/** A neighbour went: at the next contact everything is asked and answered anew. */
export const forgetNeighbour = (peer: Peer, neighbour: PeerId): void => {
  for (const { asked } of peer.joinDesk.asking.values()) asked.delete(neighbour)
  forgetAnswers(peer, neighbour)
  forgetPassed(peer, neighbour)
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
  // What it carried may be in the store alone.
  loadNewest(peer, group)
  if (group.toAck.size > 0) planAck(peer, group)
  peer.effects.push({ type: 'changed' })
  decideReleased(peer, group, () => true)
}

const emptyOutbox = (peer: Peer, group: Group): void => {
  for (const [place, { text, priority }] of group.outbox) {
    openLedger(peer, group, appendFact(peer, group, { type: 'message', text }, priority))
    peer.rows.push({ key: outboxKey(group.gid, place), value: undefined })
  }
  group.outbox.clear()
}
