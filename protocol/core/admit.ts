/** From bytes to a message the machine may believe: bound, decode, verify. It changes nothing and depends only on its
 *  arguments, so a shell may verify in batches and a simulator once per distinct message. Only this file makes a
 *  VerifiedMessage. An operation counts as verified when its author's key is known (or stands in the same frame) and its
 *  signature, or that of a later operation of its run, holds; control-class operations need their own, since whoever joins is
 *  shown them one by one. A log's first operation also needs its admission by the epoch's write key. Whether the author may
 *  say it, members judge later, in the group's control state. */
import {
  type AuthorId,
  type Brand,
  type EpochId,
  type GroupId,
  type Result,
  failure,
  idBytes,
  success,
} from './base.ts'
import { type Verify, verifyStrict } from './crypto.ts'
import { authorOf, decodeGenesisClear, groupOf, writeMessage } from './genesis.ts'
import type { Channel } from './input.ts'
import { limits } from './limits.ts'
import {
  type HeadRef,
  type HaveVector,
  type HelloGroup,
  type OpRef,
  decodeJoinFrame,
  decodeSyncFrame,
} from './message.ts'
import { type Op, decodeRecord, decodeRun, isControlClass, kinds, opBytesMax } from './op.ts'
import { type Refusal, type RefusalType, refusal } from './refusal.ts'
import { type Slot, decodeSlot, slotMessage } from './slot.ts'

/** What admission may look up: a read-only view of a peer for one neighbour and channel. */
export type AdmitContext = {
  readonly channel: Channel
  /** The group of a gossip topic. */
  readonly gossipGroup?: GroupId | undefined
  /** The group behind an index of the neighbour's HELLO. */
  readonly groupAt: (index: number) => GroupId | undefined
  readonly keyOf: (gid: GroupId, author: AuthorId) => Uint8Array | undefined
  readonly writeKeyOf: (gid: GroupId, epoch: EpochId) => Uint8Array | undefined
  /** Whether exactly this operation is held already; then its signature was checked before. */
  readonly holds?: ((op: Op) => boolean) | undefined
}

export type MessageContent =
  | {
      readonly type: 'hello'
      readonly features: number
      readonly nonce: Uint8Array
      readonly groups: readonly HelloGroup[]
    }
  | {
      readonly type: 'have'
      readonly gid: GroupId
      readonly setHash: Uint8Array
      readonly vector: HaveVector
    }
  /** `refusals` names what was left out of the frame. */
  | {
      readonly type: 'ops'
      readonly gid: GroupId
      readonly ops: readonly Op[]
      readonly refusals: readonly Refusal[]
      readonly source: 'sync' | 'gossip' | 'join'
    }
  | {
      readonly type: 'slots'
      readonly gid: GroupId
      readonly slots: readonly Slot[]
      readonly refusals: readonly Refusal[]
    }
  | { readonly type: 'want'; readonly gid: GroupId; readonly refs: readonly OpRef[] }
  | { readonly type: 'ack'; readonly frames: number; readonly refused: readonly number[] }
  | { readonly type: 'done'; readonly gid: GroupId; readonly setHash: Uint8Array }
  | { readonly type: 'heads'; readonly gid: GroupId; readonly heads: readonly HeadRef[] }
  | { readonly type: 'carry'; readonly groups: readonly GroupId[] }
  | { readonly type: 'join-request'; readonly request: Uint8Array }
  | {
      readonly type: 'join-refused'
      readonly gid: GroupId
      readonly refusal: RefusalType
      readonly request: Uint8Array
    }

export type VerifiedMessage = Brand<MessageContent & { readonly size: number }, 'Verified'>

/** First bytes of RUN, OPS and SLOTS. */
const pacedCodes: ReadonlySet<number | undefined> = new Set([4, 5, 7])

/** Decodes and verifies one frame or gossip message. A frame that cannot be read at all is refused whole; a readable frame of
 *  several operations keeps the good ones and lists why the others were left out. */
