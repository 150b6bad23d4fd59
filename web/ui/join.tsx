/** From a link or a QR code to writing, in under a minute and without installing: what the invite is, a name, done. */
import { useSignal } from '@preact/signals'
import { Icon } from './icons.tsx'
import { Field, Notice } from './parts.tsx'
import { RefusalNotice } from './refusal-notice.tsx'
import { programFingerprint } from './program.ts'
import { passphraseCharactersMin } from './vault.tsx'
import { ui, untilWords } from './i18n/index.ts'
import type { EngineClient, InviteSummary } from '../engine/client.ts'

/** Asks for an invite: pasted text, or a photo of a QR code (a LAN page has no camera of its own). */
const OpenInvite = ({ client }: { client: EngineClient }) => {
  const text = useSignal('')
  const photo = useSignal<'none' | 'reading' | 'not-found'>('none')
  const words = ui.value.join
  const readPhoto = async (file: File | undefined): Promise<void> => {
    if (file === undefined) return
    photo.value = 'reading'
    const { readQr } = await import('./qr-read.ts')
    const found = await readQr(file)
    photo.value = found === undefined ? 'not-found' : 'none'
    if (found !== undefined) client.openInvite(found)
  }
  return (
    <form
      class="card"
      noValidate
      onSubmit={event => {
        event.preventDefault()
        if (text.value.trim() !== '') client.openInvite(text.value)
      }}
    >
      <Field label={words.paste} value={text.value} onInput={value => (text.value = value)} />
      <button type="submit" class="button primary wide">
        {words.open}
      </button>
      <label class="button wide file-button">
        <Icon name="camera" />
        {photo.value === 'reading' ? words.photoReading : words.photo}
        <input
          class="visually-hidden"
          type="file"
          accept="image/*"
          onChange={event => void readPhoto(event.currentTarget.files?.[0])}
        />
      </label>
      <p role="status" class="quiet">
        {photo.value === 'not-found' && words.photoNone}
      </p>
    </form>
  )
}

const InviteFacts = ({ invite }: { invite: InviteSummary }) => (
  <dl class="facts">
    <dt>{ui.value.join.until}</dt>
    <dd>{untilWords(invite.notAfter)}</dd>
    <dt>{ui.value.join.fingerprint}</dt>
    <dd>
      <span class="mono">{programFingerprint()}</span>{' '}
      <span class="quiet">{ui.value.join.fingerprintHint}</span>
    </dd>
  </dl>
)

const JoinForm = ({ client, invite }: { client: EngineClient; invite: InviteSummary }) => {
  const app = client.app.value
  const name = useSignal(app?.name ?? '')
  const unit = useSignal(app?.unit ?? '')
  const passphrase = useSignal('')
  const inMemory = useSignal(false)
  const isAsked = useSignal(false)
  const isWorking = useSignal(false)
  const words = ui.value.join
  const needsPassphrase = client.vault.value === 'new'
  const isShort = passphrase.value.length < passphraseCharactersMin
  const submit = async (): Promise<void> => {
    isAsked.value = true
    if (name.value.trim() === '' || (needsPassphrase && !inMemory.value && isShort)) return
    isWorking.value = true
    if (needsPassphrase && inMemory.value) client.useMemory()
    else if (needsPassphrase) await client.unlock(passphrase.value)
    await client.acceptInvite({ name: name.value.trim(), unit: unit.value.trim() })
    isWorking.value = false
  }
  return (
    <form
      class="card"
      noValidate
      onSubmit={event => {
        event.preventDefault()
        void submit()
      }}
    >
      <InviteFacts invite={invite} />
      <Field
        label={words.name}
        value={name.value}
        required
        autocomplete="name"
        error={isAsked.value && name.value.trim() === '' ? words.nameMissing : undefined}
        onInput={text => (name.value = text)}
      />
      <Field
        label={words.unit}
        value={unit.value}
        optional
        autocomplete="organization"
        onInput={text => (unit.value = text)}
      />
      {needsPassphrase && (
        <>
          {!inMemory.value && (
            <Field
              label={ui.value.vault.passphrase}
              type="password"
              value={passphrase.value}
              required
              autocomplete="new-password"
              hint={ui.value.vault.passphraseHint}
              error={isAsked.value && isShort ? ui.value.vault.short : undefined}
              onInput={text => (passphrase.value = text)}
            />
          )}
          <label class="check">
            <input
              type="checkbox"
              checked={inMemory.value}
              onChange={event => (inMemory.value = event.currentTarget.checked)}
            />
            <span>
              {ui.value.vault.memory}
              {inMemory.value && <span class="quiet"> {ui.value.vault.memoryText}</span>}
            </span>
          </label>
        </>
      )}
      <button type="submit" class="button primary wide" disabled={isWorking.value}>
        {isWorking.value && needsPassphrase && !inMemory.value
          ? ui.value.vault.working
          : words.submit}
      </button>
      {client.net.value.type === 'loading' && <p class="quiet">{words.moduleLoading}</p>}
    </form>
  )
}

export const Join = ({ client }: { client: EngineClient }) => {
  const join = client.join.value
  const words = ui.value.join
  const isOpen = join.type === 'ready' || join.type === 'joining'
  return (
    <div class="page narrow">
      <h2>{words.title}</h2>
      <p class="lead">{words.lead}</p>
      {join.type === 'refused' && <RefusalNotice refusal={join.refusal} />}
      {client.tier === 'lan' && isOpen && (
        <Notice tone="warn">
          <p>{ui.value.tier.lan}</p>
        </Notice>
      )}
      {join.type === 'ready' && <JoinForm client={client} invite={join.invite} />}
      {join.type === 'joining' && (
        <Notice tone="calm">
          <p>{words.joining}</p>
        </Notice>
      )}
      {isOpen ? (
        <button type="button" class="button wide" onClick={client.closeInvite}>
          {words.other}
        </button>
      ) : (
        <OpenInvite client={client} />
      )}
    </div>
  )
}
