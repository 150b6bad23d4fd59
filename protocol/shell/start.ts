/** A drive around a real peer: the loop of drive.ts with the core's door. */
import {
  admissionContext,
  admit,
  createPeer,
  groupViewOf,
  nobleCryptography,
  ownMessageOf,
  step,
  viewOf,
} from '#protocol'
import { storedAddressBook } from './address-book.ts'
import { drive } from './drive.ts'
import type { Cryptography, Random } from '#protocol'
import type { Clock, Store, Transport } from './ports.ts'
import type { Drive } from './drive.ts'
import type { VerifyBatch } from './verify.ts'

export type DriveOptions = {
  readonly store: Store
  readonly transport: Transport
  readonly clock: Clock
  readonly random: Random
  /** The host saw that the store was copied, restored or moved; see `started` in core/input.ts. */
  readonly isCopy?: boolean
  /** Native signing and verification; noble where the host has none. */
  readonly cryptography?: Cryptography
  /** Native verification that only comes as promises (WebCrypto). */
  readonly verifyBatch?: VerifyBatch
  /** Receives one JSON line per input; see record.ts. It holds secrets. */
  readonly record?: (line: string) => void
}

export const startDrive = async (options: DriveOptions): Promise<Drive> => {
  const { store, transport, clock, random } = options
  const cryptography = options.cryptography ?? nobleCryptography
  await transport.rememberIn?.(storedAddressBook(store))
  return drive({
    core: { step, admit, admissionContext, viewOf, groupViewOf, ownMessageOf },
    peer: createPeer({ peer: transport.peer, random, cryptography }),
    store,
    transport,
    clock,
    verify: cryptography.verify,
    ...(options.isCopy === undefined ? {} : { isCopy: options.isCopy }),
    ...(options.verifyBatch === undefined ? {} : { verifyBatch: options.verifyBatch }),
    ...(options.record === undefined ? {} : { record: options.record }),
  })
}
