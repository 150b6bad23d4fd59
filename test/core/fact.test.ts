/** What people say survives its bytes, in as few of them as it takes; what does not is refused before it costs anything. */
import { deflateSync } from 'fflate'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  authorId,
  bytesToHex,
  concatBytes,
  deviceId,
  hexToBytes,
} from '../../protocol/core/base.ts'
import { type Dep, decodeBody, encodeBody } from '../../protocol/core/body.ts'
import { encodeCbor } from '../../protocol/core/cbor.ts'
import { deflate, dictionary, inflate } from '../../protocol/core/compress.ts'
import { sha256 } from '../../protocol/core/crypto.ts'
import { type Fact, decodeFact, encodeFact } from '../../protocol/core/fact.ts'
import { limits } from '../../protocol/core/limits.ts'
import { expectGolden } from './golden.ts'
import { bitFlips } from './people.ts'

const author = authorId('a1a2a3a4a5a6a7a8')
const ref = { author, seq: 41 }
const facts: readonly Fact[] = [
  { type: 'message', text: '收到，我们正在路上。' },
  { type: 'message', text: 'On our way', replyTo: ref },
  { type: 'message', text: 'Please look', mentions: [deviceId('0f'.repeat(16))] },
  { type: 'message', text: 'Both', replyTo: ref, mentions: [deviceId('0f'.repeat(16))] },
  { type: 'edit', ref, text: 'On our way, 20 minutes' },
  { type: 'redact', ref, reason: '' },
  { type: 'react', ref, emoji: '👍' },
  { type: 'react', ref, emoji: undefined },
  {
    type: 'ack',
    delivered: [{ author, from: 0, to: 300 }],
    displayed: [
      { author, from: 0, to: 7 },
      { author, from: 9, to: 9 },
    ],
  },
  { type: 'answer', ref, answer: 2, note: 'executing' },
  { type: 'unknown', number: 6, fields: ['later', [1]] },
]

describe('a fact', () => {
  test.each(facts.map((fact, index) => [`${index} ${fact.type}`, fact] as const))(
    '%s survives its bytes, which are the ones of the vector',
    (name, fact) => {
      const bytes = encodeFact(fact)
      expect(decodeFact(bytes)).toEqual({ ok: true, value: fact })
      expectGolden('fact', name, fact, bytes)
    },
  )

  test('any text survives, as long as there is some', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 500 }), any => {
        const text = `.${any}`
        expect(decodeFact(encodeFact({ type: 'message', text }))).toEqual({
          ok: true,
          value: { type: 'message', text },
        })
      }),
    )
  })

  test('without text, or with more than allowed, is refused by name', () => {
    const message = (text: string) => decodeFact(encodeFact({ type: 'message', text }))
    expect(message('')).toMatchObject({ error: { type: 'text-empty' } })
    expect(message('x'.repeat(limits.textBytesMax)).ok).toBe(true)
    expect(message('x'.repeat(limits.textBytesMax + 1))).toMatchObject({
      error: { type: 'text-too-long' },
    })
    expect(message('海'.repeat(Math.ceil((limits.textBytesMax + 1) / 3)))).toMatchObject({
      error: { type: 'text-too-long' },
    })
    expect(decodeFact(encodeFact({ type: 'edit', ref, text: '' }))).toMatchObject({
      error: { type: 'text-empty' },
    })
  })

  test('of a later form is kept as unknown', () => {
    const later = encodeCbor([0, 'text', [null, [], [['attachment']]]])
    expect(decodeFact(later)).toMatchObject({ ok: true, value: { type: 'unknown', number: 0 } })
  })

  test.each([
    [[]],
    [[-1]],
    [[256]],
    [[0]],
    [[0, 1]],
    [[0, 'text', 1]],
    [[0, 'text', [null, []]]],
    [[0, 'text', [null]]],
    [[0, 'text', [], 0]],
    [[1, [new Uint8Array(8), -1], 'x']],
    [[1, [new Uint8Array(4), 0], 'x']],
    [[3, [new Uint8Array(8), 0], 'x'.repeat(65)]],
    [[4, [[new Uint8Array(8), 5, 4]], []]],
    [[4, [], []], true],
    [[5, [new Uint8Array(8), 0], 256, '']],
    ['text'],
  ])('%j is refused unless it has the shape', (list, isFine = false) => {
    expect(decodeFact(encodeCbor(list)).ok).toBe(isFine)
  })

  test('as noise or with bits flipped never throws', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), bytes => void decodeFact(bytes)))
    for (const fact of facts) for (const bytes of bitFlips(encodeFact(fact), 200)) decodeFact(bytes)
  })
})

const deps: fc.Arbitrary<readonly Dep[]> = fc.uniqueArray(
  fc.record({
    author: fc.uint8Array({ minLength: 8, maxLength: 8 }).map(bytes => authorId(bytesToHex(bytes))),
    seq: fc.maxSafeInteger().map(Math.abs),
  }),
  { maxLength: limits.depsMax, selector: dep => dep.author },
)

