/** The dial supervisor against a libp2p that only writes down who was dialled, with a clock turned by hand. */
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { beforeAll, expect, test } from 'vitest'
import { peerId } from '../../protocol/core/base.ts'
import { storedAddressBook } from '../../protocol/shell/address-book.ts'
import { bounds } from '../../protocol/shell/bounds.ts'
import { memoryStore } from '../../protocol/shell/store.ts'
import { createSupervisor } from '../../protocol/shell/supervisor.ts'
import { until } from '../support/until.ts'
import { handClock } from './scripted.ts'
import type { Libp2p } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { PeerId } from '#protocol'
import type { LinkKind } from '../../protocol/shell/ports.ts'
import type { Supervisor } from '../../protocol/shell/supervisor.ts'
import type { HandClock } from './scripted.ts'

/** Four peers, smallest id first. */
let ids: readonly PeerId[] = []
beforeAll(async () => {
  const keys = await Promise.all(
    [1, 2, 3, 4].map(seed => generateKeyPairFromSeed('Ed25519', new Uint8Array(32).fill(seed))),
  )
  ids = keys.map(key => peerId(peerIdFromPrivateKey(key).toString())).toSorted()
})
const id = (index: number): PeerId => ids[index] ?? peerId('')

const lan = multiaddr('/ip4/10.0.0.2/tcp/4001')
/** Where a dial never ends. */
const deadEnds = '/ip4/10.9.'
const wan = multiaddr('/ip4/8.8.4.4/tcp/4001')

type World = {
  readonly supervisor: Supervisor
  readonly clock: HandClock
  readonly dials: string[]
  readonly links: Map<PeerId, LinkKind>
  /** Addresses that answer. */
  readonly alive: Set<string>
  readonly events: EventTarget
  /** Lets promises settle and timers of `by` milliseconds run, a little at a time. */
  readonly pass: (by: number) => Promise<void>
}

const settle = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await Promise.resolve()
}

const world = (own: PeerId, addresses: readonly Multiaddr[] = [lan]): World => {
  const clock = handClock()
  const dials: string[] = []
  const links = new Map<PeerId, LinkKind>()
  const alive = new Set<string>()
  const events = new EventTarget()
  const node = Object.assign(events, {
    peerId: own,
    getMultiaddrs: () => addresses,
    getConnections: () => [],
    dial: (address: Multiaddr) => {
      const text = address.toString()
      dials.push(text)
      if (text.startsWith(deadEnds)) return new Promise(() => undefined)
      const [where = '', who = ''] = text.split(/\/p2p\/(?=[^/]*$)/)
      if (!alive.has(where)) return Promise.reject(new Error('nobody there'))
      links.set(peerId(who), 'direct')
      return Promise.resolve({})
    },
  })
  const supervisor = createSupervisor({
    node: node as unknown as Libp2p,
    clock,
    linkKind: peer => links.get(peer),
    linkCount: () => links.size,
    isBanned: () => false,
    chance: () => 0.5,
  })
  supervisor.start()
  return {
    supervisor,
    clock,
    dials,
    links,
    alive,
    events,
    pass: async by => {
      for (let left = by; left > 0; left -= 250) {
        clock.advance(Math.min(250, left))
        await settle()
      }
    },
  }
}

test('a wanted peer is dialled at once, its nearest address first, until one answers', async () => {
  const { supervisor, dials, alive, pass } = world(id(0))
  alive.add(wan.toString())
  supervisor.want(id(1), [wan, lan])
  await pass(250)
  expect(dials).toEqual([`${lan.toString()}/p2p/${id(1)}`, `${wan.toString()}/p2p/${id(1)}`])
  await pass(60_000)
  expect(dials).toHaveLength(2)
})

test('the address that worked last comes first the next time', async () => {
  const { supervisor, dials, alive, links, pass } = world(id(0))
  alive.add(wan.toString())
  supervisor.want(id(1), [wan, lan])
  await pass(250)
  links.delete(id(1))
  supervisor.changed(id(1))
  await pass(250)
  expect(dials.at(-1)).toBe(`${wan.toString()}/p2p/${id(1)}`)
  expect(dials).toHaveLength(3)
})

test('failures are repeated with growing pauses up to a most, and never given up', async () => {
  const { supervisor, dials, clock, alive, pass } = world(id(0))
  supervisor.want(id(1), [lan])
  const at: number[] = []
  for (let i = 0; i < 2_400; i++) {
    const before = dials.length
    await pass(250)
    if (dials.length > before) at.push(clock.now().instant)
  }
  const gaps = at.slice(1).map((instant, index) => instant - (at[index] ?? 0))
  expect(gaps[0]).toBeLessThan(2_500)
  expect(gaps[1]).toBeGreaterThan(gaps[0] ?? 0)
  expect(Math.max(...gaps)).toBeLessThanOrEqual(bounds.dialBackoffMillisMax * 1.5 + 3_000)
  expect(dials.length).toBeGreaterThan(8)
  alive.add(lan.toString())
  await pass(bounds.dialBackoffMillisLong * 2)
  const total = dials.length
  await pass(60_000)
  expect(dials).toHaveLength(total)
})

