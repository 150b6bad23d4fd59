/** Names of people, units and groups. What is signed is judged by fixed lists of code points only: Unicode tables differ
 *  between runtimes, and a name that one peer accepts and another refuses would split a group. NFC is therefore applied when
 *  a name is made, and never asked for when one arrives. */
import { type Result, failure, success } from './base.ts'
import { type Refusal, refusal } from './refusal.ts'

const codePointsMax = 64
const spaces = '\u0020\u00A0\u1680\u2000-\u200A\u202F\u205F\u3000'
const outerSpace = new RegExp(`^[${spaces}]+|[${spaces}]+$`, 'g')
/** Controls, line and paragraph separators, bidirectional controls, and characters that take no room and join nothing. */
const forbidden =
  // oxlint-disable-next-line no-control-regex -- controls are what it looks for
  /[\u0000-\u001F\u007F-\u009F\u00AD\u034F\u061C\u115F\u1160\u17B4\u17B5\u180E\u200B\u200E\u200F\u2028-\u202E\u2060-\u206F\u3164\uFEFF\uFFA0\uFFF0-\uFFFB]/
/** Joiners and variation selectors alone show nothing. */
const invisible = new RegExp(`^[${spaces}\u200C\u200D\uFE00-\uFE0F]*$`)

/** 1 to 64 code points of well-formed text, none of them forbidden, no space at either end. */
export const isName = (text: string): boolean =>
  text.isWellFormed() &&
  text.length <= 2 * codePointsMax &&
  [...text].length <= codePointsMax &&
  text.replace(outerSpace, '') === text &&
  !forbidden.test(text) &&
  !invisible.test(text)

/** NFC without outer spaces. Refused: `name-invalid`. */
export const normaliseName = (text: string): Result<string, Refusal> => {
  if (text.length > 4 * codePointsMax) return failure(refusal('name-invalid', 'too long'))
  const name = text.normalize('NFC').replace(outerSpace, '')
  return isName(name) ? success(name) : failure(refusal('name-invalid'))
}
