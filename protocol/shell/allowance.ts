/** How much one neighbour may send of something: an allowance that refills by the second and saves up a little. Gossipsub
 *  scores a flooder 0, like everybody; this is what tells him apart (reliability-security.md, F12). */
import type { PeerId } from '#protocol'
import type { Clock } from './ports.ts'

export type Allowance = {
  /** False: this neighbour has used up what it may. */
  readonly take: (peer: PeerId) => boolean
  readonly forget: (peer: PeerId) => void
}

export const createAllowance = (options: {
  readonly clock: Clock
  readonly perSecond: number
  readonly burst: number
}): Allowance => {
  const { clock, perSecond, burst } = options
  const leftByPeer = new Map<PeerId, { readonly left: number; readonly at: number }>()
  return {
    take: peer => {
      const at = clock.now().instant
      const known = leftByPeer.get(peer) ?? { left: burst, at }
      const left = Math.min(burst, known.left + ((at - known.at) * perSecond) / 1_000) - 1
      leftByPeer.set(peer, { left: Math.max(left, 0), at })
      return left >= 0
    },
    forget: peer => {
      leftByPeer.delete(peer)
    },
  }
}
