/** How much one neighbour may send of something: an allowance that refills by the second and saves up a little. Gossipsub
 *  scores a flooder 0, like everybody; this is what tells him apart (reliability-security.md, F12). It outlasts the
 *  connection, so that hanging up and dialling again buys nothing. */
import type { PeerId } from '#protocol'
import type { Clock } from './ports.ts'

export type Allowance = {
  /** False: this neighbour has used up what it may. */
  readonly take: (peer: PeerId, cost?: number) => boolean
}

/** More neighbours than this are remembered only while they have not saved up everything again. */
const rememberedMax = 1_024

export const createAllowance = (options: {
  readonly clock: Clock
  readonly perSecond: number
  readonly burst: number
}): Allowance => {
  const { clock, perSecond, burst } = options
  const leftByPeer = new Map<PeerId, { readonly left: number; readonly at: number }>()

  const leftOf = (peer: PeerId, at: number): number => {
    const known = leftByPeer.get(peer)
    if (known === undefined) return burst
    return Math.min(burst, known.left + ((at - known.at) * perSecond) / 1_000)
  }
  const forgetFull = (at: number): void => {
    for (const peer of leftByPeer.keys()) if (leftOf(peer, at) >= burst) leftByPeer.delete(peer)
  }

  return {
    take: (peer, cost = 1) => {
      const at = clock.now().instant
      if (!leftByPeer.has(peer) && leftByPeer.size >= rememberedMax) forgetFull(at)
      const left = leftOf(peer, at) - cost
      leftByPeer.set(peer, { left: Math.max(left, 0), at })
      return left >= 0
    },
  }
}
