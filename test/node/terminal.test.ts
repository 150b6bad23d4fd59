/** Other people's text on a terminal: whatever it holds, it moves no cursor, changes no colour and reverses no line. */
import { array, assert, constantFrom, integer, property, string } from 'fast-check'
import { expect, test } from 'vitest'
import {
  columnsOf,
  cutTo,
  factsText,
  harmless,
  harmlessJson,
  harmlessLines,
  padTo,
  table,
} from '../../node/terminal.ts'
import { naughtyStrings } from '../support/naughty-strings.ts'

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

test('no string of the published list of naughty strings reaches the terminal with an active character', () => {
  expect(naughtyStrings.length).toBeGreaterThan(400)
  for (const text of naughtyStrings) {
    expect(harmless(text)).not.toMatch(active)
    expect(harmlessLines(text, '  ').replaceAll('\n', '')).not.toMatch(active)
    expect(harmlessJson({ text })).not.toMatch(active)
    expect(JSON.parse(harmlessJson({ text }))).toEqual({ text })
    expect(table([[harmless(text), 'end']], 60)).not.toMatch(active)
    // what does nothing stays as it was typed
    const isQuiet = !/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u.test(text)
    if (isQuiet) expect(harmless(text)).toBe(text)
  }
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

const cellText = array(constantFrom('海', 'a', '\u{1f30a}', '✅', 'e\u0301', ' ', '—'), {
  maxLength: 60,
}).map(signs => signs.join(''))

test('no line of a table is wider than the terminal, and its columns stand under each other', () => {
  assert(
    property(
      array(cellText, { minLength: 1, maxLength: 5 }),
      integer({ min: 60, max: 140 }),
      (cells, width) => {
        const rows = table([cells.map(() => 'x'), cells], width).split('\n')
        for (const row of rows) expect(columnsOf(row)).toBeLessThanOrEqual(width)
      },
    ),
  )
  const aligned = table(
    [
      ['96972c7d', '防汛指挥组 一个非常长的群名称用来看看表格会不会折行', '应急', '12 人'],
      ['9032ed55', 'ops', 'Daily', '1 person'],
    ],
    50,
  ).split('\n')
  const placeOf = (row: string | undefined, word: string): number =>
    columnsOf((row ?? '').slice(0, row?.indexOf(word)))
  expect(placeOf(aligned[0], '应急')).toBe(placeOf(aligned[1], 'Daily'))
  expect(placeOf(aligned[0], '12 人')).toBe(placeOf(aligned[1], '1 person'))
})

test('what stands under a label moves below it where the terminal is narrow, and is never cut', () => {
  const path = '/home/li/我的 数据/petrel'
  const facts = [['存储', ['正常', path, '仅由文件权限保护']]] as const
  const plain = (text: string): string => text
  expect(factsText(facts, 120, plain)).toBe(`存储  正常 · ${path} · 仅由文件权限保护`)
  expect(factsText(facts, 40, plain)).toBe(`存储  正常 · ${path}\n      仅由文件权限保护`)
  expect(factsText(facts, 20, plain)).toBe(`存储  正常\n      ${path}\n      仅由文件权限保护`)
})
