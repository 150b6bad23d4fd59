/** Frames on a stream: `frame := length (varint, least form) • bytes`. The length is judged before anything is kept for it.
 *  A stream that breaks the rule is beyond repair: its owner closes it. */
import { concatBytes } from '../core/base.ts'

export const encodeFrame = (bytes: Uint8Array): Uint8Array => {
  const prefix: number[] = []
  let length = bytes.length
  while (length >= 0x80) {
    prefix.push((length & 0x7f) | 0x80)
    length >>>= 7
  }
  prefix.push(length)
  return concatBytes(Uint8Array.from(prefix), bytes)
}

export type FrameDecoder = {
  /** The frames completed by this chunk, or undefined when the stream broke the rule; then it stays broken. */
  readonly push: (chunk: Uint8Array) => readonly Uint8Array[] | undefined
}

/** Holds at most one unfinished frame of `frameBytesMax` bytes. */
export const createFrameDecoder = (frameBytesMax: number): FrameDecoder => {
  let length = 0
  let shift = 0
  let body: Uint8Array | undefined
  let filled = 0
  let isBroken = false

  /** One byte of the length; false when it breaks the rule. */
  const takeLengthByte = (byte: number): boolean => {
    const isLast = byte < 0x80
    const isPadded = isLast && byte === 0 && shift > 0
    if (shift > 21 || isPadded) return false
    length += (byte & 0x7f) * 2 ** shift
    shift += 7
    if (length > frameBytesMax) return false
    if (isLast) {
      body = new Uint8Array(length)
      filled = 0
    }
    return true
  }

  return {
    push: chunk => {
      const frames: Uint8Array[] = []
      let at = 0
      while (!isBroken && (at < chunk.length || (body !== undefined && filled === body.length))) {
        if (body === undefined) {
          isBroken = !takeLengthByte(chunk[at] ?? 0)
          at += 1
          continue
        }
        const taken = Math.min(body.length - filled, chunk.length - at)
        body.set(chunk.subarray(at, at + taken), filled)
        filled += taken
        at += taken
        if (filled < body.length) continue
        frames.push(body)
        body = undefined
        length = 0
        shift = 0
      }
      return isBroken ? undefined : frames
    },
  }
}
