/** Rows on disk: one durable, atomic batch per write over a level database (LevelDB in Node, IndexedDB in a browser).
 *  Values under sealed prefixes are encrypted with the data key. After a failed write the database is closed and opened
 *  again before the next one: LevelDB refuses writes after a full disk until then (reliability-security.md, F9). It reads on,
 *  and to be opened it needs room: so it stays open until there is some. */
import { compareBytes } from '../core/base.ts'
import { createRowCipher } from './crypto.ts'
import type { Level } from 'level'
import type { Random, Row, RowQuery, RowRange, RowWrite } from '#protocol'
import type { RowCipher } from './crypto.ts'
import type { Store } from './ports.ts'

export type ByteLevel = Level<Uint8Array, Uint8Array>

export type StoreOptions = {
  /** Created with `keyEncoding` and `valueEncoding` 'view'; opened and closed by the store. */
  readonly level: ByteLevel
  /** A 32-byte key for the built-in cipher, or a cipher of the host (non-extractable keys). */
  readonly cipher: RowCipher | { readonly dataKey: Uint8Array; readonly random: Random }
  readonly sealedPrefixes: readonly number[]
  /** A file that is given up when the disk is full and made again when there is room for more than it. */
  readonly reserve?: {
    readonly release: () => Promise<void>
    readonly restore: () => Promise<void>
    /** Whether the database could be opened again now. */
    readonly hasRoom: () => Promise<boolean>
  }
  /** Called once when opening fails, before a second try (LevelDB repair). */
  readonly repair?: (reason: unknown) => Promise<void>
}

/** Opening failed for a reason that a sentence can explain. */
export type StoreErrorCode = 'store-newer' | 'store-damaged' | 'store-key-wrong'

const storeError = (code: StoreErrorCode, message: string): Error =>
  Object.assign(new Error(message), { code })

const schemaKey = Uint8Array.of(0x80, ...new TextEncoder().encode('schema'))
const schemaVersion = 1

type Operation =
  | { readonly type: 'del'; readonly key: Uint8Array }
  | { readonly type: 'put'; readonly key: Uint8Array; readonly value: Uint8Array }

/** Level's own encoding name for plain bytes. */
export const byteEncodings = { keyEncoding: 'view', valueEncoding: 'view' } as const

/** IndexedDB's default durability only promises the bytes to the operating system; `strict` promises them to the disk.
 *  browser-level has no option for it, so its transactions are opened through this. */
const makeStrict = (level: ByteLevel): void => {
  const database: unknown = Reflect.get(level, 'db')
  if (typeof IDBDatabase === 'undefined' || !(database instanceof IDBDatabase)) return
  const plain = database.transaction.bind(database)
  database.transaction = (names, mode) => plain(names, mode, { durability: 'strict' })
}

/** LevelDB hands out Buffers, whose `slice` shares memory: nobody behind this door expects that. */
const plainBytes = (bytes: Uint8Array): Uint8Array =>
  new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)

const openLevel = async (options: StoreOptions): Promise<void> => {
  try {
    await options.level.open()
  } catch (reason) {
    if (options.repair === undefined) throw reason
    await options.repair(reason)
    await options.level.open()
  }
  makeStrict(options.level)
}

const checkSchema = async (level: ByteLevel): Promise<void> => {
  const [stored] = await level.getMany([schemaKey])
  if (stored === undefined) {
    const operations = [
      { type: 'put' as const, key: schemaKey, value: Uint8Array.of(schemaVersion) },
    ]
    await level.batch(operations, { ...byteEncodings, sync: true })
    return
  }
  const version = stored[0] ?? 0
  if (version > schemaVersion) {
    throw storeError('store-newer', `written by a newer version: schema ${version}`)
  }
}

