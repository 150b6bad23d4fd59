/** The invite token: how to find somebody of a group and the secret that lets one in. Small enough for a QR code.
 *    token    := version(1) • gid(16) • seed(16) • libp2pKey(32) • notAfter(4, seconds) • count(1) • address*
 *    address  := form(1) • host(4 | 16 | sized name) • port(2) • [certificate hash(32)]
 *    form     := transport·4 + host: tcp 0, ws 1, webrtc-direct 2; IPv4 0, IPv6 1, name 2
 *  The seed derives the invite's Ed25519 key; the group's log holds only its public half. */
import {
  type GroupId,
  type PeerId,
  type Result,
  type Timestamp,
  bytesToUtf8,
  concatBytes,
  failure,
  idBytes,
  peerId,
  success,
  timestamp,
  utf8ToBytes,
} from './base.ts'
import { type Reader, type Writer, createReader, createWriter } from './codec.ts'
import type { CompactAddress } from './intent.ts'
import { limits } from './limits.ts'
import { type Refusal, refusal } from './refusal.ts'

export type Invite = {
  readonly group: GroupId
  readonly seed: Uint8Array
  /** Public key of the libp2p peer that made the invite. */
  readonly libp2pKey: Uint8Array
  readonly notAfter: Timestamp
  readonly addresses: readonly CompactAddress[]
}

const version = 1
const transports = ['tcp', 'ws', 'webrtc-direct'] as const

/** The token; addresses that do not fit into 150 bytes are left out, the last ones first. */
export const encodeInvite = (invite: Invite): Uint8Array => {
  const head = createWriter(80).u8(version).bytes(idBytes(invite.group)).bytes(invite.seed)
  head.bytes(invite.libp2pKey).unsigned(Math.floor(invite.notAfter / 1000), 4)
  const encoded = invite.addresses.slice(0, limits.inviteAddressesMax).map(encodeAddress)
  let kept = encoded.length
  const size = (): number => 70 + concatBytes(...encoded.slice(0, kept)).length
  while (kept > 0 && size() > limits.inviteBytesMax) kept -= 1
  return head
    .u8(kept)
    .bytes(concatBytes(...encoded.slice(0, kept)))
    .done()
}

/** Refused: `invite-damaged`, or `invite-newer-version` when only a later program can read it. */
export const decodeInvite = (token: Uint8Array): Result<Invite, Refusal> => {
  const reader = createReader(token)
  if (token.length > limits.inviteBytesMax) return failure(refusal('invite-damaged', 'too long'))
  const first = reader.u8()
  if (reader.fault() === undefined && first > version && first < 32) {
    return failure(refusal('invite-newer-version'))
  }
  const group = reader.group()
  const seed = reader.bytes(16)
  const libp2pKey = reader.bytes(32)
  const notAfter = timestamp(reader.unsigned(4) * 1000)
  const count = reader.u8()
  if (count > limits.inviteAddressesMax) reader.fail('too-large')
  const addresses: CompactAddress[] = []
  for (let index = 0; index < count && reader.fault() === undefined; index++) {
    const address = readAddress(reader)
    if (address !== undefined) addresses.push(address)
  }
  if (reader.end() !== undefined || first !== version) return failure(refusal('invite-damaged'))
  return success({ group, seed, libp2pKey, notAfter, addresses })
}

const ip4Bytes = (host: string): Uint8Array | undefined => {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(host)
  const parts = match?.slice(1).map(Number)
  return parts?.every(part => part < 256) === true ? Uint8Array.from(parts) : undefined
}

