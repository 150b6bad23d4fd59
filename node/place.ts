/** Where a store stands, so that a copy is noticed before anything is written to it: two processes that continue one log
 *  contradict each other, and a log that goes back to an older state contradicts what others already hold.
 *
 *    place/<own>-<before>    an empty file; its name says which one it follows. A new one at every opening
 *    row 80 "place"          the file, and mark := H("petrel/1/place" ‖ machine ‖ change time of the file)
 *
 *  The change time of a file is set by the system alone: whatever copies, restores or unpacks a file gives it a new one, and
 *  no tool can set it. A directory that is renamed, mounted elsewhere or seen through a bind mount keeps the change times of
 *  its files, and so does a restart and a reboot. Device and inode numbers are not used: those of NFS, Btrfs, overlays, USB
 *  disks and FUSE change without anything being copied, and unpacking a backup over a directory keeps that directory's own.
 *  After such an unpacking the newest row may survive, but then the unpacked file is newer than the row's and does not
 *  follow it. A start that was cut short leaves only files that are older, or that follow.
 *
 *  Noticed: cp, rsync, tar, a move to another file system, a backup put back, a disk image on another machine.
 *  Also noticed, although nothing was copied: chmod, chown or relabelling of everything; that costs one small operation.
 *  Not noticed: a snapshot or disk image put back on the same machine (virtual machine, Btrfs, ZFS, LVM), file systems that make
 *  change times up, and a backup of a running node put back by rsync, which leaves equal files alone, before that node was
 *  started again. There the network tells: whoever hears more of its own log than it holds begins a new one. */
import { createHash, randomBytes } from 'node:crypto'
import {
  closeSync,
  mkdirSync,
  openSync,
  fsyncSync,
  readFileSync,
  readdirSync,
  statSync,
  statfsSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Store } from '#shell'
import { isMissing, removeFile, syncDirectory, systemCode } from './files.ts'

export type Place = {
  /** The store was copied, restored or moved since it was last opened. */
  readonly isMoved: boolean
  /** When that was noticed last, wall clock in milliseconds. */
  readonly movedAt: number | undefined
  /** Remembers this place, once new incarnations are durable: a crash before it means that the next start notices again. */
  readonly settle: () => Promise<void>
}

type PlaceRow = { readonly file: string; readonly mark: string; readonly movedAt?: number }

const key = Uint8Array.of(0x80, ...new TextEncoder().encode('place'))
const directoryOf = (dataDir: string): string => join(dataDir, 'place')
const fileName = /^(?<own>[0-9a-f]{8})-(?<before>[0-9a-f]{8})$/
/** What the first file of a store follows. */
const nothing = '00000000'

/** File systems that live in memory or in layers: a machine id there is made anew at every boot, or for every container. */
const passingTypes: ReadonlySet<number> = new Set([0x0102_1994, 0x8584_58f6, 0x794c_7630])

const textOf = (path: string): string => {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (reason) {
    if (systemCode(reason) === undefined) throw reason
    return ''
  }
}

const isPassing = (path: string): boolean => {
  try {
    return passingTypes.has(statfsSync(path).type)
  } catch (reason) {
    if (systemCode(reason) === undefined) throw reason
    return true
  }
}

/** What tells this machine from one that got an image of its disk; empty where nothing lasting does. */
const machineName = (): string => {
  const id = '/etc/machine-id'
  const board = textOf('/sys/firmware/devicetree/base/serial-number')
  return `${isPassing(id) ? '' : textOf(id)} ${board}`
}

const changedAt = (path: string): bigint | undefined =>
  statSync(path, { bigint: true, throwIfNoEntry: false })?.ctimeNs

const markOf = (machine: string, time: bigint): string =>
  createHash('sha256').update(`petrel/1/place\n${machine}\n${time}`).digest('hex')

const readRow = async (store: Store): Promise<PlaceRow | undefined> => {
  const [row] = await store.read({ type: 'keys', keys: [key] })
  if (row === undefined) return undefined
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(row.value))
    if (typeof value !== 'object' || value === null) return undefined
    if (!('file' in value) || typeof value.file !== 'string') return undefined
    if (!('mark' in value) || typeof value.mark !== 'string') return undefined
    const { file, mark } = value
    const isTold = 'movedAt' in value && typeof value.movedAt === 'number'
    return { file, mark, ...(isTold && { movedAt: Number(value.movedAt) }) }
  } catch (reason) {
    if (reason instanceof SyntaxError) return undefined
    throw reason
  }
}

const filesIn = (directory: string): readonly string[] => {
  try {
    return readdirSync(directory).filter(name => fileName.test(name))
  } catch (reason) {
    if (isMissing(reason)) return []
    throw reason
  }
}

const ownPart = (file: string): string => fileName.exec(file)?.groups?.['own'] ?? nothing
const beforePart = (file: string): string | undefined => fileName.exec(file)?.groups?.['before']

const isSamePlace = (dataDir: string, machine: string, row: PlaceRow | undefined): boolean => {
  const directory = directoryOf(dataDir)
  const time = row === undefined ? 0n : changedAt(join(directory, row.file))
  if (time === undefined) return false
  if (row !== undefined && row.mark !== markOf(machine, time)) return false
  const last = row === undefined ? nothing : ownPart(row.file)
  return filesIn(directory).every(file => {
    const isNewer = file !== row?.file && (changedAt(join(directory, file)) ?? 0n) > time
    return !isNewer || beforePart(file) === last
  })
}

const makeFile = (directory: string, file: string): void => {
  const handle = openSync(join(directory, file), 'wx', 0o600)
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
  syncDirectory(directory)
}

/** `wall` is the own wall clock in milliseconds, to be shown. */
export const openPlace = async (
  store: Store,
  dataDir: string,
  wall: number,
  machine: string = machineName(),
): Promise<Place> => {
  const row = await readRow(store)
  const isMoved = !isSamePlace(dataDir, machine, row)
  const movedAt = isMoved ? wall : row?.movedAt
  const settle = async (): Promise<void> => {
    const directory = directoryOf(dataDir)
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const last = row === undefined ? nothing : ownPart(row.file)
    const file = `${randomBytes(4).toString('hex')}-${last}`
    makeFile(directory, file)
    const time = changedAt(join(directory, file))
    if (time === undefined) return
    const next = { file, mark: markOf(machine, time), ...(movedAt !== undefined && { movedAt }) }
    await store.write([{ key, value: new TextEncoder().encode(JSON.stringify(next)) }])
    for (const other of filesIn(directory)) if (other !== file) removeFile(join(directory, other))
  }
  return { isMoved, movedAt, settle }
}
