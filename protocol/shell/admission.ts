/** From frames to verified messages, with whatever verifier the host has: a synchronous one frame by frame, or an
 *  asynchronous one in batches that keep the order (see verify.ts). Gossip is judged ahead of its turn, before gossipsub
 *  passes it on; its good verdicts are kept until the frame is stepped. */
import { success } from '../core/base.ts'
import { bounds } from './bounds.ts'
import { createVerdicts } from './verify.ts'
import type { PeerId, Refusal, Result, Topic, VerifiedMessage, Verify } from '#protocol'
import type { Frame, Waiting } from './queue.ts'
import type { VerifyBatch } from './verify.ts'

export type Admitted = Result<VerifiedMessage, Refusal>

export type Admission = {
  readonly admit: (frame: Frame) => Admitted
  /** Hands out every entry in order, frames with their verdict. What an entry changes is known to the verdicts of the
   *  entries after it. */
  readonly inOrder: (
    waiting: readonly Waiting[],
    take: (entry: Waiting, verdict: Admitted | undefined) => void,
  ) => Promise<void>
  readonly mayPassOn: (from: PeerId, topic: Topic, bytes: Uint8Array) => Promise<boolean>
}

export type AdmissionOptions = {
  /** The core's admission, with the context of the moment. */
  readonly admitWith: (frame: Frame, verify: Verify) => Admitted
  /** Also the last resort when the asynchronous one cannot settle a frame. */
  readonly verify: Verify
  readonly verifyBatch: VerifyBatch | undefined
}

export const createAdmission = (options: AdmissionOptions): Admission => {
  const { verify, verifyBatch } = options
  const admitted = new WeakMap<Uint8Array, VerifiedMessage>()

  const admitWith = (frame: Frame, by: Verify): Admitted => {
    const known = admitted.get(frame.bytes)
    return known === undefined ? options.admitWith(frame, by) : success(known)
  }
  const admit = (frame: Frame): Admitted => admitWith(frame, verify)

  const inOrder: Admission['inOrder'] = async (waiting, take) => {
    if (verifyBatch === undefined) {
      for (const entry of waiting) take(entry, entry.type === 'frame' ? admit(entry) : undefined)
      return
    }
    const verdicts = createVerdicts(verifyBatch)
    let at = 0
    for (let round = 0; at < waiting.length; round++) {
      const isLast = round >= bounds.verifyRoundsMax
      for (const entry of waiting.slice(at)) {
        if (entry.type === 'frame') admitWith(entry, verdicts.recording)
      }
      if (!isLast) await verdicts.settle()
      for (; at < waiting.length; at++) {
        const entry = waiting[at]
        if (entry === undefined) continue
        if (entry.type === 'input') {
          take(entry, undefined)
          continue
        }
        verdicts.expect()
        const verdict = admitWith(entry, isLast ? verify : verdicts.judging)
        if (!isLast && !verdicts.isComplete()) break
        take(entry, verdict)
      }
    }
  }

  return {
    admit,
    inOrder,
    /** Only a good verdict lasts: what is refused now may be welcome when its turn comes. */
    mayPassOn: async (from, topic, bytes) => {
      const frame: Frame = { type: 'frame', from, source: { channel: 'gossip', topic }, bytes }
      let by = verify
      if (verifyBatch !== undefined) {
        const verdicts = createVerdicts(verifyBatch)
        if (!admitWith(frame, verdicts.recording).ok) return false
        await verdicts.settle()
        by = verdicts.judging
      }
      const message = admitWith(frame, by)
      if (message.ok) admitted.set(bytes, message.value)
      return message.ok
    },
  }
}