const ip6Bytes = (host: string): Uint8Array | undefined => {
  if (!/^[0-9a-fA-F:]+$/.test(host) || !host.includes(':')) return undefined
  const halves = host.split('::')
  if (halves.length > 2) return undefined
  const groups = (text: string | undefined): number[] =>
    text === undefined || text === '' ? [] : text.split(':').map(part => Number.parseInt(part, 16))
  const left = groups(halves[0])
  const right = groups(halves[1])
  const zeros = 8 - left.length - right.length
  if (halves.length === 1 ? zeros !== 0 : zeros < 1) return undefined
  const all = [...left, ...Array.from({ length: zeros }, () => 0), ...right]
  if (!all.every(group => group >= 0 && group < 65_536)) return undefined
  return Uint8Array.from(all.flatMap(group => [group >> 8, group & 255]))
}

const writeHost = (writer: Writer, host: string): { kind: number; bytes: Uint8Array } => {
  const ip4 = ip4Bytes(host)
  if (ip4 !== undefined) return { kind: 0, bytes: ip4 }
  const ip6 = ip6Bytes(host)
  if (ip6 !== undefined) return { kind: 1, bytes: ip6 }
  return { kind: 2, bytes: writer.sized(utf8ToBytes(host)).done() }
}

const encodeAddress = (address: CompactAddress): Uint8Array => {
  const { kind, bytes } = writeHost(createWriter(64), address.host)
  const writer = createWriter(64).u8(transports.indexOf(address.transport) * 4 + kind)
  writer.bytes(bytes).unsigned(address.port, 2)
  if (address.transport === 'webrtc-direct') {
    writer.bytes(address.certificateHash ?? new Uint8Array(32))
  }
  return writer.done()
}

const readHost = (reader: Reader, kind: number): string => {
  if (kind === 0) return reader.bytes(4).join('.')
  if (kind === 1) {
    const bytes = reader.bytes(16)
    return Array.from({ length: 8 }, (_, index) =>
      ((bytes[2 * index] ?? 0) * 256 + (bytes[2 * index + 1] ?? 0)).toString(16),
    ).join(':')
  }
  const name = bytesToUtf8(reader.sized(64))
  const isName = kind === 2 && name !== undefined && /^[A-Za-z0-9.-]+$/.test(name)
  if (!isName || ip4Bytes(name) !== undefined) reader.fail('malformed')
  return name ?? ''
}

const readAddress = (reader: Reader): CompactAddress | undefined => {
  const form = reader.u8()
  const transport = transports[form >> 2]
  if (transport === undefined) reader.fail('malformed')
  const host = readHost(reader, form & 3)
  const port = reader.unsigned(2)
  if (transport === undefined) return undefined
  if (transport !== 'webrtc-direct') return { transport, host, port }
  return { transport, host, port, certificateHash: reader.bytes(32) }
}

/** Binary multiaddr, without the peer id (multiformats multiaddr table). */
export const addressToMultiaddr = (address: CompactAddress): Uint8Array => {
  const writer = createWriter(64)
  const ip4 = ip4Bytes(address.host)
  const ip6 = ip6Bytes(address.host)
  if (ip4 !== undefined) writer.varint(4).bytes(ip4)
  else if (ip6 !== undefined) writer.varint(41).bytes(ip6)
  else writer.varint(54).sized(utf8ToBytes(address.host))
  if (address.transport === 'webrtc-direct') {
    const hash = address.certificateHash ?? new Uint8Array(32)
    writer.varint(273).unsigned(address.port, 2).varint(280)
    return writer
      .varint(466)
      .sized(concatBytes(Uint8Array.of(0x12, 32), hash))
      .done()
  }
  writer.varint(6).unsigned(address.port, 2)
  if (address.transport === 'ws') writer.varint(477)
  return writer.done()
}

const base58Digits = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'

/** The text of the libp2p peer id of an Ed25519 public key: base58btc of the identity multihash of its protobuf. */
export const peerIdOf = (publicKey: Uint8Array): PeerId => {
  const bytes = concatBytes(Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20), publicKey)
  let value = 0n
  for (const byte of bytes) value = value * 256n + BigInt(byte)
  let text = ''
  while (value > 0n) {
    text = (base58Digits[Number(value % 58n)] ?? '') + text
    value /= 58n
  }
  return peerId(`1${text}`)
}
