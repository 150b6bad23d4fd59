/** One writer for this browser's store: the first tab runs the peer, the others look on, and when it closes the next one
 *  takes over. Secure pages have Web Locks. Elsewhere an open IndexedDB connection is the lock: opening with a higher
 *  version waits until every older connection is closed, and the browser closes them with the tab, however it ends. */

/** Resolves when this tab is the writer, which it stays until it closes. `onWait`: another tab is, for now. */
export const becomeWriter = (name: string, onWait: () => void): Promise<void> =>
  typeof navigator.locks === 'object' ? byWebLock(name, onWait) : byDatabase(name, onWait)

const byWebLock = (name: string, onWait: () => void): Promise<void> =>
  new Promise((resolve, reject) => {
    const forEver = (): Promise<never> => {
      resolve()
      return new Promise<never>(() => undefined)
    }
    const wait = (): void => {
      onWait()
      navigator.locks.request(name, forEver).catch(reject)
    }
    navigator.locks
      .request(name, { ifAvailable: true }, lock => (lock === null ? wait() : forEver()))
      .catch(reject)
  })

const byDatabase = (name: string, onWait: () => void): Promise<void> =>
  new Promise((resolve, reject) => {
    const open = (): void => {
      // higher than any version before it, and kept open on purpose: the connection is the lock
      const request = indexedDB.open(name, Math.floor(performance.timeOrigin + performance.now()))
      request.onblocked = onWait
      request.onsuccess = () => {
        held.push(request.result)
        resolve()
      }
      request.onerror = () => {
        if (request.error?.name === 'VersionError') setTimeout(open, 5)
        else reject(request.error ?? new Error('the lock could not be opened'))
      }
    }
    open()
  })

/** Referenced, so that no connection is collected and closed. */
const held: IDBDatabase[] = []
