/** Other people's text on a terminal: whatever it holds, it moves no cursor, changes no colour and reverses no line. */
import { assert, property, string } from 'fast-check'
import { expect, test } from 'vitest'
import {
  columnsOf,
  cutTo,
  harmless,
  harmlessJson,
  harmlessLines,
  padTo,
  table,
} from '../../node/terminal.ts'

/** What a terminal acts on, and what reverses a line. */
const active = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u

test('no text keeps an active character', () => {
  assert(
    property(string({ unit: 'binary', maxLength: 200 }), text => {
      expect(harmless(text)).not.toMatch(active)
      expect(harmlessLines(text, '  ').replaceAll('\n', '')).not.toMatch(active)
      expect(harmlessJson({ text })).not.toMatch(active)
    }),
  )
})

test('JSON made harmless is still the same JSON', () => {
  assert(
    property(string({ unit: 'binary', maxLength: 200 }), text => {
      expect(JSON.parse(harmlessJson({ text }))).toEqual({ text })
    }),
  )
})

test('escape sequences show as signs; joiners and ordinary text stay', () => {
  expect(harmless('\u001b[31mred\u0007')).toBe('␛[31mred␇')
  expect(harmless('a\u202egpj.exe')).toBe('a\ufffdgpj.exe')
  expect(harmless('👨\u200d👩\u200d👧 می\u200cخواهم')).toBe('👨\u200d👩\u200d👧 می\u200cخواهم')
  expect(harmlessLines('一\r\n二\n三', '  ')).toBe('一\n  二\n  三')
})

test('columns count Han characters twice and combining marks not at all', () => {
  expect(columnsOf('海燕 Petrel')).toBe(11)
  expect(columnsOf('e\u0301')).toBe(1)
  expect(padTo('海', 4)).toBe('海  ')
  expect(columnsOf(cutTo('海燕海燕海燕', 6))).toBeLessThanOrEqual(6)
  const rows = table(
    [
      ['海', 'a'],
      ['petrel', 'b'],
    ],
    80,
  ).split('\n')
  expect(rows.map(row => columnsOf(row))).toEqual([9, 9])
})
