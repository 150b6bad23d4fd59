/** Names of people, units and groups. What is signed is judged by fixed lists of code points only: Unicode tables differ
 *  between runtimes, and a name that one peer accepts and another refuses would split a group. NFC is therefore applied when
 *  a name is made, and never asked for when one arrives. */
import { type Result, failure, success } from './base.ts'
import { type Refusal, refusal } from './refusal.ts'

const codePointsMax = 64

type CodePoints = readonly (readonly [from: number, to: number])[]

const spaces: CodePoints = [
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
]

/** Joiners and variation selectors: right between other characters, nothing by themselves. */
const joining: CodePoints = [
  [0x200c, 0x200d],
  [0xfe00, 0xfe0f],
]

/** Controls, line and paragraph separators, bidirectional controls, and fillers that take no room and join nothing. */
const forbidden: CodePoints = [
  [0x00, 0x1f],
  [0x7f, 0x9f],
  [0xad, 0xad],
  [0x34f, 0x34f],
  [0x61c, 0x61c],
  [0x115f, 0x1160],
  [0x17b4, 0x17b5],
  [0x180e, 0x180e],
  [0x200b, 0x200b],
  [0x200e, 0x200f],
  [0x2028, 0x202e],
  [0x2060, 0x206f],
  [0x3164, 0x3164],
  [0xd800, 0xdfff],
  [0xfeff, 0xfeff],
  [0xffa0, 0xffa0],
  [0xfff0, 0xfffb],
]

/** 1 to 64 code points of well-formed text, none of them forbidden, no space at either end, something to see. */
export const isName = (text: string): boolean => {
  if (text.length > 2 * codePointsMax) return false
  const points = codePointsOf(text)
  return (
    points.length <= codePointsMax &&
    points.every(point => !isAmong(forbidden, point)) &&
    points.some(point => !isAmong(spaces, point) && !isAmong(joining, point)) &&
    !isAmong(spaces, points[0] ?? 0) &&
    !isAmong(spaces, points.at(-1) ?? 0)
  )
}

/** NFC without outer spaces. Refused: `name-invalid`. */
export const normaliseName = (text: string): Result<string, Refusal> => {
  if (text.length > 4 * codePointsMax) return failure(refusal('name-invalid', 'too long'))
  const name = text.normalize('NFC').trim()
  return isName(name) ? success(name) : failure(refusal('name-invalid'))
}

const isAmong = (list: CodePoints, point: number): boolean =>
  list.some(([from, to]) => point >= from && point <= to)

const codePointsOf = (text: string): readonly number[] =>
  Array.from(text, character => character.codePointAt(0) ?? 0)
