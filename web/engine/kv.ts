/** A few values in IndexedDB that must be there before the store is: keys, drafts, what is to be sent, what was shown last.
 *  Every write is one transaction and strict: when it resolves, the bytes are on disk. */

export type Kv = {
  readonly get: (key: string) => Promise<unknown>
  /** In key order. */
  readonly list: (
    prefix: string,
  ) => Promise<readonly { readonly key: string; readonly value: unknown }[]>
  /** Atomic; undefined deletes. */
  readonly put: (entries: readonly (readonly [key: string, value: unknown])[]) => Promise<void>
  /** Of tabs that want to be the first to set a value one succeeds; all get what stands then. */
  readonly settle: (key: string, value: unknown) => Promise<unknown>
}

const storeName = 'kv'

const settled = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error ?? new Error('IndexedDB request failed'))
  })

const openDatabase = (name: string): Promise<IDBDatabase> => {
  const request = indexedDB.open(name, 1)
  request.onupgradeneeded = () => request.result.createObjectStore(storeName)
  return settled(request)
}

export const openKv = async (name: string): Promise<Kv> => {
  const database = await openDatabase(name)
  const reader = (): IDBObjectStore => database.transaction(storeName).objectStore(storeName)
  return {
    get: key => settled<unknown>(reader().get(key)),
    list: async prefix => {
      const range = IDBKeyRange.bound(prefix, `${prefix}\uffff`)
      const store = reader()
      const [keys, values] = await Promise.all([
        settled(store.getAllKeys(range)),
        settled<unknown[]>(store.getAll(range)),
      ])
      return keys.flatMap((key, index) =>
        typeof key === 'string' ? [{ key, value: values[index] }] : [],
      )
    },
    settle: (key, value) =>
      new Promise((resolve, reject) => {
        const transaction = database.transaction(storeName, 'readwrite', { durability: 'strict' })
        const store = transaction.objectStore(storeName)
        const found: IDBRequest<unknown> = store.get(key)
        found.onsuccess = () => {
          if (found.result === undefined) store.put(value, key)
        }
        transaction.oncomplete = () => resolve(found.result ?? value)
        transaction.onabort = () => reject(transaction.error ?? new Error('IndexedDB write failed'))
      }),
    put: entries =>
      new Promise((resolve, reject) => {
        const transaction = database.transaction(storeName, 'readwrite', { durability: 'strict' })
        const store = transaction.objectStore(storeName)
        for (const [key, value] of entries) {
          if (value === undefined) store.delete(key)
          else store.put(value, key)
        }
        transaction.oncomplete = () => resolve()
        transaction.onabort = () => reject(transaction.error ?? new Error('IndexedDB write failed'))
      }),
  }
}

/** The same in memory, for pages that keep nothing. */
export const memoryKv = (): Kv => {
  const values = new Map<string, unknown>()
  return {
    get: key => Promise.resolve(values.get(key)),
    list: prefix =>
      Promise.resolve(
        [...values]
          .filter(([key]) => key.startsWith(prefix))
          .toSorted(([a], [b]) => (a < b ? -1 : 1))
          .map(([key, value]) => ({ key, value })),
      ),
    settle: (key, value) => {
      if (!values.has(key)) values.set(key, value)
      return Promise.resolve(values.get(key))
    },
    put: entries => {
      for (const [key, value] of entries) {
        if (value === undefined) values.delete(key)
        else values.set(key, value)
      }
      return Promise.resolve()
    },
  }
}
