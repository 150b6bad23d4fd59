/** Asynchronous signature checks for a synchronous admission. WebCrypto verifies ten times faster than JavaScript but
 *  only as promises, so a frame is admitted twice: once against a verifier that says yes and notes what was asked, and,
 *  when the verdicts are there, once against those. A check without a verdict makes the frame wait for another round. */
import { bytesToHex } from '../core/base.ts'
import type { Verify } from '#protocol'

export type SignatureCheck = {
  readonly publicKey: Uint8Array
  readonly message: Uint8Array
  readonly signature: Uint8Array
}
export type VerifyBatch = (checks: readonly SignatureCheck[]) => Promise<readonly boolean[]>

export type Verdicts = {
  /** Answers from the verdicts; true for what is not known yet, which it notes down. */
  readonly recording: Verify
  /** Answers from the verdicts; false for what is not known, and `isComplete` turns false. */
  readonly judging: Verify
  /** Forgets earlier misses, so that `isComplete` speaks of what comes next. */
  readonly expect: () => void
  readonly isComplete: () => boolean
  /** Asks the host for every noted check. */
  readonly settle: () => Promise<void>
}

const checkKey = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): string =>
  `${bytesToHex(publicKey)}/${bytesToHex(signature)}/${bytesToHex(message)}`

export const createVerdicts = (verifyBatch: VerifyBatch): Verdicts => {
  const verdicts = new Map<string, boolean>()
  const asked = new Map<string, SignatureCheck>()
  let missed = false
  return {
    recording: (publicKey, message, signature) => {
      const key = checkKey(publicKey, message, signature)
      const verdict = verdicts.get(key)
      if (verdict === undefined) asked.set(key, { publicKey, message, signature })
      return verdict ?? true
    },
    judging: (publicKey, message, signature) => {
      const verdict = verdicts.get(checkKey(publicKey, message, signature))
      if (verdict === undefined) missed = true
      return verdict ?? false
    },
    expect: () => {
      missed = false
    },
    isComplete: () => !missed,
    settle: async () => {
      if (asked.size === 0) return
      const keys = [...asked.keys()]
      const answers = await verifyBatch([...asked.values()])
      asked.clear()
      for (const [index, key] of keys.entries()) verdicts.set(key, answers[index] ?? false)
    },
  }
}
