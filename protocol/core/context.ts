/** What admission may look up in a peer: keys, what is held, which group a place or a topic means. It changes nothing. */
import type { AuthorId, EpochId, GroupId, PeerId, Topic } from './base.ts'
import type { AdmitContext } from './admit.ts'
import { heldOp } from './log.ts'
import type { Peer } from './state.ts'

/** For a frame of this neighbour, or a gossip message of this topic. */
export const admissionContext = (
  peer: Peer,
  from: PeerId,
  source:
    | { readonly channel: 'sync' | 'join' }
    | { readonly channel: 'gossip'; readonly topic: Topic },
): AdmitContext => {
  const link = peer.links.get(from)
  return {
    channel: source.channel,
    gossipGroup: source.channel === 'gossip' ? groupOfTopic(peer, source.topic) : undefined,
    groupAt: index => link?.theirs?.[index],
    keyOf: (gid: GroupId, author: AuthorId) => peer.groups.get(gid)?.log.authors.get(author)?.key,
    writeKeyOf: (gid: GroupId, epoch: EpochId) => peer.groups.get(gid)?.writeKeys.get(epoch),
    holds: op => {
      const group = peer.groups.get(op.gid)
      return group !== undefined && heldOp(group.log, op.author, op.seq)?.id === op.id
    },
  }
}

const groupOfTopic = (peer: Peer, topic: Topic): GroupId | undefined => {
  for (const group of peer.groups.values()) {
    for (const epoch of group.epochs.values()) if (epoch.topic === topic) return group.gid
  }
  return undefined
}
