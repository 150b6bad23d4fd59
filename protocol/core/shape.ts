/** Shapes of CBOR values as type guards: what arrived is compared with a shape once and trusted after. A list shape has
 *  exactly its length: a field more or less is another format, never ignored. */
import { type Cbor, isCborList } from './cbor.ts'
import { compareBytes, utf8ToBytes } from './base.ts'

export type Shape<T extends Cbor> = (value: Cbor | undefined) => value is T
export type Shaped<S> = S extends Shape<infer T> ? T : never

export const isInteger =
  (from: number, to: number): Shape<number> =>
  (value): value is number =>
    typeof value === 'number' && value >= from && value <= to

export const isExactly =
  <T extends number>(constant: T): Shape<T> =>
  (value): value is T =>
    value === constant

export const isBytes =
  (length: number): Shape<Uint8Array> =>
  (value): value is Uint8Array =>
    value instanceof Uint8Array && value.length === length

export const isBytesUpTo =
  (max: number): Shape<Uint8Array> =>
  (value): value is Uint8Array =>
    value instanceof Uint8Array && value.length <= max

/** At most `max` bytes of UTF-8. */
export const isTextUpTo =
  (max: number): Shape<string> =>
  (value): value is string =>
    typeof value === 'string' && value.length <= max && utf8ToBytes(value).length <= max

export const isFlag: Shape<boolean> = (value): value is boolean => typeof value === 'boolean'

export const orNull =
  <T extends Cbor>(shape: Shape<T>): Shape<T | null> =>
  (value): value is T | null =>
    value === null || shape(value)

export const isListOf =
  <T extends Cbor>(shape: Shape<T>, max: number): Shape<readonly T[]> =>
  (value): value is readonly T[] =>
    isCborList(value) && value.length <= max && value.every(item => shape(item))

export const isTuple =
  <T extends readonly Cbor[]>(...shapes: { readonly [K in keyof T]: Shape<T[K]> }): Shape<T> =>
  (value): value is T =>
    isCborList(value) &&
    value.length === shapes.length &&
    shapes.every((shape, index) => shape(value[index]))

export const isTime = isInteger(0, Number.MAX_SAFE_INTEGER)
/** Whole seconds since 1970 in 32 bits. */
export const isSeconds = isInteger(0, 2 ** 32 - 1)
export const isSeq = isInteger(0, Number.MAX_SAFE_INTEGER)
export const isKey = isBytes(32)
export const isSignature = isBytes(64)

/** Strictly ascending: sorted, and nothing twice. */
export const ascends = (list: readonly Uint8Array[]): boolean =>
  list.every((item, index) => {
    const before = list[index - 1]
    return before === undefined || compareBytes(before, item) < 0
  })
