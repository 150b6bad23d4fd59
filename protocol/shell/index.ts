/** The door to the shared shell, '#shell': the drive loop, the store and the libp2p transport, for Node and browser. */
export { startDrive } from './start.ts'
export type { DriveOptions } from './start.ts'
export type { Drive, DriveEvent } from './drive.ts'
export type { SignatureCheck, VerifyBatch } from './verify.ts'
export { byteEncodings, memoryStore, openStore } from './store.ts'
export type { ByteLevel, StoreErrorCode, StoreOptions } from './store.ts'
export { createRowCipher } from './crypto.ts'
export type { RowCipher } from './crypto.ts'
export { createDoor } from './door.ts'
export { createTransport } from './transport.ts'
export type { TransportOptions } from './transport.ts'
export { inviteLink, parseInviteLink } from './link.ts'
export { systemClock } from './clock.ts'
export { decodeRecord } from './record.ts'
export type { RecordLine } from './record.ts'
export type { Clock, LinkKind, Store, Transport, TransportEvents } from './ports.ts'
export {
  connectionsMax,
  createMuxer,
  rtcConfiguration,
  serviceTimeout,
  weakProfile,
} from './profile.ts'
export { createGossip, hardenGossip } from './gossip.ts'
export { freePlaces, relayGate, relayOptions } from './relay.ts'
export type { MeshNode } from './transport.ts'
export { patchSource } from './source-patches.ts'
export { sha256 } from './crypto.ts'
export {
  bytesToMultiaddr,
  compactToMultiaddr,
  multiaddrToBytes,
  multiaddrToCompact,
} from './addresses.ts'
