/** Base64 as every runtime of ours can do it. */
export const bytesToBase64 = (bytes: Uint8Array): string => {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return btoa(text)
}

/** For links and addresses: two other characters, and no padding. */
export const bytesToBase64Url = (bytes: Uint8Array): string =>
  bytesToBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')

export const base64ToBytes = (text: string): Uint8Array =>
  Uint8Array.from(atob(text), character => character.charCodeAt(0))
