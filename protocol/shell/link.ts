/** The invite link: `http://HOST:PORT/#j=` • base64url(token • CRC-32 of the token, 4 bytes). The token stands after `#`, so
 *  no server ever sees it; the check sum tells a damaged link from one that nobody knows. The parser forgives what mail
 *  clients, chats and paper do to links (spaces, line breaks, percent signs doubled, invisible marks) and names what it
 *  cannot forgive. What is inside the token is decodeInvite's business. Pure; used by terminal and browser. */
import { concatBytes, equalBytes, failure, success } from '../core/base.ts'
import type { Result } from '../core/base.ts'
import { limits } from '../core/limits.ts'
import { refusal } from '../core/refusal.ts'
import { bytesToBase64Url } from './base64.ts'
import type { Refusal } from '../core/refusal.ts'

/** A link with everything that may surround it; longer text is not an invite. */
const linkCharactersMax = 2_048
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** Strict: no padding, no foreign character, unused bits zero; so one token has one spelling. */
const fromBase64Url = (text: string): Uint8Array | undefined => {
  if (text.length % 4 === 1) return undefined
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4))
  let bits = 0
  let held = 0
  let at = 0
  for (const character of text) {
    const digit = alphabet.indexOf(character)
    if (digit < 0) return undefined
    held = ((held << 6) | digit) & 0xffff
    bits += 6
    if (bits >= 8) {
      bits -= 8
      bytes[at++] = (held >> bits) & 0xff
    }
  }
  return (held & ((1 << bits) - 1)) === 0 ? bytes : undefined
}

const sumBytes = 4

/** CRC-32 as in zip: enough for slips of people and mail programs; it proves nothing else. */
const checkSum = (bytes: Uint8Array): Uint8Array => {
  let sum = 0xffffffff
  for (const byte of bytes) {
    sum ^= byte
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0)
  }
  const value = ~sum >>> 0
  return Uint8Array.of(value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255)
}

/** Spaces, line breaks, quoting marks of mail, zero-width and direction marks. */
const clutter = /[\s>\p{Cf}\p{Cc}]+/gu

/** What chats and people put around a link. */
const wrapping = /^[<("'\u201c\u300c\uff08]+|[)"'\u201d\u300d\uff09.,\u3002\uff0c;!]+$/gu

/** `%3D`, `%253D` and deeper; at most three times, so that no text loops. */
const undoPercents = (text: string): string => {
  let plain = text
  for (let round = 0; round < 3 && plain.includes('%'); round++) {
    plain = plain.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    )
  }
  return plain
}

/** The token of a link, of its fragment alone, or of a bare token; otherwise `invite-damaged`. The host in front is never
 *  looked at, so a look-alike host gains nothing here. */
export const parseInviteLink = (text: string): Result<Uint8Array, Refusal> => {
  const damaged = (detail: string): Result<Uint8Array, Refusal> =>
    failure(refusal('invite-damaged', detail))
  if (text.length > linkCharactersMax) return damaged('too long')
  const plain = undoPercents(text.replaceAll(clutter, '')).replaceAll(clutter, '')
  const bare = plain.replaceAll(wrapping, '')
  if (bare === '') return damaged('empty')
  const marked = /(?:^|#)j=(.*)$/s.exec(bare)
  if (marked === null && /[/:#?]/.test(bare)) return damaged('no invite in this link')
  const bytes = fromBase64Url((marked?.[1] ?? bare).replace(/=+$/, ''))
  if (bytes === undefined) return damaged('characters')
  if (bytes.length <= sumBytes) return damaged('too short')
  if (bytes.length > limits.inviteBytesMax + sumBytes) return damaged('too long')
  const token = bytes.slice(0, -sumBytes)
  const isWhole = equalBytes(checkSum(token), bytes.slice(-sumBytes))
  return isWhole ? success(token) : damaged('check sum')
}

/** `origin`: scheme, host and port, such as `http://192.168.1.5:8080`. */
export const inviteLink = (origin: string, token: Uint8Array): string =>
  `${origin}/#j=${bytesToBase64Url(concatBytes(token, checkSum(token)))}`
