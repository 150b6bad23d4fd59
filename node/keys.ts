/** Keys at rest. `data.key` holds two secrets, sealed by a wrapping key: the key of the store's secret rows, and the seed of
 *  the libp2p identity (a transport endpoint, worth little). The wrapping key is 32 random bytes in `wrapping.key`, mode
 *  0600: protected by file permissions only, and said so. A passphrase will replace that file, not the data key.
 *
 *  sealed := nonce(12) • ChaCha20-Poly1305(dataKey(32) • transportSeed(32)) • tag(16), associated "petrel/1/data-key"
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Result } from '#protocol'
import { isMissing, isOpenToOthers, isOwn, modeOf, writePrivate } from './files.ts'

export type Keys = { readonly dataKey: Uint8Array; readonly transportSeed: Uint8Array }

export type KeyFault =
  | { readonly type: 'key-open-to-others'; readonly path: string; readonly mode: string }
  | { readonly type: 'key-not-ours'; readonly path: string }
  | { readonly type: 'key-missing'; readonly path: string }
  | { readonly type: 'key-damaged'; readonly path: string }

const domain = Buffer.from('petrel/1/data-key')
const algorithm = 'chacha20-poly1305'
const nonceBytes = 12
const tagBytes = 16

export const keyFiles = (dataDir: string): readonly string[] => [
  join(dataDir, 'wrapping.key'),
  join(dataDir, 'data.key'),
]

const wrappingFile = (dataDir: string): string => join(dataDir, 'wrapping.key')
const dataFile = (dataDir: string): string => join(dataDir, 'data.key')

const sealKeys = (wrapping: Uint8Array, keys: Keys): Buffer => {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv(algorithm, wrapping, nonce, { authTagLength: tagBytes })
  cipher.setAAD(domain, { plaintextLength: 64 })
  const body = cipher.update(Buffer.concat([keys.dataKey, keys.transportSeed]))
  return Buffer.concat([nonce, body, cipher.final(), cipher.getAuthTag()])
}

const openKeys = (wrapping: Uint8Array, sealed: Buffer): Keys | undefined => {
  if (wrapping.length !== 32 || sealed.length !== nonceBytes + 64 + tagBytes) return undefined
  const nonce = sealed.subarray(0, nonceBytes)
  const cipher = createDecipheriv(algorithm, wrapping, nonce, { authTagLength: tagBytes })
  cipher.setAAD(domain, { plaintextLength: 64 })
  cipher.setAuthTag(sealed.subarray(-tagBytes))
  try {
    const body = Buffer.concat([
      cipher.update(sealed.subarray(nonceBytes, -tagBytes)),
      cipher.final(),
    ])
    return {
      dataKey: new Uint8Array(body.subarray(0, 32)),
      transportSeed: new Uint8Array(body.subarray(32)),
    }
  } catch {
    return undefined
  }
}

const encode = (bytes: Uint8Array, extra: Readonly<Record<string, string>>): string =>
  `${JSON.stringify({ v: 1, ...extra, bytes: Buffer.from(bytes).toString('base64') })}\n`

const decode = (file: string): Buffer | undefined => {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'))
    const isKey = typeof value === 'object' && value !== null && 'v' in value && 'bytes' in value
    if (!isKey || value.v !== 1 || typeof value.bytes !== 'string') return undefined
    return Buffer.from(value.bytes, 'base64')
  } catch (reason) {
    if (reason instanceof SyntaxError) return undefined
    throw reason
  }
}

/** What is wrong with a key file before it is read; undefined when it may be used. */
export const keyFileFault = (path: string): KeyFault | undefined => {
  const mode = modeOf(path)
  if (mode === undefined) return { type: 'key-missing', path }
  if (!isOwn(path)) return { type: 'key-not-ours', path }
  if (!isOpenToOthers(mode)) return undefined
  return { type: 'key-open-to-others', path, mode: (mode & 0o777).toString(8).padStart(4, '0') }
}

export const hasKeys = (dataDir: string): boolean =>
  keyFiles(dataDir).some(path => modeOf(path) !== undefined)

/** New keys for a data directory that has none. The sealed file comes last: it is what makes the keys exist. */
export const createKeys = (dataDir: string): Keys => {
  const wrapping = randomBytes(32)
  const keys = {
    dataKey: new Uint8Array(randomBytes(32)),
    transportSeed: new Uint8Array(randomBytes(32)),
  }
  writePrivate(wrappingFile(dataDir), encode(wrapping, { protection: 'file-permissions' }))
  writePrivate(dataFile(dataDir), encode(sealKeys(wrapping, keys), { sealed: algorithm }))
  return keys
}

/** A new libp2p identity for the same data: a copy must not speak under the name of its original. */
export const renewTransportSeed = (dataDir: string, { dataKey }: Keys): Keys => {
  const wrapping = decode(wrappingFile(dataDir))
  if (wrapping === undefined) throw new Error('the wrapping key went away')
  const keys = { dataKey, transportSeed: new Uint8Array(randomBytes(32)) }
  writePrivate(dataFile(dataDir), encode(sealKeys(wrapping, keys), { sealed: algorithm }))
  return keys
}

export const readKeys = (dataDir: string): Result<Keys, KeyFault> => {
  for (const path of keyFiles(dataDir)) {
    const fault = keyFileFault(path)
    if (fault !== undefined) return { ok: false, error: fault }
  }
  try {
    const wrapping = decode(wrappingFile(dataDir))
    const sealed = decode(dataFile(dataDir))
    const keys =
      wrapping === undefined || sealed === undefined ? undefined : openKeys(wrapping, sealed)
    return keys === undefined
      ? { ok: false, error: { type: 'key-damaged', path: dataFile(dataDir) } }
      : { ok: true, value: keys }
  } catch (reason) {
    if (!isMissing(reason)) throw reason
    return { ok: false, error: { type: 'key-missing', path: dataDir } }
  }
}
