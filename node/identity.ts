/** The first start of a data directory: keys, and the name by which others know this device. */
import { words } from '#words'
import type { AppView, RefusalType, Result } from '#protocol'
import type { Drive } from '#shell'
import { openDataDir, storeDirectory, takeLock } from './data-dir.ts'
import type { DataDirFault, Lock } from './data-dir.ts'
import { modeOf } from './files.ts'
import { createKeys, keyFiles, readKeys } from './keys.ts'
import type { KeyFault, Keys } from './keys.ts'
import type { Settings } from './settings.ts'

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

/** Told apart from others by the start of the device id, in the owner's language. */
const firstName = ({ device }: AppView, settings: Settings): string =>
  `${words(settings.text('lang') === 'en' ? 'en' : 'zh-CN').appName}-${device.slice(0, 4)}`

/** Gives the device the name that was asked for; without one it keeps what it has. */
export const settleProfile = async (
  drive: Drive,
  { settings, isNew }: { readonly settings: Settings; readonly isNew: boolean },
): Promise<RefusalType | undefined> => {
  const app = drive.app()
  const wanted = settings.text('name') || (isNew ? firstName(app, settings) : app.name)
  const wantedUnit = settings.text('unit') || app.unit
  if (wanted === app.name && wantedUnit === app.unit) return undefined
  const named = await drive.dispatch({ type: 'set-profile', name: wanted, unit: wantedUnit })
  return named.ok ? undefined : named.error.type
}
