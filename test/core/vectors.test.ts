/** The vectors read as an implementer reads them: from their bytes alone back to what they say, and to the same bytes again;
 *  and what must be refused, with the name of the refusal. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  bytesToHex,
  concatBytes,
  groupId,
  hexToBytes,
  utf8ToBytes,
} from '../../protocol/core/base.ts'
import { decodeBody } from '../../protocol/core/body.ts'
import { decodeCbor, encodeCbor } from '../../protocol/core/cbor.ts'
import { decodeCertificate, decodeKeyBundle } from '../../protocol/core/certificate.ts'
import { createReader, createWriter } from '../../protocol/core/codec.ts'
import { decodeControl, encodeControl } from '../../protocol/core/control.ts'
import { decodeEpochBody, encodeEpochBody } from '../../protocol/core/epoch-op.ts'
import { decodeFact, encodeFact } from '../../protocol/core/fact.ts'
import { decodeInvite, encodeInvite } from '../../protocol/core/invite.ts'
import { decodeJoinRequest, encodeJoinRequest } from '../../protocol/core/join.ts'
import {
  decodeJoinFrame,
  decodeSyncFrame,
  encodeJoinFrame,
  encodeSyncFrame,
} from '../../protocol/core/message.ts'
import { decodeRecord, decodeRun, encodeOp, encodeRun } from '../../protocol/core/op.ts'
import { decodeSlot, encodeSlot } from '../../protocol/core/slot.ts'
import { createFrameDecoder, encodeFrame } from '../../protocol/shell/frames.ts'
import { parseInviteLink } from '../../protocol/shell/link.ts'
import { type Vector, expectGolden } from './golden.ts'

type Outcome =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: { readonly type: string } }

const vectorsOf = (file: string): readonly (readonly [string, Vector])[] => {
  const url = new URL(`../../protocol/vectors/${file}.json`, import.meta.url)
  const vectors: Record<string, Vector> = JSON.parse(readFileSync(url, 'utf8'))
  return Object.entries(vectors)
}
const fromHex = (hex: string): Uint8Array => {
  const bytes = hexToBytes(hex)
  if (bytes === undefined) throw new Error('not hex')
  return bytes
}
const plain = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_, part) => (part instanceof Uint8Array ? bytesToHex(part) : part)),
  )
const gid = groupId('000102030405060708090a0b0c0d0e0f')

/** Reads by the name of a format; `again`: what was read, written again. */
const formats: Readonly<
  Record<string, (bytes: Uint8Array) => Outcome & { readonly again?: Uint8Array }>
> = {
  varint: bytes => {
    const reader = createReader(bytes)
    const value = reader.varint()
    const fault = reader.end()
    if (fault !== undefined) return { ok: false, error: { type: fault } }
    return { ok: true, value, again: createWriter().varint(value).done() }
  },
  cbor: bytes => {
    const read = decodeCbor(bytes)
    return read.ok ? { ...read, again: encodeCbor(read.value) } : read
  },
  stream: bytes => {
    const frames = createFrameDecoder(70_000).push(bytes)
    if (frames === undefined) return { ok: false, error: { type: 'closed' } }
    return { ok: true, value: frames, again: concatBytes(...frames.map(encodeFrame)) }
  },
  frame: bytes => {
    const read = decodeSyncFrame(bytes)
    return read.ok ? { ...read, again: encodeSyncFrame(read.value) } : read
  },
  'join frame': bytes => {
    const read = decodeJoinFrame(bytes)
    return read.ok ? { ...read, again: encodeJoinFrame(read.value) } : read
  },
  op: bytes => {
    const read = decodeRecord(gid, bytes)
    return read.ok && read.value.signature !== undefined
      ? { ...read, again: encodeOp(read.value) }
      : { ok: false, error: { type: read.ok ? 'bad-signature' : read.error.type } }
  },
  run: bytes => {
    const read = decodeRun(gid, bytes)
    return read.ok ? { ...read, again: encodeRun(read.value) } : read
  },
  slot: bytes => {
    const read = decodeSlot(bytes)
    return read.ok ? { ...read, again: encodeSlot(read.value) } : read
  },
  control: bytes => {
    const read = decodeControl(bytes)
    return read.ok ? { ...read, again: encodeControl(read.value) } : read
  },
  epoch: bytes => {
    const read = decodeEpochBody(bytes)
    return read.ok ? { ...read, again: encodeEpochBody(read.value) } : read
  },
  body: decodeBody,
  certificate: decodeCertificate,
  'key bundle': decodeKeyBundle,
  fact: bytes => {
    const read = decodeFact(bytes)
    return read.ok ? { ...read, again: encodeFact(read.value) } : read
  },
  token: bytes => {
    const read = decodeInvite(bytes)
    return read.ok ? { ...read, again: encodeInvite(read.value) } : read
  },
  link: bytes => parseInviteLink(new TextDecoder().decode(bytes)),
  'join request': bytes => {
    const read = decodeJoinRequest(bytes)
    return read.ok ? { ...read, again: encodeJoinRequest(read.value) } : read
  },
}

