/** What this device shows of itself when it creates a group, asks to be let in or begins a log. */
import { createKeyBundle, createSelfCertificate } from './certificate.ts'
import type { Identity } from './control.ts'
import { x25519PublicKey } from './crypto.ts'
import type { Device, Peer } from './state.ts'

/** How the person is called in one group; both normalised, `unit` may be empty. */
export type Person = { readonly name: string; readonly unit: string }

/** A new certificate of the device for this person, from now on. */
export const certificateOf = (
  { cryptography, random, now }: Peer,
  { secret }: Device,
  { name, unit }: Person,
): Uint8Array => createSelfCertificate({ secret, cryptography, name, unit, wall: now.wall, random })

/** The certificate, and the prekey to which epochs are sealed for the device. */
export const identityOf = (peer: Peer, device: Device, person: Person): Identity => ({
  certificate: certificateOf(peer, device, person),
  keyBundle: createKeyBundle({
    secret: device.secret,
    cryptography: peer.cryptography,
    prekey: x25519PublicKey(device.prekeySecret),
  }),
})
