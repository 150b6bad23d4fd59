/** Requests to be let in, on their way: wherever they go they go once, only to who knows the group, and whoever floods fills
 *  no more than a share of its own. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Effect, type GroupId, type Random, limits, seededRandom } from '#protocol'
import { createKeyBundle, createSelfCertificate } from '../../protocol/core/certificate.ts'
import { timestamp } from '../../protocol/core/base.ts'
import { admit } from '../../protocol/core/admit.ts'
import {
  decodeJoinRequest,
  encodeJoinRequest,
  signJoinRequest,
  requestName,
} from '../../protocol/core/join.ts'
import { decodeJoinFrame, encodeJoinFrame } from '../../protocol/core/message.ts'
import { createNodeCryptography } from '../../node/cryptography.ts'
import {
  type Frame,
  type Seat,
  type Table,
  createGroup,
  createTable,
  join,
  verify,
} from './table.ts'

const cryptography = createNodeCryptography()

/** A request that verifies, by a device and an invite nobody ever heard of. */
const strangersRequest = (gid: GroupId, random: Random): Uint8Array => {
  const [secret, inviteSecret, prekey] = [random.bytes(32), random.bytes(32), random.bytes(32)]
  const wall = timestamp(1_790_000_000_000)
  const names = { name: 'mallory', unit: '' }
  const certificate = createSelfCertificate({ secret, cryptography, ...names, wall, random })
  const keyBundle = createKeyBundle({ secret, cryptography, prekey })
  const asked = { gid, certificate, keyBundle, nonce: random.bytes(16) }
  return encodeJoinRequest(signJoinRequest(asked, { inviteSecret, secret, cryptography }))
}

/** Hands a request over as it would come from the wire, and says what came of it. */
const bring = (table: Table, from: string, to: string, request: Uint8Array): readonly Effect[] => {
  const [sender, receiver] = [table.seat(from), table.seat(to)]
  const frame = encodeJoinFrame({ type: 'join-request', request })
  const message = admit(frame, table.context(sender, receiver, 'join'), verify)
  if (!message.ok) throw new Error(message.error.type)
  return table.input(receiver, { type: 'received', from: sender.id, message: message.value })
}

const keptBy = ({ peer }: Seat): number => peer.joinDesk.held.size
const isMember = (seat: Seat, gid: GroupId): boolean => seat.peer.groups.get(gid)?.role === 'member'
const gidOf = ({ bytes }: Frame): GroupId => {
  const request = decodeJoinRequest(bytes.subarray(1))
  if (!request.ok) throw new Error(request.error.type)
  return request.value.gid
}
const isRequest = ({ channel, bytes }: Frame): boolean => channel === 'join' && bytes[0] === 1

/** Ada's group, carried by the others; she is linked to nobody any more. */
const carriedBy = (
  carriers: readonly string[],
  others: readonly string[] = [],
  watch: (frame: Frame) => void = () => undefined,
): { readonly table: Table; readonly gid: GroupId; readonly token: Uint8Array } => {
  const table = createTable(['ada', ...carriers, ...others], watch)
  const { gid, token } = createGroup(table, 'ada')
  for (const name of carriers) table.connect('ada', name)
  table.pass(5_000)
  for (const name of carriers) table.disconnect('ada', name)
  return { table, gid, token }
}

