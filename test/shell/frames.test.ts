/** Frames on a stream: whatever the pieces they come in, the same frames; what breaks the rule allocates nothing. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { concatBytes } from '../../protocol/core/base.ts'
import { createFrameDecoder, encodeFrame } from '../../protocol/shell/frames.ts'

const max = 70_000
const decode = (chunks: readonly Uint8Array[]): readonly Uint8Array[] | undefined => {
  const decoder = createFrameDecoder(max)
  const frames: Uint8Array[] = []
  for (const chunk of chunks) {
    const more = decoder.push(chunk)
    if (more === undefined) return undefined
    frames.push(...more)
  }
  return frames
}

test('frames come out as they went in, however the stream is cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 20 }),
      fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 50 }),
      (frames, cuts) => {
        const stream = concatBytes(...frames.map(encodeFrame))
        const chunks: Uint8Array[] = []
        for (let at = 0, i = 0; at < stream.length; i++) {
          const size = cuts[i % cuts.length] ?? 1
          chunks.push(stream.subarray(at, at + size))
          at += size
        }
        expect(decode(chunks)).toEqual(frames)
      },
    ),
  )
})

test('the largest frame passes and one byte more breaks the stream', () => {
  const largest = new Uint8Array(max).fill(1)
  expect(decode([encodeFrame(largest)])).toEqual([largest])
  expect(decode([encodeFrame(new Uint8Array(max + 1))])).toBeUndefined()
})

test.each([
  ['2^31', [0x80, 0x80, 0x80, 0x80, 0x08]],
  ['2^53', [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10]],
  ['ten bytes of length', Array.from({ length: 10 }, () => 0xff)],
  ['a length in more bytes than it needs', [0x81, 0x00, 0x01]],
  ['zero in two bytes', [0x80, 0x00]],
])('a length of %s breaks the stream before anything is kept', (_name, prefix) => {
  expect(decode([Uint8Array.from(prefix)])).toBeUndefined()
})

test('a broken stream stays broken', () => {
  const decoder = createFrameDecoder(10)
  expect(decoder.push(Uint8Array.of(11))).toBeUndefined()
  expect(decoder.push(encodeFrame(Uint8Array.of(1)))).toBeUndefined()
})

test('a frame cut short is waited for', () => {
  const frame = encodeFrame(Uint8Array.of(1, 2, 3))
  for (let length = 0; length < frame.length; length++) {
    expect(decode([frame.subarray(0, length)])).toEqual([])
  }
})