export const admit = (
  bytes: Uint8Array,
  context: AdmitContext,
  verify: Verify,
): Result<VerifiedMessage, Refusal> => {
  const content = admitContent(bytes, context, verify)
  if (!content.ok) {
    const isPacedFrame = context.channel === 'sync' && pacedCodes.has(bytes[0])
    return isPacedFrame ? failure({ ...content.error, isPaced: true }) : content
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion, typescript/consistent-type-assertions -- the one place that grants the mark of verification
  return success({ ...content.value, size: bytes.length } as VerifiedMessage)
}

const admitContent = (
  bytes: Uint8Array,
  context: AdmitContext,
  verify: Verify,
): Result<MessageContent, Refusal> => {
  switch (context.channel) {
    case 'gossip':
      return admitGossip(bytes, context, verify)
    case 'join':
      return admitJoin(bytes, context, verify)
    case 'sync':
      return admitSync(bytes, context, verify)
  }
}

const admitGossip = (
  bytes: Uint8Array,
  context: AdmitContext,
  verify: Verify,
): Result<MessageContent, Refusal> => {
  const gid = context.gossipGroup
  if (gid === undefined) return failure(refusal('group-unknown'))
  if (bytes.length > limits.gossipBytesMax) return failure(refusal('too-large'))
  const op = decodeRecord(gid, bytes)
  if (!op.ok) return op
  const checker = createChecker(gid, context, verify)
  const fault = checker([op.value])
  if (fault !== undefined) return failure(fault)
  return success({ type: 'ops', gid, ops: [op.value], refusals: [], source: 'gossip' })
}

const admitJoin = (
  bytes: Uint8Array,
  context: AdmitContext,
  verify: Verify,
): Result<MessageContent, Refusal> => {
  const frame = decodeJoinFrame(bytes)
  if (!frame.ok) return frame
  if (frame.value.type !== 'join-answer') return success(frame.value)
  const { gid, ops } = frame.value
  return success(admitOps(gid, ops, 'join', context, verify))
}

const admitSync = (
  bytes: Uint8Array,
  context: AdmitContext,
  verify: Verify,
): Result<MessageContent, Refusal> => {
  const decoded = decodeSyncFrame(bytes)
  if (!decoded.ok) return decoded
  const frame = decoded.value
  if (frame.type === 'hello' || frame.type === 'ack' || frame.type === 'carry') {
    return success(frame)
  }
  const gid = context.groupAt(frame.group)
  if (gid === undefined) return failure(refusal('group-unknown'))
  switch (frame.type) {
    case 'have':
      return success({ type: 'have', gid, setHash: frame.setHash, vector: frame.vector })
    case 'want':
      return success({ type: 'want', gid, refs: frame.refs })
    case 'done':
      return success({ type: 'done', gid, setHash: frame.setHash })
    case 'heads':
      return success({ type: 'heads', gid, heads: frame.heads })
    case 'ops':
      return success(admitOps(gid, frame.ops, 'sync', context, verify))
    case 'run':
      return success(admitRun(gid, frame.run, context, verify))
    case 'slots':
      return success(admitSlots(gid, frame.slots, context, verify))
  }
}

const admitOps = (
  gid: GroupId,
  encoded: readonly Uint8Array[],
  source: 'sync' | 'join',
  context: AdmitContext,
  verify: Verify,
): MessageContent => {
  const check = createChecker(gid, context, verify)
  const ops: Op[] = []
  const refusals: Refusal[] = []
  for (const bytes of encoded) {
    const op = decodeRecord(gid, bytes)
    const fault = op.ok ? check([op.value]) : op.error
    if (fault !== undefined) refusals.push(fault)
    else if (op.ok) ops.push(op.value)
  }
  return { type: 'ops', gid, ops, refusals, source }
}

const admitRun = (
  gid: GroupId,
  run: Uint8Array,
  context: AdmitContext,
  verify: Verify,
): MessageContent => {
  const ops = decodeRun(gid, run)
  const { holds } = context
  const isKnown = ops.ok && holds !== undefined && ops.value.every(op => holds(op))
  const check: Checker = isKnown ? () => undefined : createChecker(gid, context, verify)
  const fault = ops.ok ? check(ops.value) : ops.error
  if (fault !== undefined || !ops.ok) {
    const refusals = [fault ?? refusal('malformed')]
    return { type: 'ops', gid, ops: [], refusals, source: 'sync' }
  }
  return { type: 'ops', gid, ops: ops.value, refusals: [], source: 'sync' }
}

/** Why these contiguous operations of one log, the last one signed, are refused; remembers keys of first operations. */
type Checker = (ops: readonly Op[]) => Refusal | undefined

export const createChecker = (gid: GroupId, context: AdmitContext, verify: Verify): Checker => {
  const keys = new Map<AuthorId, Uint8Array>()
  const writeKeys = new Map<EpochId, Uint8Array>()
  return ops => {
    const [first] = ops
    const last = ops.at(-1)
    if (first === undefined || last?.signature === undefined) return refusal('bad-signature')
    const shape = ops.map(checkShape).find(fault => fault !== undefined)
    if (shape !== undefined) return shape
    if (ops.some(op => isControlClass(op.kind) && op.signature === undefined)) {
      return refusal('bad-signature', 'control class inside a run')
    }
    let key = keys.get(first.author) ?? context.keyOf(gid, first.author)
    if (first.kind === kinds.genesis) {
      const clear = decodeGenesisClear(first.payload)
      if (!clear.ok) return clear.error
      const { authorKey, epoch, root, writeSignature } = clear.value
      if (authorOf(gid, authorKey) !== first.author) return refusal('bad-context')
      if (root !== undefined && groupOf(authorKey, root) !== gid) return refusal('bad-context')
      const writeKey = root?.writeKey ?? writeKeys.get(epoch) ?? context.writeKeyOf(gid, epoch)
      if (writeKey === undefined) return refusal('author-unknown', 'its epoch is unknown')
      if (!verifyStrict(verify, writeKey, writeMessage(gid, authorKey), writeSignature)) {
        return refusal('bad-signature', 'write capability')
      }
      if (root !== undefined) writeKeys.set(epoch, writeKey)
      key = authorKey
    }
    if (key === undefined) return refusal('author-unknown')
    if (!verifyStrict(verify, key, idBytes(last.id), last.signature))
      return refusal('bad-signature')
    keys.set(first.author, key)
    return undefined
  }
}

/** Rules that need nothing but the operation itself. */
const checkShape = (op: Op): Refusal | undefined => {
  if ((op.kind === kinds.genesis) !== (op.seq === 0)) return refusal('bad-context')
  if (op.seq === 0 && op.prev.some(byte => byte !== 0)) return refusal('bad-context')
  if (op.header.length + op.payload.length + 66 > opBytesMax(op.kind)) return refusal('too-large')
  return undefined
}

const admitSlots = (
  gid: GroupId,
  encoded: readonly Uint8Array[],
  context: AdmitContext,
  verify: Verify,
): MessageContent => {
  const slots: Slot[] = []
  const refusals: Refusal[] = []
  for (const bytes of encoded) {
    const slot = decodeSlot(bytes)
    if (!slot.ok) {
      refusals.push(slot.error)
      continue
    }
    const key = context.keyOf(gid, slot.value.author)
    if (key === undefined) refusals.push(refusal('author-unknown'))
    else if (!verifyStrict(verify, key, slotMessage(gid, slot.value), slot.value.signature)) {
      refusals.push(refusal('bad-signature'))
    } else slots.push(slot.value)
  }
  return { type: 'slots', gid, slots, refusals }
}

/** Frames that use the sender's window and are acknowledged once durable. */
export const isPaced = (message: VerifiedMessage): boolean =>
  (message.type === 'ops' && message.source === 'sync') || message.type === 'slots'
