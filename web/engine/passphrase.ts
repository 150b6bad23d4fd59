/** A data key under a passphrase, for pages without WebCrypto: Argon2id in small steps so that the page stays alive, and the
 *  row cipher of the shell. Its own chunk; secure pages never load it.
 *    wrapped := version(1) • passes(1) • memory(4, KiB) • salt(16) • sealed data key
 *  Parameters are read back from the bytes and capped: a damaged value must not freeze the browser. */
import { argon2idAsync } from '@noble/hashes/argon2.js'
import { createRowCipher } from '../../protocol/shell/crypto.ts'
import type { RowCipher } from '#shell'

/** The floor for browsers (OWASP; reliability-security.md 6.2): about 0.4 s here, a few seconds on a weak phone. */
const passes = 2
const memoryKib = 19_456
const passesMax = 10
const memoryKibMax = 262_144
const version = 1
const saltBytes = 16
const headBytes = 6 + saltBytes
const label = new TextEncoder().encode('petrel/1/data-key')

const random = { bytes: (length: number) => crypto.getRandomValues(new Uint8Array(length)) }

const derive = async (
  passphrase: string,
  salt: Uint8Array,
  cost: { readonly passes: number; readonly memoryKib: number },
): Promise<RowCipher> => {
  const key = await argon2idAsync(passphrase.normalize('NFKC'), salt, {
    t: cost.passes,
    m: cost.memoryKib,
    p: 1,
    dkLen: 32,
    asyncTick: 8,
  })
  return createRowCipher(key, random)
}

export const wrapNewCipher = async (
  passphrase: string,
): Promise<{ readonly cipher: RowCipher; readonly wrapped: Uint8Array }> => {
  const dataKey = random.bytes(32)
  const salt = random.bytes(saltBytes)
  const wrapping = await derive(passphrase, salt, { passes, memoryKib })
  const sealed = await wrapping.seal(label, dataKey)
  const wrapped = new Uint8Array(headBytes + sealed.length)
  const head = new DataView(wrapped.buffer)
  head.setUint8(0, version)
  head.setUint8(1, passes)
  head.setUint32(2, memoryKib)
  wrapped.set(salt, 6)
  wrapped.set(sealed, headBytes)
  return { cipher: createRowCipher(dataKey, random), wrapped }
}

/** undefined: another passphrase, or bytes that are not ours. */
export const unwrapCipher = async (
  wrapped: Uint8Array,
  passphrase: string,
): Promise<RowCipher | undefined> => {
  if (wrapped.length <= headBytes || wrapped[0] !== version) return undefined
  const head = new DataView(wrapped.buffer, wrapped.byteOffset)
  const cost = { passes: head.getUint8(1), memoryKib: head.getUint32(2) }
  if (cost.passes < 1 || cost.passes > passesMax) return undefined
  if (cost.memoryKib < 8 || cost.memoryKib > memoryKibMax) return undefined
  const wrapping = await derive(passphrase, wrapped.slice(6, headBytes), cost)
  const dataKey = await wrapping.open(label, wrapped.slice(headBytes))
  return dataKey?.length === 32 ? createRowCipher(dataKey, random) : undefined
}
