/** The first operation of a log says in clear what a carrier must check, and seals whose device writes there. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bytesToHex, concatBytes, idBytes } from '../../protocol/core/base.ts'
import { encodeCbor } from '../../protocol/core/cbor.ts'
import {
  authorOf,
  decodeGenesisBody,
  decodeGenesisClear,
  deviceMessage,
  encodeGenesisBody,
  encodeGenesisClear,
  groupOf,
  writeMessage,
} from '../../protocol/core/genesis.ts'
import { encodeOp, openPayload } from '../../protocol/core/op.ts'
import { expectGolden } from './golden.ts'
import { cryptography, device } from './people.ts'
import { testGroup, testLog } from './writer.ts'

const group = testGroup('genesis')
const { gid, epoch, root } = group
const log = testLog(group)
const writeSignature = cryptography.sign(epoch.writeSecret, writeMessage(gid, log.publicKey))
const clear = { authorKey: log.publicKey, epoch: epoch.id, writeSignature }

describe('the clear part', () => {
  test('reads back with and without a root, followed by anything', () => {
    for (const given of [root, undefined]) {
      const bytes = encodeGenesisClear({ ...clear, root: given })
      expect(bytes.length).toBe(given === undefined ? 113 : 193)
      const decoded = decodeGenesisClear(concatBytes(bytes, Uint8Array.of(1, 2, 3)))
      const value = { ...clear, root: given, length: bytes.length }
      expect(decoded).toEqual({ ok: true, value })
    }
  })

  test('no strict prefix reads', () => {
    for (const given of [root, undefined]) {
      const bytes = encodeGenesisClear({ ...clear, root: given })
      for (let length = 0; length < bytes.length; length++) {
        expect(decodeGenesisClear(bytes.subarray(0, length)).ok).toBe(false)
      }
    }
  })

  test('whatever bytes read at all are the one form of what they say', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 100, maxLength: 260 }),
        fc.nat({ max: 3 }),
        (noise, kind) => {
          const bytes = noise.length > 112 ? noise.with(112, kind) : noise
          const decoded = decodeGenesisClear(bytes)
          if (!decoded.ok) return
          const { length, ...value } = decoded.value
          expect(encodeGenesisClear(value)).toEqual(bytes.slice(0, length))
        },
      ),
    )
  })
})

describe('the sealed part', () => {
  const ada = device('Ada')
  const body = {
    incarnation: 3,
    certificate: ada.certificate,
    deviceSignature: cryptography.sign(ada.secret, deviceMessage(gid, log.publicKey, 3)),
  }

  test('reads back, and no strict prefix does', () => {
    const bytes = encodeGenesisBody(body)
    expect(decodeGenesisBody(bytes)).toEqual({ ok: true, value: body })
    for (let length = 0; length < bytes.length; length++) {
      expect(decodeGenesisBody(bytes.subarray(0, length)).ok).toBe(false)
    }
  })

  test('another shape is malformed, noise never throws', () => {
    const { certificate, deviceSignature } = body
    for (const shape of [
      [3, certificate],
      [3, certificate, deviceSignature, 1],
      [-1, certificate, deviceSignature],
      [2 ** 32, certificate, deviceSignature],
      ['3', certificate, deviceSignature],
      [3, certificate, deviceSignature.subarray(1)],
      [3, 'certificate', deviceSignature],
      3,
    ]) {
      const decoded = decodeGenesisBody(encodeCbor(shape))
      expect(decoded).toMatchObject({ ok: false })
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
        const decoded = decodeGenesisBody(bytes)
        if (decoded.ok) expect(encodeGenesisBody(decoded.value)).toEqual(bytes)
      }),
    )
  })

  test('the device signs for one group, one author key and one incarnation', () => {
    const elsewhere = testGroup('elsewhere')
    const other = testLog(elsewhere)
    const messages = [
      deviceMessage(gid, log.publicKey, 3),
      deviceMessage(gid, log.publicKey, 4),
      deviceMessage(gid, other.publicKey, 3),
      deviceMessage(elsewhere.gid, log.publicKey, 3),
      writeMessage(gid, log.publicKey),
    ]
    expect(new Set(messages.map(bytesToHex)).size).toBe(messages.length)
  })
})

test('names follow from keys: another key is another author, another field another group', () => {
  const other = testLog(testGroup('elsewhere'))
  expect(authorOf(gid, log.publicKey)).toBe(log.author)
  expect(authorOf(other.group.gid, log.publicKey)).not.toBe(log.author)
  const ids = [
    groupOf(log.publicKey, root),
    groupOf(other.publicKey, root),
    ...(['writeKey', 'policyHash', 'random'] as const).map(field =>
      groupOf(log.publicKey, { ...root, [field]: root[field].with(0, (root[field][0] ?? 0) ^ 1) }),
    ),
  ]
  expect(ids[0]).toBe(gid)
  expect(new Set(ids).size).toBe(ids.length)
})

test('first operations are the ones of the vectors', () => {
  const ada = device('Ada')
  const { creatorSecret } = group
  const rootBytes = encodeGenesisClear({ ...clear, root })
  const given = { gid, author: log.author, authorSecret: creatorSecret, ...clear }
  expectGolden('genesis', 'clear of the creator', { ...given, root }, rootBytes)
  expectGolden(
    'genesis',
    'clear of another',
    given,
    encodeGenesisClear({ ...clear, root: undefined }),
  )
  const message = deviceMessage(gid, log.publicKey, 0)
  const deviceSignature = cryptography.sign(ada.secret, message)
  const body = { incarnation: 0, certificate: ada.certificate, deviceSignature }
  const signing = { ...body, deviceSecret: ada.secret, deviceMessage: message }
  expectGolden('genesis', 'sealed body, opened', signing, encodeGenesisBody(body))
  const op = testLog(group).genesis()
  const opened = openPayload(epoch.control, op, rootBytes.length)
  expect(opened).toEqual(Uint8Array.of(1, 2, 3))
  const { control } = epoch
  expectGolden('genesis', 'operation', { gid, key: control, opened, id: op.id }, encodeOp(op))
  expect(idBytes(op.id).length).toBe(32)
})
