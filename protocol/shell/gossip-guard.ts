/** What gossipsub is let hear. Its own settings bound one list of messages, not how many lists come, and not on which topics:
 *  a message on a topic nobody here subscribed would be kept for minutes without being judged by anybody. (The setting for
 *  that, `allowedTopics`, would also forget a neighbour's subscription that comes before ours.) So everything a neighbour
 *  sends is charged before it is looked at, repeats and control messages too, and messages on foreign topics end here. */
import { peerId } from '../core/base.ts'
import type { GossipSub } from '@libp2p/gossipsub'
import type { RPC } from '@libp2p/gossipsub/message'
import type { PeerId as LibPeerId } from '@libp2p/interface'
import type { PeerId } from '#protocol'

/** The member of the pinned version through which all that arrives goes; a test fails when an update takes it away. */
type GossipInside = { handleReceivedRpc: (from: LibPeerId, rpc: RPC) => Promise<void> }

const hasInside = (pubsub: unknown): pubsub is GossipInside =>
  typeof pubsub === 'object' &&
  pubsub !== null &&
  typeof Reflect.get(pubsub, 'handleReceivedRpc') === 'function'

/** Sixteen ids in a list of ids make about as much work as one message. */
const idsPerMessage = 16

const controlCost = (control: RPC.ControlMessage): number => {
  const lists = [...control.ihave, ...control.iwant, ...control.idontwant]
  const ids = lists.reduce((sum, { messageIDs }) => sum + messageIDs.length, 0)
  return lists.length + control.graft.length + control.prune.length + ids / idsPerMessage
}

/** In messages: what one list of a neighbour costs it. */
const costOf = ({ subscriptions, messages, control }: RPC): number =>
  Math.max(
    1,
    subscriptions.length +
      messages.length +
      (control === undefined ? 0 : Math.ceil(controlCost(control))),
  )

/** `charge` says whether the neighbour may still be heard; what it sent is dropped otherwise. */
export const guardGossip = (
  pubsub: GossipSub,
  charge: (neighbour: PeerId, cost: number) => boolean,
): void => {
  const inside: unknown = pubsub
  if (!hasInside(inside)) throw new Error('gossipsub is not the version that was pinned')
  const receive = inside.handleReceivedRpc.bind(pubsub)
  inside.handleReceivedRpc = async (from, rpc) => {
    if (!charge(peerId(from.toString()), costOf(rpc))) return
    const ours = new Set(pubsub.getTopics())
    await receive(from, { ...rpc, messages: rpc.messages.filter(({ topic }) => ours.has(topic)) })
  }
}