test('of two peers that may both dial, the one with the larger id waits a moment', async () => {
  const smaller = world(id(0))
  const larger = world(id(3))
  for (const { supervisor, links } of [smaller, larger]) {
    links.set(id(2), 'direct')
    supervisor.want(id(1), [lan])
  }
  await smaller.pass(500)
  await larger.pass(500)
  expect([smaller.dials.length, larger.dials.length]).toEqual([1, 0])
  await larger.pass(bounds.courtesyMillis)
  expect(larger.dials).toHaveLength(1)
})

test('the larger id does not dial when the other one did meanwhile', async () => {
  const { supervisor, links, dials, pass } = world(id(3))
  links.set(id(2), 'direct')
  supervisor.want(id(1), [lan])
  links.set(id(1), 'direct')
  await pass(10_000)
  expect(dials).toEqual([])
})

test('whoever has no neighbour at all, or no address to be dialled at, does not wait', async () => {
  const alone = world(id(3))
  alone.supervisor.want(id(1), [lan])
  const unreachable = world(id(3), [])
  unreachable.links.set(id(2), 'direct')
  unreachable.supervisor.want(id(1), [lan])
  await alone.pass(250)
  await unreachable.pass(250)
  expect([alone.dials.length, unreachable.dials.length]).toEqual([1, 1])
})

test('a discovered peer is dialled', async () => {
  const { events, dials, pass } = world(id(0))
  const detail = { id: id(1), multiaddrs: [lan] }
  events.dispatchEvent(Object.assign(new Event('peer:discovery'), { detail }))
  await pass(250)
  expect(dials).toHaveLength(1)
})

test('a relayed link is used, and a direct way still looked for', async () => {
  const { supervisor, links, dials, alive, pass } = world(id(0))
  const relayed = multiaddr(`/ip4/10.0.0.9/tcp/80/ws/p2p/${id(2)}/p2p-circuit`)
  links.set(id(1), 'relayed')
  supervisor.want(id(1), [relayed])
  await pass(10_000)
  expect(dials).toEqual([])
  alive.add(lan.toString())
  supervisor.want(id(1), [lan])
  await pass(10_000)
  expect(dials).toEqual([`${lan.toString()}/p2p/${id(1)}`])
})

test('addresses that lead through ourselves, and ourselves, are not dialled', async () => {
  const { supervisor, dials, pass } = world(id(0))
  supervisor.want(id(1), [multiaddr(`/ip4/10.0.0.9/tcp/80/ws/p2p/${id(0)}/p2p-circuit`)])
  supervisor.want(id(0), [lan])
  await pass(10_000)
  expect(dials).toEqual([])
})

test('what was reached is dialled again after a restart, from the store', async () => {
  const store = memoryStore()
  const before = world(id(0))
  before.alive.add(wan.toString())
  await before.supervisor.useBook(storedAddressBook(store))
  before.supervisor.want(id(1), [lan, wan])
  before.supervisor.want(id(2), [lan])
  await before.pass(500)
  before.supervisor.reached(id(1), wan)
  await settle()
  before.supervisor.stop()
  const after = world(id(0))
  await after.supervisor.useBook(storedAddressBook(store))
  await until(() => after.dials.length > 0)
  expect(after.dials[0]).toBe(`${wan.toString()}/p2p/${id(1)}`)
  await after.pass(500)
  expect(after.dials.some(text => text.endsWith(id(2)))).toBe(false)
})

test('no more than a few dials run at once, and peers beyond the bound are let go', async () => {
  const { supervisor, dials } = world(id(0))
  const hanging = multiaddr(`${deadEnds}9.9/tcp/1`)
  for (let i = 0; i < bounds.wantedPeersMax + 50; i++)
    supervisor.want(peerId(`peer${i}`), [hanging])
  expect(dials.length).toBeLessThanOrEqual(bounds.parallelDialsMax)
})

test('addresses that lead to no peer are not even kept', async () => {
  const { supervisor, dials, pass } = world(id(0))
  supervisor.want(id(1), [multiaddr('/unix/run%2Fx.sock'), multiaddr('/ip4/0.0.0.0/tcp/22')], true)
  await pass(10_000)
  expect(dials).toEqual([])
})

test('a crowd of strangers at dead ends does not keep a member waiting', async () => {
  const { supervisor, links, dials, pass } = world(id(0))
  links.set(id(2), 'direct')
  supervisor.want(id(1), [lan], true)
  await pass(250)
  links.set(id(1), 'direct')
  for (let i = 0; i < bounds.wantedPeersMax + 50; i++) {
    supervisor.want(peerId(`stranger${i}`), [multiaddr(`${deadEnds}${i % 250}.1/tcp/1`)])
  }
  await pass(10_000)
  links.delete(id(1))
  const before = dials.length
  supervisor.changed(id(1))
  await pass(bounds.courtesyMillis * 2)
  expect(dials.slice(before)).toContain(`${lan.toString()}/p2p/${id(1)}`)
})

test('a stopped supervisor dials nobody', async () => {
  const { supervisor, dials, pass } = world(id(0))
  supervisor.stop()
  supervisor.want(id(1), [lan])
  await pass(60_000)
  expect(dials).toEqual([])
})
