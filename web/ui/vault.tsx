/** Pages over plain http have no key store of the system: here a person chooses a passphrase, opens what one protects, or
 *  keeps everything in memory and is told what that means. */
import { useSignal } from '@preact/signals'
import { Field, Notice } from './parts.tsx'
import { ui } from './i18n/index.ts'
import type { EngineClient } from '../engine/client.ts'

/** A passphrase is guessed offline by whoever copies the browser's files; Argon2id makes each guess cost a second. */
export const passphraseCharactersMin = 8

type Outcome = 'none' | 'working' | 'wrong' | 'short'

const outcomeText = (outcome: Outcome): string | undefined => {
  if (outcome === 'wrong') return ui.value.vault.wrong
  return outcome === 'short' ? ui.value.vault.short : undefined
}

export const VaultScreen = ({ client }: { client: EngineClient }) => {
  const passphrase = useSignal('')
  const outcome = useSignal<Outcome>('none')
  const words = ui.value.vault
  const isNew = client.vault.value === 'new'
  const submit = async (): Promise<void> => {
    if (isNew && passphrase.value.length < passphraseCharactersMin)
      return void (outcome.value = 'short')
    outcome.value = 'working'
    const isOpen = await client.unlock(passphrase.value)
    outcome.value = isOpen ? 'none' : 'wrong'
  }
  return (
    <div class="page">
      <h2>{isNew ? words.newTitle : words.lockedTitle}</h2>
      <p class="lead">{isNew ? words.newText : words.lockedText}</p>
      <Notice tone="warn">
        <p>{ui.value.tier[client.tier]}</p>
      </Notice>
      <form
        class="card"
        noValidate
        onSubmit={event => {
          event.preventDefault()
          void submit()
        }}
      >
        <Field
          label={words.passphrase}
          type="password"
          value={passphrase.value}
          required
          autocomplete={isNew ? 'new-password' : 'current-password'}
          hint={isNew ? words.passphraseHint : undefined}
          error={outcomeText(outcome.value)}
          onInput={text => (passphrase.value = text)}
        />
        <button type="submit" class="button primary wide" disabled={outcome.value === 'working'}>
          {outcome.value === 'working' ? words.working : isNew ? words.save : words.unlock}
        </button>
        {isNew && (
          <>
            <button type="button" class="button wide" onClick={client.useMemory}>
              {words.memory}
            </button>
            <p class="quiet">{words.memoryText}</p>
          </>
        )}
      </form>
    </div>
  )
}
