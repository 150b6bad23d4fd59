/** Which connection makes room. libp2p lets in whoever comes until all places are taken, and then nobody: one stranger with
 *  many names would shut a group out. So a few places are kept free, at the cost of the host that holds the most. */
import { isRelayed } from './addresses.ts'
import type { Connection } from '@libp2p/interface'

const hostOf = ({ remoteAddr }: Connection): string => remoteAddr.getComponents()[0]?.value ?? ''

/** Of the peers nobody named, the newest direct connection of the host with the most; undefined when all were named. */
export const mostCrowding = (
  connections: readonly Connection[],
  isNamed: (connection: Connection) => boolean,
): Connection | undefined => {
  const strangers = connections.filter(
    connection => !isNamed(connection) && !isRelayed(connection.remoteAddr),
  )
  const countByHost = new Map<string, number>()
  for (const connection of strangers) {
    const host = hostOf(connection)
    countByHost.set(host, (countByHost.get(host) ?? 0) + 1)
  }
  const crowd = (connection: Connection): number => countByHost.get(hostOf(connection)) ?? 0
  return strangers.toSorted((a, b) => crowd(b) - crowd(a) || b.timeline.open - a.timeline.open)[0]
}
