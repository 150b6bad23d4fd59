/** What makes this page a peer: opens the store, starts libp2p and the drive, and finds the node that served the page. */
import { Level } from 'level'
import { failure, millis, success } from '../../protocol/core/base.ts'
import { refusal } from '../../protocol/core/refusal.ts'
import { peerId, randomFrom, sealedPrefixes } from '#protocol'
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
import { fetchServingNode, inviteOrigin } from './serving-node.ts'
import type { CompactAddress, PeerId, Refusal, Result } from '#protocol'
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
  const meetServingNode = async (): Promise<void> => {
    serving = await fetchServingNode()
    if (serving === undefined) setTimeout(() => void meetServingNode(), cardRetryMillis)
    else transport.connect(peerId(serving.peer), serving.addresses)
  }
  void meetServingNode()

  const invite = async (wanted: InviteRequest): Promise<Result<InviteMade, Refusal>> => {
    const current = (await fetchServingNode()) ?? serving
    const door = current ?? connectedNode(node)
    const addresses: readonly CompactAddress[] = door?.compact ?? []
    const answer = await drive.dispatch({
      type: 'create-invite',
      group: wanted.group,
      maxUses: wanted.maxUses,
      validFor: millis(wanted.validFor),
      libp2pKey: door?.publicKey ?? transport.publicKey,
      addresses,
    })
    if (!answer.ok) return answer
    if (answer.value.type !== 'invited') return failure(refusal('unexpected'))
    const { token, notAfter } = answer.value
    return success({ link: inviteLink(inviteOrigin(current), token), notAfter })
  }

  return { drive, linkKind: transport.linkKind, invite }
}
