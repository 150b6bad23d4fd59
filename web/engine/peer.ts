/** What makes this page a peer: opens the store, starts libp2p and the drive, and finds the node that served the page. */
import { Level } from 'level'
import { failure, millis, success } from '../../protocol/core/base.ts'
import { peerIdOf } from '../../protocol/core/invite.ts'
import { refusal } from '../../protocol/core/refusal.ts'
import { decodeInvite, peerId, randomFrom, sealedPrefixes } from '#protocol'
import {
  byteEncodings,
  createTransport,
  inviteLink,
  memoryStore,
  multiaddrToCompact,
  openStore,
  startDrive,
  systemClock,
} from '#shell'
import { createBrowserLibp2p } from '../libp2p.ts'
import { nativeVerifyBatch } from './ed25519.ts'
import { fetchServingNode, inviteOrigin, waysThrough } from './serving-node.ts'
import type { CompactAddress, GroupId, PeerId, Refusal, Result } from '#protocol'
import type { Drive, LinkKind, MeshNode, RowCipher, Store } from '#shell'
import type { InviteMade } from './client.ts'
import type { ServingNode } from './serving-node.ts'
import type { InviteRequest } from './tabs.ts'

export type RunningPeer = {
  readonly drive: Drive
  readonly linkKind: (peer: PeerId) => LinkKind | undefined
  readonly invite: (wanted: InviteRequest) => Promise<Result<InviteMade, Refusal>>
}

export type PeerOptions = {
  /** undefined: keep nothing. */
  readonly cipher: RowCipher | undefined
  /** 32 secret bytes: the identity on the wire. */
  readonly identitySeed: Uint8Array
}

/** Between tries to read the serving node's card. */
const cardRetryMillis = 30_000

const random = randomFrom(length => crypto.getRandomValues(new Uint8Array(length)))

const openBrowserStore = (cipher: RowCipher | undefined): Promise<Store> => {
  if (cipher === undefined) return Promise.resolve(memoryStore())
  const level = new Level<Uint8Array, Uint8Array>('petrel', byteEncodings)
  return openStore({ level, cipher, sealedPrefixes })
}

/** Without a serving node: a directly connected peer that listens, which is a Node peer. */
const connectedNode = (node: MeshNode): Pick<ServingNode, 'publicKey' | 'compact'> | undefined => {
  for (const connection of node.getConnections()) {
    const compact = multiaddrToCompact(connection.remoteAddr)
    const publicKey = connection.remotePeer.publicKey?.raw
    if (compact !== undefined && publicKey !== undefined && connection.direction === 'outbound') {
      return { publicKey, compact: [compact] }
    }
  }
  return undefined
}

export const startPeer = async ({ cipher, identitySeed }: PeerOptions): Promise<RunningPeer> => {
  const store = await openBrowserStore(cipher)
  const { node } = await createBrowserLibp2p({ identitySeed })
  const transport = createTransport(node)
  const verifyBatch = await nativeVerifyBatch()
  const drive = await startDrive({
    store,
    transport,
    clock: systemClock,
    random,
    ...(verifyBatch === undefined ? {} : { verifyBatch }),
  })

  let serving: ServingNode | undefined
  /** Public keys of pages that invited this one: they listen nowhere, but the node that serves both introduces them. */
  const inviters = new Set<PeerId>()
  const meetInviters = (): void => {
    if (serving === undefined) return
    for (const inviter of inviters) transport.connect(inviter, waysThrough(serving))
  }
  const meetServingNode = async (): Promise<void> => {
    serving = await fetchServingNode()
    if (serving === undefined) {
      setTimeout(() => void meetServingNode(), cardRetryMillis)
      return
    }
    transport.connect(peerId(serving.peer), serving.addresses)
    meetInviters()
  }
  void meetServingNode()

  const dispatch: Drive['dispatch'] = async intent => {
    const answer = await drive.dispatch(intent)
    const invite = intent.type === 'join' && answer.ok ? decodeInvite(intent.token) : undefined
    if (invite?.ok === true) {
      inviters.add(peerIdOf(invite.value.libp2pKey))
      meetInviters()
    }
    return answer
  }
  /** The serving node lets newcomers in when it is in the group itself; otherwise only this page does. */
  const isInGroup = (door: ServingNode, group: GroupId): boolean => {
    const device = drive.app().links.find(link => link.peer === door.peer)?.device
    const members = drive.group(group)?.members ?? []
    return members.some(member => !member.left && !member.me && member.device === device)
  }

  const invite = async (wanted: InviteRequest): Promise<Result<InviteMade, Refusal>> => {
    const current = (await fetchServingNode()) ?? serving
    const isOwnDoor = current !== undefined && !isInGroup(current, wanted.group)
    const door = current ?? connectedNode(node)
    const addresses: readonly CompactAddress[] = isOwnDoor ? [] : (door?.compact ?? [])
    const answer = await drive.dispatch({
      type: 'create-invite',
      group: wanted.group,
      maxUses: wanted.maxUses,
      validFor: millis(wanted.validFor),
      libp2pKey: isOwnDoor ? transport.publicKey : (door?.publicKey ?? transport.publicKey),
      addresses,
    })
    if (!answer.ok) return answer
    if (answer.value.type !== 'invited') return failure(refusal('unexpected'))
    const { token, notAfter } = answer.value
    return success({ link: inviteLink(inviteOrigin(current), token), notAfter })
  }

  return { drive: { ...drive, dispatch }, linkKind: transport.linkKind, invite }
}
