/** The plaintext inside a sealed operation: what its author had seen of other logs, and one CBOR value in its smallest form.
 *    body := form(1) • [count varint • {author8 • seq varint}*] • value
 *    form := codec + 16 when deps are there
 *    codec: 0 the CBOR itself; 1 deflate-raw with dictionary 1; 2 the text of a plain message as UTF-16BE
 *  Deps are not compressed and stand in ascending order of authors, at most limits.depsMax. */
import { type AuthorId, type Result, compareText, failure, idBytes, success } from './base.ts'
import { decodeCbor, encodeCbor } from './cbor.ts'
import { createReader, createWriter } from './codec.ts'
import { deflate, inflate } from './compress.ts'
import { limits } from './limits.ts'
import { type Refusal, refusal } from './refusal.ts'
import { isExactly, isTextUpTo, isTuple } from './shape.ts'

/** The newest operation of another log that the author had when writing. */
export type Dep = { readonly author: AuthorId; readonly seq: number }
export type Body = { readonly deps: readonly Dep[]; readonly cbor: Uint8Array }

const codecs = { plain: 0, deflated: 1, wide: 2 } as const
const depsFlag = 0x10

/** The smallest form; of equals the one with the lowest number. Only the first limits.depsMax deps fit. */
export const encodeBody = ({ deps, cbor }: Body): Uint8Array => {
  let codec: number = codecs.plain
  let value = cbor
  const deflated = deflate(cbor)
  if (deflated.length < value.length) {
    codec = codecs.deflated
    value = deflated
  }
  const wide = toWide(cbor)
  if (wide !== undefined && wide.length < value.length) {
    codec = codecs.wide
    value = wide
  }
  const writer = createWriter(value.length + 96)
  const kept = deps.slice(0, limits.depsMax).toSorted((a, b) => compareText(a.author, b.author))
  writer.u8(kept.length === 0 ? codec : codec | depsFlag)
  if (kept.length > 0) writer.varint(kept.length)
  for (const { author, seq } of kept) writer.bytes(idBytes(author)).varint(seq)
  return writer.bytes(value).done()
}

/** Refused: `unsupported` form, `malformed`, `non-canonical`, `too-large` after inflation. */
export const decodeBody = (bytes: Uint8Array): Result<Body, Refusal> => {
  const reader = createReader(bytes)
  const form = reader.u8()
  const codec = form & 0x0f
  if ((form & ~(depsFlag | 0x0f)) !== 0 || codec > codecs.wide) {
    return failure(refusal('unsupported', 'body form'))
  }
  const deps: Dep[] = []
  if ((form & depsFlag) !== 0) {
    const count = reader.count(limits.depsMax, 9)
    if (count === 0) reader.fail('non-canonical')
    for (let index = 0; index < count; index++) {
      const dep = { author: reader.author(), seq: reader.varint() }
      const before = deps.at(-1)
      if (before !== undefined && before.author >= dep.author) reader.fail('non-canonical')
      deps.push(dep)
    }
  }
  const value = reader.bytes(reader.left())
  const fault = reader.fault()
  if (fault !== undefined) return failure(refusal(fault))
  const cbor = valueToCbor(codec, value)
  return cbor.ok ? success({ deps, cbor: cbor.value }) : cbor
}

const valueToCbor = (codec: number, value: Uint8Array): Result<Uint8Array, Refusal> => {
  if (codec === codecs.deflated) return inflate(value)
  if (codec === codecs.wide) return fromWide(value)
  return value.length > limits.inflatedBytesMax ? failure(refusal('too-large')) : success(value)
}

const isPlainMessage = isTuple(isExactly(0), isTextUpTo(limits.textBytesMax))

const toWide = (cbor: Uint8Array): Uint8Array | undefined => {
  const decoded = decodeCbor(cbor)
  if (!decoded.ok || !isPlainMessage(decoded.value)) return undefined
  const text = decoded.value[1]
  const writer = createWriter(text.length * 2 + 1)
  for (let index = 0; index < text.length; index++) writer.unsigned(text.charCodeAt(index), 2)
  return writer.done()
}

const fromWide = (value: Uint8Array): Result<Uint8Array, Refusal> => {
  if (value.length % 2 !== 0) return failure(refusal('malformed'))
  if (value.length > 2 * limits.textBytesMax) return failure(refusal('too-large'))
  const reader = createReader(value)
  let text = ''
  while (reader.left() > 0) text += String.fromCharCode(reader.unsigned(2))
  const isTextOfMessage = text.isWellFormed() && !text.startsWith('\uFEFF')
  return isTextOfMessage ? success(encodeCbor([0, text])) : failure(refusal('malformed'))
}
