/** A refusal in words: what happened, what is safe, what to do. */
import { refusalWords } from '#words'
import { Notice } from './parts.tsx'
import { lang } from './settings.ts'
import { shared } from './i18n/index.ts'
import type { Refusal } from '#protocol'

export const RefusalNotice = ({ refusal }: { refusal: Refusal }) => {
  const words = refusalWords(shared.value, refusal)
  return (
    <Notice tone="warn">
      <p class="strong">{words.what}</p>
      <p>
        {lang.value === 'en' ? `${words.safe}. ${words.next}.` : `${words.safe}。${words.next}。`}
      </p>
    </Notice>
  )
}
