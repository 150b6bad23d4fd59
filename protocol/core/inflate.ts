/** Deflate read strictly (RFC 1951), after a preset dictionary. Libraries forgive different things (bytes after the end, codes
 *  that are over- or undersubscribed, a stored block whose length fails its check), and what one program shows and another
 *  refuses would split a group. Here the verdict is that of zlib: one stream, complete codes, nothing behind it.
 *  Canonical codes are walked length by length, without tables: bodies are short. */
import { type Result, assert, failure, success } from './base.ts'
import { type Refusal, refusal } from './refusal.ts'

/** How many codes have each length, and the symbols in the order of their codes. */
type Code = { readonly counts: Uint16Array; readonly symbols: Uint16Array }

const lengthBases = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131,
  163, 195, 227, 258,
]
const lengthBits = [
  0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
]
const distanceBases = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049,
  3073, 4097, 6145, 8193, 12289, 16385, 24577,
]
const distanceBits = [
  0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
]
const lengthOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
const codeBitsMax = 15
const endOfBlock = 256

/** The code of these lengths; undefined when it is no code: over- or undersubscribed, but for a single code of one bit. */
const codeOf = (lengths: readonly number[], mayBeOne: boolean): Code | undefined => {
  const counts = new Uint16Array(codeBitsMax + 1)
  for (const length of lengths) counts[length] = (counts[length] ?? 0) + 1
  const used = lengths.length - (counts[0] ?? 0)
  let left = 1
  for (let length = 1; length <= codeBitsMax; length++) {
    left = left * 2 - (counts[length] ?? 0)
    if (left < 0) return undefined
  }
  const isOne = used === 0 || (used === 1 && counts[1] === 1)
  if (left > 0 && !(mayBeOne && isOne)) return undefined
  const offsets = new Uint16Array(codeBitsMax + 2)
  for (let length = 1; length <= codeBitsMax; length++) {
    offsets[length + 1] = (offsets[length] ?? 0) + (counts[length] ?? 0)
  }
  const symbols = new Uint16Array(used)
  for (const [symbol, length] of lengths.entries()) {
    if (length === 0) continue
    symbols[offsets[length] ?? 0] = symbol
    offsets[length] = (offsets[length] ?? 0) + 1
  }
  return { counts, symbols }
}

const fixedLengths = Array.from({ length: 288 }, (_, symbol) =>
  symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8,
)
const certain = (code: Code | undefined): Code => {
  assert(code !== undefined, 'the fixed codes are codes')
  return code
}
const fixedLiterals = certain(codeOf(fixedLengths, false))
const fixedDistances = certain(
  codeOf(
    Array.from({ length: 32 }, () => 5),
    false,
  ),
)

type Fault = 'malformed' | 'too-large'
/** Bits in, bytes out, and the first fault; after it everything reads as zero and ends soon. */
type Stream = {
  readonly bits: (count: number) => number
  readonly symbolOf: (code: Code) => number
  /** Bytes from the next whole one on. */
  readonly rest: (length: number) => Uint8Array
  readonly put: (byte: number) => void
  readonly copy: (length: number, distance: number) => void
  readonly fail: (why: Fault) => void
  readonly isBad: () => boolean
  readonly end: () => Result<Uint8Array, Refusal>
}

/** Refused: `malformed`; `too-large` for more than `bytesMax`, found before room is made for it. */
export const inflateStrict = (
  source: Uint8Array,
  dictionary: Uint8Array,
  bytesMax: number,
): Result<Uint8Array, Refusal> => {
  const stream = createStream(source, createOutput(dictionary, bytesMax))
  let isLast = false
  while (!isLast && !stream.isBad()) {
    isLast = stream.bits(1) === 1
    const kind = stream.bits(2)
    if (stream.isBad()) break
    if (kind === 0) stored(stream)
    else if (kind === 1) compressed(stream, fixedLiterals, fixedDistances)
    else if (kind === 2) dynamic(stream)
    else stream.fail('malformed')
  }
  return stream.end()
}

const createOutput = (dictionary: Uint8Array, bytesMax: number) => {
  let out = new Uint8Array(256)
  let size = 0
  let fault: Fault | undefined
  const fail = (why: Fault): void => {
    fault ??= why
  }
  const put = (byte: number): void => {
    if (size >= bytesMax) return fail('too-large')
    if (size === out.length) {
      const larger = new Uint8Array(Math.min(bytesMax, out.length * 4))
      larger.set(out)
      out = larger
    }
    out[size++] = byte
  }
  const copy = (length: number, distance: number): void => {
    if (distance > size + dictionary.length) return fail('malformed')
    for (let left = Math.min(length, bytesMax + 1 - size); left > 0; left--) {
      const from = size - distance
      put((from < 0 ? dictionary[dictionary.length + from] : out[from]) ?? 0)
    }
  }
  const end = (): Result<Uint8Array, Refusal> =>
    fault === undefined ? success(out.slice(0, size)) : failure(refusal(fault))
  return { put, copy, fail, isBad: () => fault !== undefined, end }
}

