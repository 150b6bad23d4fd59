/** Where logs end for the purposes of a removal or a dissolution: the last operation of each that still counts.
 *    cut := [[author8, seq, opId16]…]   ascending by author */
import { type AuthorId, authorId, bytesToHex, compareText, idBytes } from './base.ts'
import type { Cbor } from './cbor.ts'
import { limits } from './limits.ts'
import { type Shaped, isBytes, isListOf, isSeq, isTuple } from './shape.ts'

export type Cut = { readonly author: AuthorId; readonly seq: number; readonly op: Uint8Array }

export const isCut = isListOf(isTuple(isBytes(8), isSeq, isBytes(16)), limits.cutsMax)

export const cutToList = (cut: readonly Cut[]): Cbor =>
  cut
    .toSorted((a, b) => compareText(a.author, b.author))
    .map(({ author, seq, op }) => [idBytes(author), seq, op])

export const listToCut = (list: Shaped<typeof isCut>): readonly Cut[] =>
  list.map(([author, seq, op]) => ({ author: authorId(bytesToHex(author)), seq, op }))
