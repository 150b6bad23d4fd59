/** Every control operation has its final bytes, and a request to join is believed only when both keys signed it. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { authorId, deviceId, groupId } from '../../protocol/core/base.ts'
import { decodeCbor, encodeCbor, isCborList } from '../../protocol/core/cbor.ts'
import { createSelfCertificate } from '../../protocol/core/certificate.ts'
import {
  type ControlBody,
  type Policy,
  decodeControl,
  encodeControl,
  policyHash,
  roles,
} from '../../protocol/core/control.ts'
import {
  controlIsSigned,
  decodeJoinRequest,
  encodeJoinRequest,
  inviteSecretFromSeed,
  joinRequestIsSigned,
} from '../../protocol/core/join.ts'
import { limits } from '../../protocol/core/limits.ts'
import { seededRandom } from '../../protocol/core/random.ts'
import { expectGolden } from './golden.ts'
import { bitFlips, cryptography, device, gid, invite, joinRequest, policy, wall } from './people.ts'

const ada = device('Ada')
const bo = device('Bo', '防汛办')
const head = (byte: number): Uint8Array => new Uint8Array(16).fill(byte)
const heads = [head(1), head(2)]
const { certificate, keyBundle } = ada
const { gid: requestedGroup, ...request } = joinRequest(bo, 'first')
const cut = [
  { author: authorId('a1a2a3a4a5a6a7a8'), seq: 7, op: head(7) },
  { author: authorId('b1b2b3b4b5b6b7b8'), seq: 2 ** 40, op: head(8) },
]

const bodies: readonly ControlBody[] = [
  { type: 'create', heads: [], policy, certificate, keyBundle },
  { type: 'create', heads: [], policy, certificate, keyBundle, approvals: [new Uint8Array(125)] },
  { type: 'add', heads, role: 'observer', certificate, keyBundle },
  { type: 'remove', heads, target: bo.id, cut, reason: '设备丢失' },
  { type: 'role', heads, target: bo.id, role: 'admin' },
  {
    type: 'invite',
    heads,
    invitePublic: invite('first').invitePublic,
    role: 'member',
    maxUses: 10,
    notAfter: wall + 86_400_000,
    needApproval: false,
  },
  { type: 'admit', heads, ...request },
  { type: 'revoke-invite', heads, invitePublic: invite('first').invitePublic },
  {
    type: 'policy',
    heads,
    change: {
      title: undefined,
      purpose: '',
      kind: 'daily',
      autoAdmit: false,
      receipts: undefined,
      history: { days: 30 },
    },
  },
  { type: 'admit-late', heads, author: authorId('a1a2a3a4a5a6a7a8'), seq: 300 },
  { type: 'seal', heads },
  { type: 'archive', heads, reason: 'The flood is over' },
  { type: 'dissolve', heads, cut, reason: '', approvals: [new Uint8Array(125)] },
  { type: 'leave', heads },
  { type: 'unknown', heads, number: 13, fields: [1, ['what', null]] },
]

describe('a control operation', () => {
  test.each(bodies.map(body => [body.type, body] as const))('%s survives its bytes', (_, body) => {
    expect(decodeControl(encodeControl(body))).toEqual({ ok: true, value: body })
  })

  test.each(bodies.map((body, index) => [`${index} ${body.type}`, body] as const))(
    '%s has the bytes of the vector',
    (name, body) => {
      expectGolden('control', name, body, encodeControl(body))
    },
  )

  test('writes its heads in order and once, and is refused with any other order', () => {
    const shuffled = encodeControl({ type: 'leave', heads: [head(9), head(1), head(9)] })
    expect(decodeControl(shuffled)).toMatchObject({ value: { heads: [head(1), head(9)] } })
    const raw = (list: readonly Uint8Array[]) => decodeControl(encodeCbor([12, list]))
    expect(raw([head(9), head(1)])).toMatchObject({ error: { type: 'non-canonical' } })
    expect(raw([head(1), head(1)])).toMatchObject({ error: { type: 'non-canonical' } })
    expect(raw([new Uint8Array(15)])).toMatchObject({ error: { type: 'malformed' } })
  })

  test('has at most as many heads as allowed', () => {
    const many = Array.from({ length: limits.controlHeadsMax }, (_, index) => head(index))
    expect(decodeControl(encodeControl({ type: 'leave', heads: many })).ok).toBe(true)
    expect(decodeControl(encodeCbor([12, [...many, head(255)]])).ok).toBe(false)
  })

  test('with a field more, a field less or a field of another kind is refused', () => {
    for (const body of bodies) {
      if (body.type === 'unknown') continue
      const decoded = decodeCbor(encodeControl(body))
      const list = decoded.ok && isCborList(decoded.value) ? decoded.value : []
      expect(decodeControl(encodeCbor([...list, 0])).ok).toBe(false)
      expect(decodeControl(encodeCbor(list.slice(0, -1))).ok).toBe(
        body.type === 'create' && body.approvals !== undefined,
      )
      for (let at = 2; at < list.length; at++) {
        expect(decodeControl(encodeCbor(list.with(at, -1))).ok).toBe(false)
      }
    }
  })

  test('refuses a title that is no name and a role that is none', () => {
    const titled = (title: string) => ({ ...policy, title })
    for (const title of ['', ' ', 'a\u202Eb', 'x'.repeat(65)]) {
      const bytes = encodeControl({
        type: 'create',
        heads: [],
        policy: titled(title),
        certificate,
        keyBundle,
      })
      expect(decodeControl(bytes)).toMatchObject({ error: { type: 'malformed' } })
    }
    const role = encodeCbor([3, [], new Uint8Array(16), roles.length])
    expect(decodeControl(role)).toMatchObject({ error: { type: 'malformed' } })
  })

  test('as noise or with bits flipped never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), bytes => void decodeControl(bytes)),
      { numRuns: 500 },
    )
    for (const body of bodies) {
      for (const bytes of bitFlips(encodeControl(body), 300)) decodeControl(bytes)
    }
  })
})

describe('a policy', () => {
  test('has one hash, and another one with any field changed', () => {
    const changes: readonly Partial<Policy>[] = [
      {},
      { title: '防汛二组' },
      { purpose: '' },
      { kind: 'daily' },
      { autoAdmit: false },
      { receipts: false },
      { history: 'none' },
      { history: { days: 1 } },
    ]
    const hashes = changes.map(change => policyHash({ ...policy, ...change }).join())
    expect(new Set(hashes).size).toBe(changes.length)
    expectGolden('control', 'policy hash', policy, policyHash(policy))
  })
})

describe('a request to join', () => {
  const whole = { gid: requestedGroup, ...request }
  const isSigned = (change: Partial<typeof whole>): boolean =>
    joinRequestIsSigned({ ...whole, ...change }, cryptography)

  test('survives its bytes, which are the ones of the vector', () => {
    const bytes = encodeJoinRequest(whole)
    expect(decodeJoinRequest(bytes)).toEqual({ ok: true, value: whole })
    expectGolden('control', 'join request', whole, bytes)
    const seed = new Uint8Array(16).fill(5)
    expectGolden('control', 'invite secret', { seed }, inviteSecretFromSeed(seed))
  })

  test('is believed when invite and device signed it, for this group only', () => {
    expect(isSigned({})).toBe(true)
    expect(isSigned({ gid: groupId('ff'.repeat(16)) })).toBe(false)
    expect(isSigned({ nonce: new Uint8Array(16) })).toBe(false)
    expect(isSigned({ invitePublic: invite('second').invitePublic })).toBe(false)
    expect(isSigned({ inviteSignature: whole.deviceSignature })).toBe(false)
    expect(isSigned({ deviceSignature: whole.inviteSignature })).toBe(false)
  })

  test('is not believed with the certificate or the key bundle of somebody else', () => {
    expect(isSigned({ certificate })).toBe(false)
    expect(isSigned({ keyBundle })).toBe(false)
    expect(isSigned({ certificate, keyBundle })).toBe(false)
  })

  test('is not believed with any bit changed', () => {
    for (const bytes of bitFlips(encodeJoinRequest(whole), 150)) {
      const decoded = decodeJoinRequest(bytes)
      expect(decoded.ok && joinRequestIsSigned(decoded.value, cryptography)).toBe(false)
    }
  })

  test('fits its bound with the longest names, and nothing longer is read', () => {
    const name = '𠀀'.repeat(64)
    const random = seededRandom(3)
    const { secret } = bo
    const longest = createSelfCertificate({ secret, cryptography, name, unit: name, wall, random })
    const bytes = encodeJoinRequest({ ...whole, certificate: longest })
    expect(bytes.length).toBeLessThanOrEqual(limits.joinRequestBytesMax)
    expect(decodeJoinRequest(bytes).ok).toBe(true)
    const above = new Uint8Array(limits.joinRequestBytesMax + 1)
    expect(decodeJoinRequest(above)).toMatchObject({ error: { type: 'too-large' } })
  })

  test('of another version is refused by name', () => {
    expect(decodeJoinRequest(encodeCbor([2, 'later']))).toMatchObject({
      error: { type: 'unsupported' },
    })
  })

  test('stands in an admit, whose signatures are checked again', () => {
    const admit: ControlBody = { type: 'admit', heads, ...request }
    expect(controlIsSigned(gid, admit, cryptography)).toBe(true)
    expect(controlIsSigned(groupId('ff'.repeat(16)), admit, cryptography)).toBe(false)
    const create: ControlBody = { type: 'create', heads: [], policy, certificate, keyBundle }
    expect(controlIsSigned(gid, create, cryptography)).toBe(true)
    const mixed = { ...create, keyBundle: bo.keyBundle }
    expect(controlIsSigned(gid, mixed, cryptography)).toBe(false)
    expect(controlIsSigned(gid, { type: 'leave', heads }, cryptography)).toBe(true)
  })
})

test('a device id in a control operation is the one that went in', () => {
  const target = deviceId('00ff'.repeat(8))
  const body: ControlBody = { type: 'role', heads: [], target, role: 'records' }
  expect(decodeControl(encodeControl(body))).toMatchObject({ value: { target, role: 'records' } })
})
