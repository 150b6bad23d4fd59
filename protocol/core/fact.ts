/** Facts: what people say and what devices testify (kind 1). A fact is a CBOR list [number, …fields]:
 *    [0, text] | [0, text, [reply | null, [device16…]]]       message
 *    [1, ref, text]  edit        [2, ref, reason]  redact        [3, ref, emoji | null]  react
 *    [4, [[author8, from, to]…], [[author8, from, to]…]]         ack: delivered, displayed; ranges with both ends
 *    [5, ref, answer, note]                                      answer to a notice
 *    ref := [author8, seq]
 *  A number or form from a newer version is kept as `unknown` and shown as such. */
import {
  type AuthorId,
  type DeviceId,
  type Result,
  authorId,
  bytesToHex,
  deviceId,
  failure,
  idBytes,
  success,
} from './base.ts'
import { type Cbor, decodeCbor, encodeCbor, isCborList } from './cbor.ts'
import { limits } from './limits.ts'
import { type Refusal, refusal } from './refusal.ts'
import {
  type Shaped,
  isBytes,
  isInteger,
  isListOf,
  isSeq,
  isTextUpTo,
  isTuple,
  orNull,
} from './shape.ts'

export type Ref = { readonly author: AuthorId; readonly seq: number }
/** Sequence numbers `from` to `to` of one log, both included. */
export type AckRange = { readonly author: AuthorId; readonly from: number; readonly to: number }

export type KnownFact =
  | {
      readonly type: 'message'
      /** Not empty. */
      readonly text: string
      readonly replyTo?: Ref
      readonly mentions?: readonly DeviceId[]
    }
  | { readonly type: 'edit'; readonly ref: Ref; readonly text: string }
  | { readonly type: 'redact'; readonly ref: Ref; readonly reason: string }
  /** Undefined takes the reaction back. */
  | { readonly type: 'react'; readonly ref: Ref; readonly emoji: string | undefined }
  | {
      readonly type: 'ack'
      readonly delivered: readonly AckRange[]
      readonly displayed: readonly AckRange[]
    }
  | { readonly type: 'answer'; readonly ref: Ref; readonly answer: number; readonly note: string }

export type Fact =
  | KnownFact
  | { readonly type: 'unknown'; readonly number: number; readonly fields: readonly Cbor[] }

export const encodeFact = (fact: Fact): Uint8Array => encodeCbor(factToCbor(fact))

/** The list itself, as the timeline keeps it. */
export const factToCbor = (fact: Fact): readonly Cbor[] => {
  switch (fact.type) {
    case 'message': {
      const { text, replyTo, mentions = [] } = fact
      if (replyTo === undefined && mentions.length === 0) return [0, text]
      const reply = replyTo === undefined ? null : refToList(replyTo)
      return [0, text, [reply, mentions.map(idBytes)]]
    }
    case 'edit':
      return [1, refToList(fact.ref), fact.text]
    case 'redact':
      return [2, refToList(fact.ref), fact.reason]
    case 'react':
      return [3, refToList(fact.ref), fact.emoji ?? null]
    case 'ack':
      return [4, fact.delivered.map(rangeToList), fact.displayed.map(rangeToList)]
    case 'answer':
      return [5, refToList(fact.ref), fact.answer, fact.note]
    case 'unknown':
      return [fact.number, ...fact.fields]
  }
}

/** Refused: `text-empty`, `text-too-long`, `malformed`, and what decodeCbor refuses. */
export const decodeFact = (bytes: Uint8Array): Result<Fact, Refusal> => {
  const decoded = decodeCbor(bytes)
  return decoded.ok ? cborToFact(decoded.value) : decoded
}

