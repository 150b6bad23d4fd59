/** The door of '#words': the catalogues shared by screens and terminal, and the sentences built from a view. Text that only
 *  one door shows lives there (node/words.ts, web/). */
import type { LedgerView } from '../../core/screen.ts'
import type { Refusal } from '../../core/refusal.ts'
import { en } from './en.ts'
import { zhCN } from './zh-CN.ts'
import type { Messages, RefusalWords } from './zh-CN.ts'

export type { Messages, RefusalWords } from './zh-CN.ts'
export type Lang = 'zh-CN' | 'en'

export const words = (lang: Lang): Messages => (lang === 'en' ? en : zhCN)

/** The catalogue for a locale such as `zh_TW.UTF-8`, `zh-Hans` or `de-DE`: Chinese for any Chinese, English otherwise. */
export const langOf = (locale: string | undefined): Lang =>
  locale !== undefined && /^zh\b|^zh[_-]/i.test(locale) ? 'zh-CN' : 'en'

export const refusalWords = (messages: Messages, refusal: Refusal): RefusalWords =>
  messages.refusals[refusal.type]

/** What stands beside an own message; `long` adds what follows from it. */
export const ledgerWords = (
  messages: Messages,
  ledger: LedgerView,
  length: 'short' | 'long',
): string => {
  const { ledger: text } = messages
  const missing = ledger.recipients - ledger.delivered
  switch (ledger.state) {
    case 'waiting':
      return text.waiting[length]
    case 'held':
      return text.held[length]
    case 'carried':
      return text.carried[length](ledger.carried)
    case 'delivered':
      return text.delivered(ledger.delivered, ledger.recipients)
    case 'displayed':
      return text.displayed(ledger.displayed, ledger.recipients)
    case 'expired':
      return text.expired[length](missing)
    case 'refused':
      return text.refused[length]
  }
}

/** How long a time is, in its largest whole unit. */
export const spanWords = (messages: Messages, millis: number): string => {
  const seconds = Math.max(0, Math.round(millis / 1_000))
  if (seconds < 60) return messages.seconds(seconds)
  const minutes = Math.round(seconds / 60)
  if (minutes < 60) return messages.minutes(minutes)
  const hours = Math.round(minutes / 60)
  return hours < 48 ? messages.hours(hours) : messages.days(Math.round(hours / 24))
}
