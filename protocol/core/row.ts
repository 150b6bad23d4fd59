/** What a peer keeps: rows of bytes under binary keys, written by the shell in one durable batch. Keys sort as bytes.
 *  Rows whose first key byte is below 0x20 are `hot`: the shell hands all of them to `started`. The rest is read by
 *  `load` effects. Rows under `sealedPrefixes` hold secrets: the shell encrypts their values at rest. First key bytes from
 *  0x80 on belong to the shell. */
export type Row = { readonly key: Uint8Array; readonly value: Uint8Array }
/** A value of undefined deletes the row. */
export type RowWrite = { readonly key: Uint8Array; readonly value: Uint8Array | undefined }
/** Rows with `from` <= key < `to`, at most `limit` of them, from the end when `reverse`. */
export type RowRange = {
  readonly from: Uint8Array
  readonly to: Uint8Array
  readonly limit: number
  readonly reverse: boolean
}
/** What to read: a range, or the rows that exist under exactly these keys. */
export type RowQuery =
  | { readonly type: 'range'; readonly range: RowRange }
  | { readonly type: 'keys'; readonly keys: readonly Uint8Array[] }

export const hotRange: RowRange = {
  from: Uint8Array.of(0x00),
  to: Uint8Array.of(0x20),
  limit: Number.MAX_SAFE_INTEGER,
  reverse: false,
}

/** First key bytes whose values are secrets: device keys, group author keys, epoch secrets, outbox, invite
 *  seeds; and requests to be let in, which name people. */
export const sealedPrefixes: readonly number[] = [0x01, 0x02, 0x05, 0x08, 0x0b]
