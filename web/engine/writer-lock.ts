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

/** Longer than this and another tab holds it, or waits before this one. */
const holdUpMillis = 500

const byDatabase = (name: string, onWait: () => void): Promise<void> =>
  new Promise((resolve, reject) => {
    let isWaiting = false
    const wait = (): void => {
      clearTimeout(holdUp)
      if (!isWaiting) onWait()
      isWaiting = true
    }
    // a request behind another tab's waiting one is not even called blocked
    const holdUp = setTimeout(wait, holdUpMillis)
    /** Whoever raises the version holds the lock; of several tabs that ask for the same version only one does. */
    const raiseTo = (version: number): void => {
      let isRaised = false
      const request = indexedDB.open(name, version)
      request.onblocked = wait
      request.onupgradeneeded = () => {
        isRaised = true
      }
      request.onsuccess = () => {
        const { result: database } = request
        if (isRaised) {
          clearTimeout(holdUp)
          // kept open on purpose: the connection is the lock
          held.push(database)
          resolve()
          return
        }
        database.close()
        raiseTo(version + 1)
      }
      request.onerror = () => {
        if (request.error?.name === 'VersionError') look()
        else fail(request)
      }
    }
    const look = (): void => {
      const request = indexedDB.open(name)
      request.onsuccess = () => {
        const { version } = request.result
        request.result.close()
        raiseTo(version + 1)
      }
      request.onerror = () => fail(request)
    }
    const fail = ({ error }: IDBOpenDBRequest): void => {
      clearTimeout(holdUp)
      reject(error ?? new Error('the lock could not be opened'))
    }
    look()
  })

/** Referenced, so that no connection is collected and closed. */
const held: IDBDatabase[] = []
