/** The embedded store of a Node peer: a level database in the data directory, a reserve file that is given up when the disk
 *  is full, also when it is found full at the start, and LevelDB's own repair, tried once, when it does not open. */
import { open, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Level } from 'level'
import { sealedPrefixes } from '#protocol'
import { byteEncodings, openStore } from '#shell'
import type { Random } from '#protocol'
import type { Store } from '#shell'
import { reserveFile, storeDirectory } from './data-dir.ts'
import { modeOf, removeFile, systemCode } from './files.ts'

/** Room to close and open the database on a full disk, and to write the last batch. */
const reserveBytes = 16 * 1_048_576
/** What opening writes before it gives anything back: the newest rows as a table (at most 4 MiB), and beginnings of files. */
const openingBytes = 6 * 1_048_576

/** Level on Node is classic-level, whose class can repair; the common type does not say so. */
const repairOf = (location: string, reason: unknown): Promise<void> => {
  const repair: unknown = Reflect.get(Level, 'repair')
  const isCorrupt = systemCode(rootCause(reason)) === 'LEVEL_CORRUPTION'
  if (!isCorrupt || typeof repair !== 'function') return Promise.reject(toError(reason))
  return Promise.resolve(repair.call(Level, location))
}

const rootCause = (reason: unknown): unknown =>
  reason instanceof Error && reason.cause !== undefined ? reason.cause : reason

const toError = (reason: unknown): Error =>
  reason instanceof Error ? reason : new Error(String(reason))

/** A file of this size, on the disk, or none: a part of it would only take away what is left. */
const makeFile = async (path: string, bytes: number): Promise<void> => {
  try {
    const file = await open(path, 'w', 0o600)
    try {
      await file.writeFile(new Uint8Array(bytes))
      await file.sync()
    } finally {
      await file.close()
    }
  } catch (reason) {
    removeFile(path)
    throw reason
  }
}

/** Only when twice as much is free: the last room is for messages. */
const makeReserve = async (path: string): Promise<void> => {
  const { bavail, bsize } = await statfs(dirname(path))
  if (bavail * bsize < 2 * reserveBytes) throw new Error('too little room for a reserve')
  await makeFile(path, reserveBytes)
}

/** Tried, not looked up: a quota may be smaller than the disk. */
const hasRoom = (path: string): Promise<boolean> =>
  makeFile(path, openingBytes).then(
    () => {
      removeFile(path)
      return true
    },
    () => false,
  )

export const openNodeStore = async (
  dataDir: string,
  dataKey: Uint8Array,
  random: Random,
): Promise<Store> => {
  const location = storeDirectory(dataDir)
  const reserve = reserveFile(dataDir)
  const room = join(dataDir, 'room')
  // Left by a process that was killed while it tried.
  removeFile(room)
  const mend = async (reason: unknown): Promise<void> => {
    if (modeOf(reserve) === undefined || (await hasRoom(room))) return repairOf(location, reason)
    removeFile(reserve)
  }
  const store = await openStore({
    level: new Level<Uint8Array, Uint8Array>(location, byteEncodings),
    cipher: { dataKey, random },
    sealedPrefixes,
    reserve: {
      release: () => Promise.resolve(removeFile(reserve)),
      restore: () => makeReserve(reserve),
      hasRoom: () => hasRoom(room),
    },
    repair: mend,
  })
  if (modeOf(reserve) === undefined) await makeReserve(reserve).catch(() => undefined)
  return store
}