describe('through any mesh of carriers', () => {
  const carriers = ['cy', 'di', 'ed', 'flo', 'gus']
  const places = ['dan', ...carriers, 'ada', 'stranger']
  // Whoever is linked to Ada carries for her and is no stranger.
  const pairs = places
    .flatMap((a, at) => places.slice(at + 1).map(b => [a, b] as const))
    .filter(([a, b]) => a !== 'ada' || b !== 'stranger')
  const meshes = fc.subarray(pairs, { minLength: 3 })

  test('a request goes over each link once, only to who knows the group, and lets in whom a path reaches', () => {
    fc.assert(
      fc.property(meshes, mesh => {
        const counts = new Map<string, number>()
        const shown: string[] = []
        const { table, gid, token } = carriedBy(carriers, ['dan', 'stranger'], frame => {
          if (!isRequest(frame)) return
          const group = frame.to.peer.groups.get(gidOf(frame))
          if (group === undefined || group.log.authors.size === 0) shown.push(frame.to.name)
          const way = `${frame.from.name} > ${frame.to.name}`
          counts.set(way, (counts.get(way) ?? 0) + 1)
        })
        for (const [a, b] of mesh) table.connect(a, b)
        join(table, 'dan', token)
        table.pass(60_000)
        const isReached = pathExists(mesh.filter(pair => !pair.includes('stranger')))
        expect(isMember(table.seat('dan'), gid)).toBe(isReached)
        for (const [way, count] of counts) {
          if (!way.startsWith('dan')) expect(count, way).toBe(1)
        }
        expect(shown).toEqual([])
        if (isReached) return
        for (const name of carriers) {
          const isNear = pathExists(
            mesh.filter(pair => !pair.includes('stranger')),
            name,
          )
          expect(keptBy(table.seat(name)), name).toBe(isNear ? 1 : 0)
        }
      }),
      { numRuns: 40 },
    )
  })

  const pathExists = (mesh: readonly (readonly [string, string])[], to = 'ada'): boolean => {
    const reached = new Set(['dan'])
    for (const name of reached) {
      for (const pair of mesh) {
        if (pair.includes(name)) for (const end of pair) reached.add(end)
      }
    }
    return reached.has(to)
  }
})

describe('a carrier that is flooded', () => {
  test('keeps a share of each neighbour, charges the rest, and closes the link', () => {
    const { table, gid } = carriedBy(['cy'], ['mallory'])
    table.connect('mallory', 'cy')
    const random = seededRandom('flood')
    const effects: Effect[] = []
    for (let count = 0; count < limits.joinRequestsPerNeighbourMax + limits.refusalsMax; count++) {
      effects.push(...bring(table, 'mallory', 'cy', strangersRequest(gid, random)))
    }
    const cy = table.seat('cy')
    expect(keptBy(cy)).toBe(limits.joinRequestsPerNeighbourMax)
    expect(cy.peer.refusals.get('over-quota')).toBe(limits.refusalsMax)
    expect(effects.filter(({ type }) => type === 'disconnect')).toHaveLength(1)
  })

  test('by many has room for Dan all the same, and never keeps more than its total', () => {
    const mob = Array.from({ length: 6 }, (_, index) => `mob-${index}`)
    const { table, gid, token } = carriedBy(['cy'], ['dan', ...mob])
    const random = seededRandom('mob')
    for (const name of mob) {
      table.connect(name, 'cy')
      for (let count = 0; count < limits.joinRequestsPerNeighbourMax; count++) {
        bring(table, name, 'cy', strangersRequest(gid, random))
      }
    }
    const cy = table.seat('cy')
    expect(keptBy(cy)).toBe(limits.joinRequestsMax)
    table.connect('dan', 'cy')
    join(table, 'dan', token)
    expect(keptBy(cy)).toBe(limits.joinRequestsMax)
    for (const name of mob) table.disconnect(name, 'cy')
    table.connect('cy', 'ada')
    table.pass(600_000)
    expect(isMember(table.seat('dan'), gid)).toBe(true)
    // Ada cannot blame the carrier for what it cannot judge.
    expect(table.seat('ada').peer.links.get(cy.id)?.refusals).toBe(0)
  })

  test('with one request over and over writes and passes on nothing more', () => {
    const { table, gid } = carriedBy(['cy', 'di'], ['mallory'])
    table.connect('mallory', 'cy')
    table.connect('cy', 'di')
    const request = strangersRequest(gid, seededRandom('once'))
    expect(bring(table, 'mallory', 'cy', request).some(({ type }) => type === 'persist')).toBe(true)
    for (let count = 0; count < 100; count++) {
      expect(bring(table, 'mallory', 'cy', request)).toEqual([])
    }
  })

  test('with ever new requests of one device keeps one, and changes it only now and then', () => {
    const { table, gid } = carriedBy(['cy'], ['mallory'])
    table.connect('mallory', 'cy')
    const same = (): Random => seededRandom('one device')
    const request = strangersRequest(gid, same())
    const nonceOf = (count: number): Random => {
      const random = same()
      let asked = 0
      return {
        bytes: length =>
          length === 16 && ++asked > 0 ? new Uint8Array(16).fill(count) : random.bytes(length),
      }
    }
    bring(table, 'mallory', 'cy', request)
    for (let count = 0; count < 10; count++) {
      bring(table, 'mallory', 'cy', strangersRequest(gid, nonceOf(count)))
    }
    const { peer } = table.seat('cy')
    expect(peer.joinDesk.held.size).toBe(1)
    expect(peer.refusals.get('over-quota')).toBe(10)
    table.pass(6_000)
    const newest = strangersRequest(gid, nonceOf(99))
    bring(table, 'mallory', 'cy', newest)
    expect([...peer.joinDesk.held.values()].map(({ bytes }) => bytes)).toEqual([newest])
  })
})

