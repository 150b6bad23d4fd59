/** One peer with everything a Node process gives it: keys, store, drive, and links when it runs in front (`online`). Without
 *  links the same peer is opened for one command: what is written then waits in the store. */
import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { peerId, randomFrom } from '#protocol'
import { startDrive, systemClock } from '#shell'
import type { Random } from '#protocol'
import type { Drive, Store, Transport } from '#shell'
import { createNodeCryptography } from './cryptography.ts'
import { libp2pDirectory } from './data-dir.ts'
import { systemCode } from './files.ts'
import { openNodeStore } from './node-store.ts'
import { renewTransportSeed } from './keys.ts'
import type { Keys } from './keys.ts'
import { openPlace } from './place.ts'
import { undoAll } from './undo.ts'
import type { Undo } from './undo.ts'
import type { NodeListen, PortTaken } from './libp2p.ts'

export type HostOptions = {
  readonly dataDir: string
  readonly keys: Keys
  /** Left out: no links at all. */
  readonly network?: { readonly listen: NodeListen; readonly mdns: boolean }
}

export type Host = {
  readonly dataDir: string
  readonly drive: Drive
  readonly store: Store
  readonly random: Random
  /** 32-byte public key of the libp2p identity. */
  readonly publicKey: Uint8Array
  readonly peer: string
  readonly isOnline: boolean
  /** Own multiaddrs as text, without the peer id; empty without links. */
  readonly addresses: () => readonly string[]
  readonly taken: readonly PortTaken[]
  /** When it was last noticed that the data directory is a copy, was restored or moved; wall clock in milliseconds. */
  readonly movedAt: number | undefined
  readonly stop: () => Promise<void>
}

const systemRandom: Random = randomFrom(length => new Uint8Array(randomBytes(length)))

type Network = {
  readonly transport: Transport
  readonly addresses: () => readonly string[]
  readonly taken: readonly PortTaken[]
  readonly stop: () => Promise<void>
}

/** The same identity with nobody to talk to. */
const offline = async (seed: Uint8Array): Promise<Network> => {
  const { publicKey } = await generateKeyPairFromSeed('Ed25519', seed)
  const transport: Transport = {
    peer: peerId(peerIdFromPublicKey(publicKey).toString()),
    publicKey: publicKey.raw,
    start: () => Promise.resolve(),
    send: () => undefined,
    publish: () => undefined,
    subscribe: () => undefined,
    connect: () => undefined,
    disconnect: () => undefined,
    linkKind: () => undefined,
    stop: () => Promise.resolve(),
  }
  return { transport, addresses: () => [], taken: [], stop: () => Promise.resolve() }
}

/** libp2p is loaded only here: it takes half a second, which short commands need not wait for. */
const online = async (
  options: HostOptions,
  network: NonNullable<HostOptions['network']>,
): Promise<Network> => {
  const [{ createNodeLibp2p }, { createTransport }] = await Promise.all([
    import('./libp2p.ts'),
    import('#shell'),
  ])
  const { node, taken, stop } = await createNodeLibp2p({
    dataDirectory: options.dataDir,
    identitySeed: options.keys.transportSeed,
    listen: network.listen,
    mdns: network.mdns,
    relay: true,
  })
  const addresses = (): readonly string[] =>
    node.getMultiaddrs().map(address => address.toString().replace(/\/p2p\/[^/]+$/, ''))
  return { transport: createTransport(node), addresses, taken, stop }
}

export const openHost = async (options: HostOptions): Promise<Host> => {
  const { dataDir } = options
  const random = systemRandom
  const store = await openNodeStore(dataDir, options.keys.dataKey, random)
  const undo: Undo[] = [store.close]
  try {
    const { isMoved, movedAt, settle } = await openPlace(store, dataDir, systemClock.now().wall)
    const keys = isMoved ? newEndpoint(dataDir, options.keys) : options.keys
    const network = await (options.network === undefined
      ? offline(keys.transportSeed)
      : online({ ...options, keys }, options.network))
    undo.unshift(network.stop)
    const { transport, addresses, taken } = network
    const cryptography = createNodeCryptography()
    const parts = { store, transport, clock: systemClock, random, cryptography }
    const drive = await startDrive({ ...parts, isCopy: isMoved })
    undo.unshift(drive.stop)
    await settle().catch(keepOldPlace)
    const { peer, publicKey } = transport
    const isOnline = options.network !== undefined
    const stop = (): Promise<void> => undoAll(undo)
    const host = { dataDir, drive, store, random, publicKey, peer, isOnline, addresses, taken }
    return { ...host, movedAt, stop }
  } catch (reason) {
    await undoAll(undo)
    throw reason
  }
}

/** A name of its own on the wire, so that a copy and its original can meet. What libp2p kept was sealed for the old one. */
const newEndpoint = (dataDir: string, keys: Keys): Keys => {
  rmSync(libp2pDirectory(dataDir), { recursive: true, force: true })
  return renewTransportSeed(dataDir, keys)
}

/** Nothing can be remembered on a full disk; the row that is there stays true. */
const keepOldPlace = (reason: unknown): void => {
  if (systemCode(reason) === undefined) throw reason
}
