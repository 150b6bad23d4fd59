/** How many connections of one host may be in the middle of coming in. libp2p has places for a hundred, all hosts together;
 *  whoever opens that many and stays silent would keep everybody out for a minute, and then again. */
import { bounds } from './bounds.ts'
import type { ConnectionGater, MultiaddrConnection } from '@libp2p/interface'

export const createDoor = (): Required<
  Pick<ConnectionGater, 'denyInboundConnection' | 'denyInboundUpgradedConnection'>
> => {
  const comingByHost = new Map<string, Set<MultiaddrConnection>>()
  const hostOf = ({ remoteAddr }: MultiaddrConnection): string =>
    remoteAddr.getComponents()[0]?.value ?? ''

  const settle = (connection: MultiaddrConnection): void => {
    const host = hostOf(connection)
    const coming = comingByHost.get(host)
    coming?.delete(connection)
    if (coming?.size === 0) comingByHost.delete(host)
  }

  return {
    denyInboundConnection: connection => {
      const host = hostOf(connection)
      const coming = comingByHost.get(host) ?? new Set()
      if (coming.size >= bounds.comingPerHostMax) return true
      comingByHost.set(host, coming.add(connection))
      connection.addEventListener('close', () => settle(connection))
      return false
    },
    denyInboundUpgradedConnection: (_peer, connection) => {
      settle(connection)
      return false
    },
  }
}