const read = (format: string, bytes: Uint8Array) => {
  const reader = formats[format]
  if (reader === undefined) throw new Error(`no format ${format}`)
  return reader(bytes)
}

/** Which format the vectors of a file are in; undefined: the bytes are derived and not read. */
const formatOf = (file: string, name: string): string | undefined => {
  if (file === 'message') return name.startsWith('join-') ? 'join frame' : 'frame'
  if (file === 'op') return name.startsWith('run') ? 'run' : 'op'
  if (file === 'control') return /^\d/.test(name) ? 'control' : formats[name] && name
  if (file === 'fact')
    return /^\d/.test(name) ? 'fact' : name.startsWith('body') ? 'body' : undefined
  if (file === 'invite') return /^(bare|addresses|webrtc)$/.test(name) ? 'token' : undefined
  if (file === 'certificate') return name === 'device' ? 'certificate' : name
  if (file === 'epoch') return name === 'operation' ? 'epoch' : undefined
  return file
}

describe('bytes of a vector read back and are written the same', () => {
  const files = ['message', 'op', 'control', 'fact', 'invite', 'certificate', 'epoch', 'slot']
  const cases = files.flatMap(file =>
    vectorsOf(file).flatMap(([name, vector]) => {
      const format = formatOf(file, name)
      return format === undefined ? [] : [[file, name, format, vector] as const]
    }),
  )
  test.each(cases)('%s: %s', (_, name, format, { given, bytes }) => {
    const outcome = read(format, fromHex(bytes))
    expect(outcome).toMatchObject({ ok: true })
    if (outcome.again !== undefined) expect(bytesToHex(outcome.again)).toBe(bytes)
    const isWhole = ['frame', 'join frame', 'fact', 'control', 'token'].includes(format)
    if (isWhole && outcome.ok) expect(plain(outcome.value), name).toEqual(given)
  })
})

const zeros = (length: number): string => '00'.repeat(length)
const opStart = `1102${'a1'.repeat(8)}`
const opRest = `0501a0c4515660${'b2'.repeat(16)}e34bef20`
const runStart = `${'a1'.repeat(8)}05${'b2'.repeat(16)}`

describe('the small forms are those of the vectors', () => {
  const small: readonly (readonly [string, string, string])[] = [
    ...['00', '7f', '8001', 'ffffffffffffff0f'].map(
      bytes => [`varint ${bytes}`, 'varint', bytes] as const,
    ),
    ...['17', '1818', '1b001fffffffffffff', '3b001ffffffffffffe', '40', '6161', '8200f6'].map(
      bytes => [`cbor ${bytes}`, 'cbor', bytes] as const,
    ),
    ['cbor, eight deep', 'cbor', '818181818181818100'],
    ['stream of two frames', 'stream', '0208ac03090000'],
  ]
  test.each(small)('%s', (name, format, hex) => {
    const bytes = fromHex(hex)
    const outcome = read(format, bytes)
    expect(outcome).toMatchObject({ ok: true })
    expect(outcome.again).toEqual(bytes)
    if (outcome.ok) expectGolden('bytes', name, { format, value: outcome.value }, bytes)
  })
})