describe('a body', () => {
  test('gives back what went in, with deps in order', () => {
    fc.assert(
      fc.property(deps, fc.string({ unit: 'grapheme', minLength: 1 }), (seen, any) => {
        const cbor = encodeFact({ type: 'message', text: `.${any}` })
        const sorted = seen.toSorted((a, b) => (a.author < b.author ? -1 : 1))
        expect(decodeBody(encodeBody({ deps: seen, cbor }))).toEqual({
          ok: true,
          value: { deps: sorted, cbor },
        })
      }),
      { numRuns: 300 },
    )
  })

  test('is never longer than one byte and its CBOR: 105 for 100 letters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii', minLength: 100, maxLength: 100 }), text => {
        const cbor = encodeFact({ type: 'message', text })
        expect(encodeBody({ deps: [], cbor }).length).toBeLessThanOrEqual(105)
      }),
    )
  })

  test('chooses the form that is smallest', () => {
    const form = (text: string): number =>
      encodeBody({ deps: [], cbor: encodeFact({ type: 'message', text }) })[0] ?? -1
    expect(form('xkq')).toBe(0)
    expect(form('We need more people and water here as soon as possible.')).toBe(1)
    expect(form('犇骉羴猋麤毳晶磊淼')).toBe(2)
  })

  test('has the bytes of the vector in each form', () => {
    const texts = ['xkq', 'We need more people and water here.', '犇骉羴猋麤毳晶磊淼']
    for (const [index, text] of texts.entries()) {
      const cbor = encodeFact({ type: 'message', text })
      const bytes = encodeBody({ deps: [{ author, seq: 300 }], cbor })
      expectGolden('fact', `body ${index}`, { text, deps: [[author, 300]] }, bytes)
    }
  })

  test('compressed English and Chinese that nobody put into the dictionary is smaller', () => {
    const size = (text: string): number =>
      encodeBody({ deps: [], cbor: encodeFact({ type: 'message', text }) }).length
    const english =
      'Reached the old mill. Twelve people on the roof, one with a broken leg, send a boat.'
    const chinese = '我们在老学校，需要饮用水和两名医生，道路被树木堵住了，请尽快派人支援。'
    expect(size(english)).toBeLessThan(english.length * 0.8)
    expect(size(chinese)).toBeLessThan(chinese.length * 2.1)
  })

  const raw = (hex: string) => decodeBody(hexToBytes(hex.replaceAll(' ', '')) ?? new Uint8Array())
  const a = 'a1a2a3a4a5a6a7a8'
  const b = 'b1b2b3b4b5b6b7b8'

  test.each([
    ['', 'malformed', 'nothing'],
    ['03 00', 'unsupported', 'an unknown codec'],
    ['20 00', 'unsupported', 'an unknown flag'],
    ['10 00', 'non-canonical', 'deps announced and none there'],
    [`10 02 ${b} 00 ${a} 00`, 'non-canonical', 'deps out of order'],
    [`10 02 ${a} 00 ${a} 01`, 'non-canonical', 'two deps of one author'],
    [`10 01 ${a} 80 00`, 'non-canonical', 'a long form of a sequence number'],
    [`10 01 ${a}`, 'malformed', 'deps cut short'],
    [`10 09 ${`${a} 00`.repeat(9)}`, 'too-large', 'more deps than allowed'],
    ['02 00', 'malformed', 'half a character'],
    ['02 d800', 'malformed', 'half a surrogate pair'],
    ['02 feff 0041', 'malformed', 'a byte order mark'],
    [`02 ${'0041'.repeat(limits.textBytesMax + 1)}`, 'too-large', 'too much text'],
    ['01 ff', 'malformed', 'no deflate'],
    ['01 01ffff0000', 'malformed', 'a stored block cut short'],
  ])('%s is refused as %s: %s', (hex, type) => {
    expect(raw(hex)).toMatchObject({ ok: false, error: { type } })
  })

  test('as noise or with bits flipped never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(2), (bytes, form) => {
        decodeBody(bytes)
        decodeBody(concatBytes(Uint8Array.of(form), bytes))
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('inflation', () => {
  test('stops at the limit and not one byte later', () => {
    const zeros = (length: number) => inflate(deflateSync(new Uint8Array(length), { dictionary }))
    expect(zeros(limits.inflatedBytesMax)).toEqual({
      ok: true,
      value: new Uint8Array(limits.inflatedBytesMax),
    })
    expect(zeros(limits.inflatedBytesMax + 1)).toMatchObject({ error: { type: 'too-large' } })
  })

  test('of a bomb is refused at the cost of one buffer', () => {
    const bomb = deflateSync(new Uint8Array(12_000_000), { dictionary })
    expect(bomb.length).toBeLessThan(limits.opBytesMax)
    expect(inflate(bomb)).toMatchObject({ error: { type: 'too-large' } })
  })

  test('is the inverse of deflation', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2_000 }), bytes => {
        expect(inflate(deflate(bytes))).toEqual({ ok: true, value: bytes })
      }),
    )
  })

  test('stands on dictionary 1, which never changes', () => {
    expect(dictionary.length).toBeLessThanOrEqual(4_096)
    expectGolden('fact', 'dictionary 1', { sha256: sha256(dictionary) }, dictionary)
  })
})
