/** Who has to go when there is no room: never a member, first the host that takes the most. */
import { multiaddr } from '@multiformats/multiaddr'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { mostCrowding } from '../../protocol/shell/crowding.ts'
import type { Connection } from '@libp2p/interface'

const connection = (host: number, open: number): Connection =>
  ({
    remoteAddr: multiaddr(`/ip4/10.0.0.${host}/tcp/${40_000 + open}`),
    timeline: { open },
  }) as unknown as Connection

test('one host with many names gives way before anybody else', () => {
  const honest = [1, 2, 3].map(host => connection(host, host))
  const crowd = Array.from({ length: 50 }, (_, i) => connection(99, 10 + i))
  const chosen = mostCrowding([...honest, ...crowd], () => false)
  expect(chosen).toBe(crowd.at(-1))
})

test('a member is never chosen, and nobody when all are members', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.boolean())), people => {
      const named = new Set<Connection>()
      const all = people.map(([host, isMember], open) => {
        const made = connection(host, open)
        if (isMember) named.add(made)
        return made
      })
      const chosen = mostCrowding(all, other => named.has(other))
      if (chosen === undefined) expect(named.size).toBe(all.length)
      else expect(named.has(chosen)).toBe(false)
    }),
  )
})

test('whoever comes by way of a relay does not count as the relay', () => {
  const relay = '12D3KooWJtSF5zy8f6iMuUbBPS7MnaobNMi6JXqsFhXsmNpHdqRF'
  const relayed = {
    ...connection(1, 5),
    remoteAddr: multiaddr(`/ip4/10.0.0.1/tcp/1/ws/p2p/${relay}/p2p-circuit`),
  }
  const direct = connection(2, 1)
  expect(mostCrowding([relayed, relayed, direct], () => false)).toBe(direct)
})
