/** Reads what a person pasted, scanned or opened as an invite. Its own chunk: most visits bring none. */
import { bytesToHex, failure, hexToBytes, success } from '../../protocol/core/base.ts'
import { decodeInvite } from '../../protocol/core/invite.ts'
import { parseInviteLink } from '../../protocol/shell/link.ts'
import type { Refusal, Result } from '#protocol'
import type { InviteSummary } from './client.ts'

export type ReadInvite = InviteSummary & {
  /** The token as hex digits. It is a secret. */
  readonly token: string
}

const readToken = (token: Uint8Array): Result<ReadInvite, Refusal> => {
  const invite = decodeInvite(token)
  if (!invite.ok) return invite
  const { group, notAfter } = invite.value
  return success({ group, notAfter, token: bytesToHex(token) })
}

/** A link, a fragment or a bare token. */
export const readInvite = (text: string): Result<ReadInvite, Refusal> => {
  const parsed = parseInviteLink(text)
  return parsed.ok ? readToken(parsed.value) : parsed
}

export const readKeptInvite = (hex: string): Result<ReadInvite, Refusal> => {
  const token = hexToBytes(hex)
  return token === undefined ? failure({ type: 'invite-damaged' }) : readToken(token)
}