test('a request that is bent anywhere is charged and never kept', () => {
  const { table, gid } = carriedBy(['cy'], ['mallory'])
  table.connect('mallory', 'cy')
  const request = strangersRequest(gid, seededRandom('bent'))
  const { peer } = table.seat('cy')
  const link = peer.links.get(table.seat('mallory').id)
  fc.assert(
    fc.property(fc.nat(request.length * 8 - 1), bit => {
      const bent = request.slice()
      bent[bit >> 3] = (bent[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      const before = link?.refusals ?? 0
      bring(table, 'mallory', 'cy', bent)
      const decoded = decodeJoinRequest(bent)
      const isElsewhere = decoded.ok && decoded.value.gid !== gid
      expect(link?.refusals).toBe(before + (isElsewhere ? 0 : 1))
      expect(peer.joinDesk.held.size).toBe(0)
    }),
    { numRuns: 300 },
  )
})

test('who neither is in the group nor carries it keeps nothing and says nothing', () => {
  const { table, gid } = carriedBy(['cy'], ['mallory', 'eve'])
  table.connect('mallory', 'eve')
  const request = strangersRequest(gid, seededRandom('nobody'))
  expect(bring(table, 'mallory', 'eve', request)).toEqual([])
  expect(keptBy(table.seat('eve'))).toBe(0)
})

test('a refusal is handed back once, and only from a neighbour that was shown the request', () => {
  const told: string[] = []
  const { table, gid } = carriedBy(
    ['cy', 'di', 'ed'],
    ['mallory'],
    ({ from, to, channel, bytes }) => {
      const frame = channel === 'join' ? decodeJoinFrame(bytes) : undefined
      if (frame?.ok !== true || frame.value.type !== 'join-refused') return
      told.push(`${from.name} > ${to.name}: ${frame.value.refusal}`)
    },
  )
  table.connect('mallory', 'cy')
  const request = strangersRequest(gid, seededRandom('no'))
  bring(table, 'mallory', 'cy', request)
  const [cy, di, ed] = [table.seat('cy'), table.seat('di'), table.seat('ed')]
  const refuse = (from: Seat, refusal: 'invite-used' | 'invite-expired'): void => {
    const name = requestName(request)
    table.frame(
      from,
      cy,
      'join',
      encodeJoinFrame({ type: 'join-refused', gid, refusal, request: name }),
    )
  }
  table.connect('cy', 'ed')
  refuse(di, 'invite-used')
  expect(told).toEqual([])
  table.connect('cy', 'di')
  table.pass(2_000)
  refuse(di, 'invite-used')
  refuse(di, 'invite-used')
  refuse(di, 'invite-expired')
  refuse(ed, 'invite-used')
  expect(told.filter(line => line.startsWith('cy'))).toEqual(['cy > mallory: invite-used'])
})