const createStream = (source: Uint8Array, output: ReturnType<typeof createOutput>): Stream => {
  const { fail, isBad } = output
  let at = 0
  let held = 0
  let heldBits = 0
  const bits = (count: number): number => {
    while (heldBits < count) {
      const byte = source[at]
      if (byte === undefined) {
        fail('malformed')
        return 0
      }
      at += 1
      held |= byte << heldBits
      heldBits += 8
    }
    const value = held & ((1 << count) - 1)
    held >>>= count
    heldBits -= count
    return value
  }
  const symbolOf = ({ counts, symbols }: Code): number => {
    let code = 0
    let first = 0
    let index = 0
    for (let length = 1; length <= codeBitsMax && !isBad(); length++) {
      code |= bits(1)
      const count = counts[length] ?? 0
      if (code - count < first) return symbols[index + code - first] ?? 0
      index += count
      first = (first + count) * 2
      code *= 2
    }
    fail('malformed')
    return endOfBlock
  }
  const rest = (length: number): Uint8Array => {
    held = 0
    heldBits = 0
    if (length > source.length - at) {
      fail('malformed')
      return new Uint8Array(0)
    }
    at += length
    return source.subarray(at - length, at)
  }
  const end = (): Result<Uint8Array, Refusal> => {
    if (at !== source.length) fail('malformed')
    return output.end()
  }
  return { ...output, bits, symbolOf, rest, end }
}

const stored = ({ rest, put, fail }: Stream): void => {
  const [low = 0, high = 0, notLow = 0, notHigh = 0] = rest(4)
  if ((low ^ notLow) !== 255 || (high ^ notHigh) !== 255) return fail('malformed')
  for (const byte of rest(low + high * 256)) put(byte)
}

const compressed = (stream: Stream, literals: Code, distances: Code): void => {
  const { bits, symbolOf, put, copy, fail, isBad } = stream
  while (!isBad()) {
    const symbol = symbolOf(literals)
    if (symbol === endOfBlock) return
    if (symbol < endOfBlock) {
      put(symbol)
      continue
    }
    const base = lengthBases[symbol - 257]
    if (base === undefined) return fail('malformed')
    const length = base + bits(lengthBits[symbol - 257] ?? 0)
    const place = symbolOf(distances)
    const far = distanceBases[place]
    if (far === undefined) return fail('malformed')
    const distance = far + bits(distanceBits[place] ?? 0)
    if (!isBad()) copy(length, distance)
  }
}

/** A block that brings its own codes, their lengths coded in turn. */
const dynamic = (stream: Stream): void => {
  const { bits, fail, isBad } = stream
  const literalCount = bits(5) + 257
  const distanceCount = bits(5) + 1
  const orderCount = bits(4) + 4
  if (literalCount > 286 || distanceCount > 30) return fail('malformed')
  const orderLengths = Array.from({ length: 19 }, () => 0)
  for (const place of lengthOrder.slice(0, orderCount)) orderLengths[place] = bits(3)
  const order = codeOf(orderLengths, false)
  if (order === undefined || isBad()) return fail('malformed')
  const lengths = readLengths(stream, order, literalCount + distanceCount)
  const literals = codeOf(lengths.slice(0, literalCount), true)
  const distances = codeOf(lengths.slice(literalCount), true)
  const isWhole = lengths.length === literalCount + distanceCount && lengths[endOfBlock] !== 0
  if (!isWhole || literals === undefined || distances === undefined) return fail('malformed')
  compressed(stream, literals, distances)
}

/** Lengths of codes; 16 repeats the one before, 17 and 18 repeat zero. */
const readLengths = (stream: Stream, order: Code, count: number): readonly number[] => {
  const { bits, symbolOf, fail, isBad } = stream
  const lengths: number[] = []
  while (lengths.length < count && !isBad()) {
    const symbol = symbolOf(order)
    if (symbol < 16) {
      lengths.push(symbol)
      continue
    }
    const before = symbol === 16 ? lengths.at(-1) : 0
    const repeat = symbol === 16 ? 3 + bits(2) : symbol === 17 ? 3 + bits(3) : 11 + bits(7)
    if (before === undefined) fail('malformed')
    else for (let left = repeat; left > 0; left--) lengths.push(before)
  }
  return lengths
}
