/** How far an own message got: a glyph and always the words; shape and word say it, colour only helps. */
import { ledgerWords } from '#words'
import { Icon } from './icons.tsx'
import { shared } from './i18n/index.ts'
import type { LedgerView } from '#protocol'
import type { IconName } from './icons.tsx'

const glyphs: Readonly<Record<LedgerView['state'], IconName>> = {
  waiting: 'waiting',
  held: 'clock',
  carried: 'carried',
  delivered: 'delivered',
  displayed: 'displayed',
  expired: 'expired',
  refused: 'refused',
}

const isComplete = (ledger: LedgerView): boolean =>
  (ledger.state === 'delivered' && ledger.delivered >= ledger.recipients) ||
  (ledger.state === 'displayed' && ledger.displayed >= ledger.recipients)

export const Ledger = ({
  ledger,
  length = 'short',
}: {
  ledger: LedgerView
  length?: 'short' | 'long'
}) => (
  <span class="ledger" data-state={ledger.state} data-complete={isComplete(ledger)}>
    <Icon name={glyphs[ledger.state]} />
    <span>{ledgerWords(shared.value, ledger, length)}</span>
  </span>
)
