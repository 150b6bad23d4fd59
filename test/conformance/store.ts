/** What every store must do, whatever it is made of: the drive loop counts on each of these. `reopen` closes the store and
 *  opens it again over the same bytes. The claims are a list, so that they also run inside a browser. */
import { expect, test } from 'vitest'
import type { RowRange } from '#protocol'
import type { Store } from '../../protocol/shell/ports.ts'

export type StoreUnderTest = {
  readonly store: Store
  readonly reopen: () => Promise<Store>
  readonly remove: () => Promise<void>
}

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)
const range = (parts: Partial<RowRange> = {}) => ({
  type: 'range' as const,
  range: { from: bytes(0), to: bytes(0x80), limit: 100, reverse: false, ...parts },
})
const row = (key: readonly number[], value: readonly number[]) => ({
  key: Uint8Array.from(key),
  value: Uint8Array.from(value),
})

export type StoreClaim = {
  readonly claim: string
  readonly body: (under: StoreUnderTest) => Promise<void>
}

const storeClaims: StoreClaim[] = []
const claim = (text: string, body: StoreClaim['body']): void => {
  storeClaims.push({ claim: text, body })
}
/** First key byte of values that the store encrypts. */
const sealed = 0x01

claim('rows come back in key order, and only those of the range', async ({ store }) => {
  await store.write([row([3], [3]), row([1, 0], [10]), row([1], [1]), row([0x80, 1], [9])])
  expect(await store.read(range())).toEqual([row([1], [1]), row([1, 0], [10]), row([3], [3])])
  expect(await store.read(range({ from: bytes(1, 0), to: bytes(3) }))).toEqual([row([1, 0], [10])])
})

claim('keys sort as unsigned bytes, shorter before longer', async ({ store }) => {
  const keys = [[0x20], [0x20, 0], [0x20, 0x7f], [0x20, 0x80], [0x20, 0xff], [0x21]]
  await store.write(keys.toReversed().map(key => row(key, [1])))
  const read = await store.read(range({ from: bytes(0x20), to: bytes(0x22) }))
  expect(read.map(({ key }) => [...key])).toEqual(keys)
})

claim('a reverse range starts at its end, and the limit counts from there', async ({ store }) => {
  await store.write([1, 2, 3, 4].map(key => row([0x30, key], [key])))
  const query = range({ from: bytes(0x30), to: bytes(0x31), limit: 2, reverse: true })
  expect(await store.read(query)).toEqual([row([0x30, 4], [4]), row([0x30, 3], [3])])
})

claim('an unbounded limit reads everything', async ({ store }) => {
  await store.write(Array.from({ length: 300 }, (_, i) => row([0x30, i >> 8, i & 255], [1])))
  const query = range({ limit: Number.MAX_SAFE_INTEGER })
  expect(await store.read(query)).toHaveLength(300)
})

claim('reading keys leaves out those that do not exist, in the order asked', async ({ store }) => {
  await store.write([row([5], [5]), row([sealed, 6], [6])])
  const keys = [bytes(sealed, 6), bytes(7), bytes(5)]
  expect(await store.read({ type: 'keys', keys })).toEqual([row([sealed, 6], [6]), row([5], [5])])
})

claim(
  'a batch replaces, deletes and keeps its order; deleting nothing is fine',
  async ({ store }) => {
    await store.write([row([1], [1]), row([2], [2])])
    await store.write([
      { key: bytes(1), value: undefined },
      row([2], [22]),
      row([3], [3]),
      { key: bytes(3), value: undefined },
      { key: bytes(9), value: undefined },
    ])
    expect(await store.read(range())).toEqual([row([2], [22])])
  },
)

claim('empty values and large values are kept', async ({ store }) => {
  const large = new Uint8Array(70_000).fill(7)
  await store.write([row([sealed], []), row([0x40], []), { key: bytes(0x41), value: large }])
  expect(await store.read(range())).toEqual([
    row([sealed], []),
    row([0x40], []),
    { key: bytes(0x41), value: large },
  ])
})

claim('what was written does not change with the buffers it came in', async ({ store }) => {
  const value = bytes(1, 2, 3)
  const key = bytes(0x50)
  await store.write([{ key, value }])
  value.fill(0)
  key.fill(0)
  expect(await store.read(range())).toEqual([row([0x50], [1, 2, 3])])
})

claim('an empty batch is no work', async ({ store }) => {
  await store.write([])
  expect(await store.read(range())).toEqual([])
})

claim('everything is there after closing and opening again', async ({ store, reopen }) => {
  await store.write([row([sealed, 1], [1]), row([0x60], [2])])
  const again = await reopen()
  expect(await again.read(range())).toEqual([row([sealed, 1], [1]), row([0x60], [2])])
  await again.close()
})

claim('a closed store refuses, and may be closed twice', async ({ store }) => {
  await store.close()
  await store.close()
  await expect(store.write([row([1], [1])])).rejects.toThrow()
  await expect(store.read(range())).rejects.toThrow()
})

claim('writes and reads that are not waited for keep their order', async ({ store }) => {
  const writes = Array.from({ length: 20 }, (_, i) => store.write([row([0x70], [i])]))
  const read = store.read(range())
  await Promise.all(writes)
  expect(await read).toEqual([row([0x70], [19])])
})

export const claimsOfStores: readonly StoreClaim[] = storeClaims

export const proveClaim = async (
  { body }: StoreClaim,
  open: () => Promise<StoreUnderTest>,
): Promise<void> => {
  const under = await open()
  try {
    await body(under)
  } finally {
    await under.remove()
  }
}

export const storeConformance = (name: string, open: () => Promise<StoreUnderTest>): void => {
  for (const each of claimsOfStores) {
    test(`${name}: ${each.claim}`, () => proveClaim(each, open))
  }
}
