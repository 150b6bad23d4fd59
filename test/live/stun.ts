/** A STUN binding request as a WebRTC-direct dial begins with: RFC 8489, with a name that nobody knows yet. */
import { createHmac, randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'

const attribute = (type: number, value: Buffer): Buffer => {
  const head = Buffer.alloc(4)
  head.writeUInt16BE(type, 0)
  head.writeUInt16BE(value.length, 2)
  return Buffer.concat([head, value, Buffer.alloc((4 - (value.length % 4)) % 4)])
}

const big32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value >>> 0)
  return bytes
}

/** packet := type 1 (2) • length(2) • cookie(4) • id(12) • username • priority • controlling • integrity • fingerprint */
export const stunRequest = (): Buffer => {
  const name = `libp2p+webrtc+v1/${randomBytes(16).toString('hex')}`
  const id = randomBytes(12)
  const head = (length: number): Buffer =>
    Buffer.concat([Buffer.of(0, 1, length >> 8, length & 255), big32(0x2112a442), id])
  const named = Buffer.concat([
    attribute(0x0006, Buffer.from(`${name}:${name}`)),
    attribute(0x0024, big32(0x6e000001)),
    attribute(0x802a, randomBytes(8)),
  ])
  const whole = Buffer.concat([head(named.length + 24), named])
  const integrity = createHmac('sha1', name).update(whole).digest()
  const signed = Buffer.concat([named, attribute(0x0008, integrity)])
  const sum = crc32(Buffer.concat([head(signed.length + 8), signed])) ^ 0x5354554e
  const body = Buffer.concat([signed, attribute(0x8028, big32(sum))])
  return Buffer.concat([head(body.length), body])
}
