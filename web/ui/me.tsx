/** Who I am here, how this screen looks, where things are kept and what program this is. */
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { keySheet } from './keyboard.tsx'
import { Choice, Field, Notice } from './parts.tsx'
import { RefusalNotice } from './refusal-notice.tsx'
import { availability, chooseAvailability } from './presence.ts'
import { programFingerprint, programVersion } from './program.ts'
import { lang, letterKeys, textSize, textSizes, theme, themes } from './settings.ts'
import { loadEnglish, shared, ui } from './i18n/index.ts'
import type { Refusal } from '#protocol'
import type { EngineClient } from '../engine/client.ts'
import type { Availability } from './presence.ts'

const availabilities: readonly Availability[] = ['available', 'busy', 'field', 'do-not-disturb']

const Profile = ({ client }: { client: EngineClient }) => {
  const app = client.app.value
  const name = useSignal<string | undefined>(undefined)
  const unit = useSignal<string | undefined>(undefined)
  const outcome = useSignal<'none' | 'saved' | Refusal>('none')
  const words = ui.value.me
  const shownName = name.value ?? app?.name ?? ''
  const shownUnit = unit.value ?? app?.unit ?? ''
  const save = async (): Promise<void> => {
    const answer = await client.dispatch({
      type: 'set-profile',
      name: shownName.trim(),
      unit: shownUnit.trim(),
    })
    outcome.value = answer.ok ? 'saved' : answer.error
  }
  return (
    <form
      class="card"
      noValidate
      onSubmit={event => {
        event.preventDefault()
        void save()
      }}
    >
      <h3>{words.profile}</h3>
      <Field
        label={ui.value.join.name}
        value={shownName}
        autocomplete="name"
        onInput={text => (name.value = text)}
      />
      <Field
        label={ui.value.join.unit}
        value={shownUnit}
        optional
        autocomplete="organization"
        onInput={text => (unit.value = text)}
      />
      {typeof outcome.value === 'object' && <RefusalNotice refusal={outcome.value} />}
      <div class="button-row">
        <button type="submit" class="button">
          {words.save}
        </button>
        <span role="status" class="quiet">
          {outcome.value === 'saved' && words.saved}
        </span>
      </div>
    </form>
  )
}

const Looks = () => {
  const words = ui.value.me
  // whoever stands before the choice can take it, even if the network goes now
  useEffect(() => {
    void loadEnglish().catch(() => undefined)
  }, [])
  return (
    <section class="card" aria-labelledby="me-looks">
      <h3 id="me-looks">{words.looks}</h3>
      <Choice
        legend={words.language}
        value={lang.value}
        choices={[
          { value: 'zh-CN' as const, label: '中文' },
          { value: 'en' as const, label: 'English' },
        ]}
        onChoose={value => (lang.value = value)}
      />
      <Choice
        legend={words.theme}
        value={theme.value}
        choices={themes.map(value => ({ value, label: words.themes[value] }))}
        onChoose={value => (theme.value = value)}
      />
      <Choice
        legend={words.textSize}
        value={textSize.value}
        choices={textSizes.map(value => ({ value, label: `${value}%` }))}
        onChoose={value => (textSize.value = value)}
      />
      <label class="check">
        <input
          type="checkbox"
          checked={letterKeys.value}
          onChange={event => (letterKeys.value = event.currentTarget.checked)}
        />
        <span>{words.letterKeys}</span>
      </label>
      <button type="button" class="button" onClick={() => (keySheet.value = 'keys')}>
        {ui.value.keys.title}
      </button>
    </section>
  )
}

const Storage = ({ client }: { client: EngineClient }) => {
  const words = ui.value.me
  const state = client.storage.value
  const sentence = {
    persisted: words.persisted,
    evictable: words.evictable,
    memory: words.memory,
    unknown: words.storageUnknown,
  }[state]
  return (
    <section class="card" aria-labelledby="me-storage">
      <h3 id="me-storage">{words.storage}</h3>
      <p>{sentence}</p>
      {client.kept.value && <p>{words.kept}</p>}
      <p>{words.closing}</p>
      {client.role.value === 'viewer' && <p>{words.viewer}</p>}
      {state === 'evictable' && (
        <button type="button" class="button" onClick={() => void client.persist()}>
          {words.persist}
        </button>
      )}
      <h3>{ui.value.tier.title}</h3>
      <Notice tone={client.tier === 'lan' ? 'warn' : 'calm'}>
        <p>{ui.value.tier[client.tier]}</p>
      </Notice>
    </section>
  )
}

export const Me = ({ client }: { client: EngineClient }) => {
  const words = ui.value.me
  return (
    <div class="page">
      <h2>{words.title}</h2>
      <Profile client={client} />
      <section class="card" aria-labelledby="me-status">
        <h3 id="me-status" class="visually-hidden">
          {words.availability}
        </h3>
        <Choice
          legend={words.availability}
          value={availability.value}
          choices={availabilities.map(value => ({
            value,
            label: shared.value.availability[value],
          }))}
          onChoose={chooseAvailability}
        />
      </section>
      <Looks />
      <Storage client={client} />
      <section class="card" aria-labelledby="me-about">
        <h3 id="me-about">{words.about}</h3>
        <dl class="facts">
          <dt>{words.version}</dt>
          <dd>{programVersion}</dd>
          <dt>{words.fingerprint}</dt>
          <dd class="mono">{programFingerprint()}</dd>
          {client.app.value !== undefined && (
            <>
              <dt>{words.device}</dt>
              <dd class="mono">{client.app.value.device}</dd>
            </>
          )}
        </dl>
      </section>
    </div>
  )
}