export const openStore = async (options: StoreOptions): Promise<Store> => {
  const { level } = options
  const cipher =
    'dataKey' in options.cipher
      ? createRowCipher(options.cipher.dataKey, options.cipher.random)
      : options.cipher
  const sealed = new Set(options.sealedPrefixes)
  const isSealed = (key: Uint8Array): boolean => sealed.has(key[0] ?? 0xff)

  await openLevel(options)
  try {
    await checkSchema(level)
  } catch (reason) {
    await level.close()
    throw reason
  }

  /** unwritable: a write failed; broken: a read did, or opening. */
  let state: 'ok' | 'unwritable' | 'broken' | 'closed' = 'ok'
  let failure: unknown
  let reserveGone = false

  const reopen = async (): Promise<void> => {
    if (options.reserve !== undefined && !(await options.reserve.hasRoom())) throw failure
    state = 'broken'
    await level.close()
    await openLevel(options)
    state = 'ok'
  }
  const prepare = async (use: 'read' | 'write'): Promise<void> => {
    if (state === 'closed') throw storeError('store-damaged', 'the store is closed')
    if (state === 'broken' || (state === 'unwritable' && use === 'write')) await reopen()
  }
  /** Remembers that the database failed at something. */
  const noting = async <T>(worst: 'unwritable' | 'broken', use: () => Promise<T>): Promise<T> => {
    try {
      return await use()
    } catch (reason) {
      if (state === 'ok' || worst === 'broken') state = worst
      failure = reason
      throw reason
    }
  }
  const releaseReserve = async (): Promise<void> => {
    if (options.reserve === undefined || reserveGone) return
    await options.reserve.release()
    reserveGone = true
  }
  const restoreReserve = async (): Promise<void> => {
    if (options.reserve === undefined || !reserveGone) return
    await options.reserve.restore().then(
      () => (reserveGone = false),
      () => undefined,
    )
  }

  /** One use of the database at a time, so that a reopening never meets a running call. */
  let last: Promise<unknown> = Promise.resolve()
  const exclusively = <T>(use: () => Promise<T>): Promise<T> => {
    const turn = last.then(use, use)
    last = turn.catch(() => undefined)
    return turn
  }

  const openValue = async (storedKey: Uint8Array, stored: Uint8Array): Promise<Row> => {
    const key = plainBytes(storedKey)
    const value = plainBytes(stored)
    if (!isSealed(key)) return { key, value }
    const plain = await cipher.open(key, value)
    if (plain === undefined) {
      throw storeError('store-key-wrong', 'a sealed row does not open with this key')
    }
    return { key, value: plain }
  }

  const write = async (rows: readonly RowWrite[]): Promise<void> => {
    await prepare('write')
    const operations: Operation[] = []
    for (const { key, value } of rows) {
      if (value === undefined) operations.push({ type: 'del', key })
      else {
        const stored = isSealed(key) ? await cipher.seal(key, value) : value
        operations.push({ type: 'put', key, value: stored })
      }
    }
    try {
      await noting('unwritable', () => level.batch(operations, { ...byteEncodings, sync: true }))
    } catch (reason) {
      await releaseReserve()
      throw reason
    }
    await restoreReserve()
  }

  const read = async (query: RowQuery): Promise<readonly Row[]> => {
    await prepare('read')
    const rows: Row[] = []
    if (query.type === 'keys') {
      const values = await noting('broken', () =>
        Promise.all(query.keys.map(key => level.get(key, byteEncodings))),
      )
      for (const [index, key] of query.keys.entries()) {
        const value = values[index]
        if (value !== undefined) rows.push(await openValue(key, value))
      }
      return rows
    }
    const { from, to, limit, reverse } = query.range
    const selection = {
      ...byteEncodings,
      gte: from,
      lt: to,
      limit: limit >= Number.MAX_SAFE_INTEGER ? -1 : limit,
      reverse,
    }
    // `async`: a database that is not open throws at once.
    const found = await noting('broken', async () =>
      level.iterator<Uint8Array, Uint8Array>(selection).all(),
    )
    for (const [key, value] of found) rows.push(await openValue(key, value))
    return rows
  }

  return {
    write: rows => (rows.length === 0 ? Promise.resolve() : exclusively(() => write(rows))),
    read: query => exclusively(() => read(query)),
    close: () =>
      exclusively(async () => {
        if (state === 'closed') return
        state = 'closed'
        await level.close()
      }),
  }
}

/** Rows in memory with the same semantics, for tests and the simulator; `rows` survives a `close`. */
export const memoryStore = (initial: readonly Row[] = []): Store => {
  const { put, drop, select } = createRowTable(initial)
  let isClosed = false
  const open = <T>(use: () => T): Promise<T> =>
    isClosed
      ? Promise.reject(storeError('store-damaged', 'the store is closed'))
      : Promise.resolve(use())
  return {
    write: rows =>
      open(() => {
        for (const { key, value } of rows) {
          if (value === undefined) drop(key)
          else put(key, value)
        }
      }),
    read: query => open(() => select(query)),
    close: () => {
      isClosed = true
      return Promise.resolve()
    },
  }
}

type RowTable = {
  readonly put: (key: Uint8Array, value: Uint8Array) => void
  readonly drop: (key: Uint8Array) => void
  readonly select: (query: RowQuery) => readonly Row[]
}

/** A sorted array of rows: binary search to find, splice to insert. */
const createRowTable = (initial: readonly Row[]): RowTable => {
  const rows: Row[] = []
  /** The first position whose key is not below `key`. */
  const positionOf = (key: Uint8Array): number => {
    let low = 0
    let high = rows.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const row = rows[middle]
      if (row !== undefined && compareBytes(row.key, key) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
  const rowAt = (key: Uint8Array): Row | undefined => {
    const row = rows[positionOf(key)]
    return row !== undefined && compareBytes(row.key, key) === 0 ? row : undefined
  }
  const put = (key: Uint8Array, value: Uint8Array): void => {
    const row = { key: key.slice(), value: value.slice() }
    rows.splice(positionOf(key), rowAt(key) === undefined ? 0 : 1, row)
  }
  const selectRange = ({ from, to, limit, reverse }: RowRange): readonly Row[] => {
    const found = rows.slice(positionOf(from), positionOf(to))
    return (reverse ? found.toReversed() : found).slice(0, limit)
  }
  for (const { key, value } of initial) put(key, value)
  return {
    put,
    drop: key => {
      if (rowAt(key) !== undefined) rows.splice(positionOf(key), 1)
    },
    select: query =>
      query.type === 'range'
        ? selectRange(query.range)
        : query.keys.map(rowAt).filter(row => row !== undefined),
  }
}
