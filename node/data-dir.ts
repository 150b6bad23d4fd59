/** The data directory of one peer: private to its owner, used by one process at a time.
 *
 *  petrel.lock      who uses it now: pid, when that process started, which directory it means, and the daemon's socket
 *  wrapping.key     see keys.ts
 *  data.key         see keys.ts
 *  place/           see place.ts
 *  reserve          room that is given up when the disk is full
 *  libp2p/          its peers and certificate; sealed for the identity in data.key
 *  store/           the level database (it has a kernel lock of its own: the last line of defence)
 */
import { linkSync, readFileSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Result } from '#protocol'
import {
  isOpenToOthers,
  isOwn,
  isMissing,
  makePrivateDirectory,
  modeOf,
  removeFile,
  systemCode,
  writePrivate,
} from './files.ts'

export type DataDirFault =
  | { readonly type: 'not-ours'; readonly path: string }
  | { readonly type: 'not-petrel'; readonly path: string }
  | { readonly type: 'not-writable'; readonly path: string; readonly reason: string }
  | { readonly type: 'in-use'; readonly path: string; readonly pid: number }

export type Lock = {
  /** Tells other processes where to talk to this one. */
  readonly announce: (socket: string) => void
  readonly release: () => void
}

export type LockHolder = { readonly pid: number; readonly socket: string | undefined }

export const storeDirectory = (dataDir: string): string => join(dataDir, 'store')
export const libp2pDirectory = (dataDir: string): string => join(dataDir, 'libp2p')
/** Given up when the disk is full; see node-store.ts. */
export const reserveFile = (dataDir: string): string => join(dataDir, 'reserve')
const lockFile = (dataDir: string): string => join(dataDir, 'petrel.lock')

/** Files by which a directory is known as ours. */
const marks = ['wrapping.key', 'data.key', 'petrel.lock', 'store']

/** Makes the directory, or makes sure that it is ours and private. A directory full of something else is not touched. */
export const openDataDir = (dataDir: string): Result<undefined, DataDirFault> => {
  try {
    const mode = modeOf(dataDir)
    if (mode !== undefined) {
      if (!isOwn(dataDir)) return { ok: false, error: { type: 'not-ours', path: dataDir } }
      const names = readdirSync(dataDir)
      if (names.length > 0 && !names.some(name => marks.includes(name))) {
        return { ok: false, error: { type: 'not-petrel', path: dataDir } }
      }
    }
    if (mode === undefined || isOpenToOthers(mode)) makePrivateDirectory(dataDir)
    return { ok: true, value: undefined }
  } catch (reason) {
    const code = systemCode(reason)
    if (code === undefined) throw reason
    return { ok: false, error: { type: 'not-writable', path: dataDir, reason: code } }
  }
}

/** When a process started, in clock ticks since boot: with it a reused pid is told apart. Only Linux says. */
const startOf = (pid: number): string | undefined => {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (reason) {
    return systemCode(reason) === 'EPERM'
  }
}

/** Which directory a lock speaks of: a lock that came along in a copy holds nothing. Only compared while its process lives,
 *  in which time these numbers last. */
const numberOf = (dataDir: string): string => {
  const { dev, ino } = statSync(dataDir, { bigint: true })
  return `${dev}:${ino}`
}

type LockText = {
  readonly pid: number
  readonly start?: string
  readonly directory?: string
  readonly socket?: string
}

const parseLock = (text: string): LockText | undefined => {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || !('pid' in value)) return undefined
    const { pid } = value
    // 0 and below would mean whole groups of processes.
    if (typeof pid !== 'number' || !Number.isInteger(pid) || pid <= 0) return undefined
    return {
      pid,
      ...('start' in value && typeof value.start === 'string' && { start: value.start }),
      ...('directory' in value &&
        typeof value.directory === 'string' && { directory: value.directory }),
      ...('socket' in value && typeof value.socket === 'string' && { socket: value.socket }),
    }
  } catch {
    return undefined
  }
}

/** Who uses the directory now; undefined when nobody that is alive does. */
export const lockHolder = (dataDir: string): LockHolder | undefined =>
  holderIn(dataDir, lockFile(dataDir))

const holderIn = (dataDir: string, path: string): LockHolder | undefined => {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (reason) {
    if (isMissing(reason)) return undefined
    throw reason
  }
  const lock = parseLock(text)
  if (lock === undefined || !isAlive(lock.pid)) return undefined
  if (lock.directory !== undefined && lock.directory !== numberOf(dataDir)) return undefined
  const start = startOf(lock.pid)
  const isSame = start === undefined || lock.start === undefined || start === lock.start
  return isSame ? { pid: lock.pid, socket: lock.socket } : undefined
}

/** On a full disk even a lock has no room until the reserve is given up. */
const lockOrMakeRoom = (dataDir: string, text: string): boolean => {
  try {
    return tryLock(dataDir, text)
  } catch (reason) {
    if (systemCode(reason) !== 'ENOSPC' || modeOf(reserveFile(dataDir)) === undefined) throw reason
    removeFile(reserveFile(dataDir))
    return tryLock(dataDir, text)
  }
}

const tryLock = (dataDir: string, text: string): boolean => {
  const own = `${lockFile(dataDir)}.${process.pid}`
  try {
    writeFileSync(own, text, { mode: 0o600 })
    linkSync(own, lockFile(dataDir))
    return true
  } catch (reason) {
    if (systemCode(reason) !== 'EEXIST') throw reason
    return false
  } finally {
    removeFile(own)
  }
}

/** One writer per store. A lock whose process is gone is taken over. */
export const takeLock = (dataDir: string): Result<Lock, DataDirFault> => {
  try {
    return tryTaking(dataDir)
  } catch (reason) {
    const code = systemCode(reason)
    if (code === undefined) throw reason
    return { ok: false, error: { type: 'not-writable', path: dataDir, reason: code } }
  }
}

const tryTaking = (dataDir: string): Result<Lock, DataDirFault> => {
  const start = startOf(process.pid)
  const directory = numberOf(dataDir)
  const content = { pid: process.pid, directory, ...(start !== undefined && { start }) }
  for (let round = 0; round < 5; round++) {
    if (lockOrMakeRoom(dataDir, JSON.stringify(content)))
      return { ok: true, value: lockOf(dataDir, content) }
    const holder = lockHolder(dataDir)
    if (holder !== undefined) {
      return { ok: false, error: { type: 'in-use', path: dataDir, pid: holder.pid } }
    }
    removeStale(dataDir)
  }
  return { ok: false, error: { type: 'in-use', path: dataDir, pid: 0 } }
}

/** Renaming first means that of two processes which both saw the dead lock only one removes it; what the other put in its
 *  place meanwhile is put back. */
const removeStale = (dataDir: string): void => {
  const aside = `${lockFile(dataDir)}.stale.${process.pid}`
  try {
    renameSync(lockFile(dataDir), aside)
    if (holderIn(dataDir, aside) !== undefined) linkSync(aside, lockFile(dataDir))
    removeFile(aside)
  } catch (reason) {
    if (!isMissing(reason) && systemCode(reason) !== 'EEXIST') throw reason
  }
}

const lockOf = (dataDir: string, content: LockText): Lock => ({
  announce: socket => {
    writePrivate(lockFile(dataDir), JSON.stringify({ ...content, socket }))
  },
  release: () => {
    if (lockHolder(dataDir)?.pid === process.pid) removeFile(lockFile(dataDir))
  },
})
