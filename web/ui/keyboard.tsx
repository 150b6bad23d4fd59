/** The keys that work on every screen (research/ux.md 4.3), and the two sheets they open: jump to a group, and the list of
 *  keys. Everything here can also be reached without them. */
import { signal, useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { groupsInOrder } from './group-list.tsx'
import { Field, Name, Sheet } from './parts.tsx'
import { replyTarget } from './reply.ts'
import { go, openGroup, route } from './routes.ts'
import { letterKeys } from './settings.ts'
import { isWide } from './wide.ts'
import { shared, ui } from './i18n/index.ts'
import type { GroupId } from '#protocol'
import type { EngineClient } from '../engine/client.ts'

/** Which sheet of this file is open. */
export const keySheet = signal<'none' | 'jump' | 'keys'>('none')
const close = (): void => {
  keySheet.value = 'none'
}

const sections = ['groups', 'mesh', 'me'] as const

const isWriting = ({ target }: KeyboardEvent): boolean =>
  target instanceof HTMLElement && target.matches('input, textarea, select')

const walkGroups = (client: EngineClient, step: 1 | -1): void => {
  const ids = groupsInOrder(client.app.value).map(row => row.group)
  const at = openGroup.value === undefined ? -1 : ids.indexOf(openGroup.value)
  const next = at < 0 ? ids.at(step === 1 ? 0 : -1) : ids[at + step]
  if (next !== undefined) go({ screen: 'conversation', group: next })
}

/** One step out: from an answer being written, from details, from a conversation that fills the screen. */
const stepBack = (): boolean => {
  const at = route.value
  if (replyTarget.value !== undefined) replyTarget.value = undefined
  else if (at.screen === 'message' || at.screen === 'group-info') {
    go({ screen: 'conversation', group: at.group })
  } else if (at.screen === 'join' || (at.screen === 'conversation' && !isWide.value)) {
    go({ screen: 'groups' })
  } else return false
  return true
}

/** Whether the key was ours. */
const press = (event: KeyboardEvent, client: EngineClient): boolean => {
  const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey
  if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === 'k') {
    keySheet.value = 'jump'
    return true
  }
  if (event.altKey && !event.ctrlKey && !event.metaKey) {
    const section = sections[['Digit1', 'Digit2', 'Digit3'].indexOf(event.code)]
    if (event.key === 'ArrowUp') walkGroups(client, -1)
    else if (event.key === 'ArrowDown') walkGroups(client, 1)
    else if (section !== undefined) go({ screen: section })
    else return false
    return true
  }
  if (isPlain && event.key === 'Escape') return stepBack()
  if (isPlain && event.key === '?' && letterKeys.value && !isWriting(event)) {
    keySheet.value = 'keys'
    return true
  }
  return false
}

const Jump = ({ client }: { client: EngineClient }) => {
  const text = useSignal('')
  const wanted = text.value.trim().toLowerCase()
  const found = groupsInOrder(client.app.value).filter(group =>
    `${group.title} ${group.purpose}`.toLowerCase().includes(wanted),
  )
  const jump = (group: GroupId | undefined): void => {
    if (group === undefined) return
    close()
    go({ screen: 'conversation', group })
  }
  return (
    <Sheet title={ui.value.keys.jump} onClose={close}>
      <form
        class="jump"
        onSubmit={event => {
          event.preventDefault()
          jump(found[0]?.group)
        }}
      >
        <Field
          label={ui.value.create.name}
          value={text.value}
          autofocus
          onInput={now => (text.value = now)}
        />
        <p class="visually-hidden" role="status">
          {found.length === 0 && ui.value.keys.none}
        </p>
        <ul>
          {found.map(group => (
            <li key={group.group}>
              <button type="button" class="button" onClick={() => jump(group.group)}>
                <Name text={group.title === '' ? ui.value.groups.unnamed : group.title} />
                <span class="quiet">{shared.value.groupKind[group.kind]}</span>
              </button>
            </li>
          ))}
        </ul>
        {found.length === 0 && <p aria-hidden="true">{ui.value.keys.none}</p>}
      </form>
    </Sheet>
  )
}

const Keys = () => (
  <Sheet title={ui.value.keys.title} onClose={close}>
    <dl class="facts keys">
      {ui.value.keys.list.map(([key, words]) => (
        <>
          <dt>
            <kbd>{key}</kbd>
          </dt>
          <dd>{words}</dd>
        </>
      ))}
    </dl>
    <p class="quiet">{ui.value.keys.off}</p>
  </Sheet>
)

export const Shortcuts = ({ client }: { client: EngineClient }) => {
  useEffect(() => {
    const listen = (event: KeyboardEvent): void => {
      // an open dialog has its own Esc; Enter and the like inside an input method are not for us
      if (event.defaultPrevented || event.isComposing) return
      if (document.querySelector('dialog[open]') !== null) return
      if (press(event, client)) event.preventDefault()
    }
    addEventListener('keydown', listen)
    return () => removeEventListener('keydown', listen)
  }, [client])
  if (keySheet.value === 'jump') return <Jump client={client} />
  return keySheet.value === 'keys' ? <Keys /> : null
}