/** A decoded list as a fact; the inverse of `factToCbor`. */
export const cborToFact = (value: Cbor): Result<Fact, Refusal> => {
  if (!isCborList(value)) return failure(refusal('malformed'))
  const [number, ...fields] = value
  if (!isNumber(number)) return failure(refusal('malformed'))
  if (number > lastKnown) return success({ type: 'unknown', number, fields })
  const fact = fieldsToFact(number, fields)
  if (fact === undefined) return failure(refusal('malformed'))
  if (fact.type === 'message' || fact.type === 'edit') {
    if (fact.text === '') return failure(refusal('text-empty'))
    if (!isText(fact.text)) return failure(refusal('text-too-long'))
  }
  return success(fact)
}

const lastKnown = 5

const fieldsToFact = (number: number, fields: readonly Cbor[]): Fact | undefined => {
  switch (number) {
    case 0:
      return fieldsToMessage(fields)
    case 1:
      if (!shapes.edit(fields)) return undefined
      return { type: 'edit', ref: listToRef(fields[0]), text: fields[1] }
    case 2:
      if (!shapes.redact(fields)) return undefined
      return { type: 'redact', ref: listToRef(fields[0]), reason: fields[1] }
    case 3:
      if (!shapes.react(fields)) return undefined
      return { type: 'react', ref: listToRef(fields[0]), emoji: fields[1] ?? undefined }
    case 4:
      if (!shapes.ack(fields)) return undefined
      return {
        type: 'ack',
        delivered: fields[0].map(listToRange),
        displayed: fields[1].map(listToRange),
      }
    default:
      if (!shapes.answer(fields)) return undefined
      return { type: 'answer', ref: listToRef(fields[0]), answer: fields[1], note: fields[2] }
  }
}

/** Options grow at their end: more of them than known here come from a newer version. */
const fieldsToMessage = (fields: readonly Cbor[]): Fact | undefined => {
  if (shapes.message(fields)) return { type: 'message', text: fields[0] }
  if (shapes.messageWithOptions(fields)) {
    const [text, [reply, mentions]] = fields
    if (reply === null && mentions.length === 0) return undefined
    return {
      type: 'message',
      text,
      ...(reply === null ? {} : { replyTo: listToRef(reply) }),
      ...(mentions.length === 0
        ? {}
        : { mentions: mentions.map(device => deviceId(bytesToHex(device))) }),
    }
  }
  const [text, options, ...rest] = fields
  const isNewer = isAnyText(text) && isCborList(options) && options.length > 2 && rest.length === 0
  return isNewer ? { type: 'unknown', number: 0, fields } : undefined
}

const isNumber = isInteger(0, 255)
const isText = isTextUpTo(limits.textBytesMax)
const isNote = isTextUpTo(limits.noteBytesMax)
const isAnyText = (value: Cbor | undefined): value is string => typeof value === 'string'
const isAuthor = isBytes(8)
const isRef = isTuple(isAuthor, isSeq)
const isRange = (value: Cbor | undefined): value is readonly [Uint8Array, number, number] =>
  isRangeTuple(value) && value[1] <= value[2]
const isRangeTuple = isTuple(isAuthor, isSeq, isSeq)
const isRanges = isListOf(isRange, limits.ackRangesMax)
const isMentions = isListOf(isBytes(16), limits.mentionsMax)

const shapes = {
  message: isTuple(isAnyText),
  messageWithOptions: isTuple(isAnyText, isTuple(orNull(isRef), isMentions)),
  edit: isTuple(isRef, isAnyText),
  redact: isTuple(isRef, isNote),
  react: isTuple(isRef, orNull(isTextUpTo(64))),
  ack: isTuple(isRanges, isRanges),
  answer: isTuple(isRef, isInteger(0, 255), isNote),
}

const refToList = ({ author, seq }: Ref): Cbor => [idBytes(author), seq]
const listToRef = ([author, seq]: Shaped<typeof isRef>): Ref => ({
  author: authorId(bytesToHex(author)),
  seq,
})
const rangeToList = ({ author, from, to }: AckRange): Cbor => [idBytes(author), from, to]
const listToRange = ([author, from, to]: readonly [Uint8Array, number, number]): AckRange => ({
  author: authorId(bytesToHex(author)),
  from,
  to,
})
