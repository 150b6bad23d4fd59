/** The sheet that creates a group, or changes the name and purpose of one. */
import { useSignal } from '@preact/signals'
import { Choice, Field, Sheet } from './parts.tsx'
import { RefusalNotice } from './refusal-notice.tsx'
import { go } from './routes.ts'
import { shared, ui } from './i18n/index.ts'
import type { GroupKind, GroupSummary, Refusal } from '#protocol'
import type { EngineClient } from '../engine/client.ts'

const kinds: readonly GroupKind[] = ['emergency', 'special', 'temporary', 'daily']

export const CreateGroup = ({ client, onClose }: { client: EngineClient; onClose: () => void }) => {
  const name = useSignal('')
  const purpose = useSignal('')
  const kind = useSignal<GroupKind>('emergency')
  const isAsked = useSignal(false)
  const refused = useSignal<Refusal | undefined>(undefined)
  const submit = async (): Promise<void> => {
    isAsked.value = true
    if (name.value.trim() === '') return
    const answer = await client.dispatch({
      type: 'create-group',
      name: name.value.trim(),
      purpose: purpose.value.trim(),
      kind: kind.value,
    })
    if (!answer.ok) {
      refused.value = answer.error
      return
    }
    onClose()
    if (answer.value.type === 'group-created') {
      go({ screen: 'conversation', group: answer.value.group })
    }
  }
  return (
    <Sheet title={ui.value.create.title} onClose={onClose}>
      <form
        noValidate
        onSubmit={event => {
          event.preventDefault()
          void submit()
        }}
      >
        <Field
          label={ui.value.create.name}
          value={name.value}
          required
          onInput={text => (name.value = text)}
          error={
            isAsked.value && name.value.trim() === '' ? ui.value.create.nameMissing : undefined
          }
        />
        <Field
          label={ui.value.create.purpose}
          value={purpose.value}
          optional
          onInput={text => (purpose.value = text)}
        />
        <Choice
          legend={ui.value.create.kind}
          value={kind.value}
          choices={kinds.map(value => ({ value, label: shared.value.groupKind[value] }))}
          onChoose={value => (kind.value = value)}
        />
        {refused.value !== undefined && <RefusalNotice refusal={refused.value} />}
        <button type="submit" class="button primary wide">
          {ui.value.create.submit}
        </button>
      </form>
    </Sheet>
  )
}

export const EditGroup = ({
  client,
  summary,
  onClose,
}: {
  client: EngineClient
  summary: GroupSummary
  onClose: () => void
}) => {
  const title = useSignal(summary.title)
  const purpose = useSignal(summary.purpose)
  const refused = useSignal<Refusal | undefined>(undefined)
  const save = async (): Promise<void> => {
    const { group } = summary
    const wanted = { title: title.value.trim(), purpose: purpose.value.trim() }
    if (wanted.title !== summary.title) {
      const answer = await client.dispatch({ type: 'set-title', group, title: wanted.title })
      if (!answer.ok) return void (refused.value = answer.error)
    }
    if (wanted.purpose !== summary.purpose) {
      const answer = await client.dispatch({ type: 'set-purpose', group, purpose: wanted.purpose })
      if (!answer.ok) return void (refused.value = answer.error)
    }
    onClose()
  }
  return (
    <Sheet title={ui.value.info.rename} onClose={onClose}>
      <form
        noValidate
        onSubmit={event => {
          event.preventDefault()
          void save()
        }}
      >
        <Field
          label={ui.value.create.name}
          value={title.value}
          required
          onInput={text => (title.value = text)}
          error={title.value.trim() === '' ? ui.value.create.nameMissing : undefined}
        />
        <Field
          label={ui.value.create.purpose}
          value={purpose.value}
          optional
          onInput={text => (purpose.value = text)}
        />
        {refused.value !== undefined && <RefusalNotice refusal={refused.value} />}
        <button type="submit" class="button primary wide" disabled={title.value.trim() === ''}>
          {ui.value.info.save}
        </button>
      </form>
    </Sheet>
  )
}
