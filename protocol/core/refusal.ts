/** Why something was not accepted: a stable `type` and, where it helps the next step, a short detail without content or
 *  secrets. Refusals are values; they are counted and charged to their sender and change no other state. */
/** Append only: a JOIN-ANSWER names a refusal by its place in this list. */
export const refusalTypes = [
  // wire and admission
  'malformed',
  'too-large',
  'too-deep',
  'non-canonical',
  'unsupported',
  'bad-signature',
  'bad-context',
  'author-unknown',
  'group-unknown',
  'equivocation',
  'frozen',
  'over-quota',
  'bad-update',
  'unexpected',
  // join and invite
  'invite-damaged',
  'invite-newer-version',
  'invite-expired',
  'invite-used',
  'invite-revoked',
  'invite-unknown',
  'already-member',
  'not-authorised',
  // intents
  'not-found',
  'not-member',
  'waiting-for-admission',
  'text-empty',
  'text-too-long',
  'name-invalid',
  'storage-failed',
  'locked',
  // state of the peer
  'stopped',
] as const

export type RefusalType = (typeof refusalTypes)[number]
export type Refusal = {
  readonly type: RefusalType
  readonly detail?: string
  /** The whole frame was refused, and it is of those that use the sender's window: the next ACK counts it. */
  readonly isPaced?: true
}

export const refusal = (type: RefusalType, detail?: string): Refusal =>
  detail === undefined ? { type } : { type, detail }
