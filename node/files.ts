/** Files that must survive power loss and stay private: directories 0700, files 0600, written whole and made durable before
 *  they take their name. */
import {
  chmodSync,
  closeSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'

/** Makes the names in a directory durable. */
export const syncDirectory = (directory: string): void => {
  const handle = openSync(directory, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

/** Replaces `file` in one step; what was there stays whole until then. */
export const writePrivate = (file: string, text: string): void => {
  const temporary = join(dirname(file), `.${process.pid}.${Date.now()}.tmp`)
  const handle = openSync(temporary, 'wx', 0o600)
  try {
    writeSync(handle, text)
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
  renameSync(temporary, file)
  syncDirectory(dirname(file))
}

/** Parents first, each by itself: Node's own recursion never ends where a directory cannot be made below a parent that is
 *  there (/proc says ENOENT to that). */
const makeDirectory = (directory: string): void => {
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() === true) return
  const parent = dirname(directory)
  if (parent !== directory) makeDirectory(parent)
  try {
    mkdirSync(directory, { mode: 0o700 })
  } catch (reason) {
    // Somebody else may have made it meanwhile.
    if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) throw reason
  }
}

export const makePrivateDirectory = (directory: string): void => {
  makeDirectory(directory)
  chmodSync(directory, 0o700)
}

/** Permission bits, or undefined when there is no such file. */
export const modeOf = (path: string): number | undefined =>
  statSync(path, { throwIfNoEntry: false })?.mode

export const isOpenToOthers = (mode: number): boolean => (mode & 0o077) !== 0

export const isOwn = (path: string): boolean =>
  process.getuid === undefined || lstatSync(path).uid === process.getuid()

export const removeFile = (path: string): void => {
  try {
    unlinkSync(path)
  } catch (reason) {
    if (!isMissing(reason)) throw reason
  }
}

/** The code of a system error such as ENOENT; undefined for anything else. */
export const systemCode = (reason: unknown): string | undefined =>
  reason instanceof Error && 'code' in reason && typeof reason.code === 'string'
    ? reason.code
    : undefined

export const isMissing = (reason: unknown): boolean => systemCode(reason) === 'ENOENT'
