/** Addresses in their forms, and which of our own are told. */
import { multiaddr } from '@multiformats/multiaddr'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  bytesToMultiaddr,
  claimedFrom,
  compactToMultiaddr,
  compareAddresses,
  isDialable,
  multiaddrToBytes,
  multiaddrToCompact,
  ownAddresses,
} from '../../protocol/shell/addresses.ts'
import type { CompactAddress } from '#protocol'

const relay = '12D3KooWJtSF5zy8f6iMuUbBPS7MnaobNMi6JXqsFhXsmNpHdqRF'
const self = '12D3KooWMB8ehnpMLwmcx1jLLr2jUeFC7MkYhjZ5GCCyvqEwYqwh'
const certificateHash = new Uint8Array(32).map((_, index) => index * 7)

const compacts: readonly CompactAddress[] = [
  { transport: 'tcp', host: '192.168.1.7', port: 4001 },
  { transport: 'ws', host: '10.0.0.1', port: 80 },
  { transport: 'ws', host: 'fd00::1', port: 65_535 },
  { transport: 'tcp', host: 'petrel.example.org', port: 1 },
  { transport: 'webrtc-direct', host: '172.16.5.5', port: 4003, certificateHash },
]

const certificate = 'uEiAABw4VHCMqMThARk5VXGNqcXh_ho2Uj5afpq20u8LJ0NfO5ezz-gEIDxYdJA'

test.each(compacts)('%o survives the way to libp2p and back', compact => {
  const address = compactToMultiaddr(compact)
  expect(address && multiaddrToCompact(address)).toEqual(compact)
})

test('the certificate hash is written as libp2p writes it', () => {
  const address = compactToMultiaddr(compacts[4] ?? { transport: 'tcp', host: '', port: 0 })
  expect(address?.toString()).toMatch(
    /^\/ip4\/172\.16\.5\.5\/udp\/4003\/webrtc-direct\/certhash\/uEi/,
  )
})

test('nonsense in the parts makes no address and throws nothing', () => {
  fc.assert(
    fc.property(fc.string(), fc.integer(), (host, port) => {
      for (const transport of ['tcp', 'ws', 'webrtc-direct'] as const) {
        compactToMultiaddr({ transport, host, port })
      }
    }),
  )
  expect(compactToMultiaddr({ transport: 'tcp', host: '300.1.1.1', port: 1 })).toBeUndefined()
  expect(compactToMultiaddr({ transport: 'tcp', host: '10.0.0.1', port: 70_000 })).toBeUndefined()
})

test('bytes from outside that are no address are none, and throw nothing', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), bytes => void bytesToMultiaddr(bytes)))
  expect(bytesToMultiaddr(Uint8Array.of(0xff, 0xff))).toBeUndefined()
})

test('the peer id at the end is dropped, the relay in the middle stays', () => {
  const text = `/ip4/10.0.0.1/tcp/80/ws/p2p/${relay}/p2p-circuit/webrtc`
  const bytes = multiaddrToBytes(multiaddr(`${text}/p2p/${self}`))
  expect(bytesToMultiaddr(bytes)?.toString()).toBe(text)
})

test('relayed addresses have no compact form', () => {
  const relayed = multiaddr(`/ip4/10.0.0.1/tcp/80/ws/p2p/${relay}/p2p-circuit`)
  expect(multiaddrToCompact(relayed)).toBeUndefined()
  expect(multiaddrToCompact(multiaddr('/ip4/10.0.0.1/tcp/80/wss'))).toBeUndefined()
  expect(multiaddrToCompact(multiaddr('/ip4/10.0.0.1/udp/80/webrtc-direct'))).toBeUndefined()
})

test('of our own addresses the LAN comes first, WebSocket first, loopback never beside others', () => {
  const own = [
    '/ip4/127.0.0.1/tcp/4001',
    '/ip4/127.0.0.1/tcp/4002/ws',
    '/ip4/8.8.4.4/tcp/4002/ws',
    '/ip4/192.168.1.7/tcp/4001',
    '/ip4/192.168.1.7/tcp/4002/ws',
    '/ip6/2001:db8::1/tcp/4001',
  ].map(text => multiaddr(`${text}/p2p/${self}`))
  expect(ownAddresses(own).map(String)).toEqual([
    '/ip4/192.168.1.7/tcp/4002/ws',
    '/ip4/192.168.1.7/tcp/4001',
    '/ip4/8.8.4.4/tcp/4002/ws',
    '/ip6/2001:db8::1/tcp/4001',
  ])
  expect(ownAddresses(own.slice(0, 2)).map(String)).toEqual([
    '/ip4/127.0.0.1/tcp/4002/ws',
    '/ip4/127.0.0.1/tcp/4001',
  ])
})