describe('what must be refused is, by name', () => {
  const author = 'a1'.repeat(8)
  const refused: readonly (readonly [string, string, string, string])[] = [
    ['varint, longer than needed', 'varint', '8000', 'non-canonical'],
    ['varint, cut', 'varint', '80', 'malformed'],
    ['varint, 54 bits', 'varint', '8080808080808010', 'too-large'],
    ['cbor, longer head', 'cbor', '1817', 'non-canonical'],
    ['cbor, float', 'cbor', 'f93c00', 'malformed'],
    ['cbor, map', 'cbor', 'a0', 'malformed'],
    ['cbor, tag', 'cbor', 'c000', 'malformed'],
    ['cbor, undefined', 'cbor', 'f7', 'malformed'],
    ['cbor, indefinite list', 'cbor', '9fff', 'malformed'],
    ['cbor, nine deep', 'cbor', '81818181818181818100', 'too-deep'],
    ['cbor, not UTF-8', 'cbor', '61ff', 'non-canonical'],
    ['cbor, byte order mark', 'cbor', '63efbbbf', 'non-canonical'],
    ['cbor, bytes left over', 'cbor', '0000', 'malformed'],
    ['cbor, 2^53', 'cbor', '1b0020000000000000', 'malformed'],
    ['stream, padded length', 'stream', '8100', 'closed'],
    ['stream, 70,001 bytes', 'stream', 'f1a204', 'closed'],
    ['frame, unknown', 'frame', '0300', 'unsupported'],
    ['hello, version 2', 'frame', `010200${zeros(17)}`, 'unsupported'],
    ['have, mode 4', 'frame', `020004${zeros(8)}`, 'malformed'],
    ['have, ranges that touch', 'frame', `020002${zeros(8)}01${author}0501000000`, 'non-canonical'],
    [
      'have, 0..last in the long form',
      'frame',
      `020002${zeros(8)}01${author}030005`,
      'non-canonical',
    ],
    ['have, no ranges in the long form', 'frame', `020002${zeros(8)}01${author}01`, 'too-large'],
    ['done, a byte more', 'frame', `0900${zeros(9)}`, 'malformed'],
    ['carry, more than there are', 'frame', `0b05${zeros(16)}`, 'malformed'],
    ['op, suite 2', 'op', `2102${author}${opRest}00${zeros(64)}`, 'unsupported'],
    ['op, unknown flag', 'op', `1108${author}${opRest}00${zeros(64)}`, 'malformed'],
    ['op, unsigned', 'op', `${opStart}${opRest}00`, 'bad-signature'],
    ['op, a byte more', 'op', `${opStart}${opRest}00${zeros(65)}`, 'malformed'],
    ['run, of nothing', 'run', `${runStart}01e34bef2000${zeros(64)}`, 'malformed'],
    [
      'run, time does not grow',
      'run',
      `${runStart}01e34bef20021102090011020000${zeros(64)}`,
      'malformed',
    ],
    [
      'run, a key id unused',
      'run',
      `${runStart}02e34bef2001020304011102090000${zeros(64)}`,
      'non-canonical',
    ],
    ['slot, number 4', 'slot', `${author}04${zeros(6)}00${zeros(4)}00${zeros(64)}`, 'malformed'],
    [
      'control, heads do not ascend',
      'control',
      `82098250${'02'.repeat(16)}50${'01'.repeat(16)}`,
      'non-canonical',
    ],
    ['control, a field more', 'control', '83098000', 'malformed'],
    ['fact, empty message', 'fact', '820060', 'text-empty'],
    ['fact, options that say nothing', 'fact', '8300616182f680', 'malformed'],
    ['body, form 3', 'body', '03', 'unsupported'],
    ['body, no deps though promised', 'body', '100082006161', 'non-canonical'],
    [
      'body, deps do not ascend',
      'body',
      `1002${'b1'.repeat(8)}01${author}0182006161`,
      'non-canonical',
    ],
    ['body, half a UTF-16 unit', 'body', '020061ff', 'malformed'],
    ['body, a byte after the deflate stream', 'body', '01032265c246e9010000', 'malformed'],
    ['body, a stored block whose check fails', 'body', '01010100000041', 'malformed'],
    ['token, version 2', 'token', `02${zeros(69)}`, 'invite-newer-version'],
    ['token, cut', 'token', `01${zeros(60)}`, 'invite-damaged'],
    [
      'link, a letter changed',
      'link',
      bytesToHex(utf8ToBytes(`http://x/#j=${'A'.repeat(98)}B`)),
      'invite-damaged',
    ],
  ]
  test.each(refused)('%s', (name, format, hex, why) => {
    const bytes = fromHex(hex)
    expect(read(format, bytes)).toMatchObject({ ok: false, error: { type: why } })
    expectGolden('refused', name, { format, refusal: why }, bytes)
  })
})
