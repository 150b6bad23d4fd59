/** Deflate with a shared dictionary: a short message has no past of its own to refer to, so both sides start with the
 *  phrases that emergency traffic repeats. Per operation and before sealing; never across operations, so that nothing an
 *  attacker writes is compressed together with what somebody else wrote. A new dictionary is a new body form. */
import { deflateSync } from 'fflate'
import { type Result, concatBytes, utf8ToBytes } from './base.ts'
import { inflateStrict } from './inflate.ts'
import { limits } from './limits.ts'
import { phrases } from './phrases.ts'
import type { Refusal } from './refusal.ts'

/** Ends with the head of a message of 24 to 255 bytes, the likeliest start of a body. */
export const dictionary = concatBytes(utf8ToBytes(phrases), Uint8Array.of(0x82, 0x00, 0x78))

export const deflate = (bytes: Uint8Array): Uint8Array =>
  deflateSync(bytes, { level: 9, mem: 4, dictionary })

/** Refused: `too-large` above limits.inflatedBytesMax, `malformed`; strictly, so that no other library sees it differently. */
export const inflate = (bytes: Uint8Array): Result<Uint8Array, Refusal> =>
  inflateStrict(bytes, dictionary, limits.inflatedBytesMax)
