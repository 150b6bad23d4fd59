/** The joiner's side of joining: begin, ask, hear no. It asks the inviter and neighbours that know the group, one after the
 *  other, with one request for all of them, until it finds itself in (admission.ts) or its person gives up. */
import {
  type GroupId,
  type PeerId,
  type Result,
  equalBytes,
  failure,
  later,
  success,
} from './base.ts'
import { createGroup, currentEpoch } from './groups.ts'
import { identityOf } from './identity.ts'
import { lockCarried } from './ingest.ts'
import type { IntentAnswer } from './intent.ts'
import { addressToMultiaddr, decodeInvite, peerIdOf } from './invite.ts'
import { sendJoin } from './join-answer.ts'
import type { Asking } from './join-desk.ts'
import { passRefusal } from './join-forward.ts'
import {
  type JoinRequest,
  encodeJoinRequest,
  inviteSecretFromSeed,
  requestName,
  signJoinRequest,
} from './join.ts'
import { indexOf, namesGroup } from './link.ts'
import { type Refusal, type RefusalType, refusal } from './refusal.ts'
import type { Group, Link, Peer } from './state.ts'
import { renewHellos } from './sync.ts'

/** Rounds of asking get longer: whoever cannot decide keeps the request and passes it on. */
const askAgainMillis = 10_000
const askAgainMillisMax = 60_000
/** After a no, which anybody may say, asking goes on, only more slowly, and a yes that checks out still counts; and after an
 *  answer, while sync brings the rest. */
const askSlowlyMillis = 60_000
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
  if (joining === undefined || group.role !== 'joining') return
  const asking = askingOf(peer, group)
  if (asking === undefined) return
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
  const isSlow = joining.refused !== undefined || currentEpoch(group) !== undefined
  const wait = isSlow ? askSlowlyMillis : asking.wait
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
  const { certificate, keyBundle } = identityOf(peer, device, joining)
  return signJoinRequest(
    { gid, certificate, keyBundle, nonce: random.bytes(16) },
    { inviteSecret, secret: device.secret, cryptography },
  )
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
  if (isLast) peer.deadlines.set(`join/${gid}`, later(peer.now.instant, askSlowlyMillis))
  peer.effects.push({ type: 'changed', group: gid }, { type: 'changed' })
}

/** The group opened, or more of it: from now on its neighbours sync with this peer as with any holder. */
export const onJoinAnswer = (peer: Peer, group: Group): void => {
  if (group.role !== 'joining' || currentEpoch(group) === undefined) return
  const isListed = [...peer.links.values()].some(link => indexOf(link, group.gid) !== undefined)
  if (isListed) return
  peer.deadlines.set(`join/${group.gid}`, later(peer.now.instant, askSlowlyMillis))
  renewHellos(peer)
}
