/** The one place that speaks to screen readers: two live regions, empty from the start, short plain text. */
import { signal } from '@preact/signals'

const polite = signal('')
const assertive = signal('')

/** The longest line worth interrupting somebody for. */
const charactersMax = 140

export const announce = (text: string, manner: 'polite' | 'assertive' = 'polite'): void => {
  const region = manner === 'polite' ? polite : assertive
  const line = text.length > charactersMax ? `${text.slice(0, charactersMax - 1)}…` : text
  // the same words twice are two announcements
  region.value = region.value === line ? `${line}\u00a0` : line
}

export const Announcer = () => (
  <>
    <div class="visually-hidden" role="status" aria-live="polite">
      {polite}
    </div>
    <div class="visually-hidden" role="alert" aria-live="assertive">
      {assertive}
    </div>
  </>
)
