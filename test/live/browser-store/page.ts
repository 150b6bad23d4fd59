/** A page that is nothing but the browser's store, opened as the web app opens it: the test drives it through `stores`. */
import { Level } from 'level'
import { sealedPrefixes } from '../../../protocol/core/row.ts'
import { byteEncodings, openStore } from '../../../protocol/shell/store.ts'
import { openKv } from '../../../web/engine/kv.ts'
import { openKeyedCipher } from '../../../web/engine/vault.ts'
import { claimsOfStores, proveClaim } from '../../conformance/store.ts'
import type { Store } from '../../../protocol/shell/ports.ts'

/** How every transaction was really opened, by the browser's own word. */
const opened: { readonly mode: string; readonly durability: string }[] = []
// oxlint-disable-next-line typescript/unbound-method -- it is called with its own `this` below
const plain = IDBDatabase.prototype.transaction
IDBDatabase.prototype.transaction = function (this: IDBDatabase, ...given) {
  const transaction = plain.apply(this, given)
  opened.push({ mode: transaction.mode, durability: transaction.durability })
  return transaction
}

const cipher = await openKeyedCipher(await openKv('petrel'))
const openNamed = (name: string): Promise<Store> =>
  openStore({ level: new Level(name, byteEncodings), cipher, sealedPrefixes })

let claims = 0
const prove = async (claim: string): Promise<void> => {
  const found = claimsOfStores.find(each => each.claim === claim)
  if (found === undefined) throw new Error(`no such claim: ${claim}`)
  const name = `claim-${++claims}`
  await proveClaim(found, async () => {
    const store = await openNamed(name)
    const reopen = async (): Promise<Store> => {
      await store.close()
      return openNamed(name)
    }
    return { store, reopen, remove: store.close }
  })
}

const all = {
  type: 'range',
  range: {
    from: Uint8Array.of(0),
    to: Uint8Array.of(0x80),
    limit: Number.MAX_SAFE_INTEGER,
    reverse: false,
  },
} as const

/** One lasting store, opened when it is first used. */
let lasting: Promise<Store> | undefined
const open = (): Promise<Store> => (lasting ??= openNamed('lasting'))

/** A number as a key and, sealed, as a row of `size` bytes that end in it. */
const numberedRow = (number: number, size: number) => {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, number)
  const value = new Uint8Array(size)
  value.set(bytes, size - 4)
  return { key: Uint8Array.of(0x01, ...bytes), value }
}

const write = async (number: number, size = 64): Promise<string> => {
  const store = await open()
  return store.write([numberedRow(number, size)]).then(
    () => 'saved',
    (reason: unknown) => (reason instanceof Error ? reason.name : String(reason)),
  )
}

/** Writes one row after the other for ever; says each number after it is durable. */
const writeOn = async (from: number): Promise<void> => {
  for (let number = from; ; number++) {
    const answer = await write(number)
    console.log(`${answer} ${number}`)
  }
}

const readNumbers = async (): Promise<readonly number[]> => {
  const rows = await (await open()).read(all)
  return rows.map(({ key, value }) => {
    const named = new DataView(key.buffer, key.byteOffset + 1).getUint32(0)
    const told = new DataView(value.buffer, value.byteOffset + value.length - 4).getUint32(0)
    if (named !== told) throw new Error(`row ${named} holds ${told}`)
    return named
  })
}

const stores = { prove, write, writeOn, readNumbers, opened }
export type StorePage = typeof stores

Object.assign(window, { stores })
