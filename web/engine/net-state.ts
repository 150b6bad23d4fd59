/** What the net bar may say, from what the peer knows: never better than the links that are up. */
import type { AppView } from '#protocol'
import type { NetState } from './client.ts'

/** From this best round trip on the network is called weak, in milliseconds. */
const weakMillis = 600

export const netStateOf = (app: AppView, pending: number): NetState => {
  const waiting = app.groups.reduce((sum, group) => sum + group.heldOnly, pending)
  const { links } = app
  if (links.length === 0) return { type: 'alone', waiting }
  const isMember = app.groups.some(group => group.state === 'member')
  if (isMember && links.every(link => link.sharedGroups === 0)) return { type: 'relay-only' }
  const left = app.groups.reduce((sum, group) => sum + group.missing, 0)
  if (left > 0) return { type: 'syncing', left }
  const trips = links.map(link => link.roundTrip).filter(trip => trip !== undefined)
  const best = trips.toSorted((a, b) => a - b)[0]
  if (best !== undefined && best >= weakMillis) return { type: 'weak', roundTrip: best }
  return { type: 'ok', nodes: links.length, waiting }
}
