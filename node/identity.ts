/** The first start of a data directory: keys, and the name by which others know this device. */
import type { RefusalType, Result } from '#protocol'
import type { Drive } from '#shell'
import { openDataDir, storeDirectory, takeLock } from './data-dir.ts'
import type { DataDirFault, Lock } from './data-dir.ts'
import { modeOf } from './files.ts'
import { createKeys, keyFiles, readKeys } from './keys.ts'
import type { KeyFault, Keys } from './keys.ts'

export type OwnDataDir = { readonly lock: Lock; readonly keys: Keys; readonly isNew: boolean }

/** Takes the data directory for this process; makes it and its keys when they are not there. Keys that are missing beside an
 *  existing store are never replaced: what they sealed would be lost. */
export const openOwnDataDir = (dataDir: string): Result<OwnDataDir, DataDirFault | KeyFault> => {
  const opened = openDataDir(dataDir)
  if (!opened.ok) return opened
  const lock = takeLock(dataDir)
  if (!lock.ok) return lock
  const isNew =
    keyFiles(dataDir).some(path => modeOf(path) === undefined) &&
    modeOf(storeDirectory(dataDir)) === undefined
  const keys = isNew ? { ok: true as const, value: createKeys(dataDir) } : readKeys(dataDir)
  if (keys.ok) return { ok: true, value: { lock: lock.value, keys: keys.value, isNew } }
  lock.value.release()
  return keys
}

/** Gives the device the name that was asked for; without one it keeps what it has. */
export const settleProfile = async (
  drive: Drive,
  name: string,
  unit: string,
): Promise<RefusalType | undefined> => {
  const app = drive.app()
  const wanted = name === '' ? app.name : name
  const wantedUnit = unit === '' ? app.unit : unit
  if (wanted === app.name && wantedUnit === app.unit) return undefined
  const named = await drive.dispatch({ type: 'set-profile', name: wanted, unit: wantedUnit })
  return named.ok ? undefined : named.error.type
}
