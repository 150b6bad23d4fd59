/** Where this browser's secrets are sealed. A secure page has a key that WebCrypto never gives out; a LAN page has only
 *  what a passphrase makes (passphrase.ts, loaded when needed); a page that keeps nothing needs no key.
 *    sealed := nonce(12) • AES-256-GCM(value), associated bytes = the row's key */
import type { RowCipher } from '#shell'
import type { Kv } from './kv.ts'
import type { Tier } from './client.ts'

const keyName = 'vault/key'
const wrappedName = 'vault/wrapped'
const nonceBytes = 12

export const tierOf = (): Tier => {
  if (location.protocol === 'file:') return 'file'
  return isSecureContext && typeof crypto.subtle === 'object' ? 'secure' : 'lan'
}

/** Copies into memory of its own: WebCrypto takes no shared buffers. */
const own = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(bytes)

const webCryptoCipher = (key: CryptoKey): RowCipher => ({
  seal: async (name, value) => {
    const iv = crypto.getRandomValues(new Uint8Array(nonceBytes))
    const parameters = { name: 'AES-GCM', iv, additionalData: own(name) }
    const sealed = new Uint8Array(await crypto.subtle.encrypt(parameters, key, own(value)))
    const all = new Uint8Array(nonceBytes + sealed.length)
    all.set(iv)
    all.set(sealed, nonceBytes)
    return all
  },
  open: async (name, value) => {
    const parameters = {
      name: 'AES-GCM',
      iv: own(value.subarray(0, nonceBytes)),
      additionalData: own(name),
    }
    try {
      const plain = await crypto.subtle.decrypt(parameters, key, own(value.subarray(nonceBytes)))
      return new Uint8Array(plain)
    } catch {
      return undefined
    }
  },
})

/** The key of a secure page: made once, kept as an object that cannot be exported. */
export const openKeyedCipher = async (kv: Kv): Promise<RowCipher> => {
  const stored = await kv.get(keyName)
  if (stored instanceof CryptoKey) return webCryptoCipher(stored)
  const key = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, [
    'encrypt',
    'decrypt',
  ])
  const settled = await kv.settle(keyName, key)
  return webCryptoCipher(settled instanceof CryptoKey ? settled : key)
}

/** Whether a LAN page already keeps something under a passphrase. */
export const hasPassphrase = async (kv: Kv): Promise<boolean> =>
  (await kv.get(wrappedName)) instanceof Uint8Array

/** undefined: the passphrase does not fit. Makes a new key when there is none. */
export const openPassphraseCipher = async (
  kv: Kv,
  passphrase: string,
): Promise<RowCipher | undefined> => {
  const { unwrapCipher, wrapNewCipher } = await import('./passphrase.ts')
  const stored = await kv.get(wrappedName)
  if (stored instanceof Uint8Array) return unwrapCipher(stored, passphrase)
  const { cipher, wrapped } = await wrapNewCipher(passphrase)
  const settled = await kv.settle(wrappedName, wrapped)
  const isOurs = settled === wrapped || !(settled instanceof Uint8Array)
  return isOurs ? cipher : unwrapCipher(settled, passphrase)
}

/** Values by name, sealed; JSON inside. */
export type SealedValues = {
  readonly seal: (name: string, value: unknown) => Promise<Uint8Array>
  /** undefined: not there, not ours, or not openable with this key. */
  readonly open: (name: string, sealed: unknown) => Promise<unknown>
}

export const sealedValues = (cipher: RowCipher): SealedValues => {
  const encoder = new TextEncoder()
  const decoder = new TextDecoder()
  return {
    seal: async (name, value) =>
      cipher.seal(encoder.encode(name), encoder.encode(JSON.stringify(value))),
    open: async (name, sealed) => {
      if (!(sealed instanceof Uint8Array)) return undefined
      const plain = await cipher.open(encoder.encode(name), sealed)
      if (plain === undefined) return undefined
      const value: unknown = JSON.parse(decoder.decode(plain))
      return value
    },
  }
}

/** For a page that keeps nothing: nothing leaves memory, so nothing is sealed. */
export const openCipher: RowCipher = {
  seal: (_, value) => value,
  open: (_, value) => value,
}
