/** A certificate says what its key signed and nothing else; names cannot lie about how they look. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { timestamp } from '../../protocol/core/base.ts'
import { encodeCbor, decodeCbor, isCborList } from '../../protocol/core/cbor.ts'
import {
  certificateIsSigned,
  createKeyBundle,
  createSelfCertificate,
  decodeCertificate,
  decodeKeyBundle,
  deviceIdOf,
  keyBundleIsSigned,
  normaliseName,
} from '../../protocol/core/certificate.ts'
import { isName } from '../../protocol/core/name.ts'
import { seededRandom } from '../../protocol/core/random.ts'
import { expectGolden } from './golden.ts'
import { bitFlips, cryptography, device, wall } from './people.ts'

const li = device('李海燕', '应急指挥中心')

const certificateVerdict = (bytes: Uint8Array): string => {
  const certificate = decodeCertificate(bytes)
  if (!certificate.ok) return certificate.error.type
  return certificateIsSigned(certificate.value, cryptography) ? 'signed' : 'not signed'
}

const bundleVerdict = (bytes: Uint8Array): string => {
  const bundle = decodeKeyBundle(bytes)
  if (!bundle.ok) return bundle.error.type
  return keyBundleIsSigned(bundle.value, cryptography) ? 'signed' : 'not signed'
}

/** The same list with one field changed, not signed again. */
const withField = (bytes: Uint8Array, index: number, field: string | number): Uint8Array => {
  const decoded = decodeCbor(bytes)
  const list = decoded.ok && isCborList(decoded.value) ? decoded.value : []
  return encodeCbor(list.map((value, at) => (at === index ? field : value)))
}

describe('a device certificate', () => {
  test('names its device, person and unit, and is signed by its own key', () => {
    const certificate = decodeCertificate(li.certificate)
    expect(certificate).toMatchObject({
      ok: true,
      value: {
        type: 3,
        device: deviceIdOf(li.publicKey),
        subjectKey: li.publicKey,
        name: '李海燕',
        unit: '应急指挥中心',
        notBefore: wall,
        notAfter: undefined,
      },
    })
    expect(certificateVerdict(li.certificate)).toBe('signed')
  })

  test('has the bytes of the vector', () => {
    const decoded = decodeCertificate(li.certificate)
    const serial = decoded.ok ? decoded.value.serial : undefined
    const given = {
      secret: li.secret,
      serial,
      name: '李海燕',
      unit: '应急指挥中心',
      notBefore: wall,
    }
    expectGolden('certificate', 'device', given, li.certificate)
  })

  test('is not accepted with any bit changed', () => {
    for (const flipped of bitFlips(li.certificate, 300)) {
      expect(certificateVerdict(flipped)).not.toBe('signed')
    }
  })

  test('is not accepted cut short', () => {
    for (let end = 0; end < li.certificate.length; end++) {
      expect(decodeCertificate(li.certificate.slice(0, end)).ok).toBe(false)
    }
  })

  test('of another version is refused by name', () => {
    expect(certificateVerdict(withField(li.certificate, 0, 2))).toBe('unsupported')
  })

  test('of another type is kept and not believed', () => {
    expect(certificateVerdict(withField(li.certificate, 1, 2))).toBe('not signed')
  })

  test('with a name that hides something is refused', () => {
    const forged = encodeCbor([
      ...(() => {
        const decoded = decodeCbor(li.certificate)
        return decoded.ok && isCborList(decoded.value) ? decoded.value.slice(0, 9) : []
      })(),
      ['boss\u202Etxt', ''],
      new Uint8Array(64),
    ])
    expect(certificateVerdict(forged)).toBe('name-invalid')
  })

  test('takes any wall clock', () => {
    const walls = [-1, 0, Number.NaN, Number.POSITIVE_INFINITY, -1e300, 1e300, 2 ** 53]
    for (const value of walls) {
      const { secret } = li
      const random = seededRandom(1)
      const wallClock = timestamp(value)
      const bytes = createSelfCertificate({
        secret,
        cryptography,
        name: 'x',
        unit: '',
        wall: wallClock,
        random,
      })
      expect(certificateVerdict(bytes)).toBe('signed')
    }
  })

  test('with the longest names fits its bound', () => {
    const name = '𠀀'.repeat(64)
    const { secret } = li
    const random = seededRandom(1)
    const bytes = createSelfCertificate({ secret, cryptography, name, unit: name, wall, random })
    expect(bytes.length).toBeLessThanOrEqual(704)
    expect(certificateVerdict(bytes)).toBe('signed')
  })
})

