/** What a Node peer gives others as a circuit relay: an introduction, and sync where nothing else works, but no pipe for
 *  whoever wants one. libp2p bounds one circuit (time, bytes); here is how many a neighbour may open, and that a place which
 *  nobody holds any more is free again, since libp2p keeps it for two hours. */
import { peerId } from '../core/base.ts'
import { createAllowance } from './allowance.ts'
import { bounds } from './bounds.ts'
import { systemClock } from './clock.ts'
import type { CircuitRelayService } from '@libp2p/circuit-relay-v2'
import type { ConnectionGater, Libp2p, PeerId } from '@libp2p/interface'
import type { Clock } from './ports.ts'

/** For `circuitRelayServer`. Data is limited, so that gossip stays on direct links, but wide enough for sync. */
export const relayOptions = {
  hopTimeout: 60_000,
  maxInboundHopStreams: 256,
  maxOutboundHopStreams: 256,
  maxOutboundStopStreams: 256,
  reservations: {
    maxReservations: 500,
    defaultDataLimit: 1n << 24n,
    defaultDurationLimit: 30 * 60_000,
  },
}

/** Refuses a circuit to a neighbour that opened too many lately. */
export const relayGate = (
  clock: Clock = systemClock,
): Required<Pick<ConnectionGater, 'denyOutboundRelayedConnection'>> => {
  const circuits = createAllowance({
    clock,
    perSecond: bounds.circuitsPerSecondMax,
    burst: bounds.circuitsBurst,
  })
  return { denyOutboundRelayedConnection: source => !circuits.take(peerId(source.toString())) }
}

/** Gives a place at the relay back when its holder's last connection is gone; returns a function that ends it. */
export const freePlaces = (node: Libp2p, relay: CircuitRelayService): (() => void) => {
  const free = ({ detail }: CustomEvent<PeerId>): void => {
    relay.reservations.get(detail)?.signal.clear()
    relay.reservations.delete(detail)
  }
  node.addEventListener('peer:disconnect', free)
  return () => node.removeEventListener('peer:disconnect', free)
}
