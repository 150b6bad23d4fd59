/** A relay introduces; it is not a pipe for whoever wants one. */
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { expect, test } from 'vitest'
import { bounds } from '../../protocol/shell/bounds.ts'
import { relayGate } from '../../protocol/shell/relay.ts'
import { handClock } from './scripted.ts'
import type { PeerId } from '@libp2p/interface'

const person = async (seed: number): Promise<PeerId> =>
  peerIdFromPrivateKey(await generateKeyPairFromSeed('Ed25519', new Uint8Array(32).fill(seed)))

test('a newcomer reaches everybody through the relay, and then a few more a minute', async () => {
  const clock = handClock()
  const { denyOutboundRelayedConnection: isDenied } = relayGate(clock)
  const [mallory, bob, carol] = [await person(1), await person(2), await person(3)]
  for (let i = 0; i < bounds.circuitsBurst; i++) expect(isDenied(mallory, bob)).toBe(false)
  expect(bounds.circuitsBurst).toBeGreaterThan(bounds.linksWantedMax)
  expect(isDenied(mallory, bob)).toBe(true)
  expect(isDenied(mallory, carol)).toBe(true)
  expect(isDenied(carol, bob)).toBe(false)
  clock.advance(60_000)
  expect(isDenied(mallory, bob)).toBe(false)
})
