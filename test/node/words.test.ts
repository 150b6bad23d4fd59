/** Words: nothing is without a sentence, and no sentence says more than is known. */
import { expect, test } from 'vitest'
import { refusalTypes } from '../../protocol/core/refusal.ts'
import type { LedgerView } from '../../protocol/core/screen.ts'
import { langOf, ledgerWords, spanWords, words } from '../../protocol/shell/words/index.ts'
import { cliWords } from '../../node/words.ts'

const languages = ['zh-CN', 'en'] as const

const ledger = (state: LedgerView['state'], delivered = 0, displayed = 0): LedgerView => ({
  state,
  carried: 2,
  delivered,
  displayed,
  recipients: 12,
})

test('every refusal says what happened, what is safe and what to do, in both languages', () => {
  for (const lang of languages) {
    for (const type of refusalTypes) {
      const { what, safe, next } = words(lang).refusals[type]
      for (const sentence of [what, safe, next]) {
        expect(sentence.length).toBeGreaterThan(3)
        expect(sentence).not.toMatch(/[!\uff01]|出错了|Oops/)
      }
    }
  }
})

test('the ledger is said as far as signatures reach', () => {
  const zh = words('zh-CN')
  const en = words('en')
  expect(ledgerWords(zh, ledger('held'), 'long')).toBe('仅在本机，连上任一节点后自动发送')
  expect(ledgerWords(zh, ledger('held'), 'short')).toBe('仅在本机')
  expect(ledgerWords(zh, ledger('carried'), 'long')).toBe('已交给 2 个节点，等待送达')
  expect(ledgerWords(zh, ledger('delivered', 5), 'short')).toBe('已送达 5/12')
  expect(ledgerWords(zh, ledger('displayed', 5, 4), 'short')).toBe('已读 4/12')
  expect(ledgerWords(en, ledger('held'), 'long')).toBe(
    'On this device only. Sends when any node is reached',
  )
  expect(ledgerWords(en, ledger('carried'), 'long')).toBe('With 2 nodes, not yet delivered')
  expect(ledgerWords(en, ledger('delivered', 5), 'short')).toBe('Delivered to 5 of 12')
  expect(ledgerWords(en, ledger('displayed', 5, 4), 'short')).toBe('Read by 4 of 12')
  expect(ledgerWords(en, ledger('expired', 9), 'short')).toBe('Not delivered to 3')
})

test('Chinese sentences carry Chinese punctuation, and no Latin comma between two Han characters', () => {
  const texts = JSON.stringify([words('zh-CN'), cliWords('zh-CN')])
  expect(texts).not.toMatch(/[\u4e00-\u9fff][,:;?()][\u4e00-\u9fff]/)
})

test('any Chinese locale speaks Chinese, every other one English', () => {
  for (const locale of ['zh', 'zh_CN.UTF-8', 'zh-TW', 'zh_Hans_SG', 'ZH-cn']) {
    expect(langOf(locale)).toBe('zh-CN')
  }
  for (const locale of ['C', 'en_US.UTF-8', 'de', 'zha_CN', '', undefined]) {
    expect(langOf(locale)).toBe('en')
  }
})

test('spans are said in their largest whole unit', () => {
  const say = (millis: number): string => spanWords(words('en'), millis)
  expect([0, 1_499, 59_000, 90_000, 7_200_000, 4 * 86_400_000, -5].map(say)).toEqual([
    '0 s',
    '1 s',
    '59 s',
    '2 min',
    '2 h',
    '4 days',
    '0 s',
  ])
})
