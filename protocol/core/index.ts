/** The door of the core: one peer as a synchronous function, admission of bytes, views, and the types they speak. */
export type {
  AuthorId,
  DeviceId,
  GroupId,
  Instant,
  Millis,
  Now,
  PeerId,
  Result,
  Timestamp,
  Topic,
} from './base.ts'
export type { AdmitContext, VerifiedMessage } from './admit.ts'
export type { AuditReport, AuditTask } from './audit.ts'
export type { Cryptography, Verify } from './crypto.ts'
export type { Channel, Effect, Input, StepResult } from './input.ts'
export type {
  CompactAddress,
  GroupKind,
  Intent,
  IntentAnswer,
  MessageId,
  Priority,
} from './intent.ts'
export type { Invite } from './invite.ts'
export type { Random } from './random.ts'
export type { Refusal, RefusalType } from './refusal.ts'
export type { Row, RowQuery, RowRange, RowWrite } from './row.ts'
export type {
  AppView,
  GroupSummary,
  GroupView,
  LedgerView,
  LinkView,
  MemberView,
  MessageBody,
  MessageDetails,
  MessageView,
  OwnMessageView,
} from './screen.ts'
export type { Peer } from './state.ts'

export { admit } from './admit.ts'
export { auditLog, auditTasks } from './audit.ts'
export { groupId, instant, millis, peerId, timestamp } from './base.ts'
export { nobleCryptography } from './crypto.ts'
export { decodeInvite, encodeInvite } from './invite.ts'
export { ownMessageOf } from './ledger-view.ts'
export { limits } from './limits.ts'
export { admissionContext } from './context.ts'
export { createPeer, step } from './peer.ts'
export { randomFrom, seededRandom } from './random.ts'
export { hotRange, sealedPrefixes } from './row.ts'
export { groupViewOf, viewOf } from './view.ts'
