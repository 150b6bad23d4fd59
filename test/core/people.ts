/** Devices and groups for tests: everything from a seed, so that a failure can be replayed. */
import {
  type DeviceId,
  type GroupId,
  bytesToHex,
  groupId,
  timestamp,
} from '../../protocol/core/base.ts'
import {
  createKeyBundle,
  createSelfCertificate,
  deviceIdOf,
} from '../../protocol/core/certificate.ts'
import type { Policy } from '../../protocol/core/control.ts'
import {
  type Cryptography,
  nobleCryptography,
  x25519PublicKey,
} from '../../protocol/core/crypto.ts'
import {
  type JoinRequest,
  inviteSecretFromSeed,
  signJoinRequest,
} from '../../protocol/core/join.ts'
import { seededRandom } from '../../protocol/core/random.ts'

export const cryptography: Cryptography = nobleCryptography
export const gid: GroupId = groupId('000102030405060708090a0b0c0d0e0f')
export const wall = timestamp(1_790_000_000_000)

export type TestDevice = {
  readonly id: DeviceId
  readonly secret: Uint8Array
  readonly publicKey: Uint8Array
  readonly prekeySecret: Uint8Array
  readonly prekey: Uint8Array
  readonly certificate: Uint8Array
  readonly keyBundle: Uint8Array
}

const devices = new Map<string, TestDevice>()

export const device = (name: string, unit = ''): TestDevice => {
  const known = devices.get(`${name}/${unit}`)
  if (known !== undefined) return known
  const random = seededRandom(`device ${name}`)
  const secret = random.bytes(32)
  const prekeySecret = random.bytes(32)
  const publicKey = cryptography.publicKey(secret)
  const prekey = x25519PublicKey(prekeySecret)
  const made = {
    id: deviceIdOf(publicKey),
    secret,
    publicKey,
    prekeySecret,
    prekey,
    certificate: createSelfCertificate({ secret, cryptography, name, unit, wall, random }),
    keyBundle: createKeyBundle({
      secret,
      cryptography,
      prekey,
      notAfter: timestamp(wall + 86_400_000),
    }),
  }
  devices.set(`${name}/${unit}`, made)
  return made
}

export const policy: Policy = {
  title: '防汛一组',
  purpose: 'Evacuate the lower town',
  kind: 'emergency',
  autoAdmit: true,
  receipts: true,
  history: 'all',
}

/** An invite's key pair by name. */
export const invite = (name: string) => {
  const secret = inviteSecretFromSeed(seededRandom(`invite ${name}`).bytes(16))
  const invitePublic = cryptography.publicKey(secret)
  return { secret, invitePublic, key: bytesToHex(invitePublic) }
}

export const joinRequest = (joiner: TestDevice, inviteName: string): JoinRequest => {
  const { certificate, keyBundle, secret } = joiner
  const nonce = seededRandom(`nonce ${joiner.id}`).bytes(16)
  const inviteSecret = invite(inviteName).secret
  return signJoinRequest(
    { gid, certificate, keyBundle, nonce },
    { inviteSecret, secret, cryptography },
  )
}

/** Every way to flip one bit, thinned out to about `count` ways. */
export const bitFlips = (bytes: Uint8Array, count: number): readonly Uint8Array[] => {
  const step = Math.max(1, Math.floor((bytes.length * 8) / count))
  return Array.from({ length: Math.floor((bytes.length * 8) / step) }, (_, index) => {
    const flipped = Uint8Array.from(bytes)
    const bit = index * step
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    return flipped
  })
}
