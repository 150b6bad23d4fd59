/** A page that is nothing but what tabs of one browser compete for: the key of the store, and the right to write. */
import { openKv } from '../../../web/engine/kv.ts'
import { openKeyedCipher, openPassphraseCipher } from '../../../web/engine/vault.ts'
import { becomeWriter } from '../../../web/engine/writer-lock.ts'
import type { RowCipher } from '../../../protocol/shell/crypto.ts'

const name = Uint8Array.of(1)
const value = Uint8Array.of(1, 2, 3)

/** Whether what one tab seals is open to the other. */
const isSame = async (ciphers: readonly (RowCipher | undefined)[]): Promise<boolean> => {
  const [one, other] = ciphers
  if (one === undefined || other === undefined) return false
  const opened = await other.open(name, await one.seal(name, value))
  return opened?.join() === value.join()
}

const bothTabs = async <T>(open: () => Promise<T>): Promise<readonly T[]> =>
  Promise.all([open(), open()])

const tabs = {
  /** Two tabs that open for the first time at the same moment. */
  keysAgree: async (): Promise<boolean> =>
    isSame(await bothTabs(async () => openKeyedCipher(await openKv('keys')))),
  passphrasesAgree: async (): Promise<boolean> =>
    isSame(await bothTabs(async () => openPassphraseCipher(await openKv('phrases'), 'swordfish'))),
  /** As many tabs as are asked for reach for the lock at once: how many write and how many look on. */
  compete: async (
    lock: string,
    count: number,
  ): Promise<{ readonly writers: () => number; readonly viewers: () => number }> => {
    let writers = 0
    const viewers = new Set<number>()
    for (let tab = 0; tab < count; tab++) {
      void becomeWriter(lock, () => viewers.add(tab)).then(() => {
        writers += 1
        viewers.delete(tab)
      })
    }
    return Promise.resolve({ writers: () => writers, viewers: () => viewers.size })
  },
  /** Somebody wrote here while the clock of this machine was years ahead. */
  writeInTheFuture: (lock: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const request = indexedDB.open(lock, Date.now() + 1e11)
      request.onerror = () => reject(new Error('cannot open'))
      request.onsuccess = () => {
        request.result.close()
        resolve()
      }
    }),
}

export type TabsPage = typeof tabs
Object.assign(window, { tabs })
