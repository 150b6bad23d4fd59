/** A victim, its honest friend, and an attacker, for the tests of neighbours that break the rules. */
import { randomBytes } from 'node:crypto'
import { createCleanup } from '../support/host.ts'
import { until } from '../support/until.ts'
import { bytes, startMeshPeer } from './mesh.ts'
import type { Connection } from '@libp2p/interface'
import type { MeshPeer } from './mesh.ts'

export type Attack = {
  readonly victim: MeshPeer
  readonly friend: MeshPeer
  readonly attacker: MeshPeer
  /** The attacker speaks libp2p, but not by our rules. */
  readonly attack: Connection
}

export type Arena = {
  readonly start: (...options: Parameters<typeof startMeshPeer>) => Promise<MeshPeer>
  readonly scene: () => Promise<Attack>
  readonly add: (undo: () => unknown) => void
  readonly clear: () => Promise<void>
}

export const createArena = (): Arena => {
  const cleanup = createCleanup()
  const start: Arena['start'] = async (...options) => {
    const peer = await startMeshPeer(...options)
    cleanup.add(peer.stop)
    return peer
  }
  return {
    start,
    scene: async () => {
      const [victim, friend, attacker] = [await start(), await start(), await start()]
      friend.transport.connect(victim.peer, victim.addresses())
      await until(() => friend.isUp(victim.peer) && victim.isUp(friend.peer))
      await attacker.transport.stop()
      const [address] = victim.libp2p.node.getMultiaddrs()
      if (address === undefined) throw new Error('the victim listens')
      return { victim, friend, attacker, attack: await attacker.libp2p.node.dial(address) }
    },
    add: cleanup.add,
    clear: () => cleanup.run(),
  }
}

/** The friend is heard, whatever the attacker does. */
export const isServed = async (victim: MeshPeer, friend: MeshPeer): Promise<void> => {
  const word = randomBytes(8).toString('hex')
  friend.transport.send(victim.peer, 'sync', bytes(word))
  await until(() => victim.frames().includes(word))
}