test("a browser's relayed WebRTC addresses come before its bare relayed ones", () => {
  const through = `/ip4/10.0.0.1/tcp/80/ws/p2p/${relay}/p2p-circuit`
  const own = [through, `${through}/webrtc`].map(text => multiaddr(`${text}/p2p/${self}`))
  expect(ownAddresses(own).map(String)).toEqual([`${through}/webrtc`, through])
})

test('the order of addresses is total', () => {
  const all = [
    '/ip4/10.0.0.1/tcp/1',
    '/ip4/10.0.0.1/tcp/1/ws',
    '/ip6/fe80::1/tcp/1',
    '/dns4/a.example/tcp/1/ws',
    `/ip4/10.0.0.1/tcp/80/ws/p2p/${relay}/p2p-circuit`,
  ].map(text => multiaddr(text))
  for (const a of all) {
    for (const b of all) {
      const order = Math.sign(compareAddresses(a, b))
      expect(order + Math.sign(compareAddresses(b, a))).toBe(0)
      expect(order === 0).toBe(a === b)
    }
  }
})

test('a peer can be at a host by TCP, WebSocket or WebRTC-direct, or behind one relay', () => {
  const ways = [
    '/ip4/10.0.0.1/tcp/4001',
    '/ip4/169.254.7.7/tcp/4001',
    '/ip6/2001:db8::1/tcp/4002/ws',
    '/dns4/petrel.example/tcp/443/tls/ws',
    '/dns/petrel.example/tcp/443/wss',
    `/ip4/10.0.0.1/udp/4003/webrtc-direct/certhash/${certificate}/certhash/${certificate}`,
    `/ip4/10.0.0.1/tcp/4002/ws/p2p/${relay}/p2p-circuit`,
    `/ip4/10.0.0.1/udp/4003/webrtc-direct/certhash/${certificate}/p2p/${relay}/p2p-circuit/webrtc`,
  ]
  for (const way of ways) {
    expect([way, isDialable(multiaddr(way))]).toEqual([way, true])
    expect(isDialable(multiaddr(`${way}/p2p/${self}`))).toBe(true)
  }
})

test('no other claim of where a peer is is ever dialled', () => {
  const claims = [
    '/unix/run%2Fuser%2F1000%2Fpetrel.sock',
    '/dnsaddr/bootstrap.example',
    '/ip4/10.0.0.1',
    '/ip4/10.0.0.1/tcp/0',
    '/ip4/10.0.0.1/tcp/80/http',
    '/ip4/10.0.0.1/udp/4001/quic-v1',
    '/ip4/0.0.0.0/tcp/22',
    '/ip4/224.0.0.251/udp/5353/webrtc-direct',
    '/ip4/255.255.255.255/tcp/80',
    '/ip4/169.254.169.254/tcp/80',
    '/ip6/::/tcp/22',
    '/ip6/ff02::1/tcp/22',
    '/ip6/::ffff:169.254.169.254/tcp/80',
    `/p2p/${relay}/p2p-circuit`,
    `/ip4/10.0.0.1/tcp/80/ws/p2p/${relay}/p2p-circuit/p2p/${relay}/p2p-circuit`,
    `/dns4/${'a'.repeat(600)}.example/tcp/80`,
  ]
  for (const claim of claims) {
    expect([claim, isDialable(multiaddr(claim))]).toEqual([claim, false])
  }
})

test('only a peer of this machine may claim to be at this machine', () => {
  const claims = [
    '/ip4/127.0.0.1/tcp/22',
    '/ip6/::1/tcp/22',
    '/dns4/localhost/tcp/22',
    '/dns4/x.localhost/tcp/22',
    '/ip4/10.0.0.1/tcp/22',
  ].map(text => multiaddr(text))
  const near = multiaddr('/ip4/127.0.0.1/tcp/5555')
  const far = multiaddr('/ip4/10.0.0.9/tcp/5555')
  expect(claimedFrom(near, claims)).toEqual(claims)
  expect(claimedFrom(far, claims).map(String)).toEqual(['/ip4/10.0.0.1/tcp/22'])
})
