/** A host with many silent connections keeps itself out, and nobody else. */
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { expect, test } from 'vitest'
import { bounds } from '../../protocol/shell/bounds.ts'
import { createDoor } from '../../protocol/shell/door.ts'
import type { MultiaddrConnection } from '@libp2p/interface'

const coming = (host: string): MultiaddrConnection =>
  Object.assign(new EventTarget(), {
    remoteAddr: multiaddr(`/ip4/${host}/tcp/5555`),
  }) as unknown as MultiaddrConnection

const fill = (door: ReturnType<typeof createDoor>): readonly MultiaddrConnection[] => {
  const silent = Array.from({ length: bounds.comingPerHostMax }, () => coming('10.0.0.66'))
  for (const connection of silent) expect(door.denyInboundConnection(connection)).toBe(false)
  expect(door.denyInboundConnection(coming('10.0.0.66'))).toBe(true)
  return silent
}

test('beyond the bound the host is refused, and others come in', () => {
  const door = createDoor()
  fill(door)
  expect(door.denyInboundConnection(coming('10.0.0.7'))).toBe(false)
})

test('whoever is through or gone leaves the place to the next', async () => {
  const door = createDoor()
  const [first, second] = fill(door)
  if (first === undefined || second === undefined) throw new Error('filled')
  first.dispatchEvent(new Event('close'))
  expect(door.denyInboundConnection(coming('10.0.0.66'))).toBe(false)
  const key = await generateKeyPairFromSeed('Ed25519', new Uint8Array(32).fill(1))
  expect(door.denyInboundUpgradedConnection(peerIdFromPrivateKey(key), second)).toBe(false)
  expect(door.denyInboundConnection(coming('10.0.0.66'))).toBe(false)
  expect(door.denyInboundConnection(coming('10.0.0.66'))).toBe(true)
})
