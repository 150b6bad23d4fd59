/** An invite fits a QR code, reads back on every host, and says what is wrong with it. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concatBytes, groupId, timestamp, utf8ToBytes } from '../../protocol/core/base.ts'
import type { CompactAddress } from '../../protocol/core/intent.ts'
import {
  type Invite,
  addressToMultiaddr,
  decodeInvite,
  encodeInvite,
  peerIdOf,
} from '../../protocol/core/invite.ts'
import { limits } from '../../protocol/core/limits.ts'
import { seededRandom } from '../../protocol/core/random.ts'
import { expectGolden } from './golden.ts'

const random = seededRandom('invite')
const bare: Invite = {
  group: groupId('000102030405060708090a0b0c0d0e0f'),
  seed: random.bytes(16),
  libp2pKey: random.bytes(32),
  notAfter: timestamp(1_790_000_000_000),
  addresses: [],
}
const certificateHash = random.bytes(32)
const addresses: readonly CompactAddress[] = [
  { transport: 'ws', host: '192.168.1.20', port: 8080 },
  { transport: 'tcp', host: 'fd00:0:0:0:0:0:0:1', port: 4001 },
  { transport: 'ws', host: 'petrel.example', port: 443 },
]
const webrtc: CompactAddress = {
  transport: 'webrtc-direct',
  host: '10.0.0.7',
  port: 9090,
  certificateHash,
}

const host = fc.oneof(
  fc.ipV4(),
  fc
    .array(fc.nat({ max: 65_535 }), { minLength: 8, maxLength: 8 })
    .map(groups => groups.map(part => part.toString(16)).join(':')),
  fc.stringMatching(/^[a-z][a-z0-9-]{0,20}\.example$/),
)
const address = fc.oneof(
  fc.record({
    transport: fc.constantFrom<'tcp' | 'ws'>('tcp', 'ws'),
    host,
    port: fc.nat({ max: 65_535 }),
  }),
  fc.record({
    transport: fc.constant<'webrtc-direct'>('webrtc-direct'),
    host,
    port: fc.nat({ max: 65_535 }),
    certificateHash: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  }),
)
const damaged = { ok: false, error: { type: 'invite-damaged' } }

describe('a token', () => {
  test('reads back with as many addresses as fit, the first ones first', () => {
    fc.assert(
      fc.property(
        fc.array(address, { maxLength: 6 }),
        fc.nat({ max: 2 ** 32 - 1 }),
        (given, seconds) => {
          const invite = { ...bare, notAfter: timestamp(seconds * 1_000), addresses: given }
          const token = encodeInvite(invite)
          expect(token.length).toBeLessThanOrEqual(limits.inviteBytesMax)
          const decoded = decodeInvite(token)
          expect(decoded.ok).toBe(true)
          if (!decoded.ok) return
          const kept = decoded.value.addresses.length
          expect(decoded.value).toEqual({ ...invite, addresses: given.slice(0, kept) })
          expect(encodeInvite(decoded.value)).toEqual(token)
        },
      ),
    )
  })

  test('no strict prefix reads, nor one with a byte too many', () => {
    for (const given of [[], addresses, [webrtc]]) {
      const token = encodeInvite({ ...bare, addresses: given })
      for (let length = 0; length < token.length; length++) {
        expect(decodeInvite(token.subarray(0, length))).toMatchObject(damaged)
      }
      expect(decodeInvite(concatBytes(token, Uint8Array.of(0)))).toMatchObject(damaged)
    }
  })

  test('whatever bytes read at all are the one form of what they say', () => {
    const valid = encodeInvite({ ...bare, addresses })
    const bent = fc
      .array(fc.tuple(fc.nat({ max: valid.length - 1 }), fc.nat({ max: 255 })), { maxLength: 3 })
      .map(changes => changes.reduce((bytes, [at, value]) => bytes.with(at, value), valid))
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 160 }), bent), bytes => {
        const decoded = decodeInvite(bytes)
        if (decoded.ok) expect(encodeInvite(decoded.value)).toEqual(bytes)
      }),
      { numRuns: 3_000 },
    )
  })

  test('of a later version says so; other first bytes are damage', () => {
    const token = encodeInvite(bare)
    const later = { ok: false, error: { type: 'invite-newer-version' } }
    expect(decodeInvite(token.with(0, 2))).toEqual(later)
    expect(decodeInvite(token.with(0, 31).subarray(0, 20))).toEqual(later)
    for (const first of [0, 32, 255])
      expect(decodeInvite(token.with(0, first))).toMatchObject(damaged)
  })

  test('too long, with too many addresses, an unknown transport or a strange name, is damaged', () => {
    const token = encodeInvite(bare)
    const withAddress = (...bytes: readonly number[]): Uint8Array =>
      concatBytes(token.subarray(0, -1), Uint8Array.of(1, ...bytes))
    expect(decodeInvite(withAddress(2, 1, 97, 0, 80)).ok).toBe(true)
    expect(decodeInvite(new Uint8Array(limits.inviteBytesMax + 1).fill(1))).toMatchObject(damaged)
    expect(decodeInvite(token.with(token.length - 1, 5))).toMatchObject(damaged)
    expect(decodeInvite(withAddress(12, 1, 97, 0, 80))).toMatchObject(damaged)
    expect(decodeInvite(withAddress(3, 1, 97, 0, 80))).toMatchObject(damaged)
    expect(decodeInvite(withAddress(2, 0, 0, 80))).toMatchObject(damaged)
    expect(decodeInvite(withAddress(2, 1, 0x20, 0, 80))).toMatchObject(damaged)
    expect(decodeInvite(withAddress(2, 0xff, 0xff, 0xff, 0x0f, 0, 80))).toMatchObject(damaged)
    const dotted = utf8ToBytes('1.2.3.4')
    expect(decodeInvite(withAddress(2, 7, ...dotted, 0, 80))).toMatchObject(damaged)
  })
})

test('IPv6 hosts in any spelling are one address', () => {
  const spellings = ['fd00::1', 'fd00:0:0::1', 'FD00:0:0:0:0:0:0:1', 'fd00:0000::0001']
  const tokens = spellings.map(name =>
    encodeInvite({ ...bare, addresses: [{ transport: 'tcp', host: name, port: 1 }] }).join(),
  )
  expect(new Set(tokens).size).toBe(1)
})

test('tokens and addresses are the ones of the vectors', () => {
  for (const [name, given] of Object.entries({ bare: [], addresses, webrtc: [webrtc] })) {
    const invite = { ...bare, addresses: given }
    expectGolden('invite', name, invite, encodeInvite(invite))
  }
  for (const given of [...addresses, webrtc]) {
    expectGolden('invite', `multiaddr ${given.host}`, given, addressToMultiaddr(given))
  }
  const id = peerIdOf(bare.libp2pKey)
  expectGolden('invite', 'peer id', { publicKey: bare.libp2pKey }, new TextEncoder().encode(id))
  expect(id).toMatch(/^12D3KooW[1-9A-HJ-NP-Za-km-z]{44}$/)
})
