/** Signature checks by WebCrypto where it has Ed25519: ten times faster than JavaScript. Tried with a published vector first,
 *  right and wrong; a runtime that fails it is not used. The strict checks before it are the core's. */
import type { SignatureCheck, VerifyBatch } from '#shell'

/** Imported keys kept; a group of this many devices checks without importing again. */
const keysMax = 512

const fromHex = (hex: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(hex.match(/../g) ?? [], pair => Number.parseInt(pair, 16))

/** RFC 8032, 7.1, test 2. */
const vector: SignatureCheck = {
  publicKey: fromHex('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c'),
  message: fromHex('72'),
  signature: fromHex(
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ),
}

const own = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(bytes)

const createVerify = (): ((check: SignatureCheck) => Promise<boolean>) => {
  const keys = new Map<string, Promise<CryptoKey>>()
  const keyOf = (bytes: Uint8Array): Promise<CryptoKey> => {
    const name = bytes.join()
    const known = keys.get(name)
    if (known !== undefined) return known
    const key = crypto.subtle.importKey('raw', own(bytes), 'Ed25519', false, ['verify'])
    const [oldest] = keys.keys()
    if (keys.size >= keysMax && oldest !== undefined) keys.delete(oldest)
    keys.set(name, key)
    return key
  }
  return async ({ publicKey, message, signature }) => {
    try {
      const key = await keyOf(publicKey)
      return await crypto.subtle.verify('Ed25519', key, own(signature), own(message))
    } catch {
      return false
    }
  }
}

/** undefined: no native Ed25519 here. */
export const nativeVerifyBatch = async (): Promise<VerifyBatch | undefined> => {
  if (typeof crypto.subtle !== 'object') return undefined
  const verify = createVerify()
  const wrong = { ...vector, message: fromHex('73') }
  if (!(await verify(vector)) || (await verify(wrong))) return undefined
  return checks => Promise.all(checks.map(verify))
}
