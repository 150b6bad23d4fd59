/** Whoever holds an epoch's secret has all of its keys; whoever is not a recipient has none. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  authorId,
  bytesToHex,
  concatBytes,
  groupId,
  hexToBytes,
  idBytes,
} from '../../protocol/core/base.ts'
import { encodeCbor } from '../../protocol/core/cbor.ts'
import { authorKey, epochKeys, openWelcome, sealWelcome } from '../../protocol/core/epoch.ts'
import { epochReasons, openEpochLink } from '../../protocol/core/epoch-inner.ts'
import {
  type EpochBody,
  createEpochBody,
  decodeEpochBody,
  encodeEpochBody,
  epochParentIsSigned,
  openEpochBox,
  openEpochInner,
} from '../../protocol/core/epoch-op.ts'
import { seededRandom } from '../../protocol/core/random.ts'
import { expectGolden } from './golden.ts'
import { bitFlips, cryptography, device, gid } from './people.ts'

const secret = seededRandom('epoch').bytes(32)
const keys = epochKeys(secret, cryptography)
const ada = device('Ada')
const bo = device('Bo')
const authorA = authorId('a1a2a3a4a5a6a7a8')
const authorB = authorId('b1b2b3b4b5b6b7b8')
const authorC = authorId('c1c2c3c4c5c6c7c8')

describe('the keys of an epoch', () => {
  test('are the ones of the vector', () => {
    const { id, keyId, topic, content, control, slot, writeSecret, writePublic } = keys
    const all = concatBytes(content, control, slot, writeSecret, writePublic)
    expectGolden('epoch', 'keys', { secret, id, keyId, topic }, all)
    expectGolden('epoch', 'author key', { content, author: authorA }, authorKey(content, authorA))
  })

  test('are all different, and different in another epoch', () => {
    const other = epochKeys(seededRandom('other').bytes(32), cryptography)
    const all = [keys, other].flatMap(
      ({ content, control, slot, writeSecret, writePublic, topic }) =>
        [content, control, slot, writeSecret, writePublic].map(bytesToHex).concat(topic),
    )
    expect(new Set(all).size).toBe(all.length)
    expect(bytesToHex(keys.keyId)).toBe(keys.id.slice(0, 8))
    expect(authorKey(keys.content, authorA)).not.toEqual(authorKey(keys.content, authorB))
  })
})

describe('a welcome', () => {
  const secrets = [secret, seededRandom('older').bytes(32)]
  const sealed = (): Uint8Array => {
    const { id, prekey } = ada
    const random = seededRandom('welcome')
    const welcome = sealWelcome({ gid, device: id, prekey, secrets, random })
    return welcome.ok ? welcome.value : new Uint8Array()
  }
  const opened = (change: Partial<Parameters<typeof openWelcome>[0]>) => {
    const { id, prekeySecret } = ada
    return openWelcome({ gid, device: id, prekeySecret, payload: sealed(), ...change })
  }

  test('brings the epoch secrets to its device, in their order', () => {
    expect(opened({})).toEqual({ ok: true, value: secrets })
  })

  test('has the bytes of the vector', () => {
    const { id, prekeySecret } = ada
    expectGolden('welcome', 'two epochs', { gid, device: id, prekeySecret, secrets }, sealed())
  })

  test('opens for no other device, prekey or group', () => {
    const type = 'bad-context'
    expect(opened({ device: bo.id })).toMatchObject({ ok: false, error: { type } })
    expect(opened({ prekeySecret: bo.prekeySecret })).toMatchObject({ ok: false, error: { type } })
    expect(opened({ gid: groupId('ff'.repeat(16)) })).toMatchObject({ ok: false, error: { type } })
  })

  test('does not open with any bit changed', () => {
    for (const payload of bitFlips(sealed(), 200)) expect(opened({ payload }).ok).toBe(false)
  })

  test('is not sealed to a key that gives no secret', () => {
    const random = seededRandom(1)
    const prekey = new Uint8Array(32)
    expect(sealWelcome({ gid, device: ada.id, prekey, secrets, random })).toMatchObject({
      ok: false,
      error: { type: 'malformed' },
    })
    const payload = encodeCbor([1, idBytes(ada.id), prekey, new Uint8Array(80)])
    expect(opened({ payload })).toMatchObject({ ok: false, error: { type: 'malformed' } })
  })

  test('noise is refused and never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), payload => {
        expect(opened({ payload }).ok).toBe(false)
        expect(decodeEpochBody(payload).ok).toBe(false)
      }),
    )
  })
})

describe('an epoch operation', () => {
  const parent = epochKeys(seededRandom('parent').bytes(32), cryptography)
  const otherParent = epochKeys(seededRandom('other parent').bytes(32), cryptography)
  const head = (byte: number): Uint8Array => new Uint8Array(16).fill(byte)
  const made = (): EpochBody => {
    const body = createEpochBody({
      gid,
      secret,
      parents: [
        { keys: parent, linkContent: true },
        { keys: otherParent, linkContent: false },
      ],
      recipients: [
        { author: authorB, prekey: bo.prekey },
        { author: authorA, prekey: ada.prekey },
      ],
      heads: [head(9), head(3)],
      reason: epochReasons.removal,
      omitted: [authorC],
      random: seededRandom('epoch op'),
      cryptography,
    })
    if (!body.ok) throw new Error(body.error.type)
    return body.value
  }
  const body = made()

  test('survives its bytes, which are the ones of the vector', () => {
    const bytes = encodeEpochBody(body)
    expect(decodeEpochBody(bytes)).toEqual({ ok: true, value: body })
    const given = {
      gid,
      secret,
      parents: [parent.secret, otherParent.secret],
      recipients: [
        [authorA, ada.prekeySecret],
        [authorB, bo.prekeySecret],
      ],
      heads: [head(3), head(9)],
      omitted: [authorC],
    }
    expectGolden('epoch', 'operation', given, bytes)
  })

  test('gives every recipient the secret and nobody else', () => {
    const open = (author: typeof authorA, prekeySecret: Uint8Array) =>
      openEpochBox({ gid, body, author, prekeySecret, cryptography })
    expect(open(authorA, ada.prekeySecret)).toEqual({ ok: true, value: keys })
    expect(open(authorB, bo.prekeySecret)).toEqual({ ok: true, value: keys })
    expect(open(authorB, ada.prekeySecret)).toMatchObject({ error: { type: 'bad-context' } })
    expect(open(authorC, ada.prekeySecret)).toMatchObject({ error: { type: 'not-found' } })
  })

  test('is vouched for by the write key of each parent, for this group and write key only', () => {
    const signed = (change: Partial<EpochBody>, group = gid, by = parent): boolean =>
      epochParentIsSigned(group, { ...body, ...change }, by, cryptography)
    expect(signed({})).toBe(true)
    expect(signed({}, gid, otherParent)).toBe(true)
    expect(signed({}, groupId('ff'.repeat(16)))).toBe(false)
    expect(signed({ writePublic: parent.writePublic })).toBe(false)
    expect(signed({ epoch: parent.id })).toBe(false)
    expect(signed({}, gid, keys)).toBe(false)
    expect(signed({}, gid, { ...parent, writePublic: otherParent.writePublic })).toBe(false)
  })

  test('tells members what it stands on, and opens older epochs as far as it links them', () => {
    const inner = openEpochInner(gid, body, keys)
    if (!inner.ok) throw new Error(inner.error.type)
    const { heads, reason, omitted, links } = inner.value
    expect({ heads, reason, omitted }).toEqual({
      heads: [head(3), head(9)],
      reason: epochReasons.removal,
      omitted: [authorC],
    })
    const [full, controlOnly] = links
    if (full === undefined || controlOnly === undefined) throw new Error('two links')
    expect(openEpochLink(keys, full, parent.id)).toEqual({
      control: parent.control,
      content: parent.content,
    })
    expect(openEpochLink(keys, controlOnly, otherParent.id)).toEqual({
      control: otherParent.control,
      content: undefined,
    })
    expect(openEpochLink(keys, full, otherParent.id)).toBeUndefined()
  })

  test('hides that from everybody else, and notices another list of recipients', () => {
    expect(openEpochInner(gid, body, parent)).toMatchObject({ error: { type: 'bad-context' } })
    const fewer = { ...body, boxes: body.boxes.slice(1) }
    expect(openEpochInner(gid, fewer, keys)).toMatchObject({ error: { type: 'bad-context' } })
    expect(openEpochInner(groupId('ff'.repeat(16)), body, keys).ok).toBe(false)
  })

  test('is refused when its lists are not in order', () => {
    const boxes = body.boxes.toReversed()
    expect(decodeEpochBody(encodeEpochBody({ ...body, boxes }))).toMatchObject({
      error: { type: 'non-canonical' },
    })
  })

  test('does not work with any bit changed', () => {
    for (const bytes of bitFlips(encodeEpochBody(body), 150)) {
      const decoded = decodeEpochBody(bytes)
      if (!decoded.ok) continue
      const changed = decoded.value
      const inner = openEpochInner(gid, changed, keys)
      const isVouched = epochParentIsSigned(gid, changed, parent, cryptography)
      expect(inner.ok && isVouched).toBe(false)
    }
  })

  test('seals to a thousand devices in one control operation', () => {
    const recipients = Array.from({ length: 1_000 }, (_, index) => ({
      author: authorId(index.toString(16).padStart(16, '0')),
      prekey: index === 7 ? ada.prekey : bo.prekey,
    }))
    const large = {
      ...body,
      boxes: recipients.map(({ author }) => ({ author, box: new Uint8Array(48) })),
    }
    const bytes = encodeEpochBody(large)
    expect(bytes.length).toBeLessThan(65_000)
    expect(decodeEpochBody(bytes).ok).toBe(true)
    const tooMany = [...large.boxes, { author: authorId('f'.repeat(16)), box: new Uint8Array(48) }]
    expect(decodeEpochBody(encodeEpochBody({ ...large, boxes: tooMany })).ok).toBe(false)
  })

  test('with a secret that is not of its id is refused by whoever opens it', () => {
    const other = seededRandom('swapped').bytes(32)
    const forged = createEpochBody({
      gid,
      secret: other,
      parents: [],
      recipients: [{ author: authorA, prekey: ada.prekey }],
      heads: [],
      reason: 0,
      omitted: [],
      random: seededRandom('forged'),
      cryptography,
    })
    if (!forged.ok) throw new Error('made')
    const { prekeySecret } = ada
    const swapped = { ...forged.value, writePublic: hexToBytes('11'.repeat(32)) ?? secret }
    const opened = openEpochBox({ gid, body: swapped, author: authorA, prekeySecret, cryptography })
    expect(opened).toMatchObject({ error: { type: 'malformed', detail: 'write key' } })
  })
})