describe('a key bundle', () => {
  test('binds a prekey to a device key', () => {
    expect(decodeKeyBundle(li.keyBundle)).toMatchObject({
      ok: true,
      value: {
        deviceKey: li.publicKey,
        prekey: li.prekey,
        notAfter: timestamp(wall + 86_400_000),
      },
    })
    expect(bundleVerdict(li.keyBundle)).toBe('signed')
    expectGolden(
      'certificate',
      'key bundle',
      { secret: li.secret, prekey: li.prekey, notAfter: wall + 86_400_000 },
      li.keyBundle,
    )
  })

  test('without an end stays without one', () => {
    const bytes = createKeyBundle({ secret: li.secret, cryptography, prekey: li.prekey })
    expect(decodeKeyBundle(bytes)).toMatchObject({ ok: true, value: { notAfter: undefined } })
    expect(bundleVerdict(bytes)).toBe('signed')
  })

  test('is not accepted with any bit changed', () => {
    for (const flipped of bitFlips(li.keyBundle, 300)) {
      expect(bundleVerdict(flipped)).not.toBe('signed')
    }
  })

  test('is not a certificate, nor the other way round', () => {
    expect(certificateVerdict(li.keyBundle)).toBe('malformed')
    expect(bundleVerdict(li.certificate)).toBe('malformed')
  })
})

test('noise is refused and never throws', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
      expect(decodeCertificate(bytes).ok).toBe(false)
      expect(decodeKeyBundle(bytes).ok).toBe(false)
    }),
  )
})

describe('a name', () => {
  test.each([
    ['王小明', '王小明'],
    ['  Ada Lovelace ', 'Ada Lovelace'],
    ['\u3000防汛办\u3000', '防汛办'],
    ['e\u0301', 'é'],
    ['👩‍🚒 队长', '👩‍🚒 队长'],
    ['<b>&amp;</b>', '<b>&amp;</b>'],
    ['x'.repeat(64), 'x'.repeat(64)],
    ['𠀀'.repeat(64), '𠀀'.repeat(64)],
  ])('%j is allowed', (text, name) => {
    expect(normaliseName(text)).toEqual({ ok: true, value: name })
  })

  test.each([
    '',
    ' ',
    '\u3000\u00A0',
    '\u200D',
    '\uFE0F\u200C ',
    'x'.repeat(65),
    '𠀀'.repeat(65),
    'a\nb',
    'a\u0000',
    'a\u001B[31m',
    'a\u0085',
    'a\u202Eb',
    'a\u2066b\u2069',
    'a\u200Fb',
    'a\u200Bb',
    'a\u2028b',
    '\uFEFFa\uFEFFb',
    'a\u3164',
    'a\uD800',
    'x'.repeat(100_000),
  ])('%j is refused', text => {
    expect(normaliseName(text)).toMatchObject({ ok: false, error: { type: 'name-invalid' } })
  })

  test('once normalised stays as it is, in the judgement of everybody', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 80 }), text => {
        const name = normaliseName(text)
        if (!name.ok) return
        expect(isName(name.value)).toBe(true)
        expect(normaliseName(name.value)).toEqual(name)
      }),
      { numRuns: 1_000 },
    )
  })
})
