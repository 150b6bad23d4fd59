/** The embedded store of a Node peer: a level database in the data directory, a reserve file that is given up when the disk
 *  is full, and LevelDB's own repair, tried once, when it does not open. */
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { Level } from 'level'
import { sealedPrefixes } from '#protocol'
import { byteEncodings, openStore } from '#shell'
import type { Random } from '#protocol'
import type { Store } from '#shell'
import { storeDirectory } from './data-dir.ts'
import { modeOf, removeFile, systemCode } from './files.ts'

/** Room to close and open the database on a full disk, and to write the last batch. */
const reserveBytes = 16 * 1_048_576

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

const makeReserve = async (path: string): Promise<void> => {
  const file = await open(path, 'w', 0o600)
  try {
    await file.write(new Uint8Array(reserveBytes))
    await file.sync()
  } finally {
    await file.close()
  }
}

export const openNodeStore = async (
  dataDir: string,
  dataKey: Uint8Array,
  random: Random,
): Promise<Store> => {
  const location = storeDirectory(dataDir)
  const reserve = join(dataDir, 'reserve')
  const store = await openStore({
    level: new Level<Uint8Array, Uint8Array>(location, byteEncodings),
    cipher: { dataKey, random },
    sealedPrefixes,
    reserve: {
      release: () => Promise.resolve(removeFile(reserve)),
      restore: () => makeReserve(reserve),
    },
    repair: reason => repairOf(location, reason),
  })
  if (modeOf(reserve) === undefined) await makeReserve(reserve).catch(() => removeFile(reserve))
  return store
}
