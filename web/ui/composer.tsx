/** Where a message is written. Enter inside an input method never sends; what is written is kept as a draft, and sending
 *  means that it is durable on this device, whatever the network does. */
import { useSignal } from '@preact/signals'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import { limits } from '../../protocol/core/limits.ts'
import { announce } from './announcer.tsx'
import { Icon } from './icons.tsx'
import { Name } from './parts.tsx'
import { replyTarget } from './reply.ts'
import { shared, ui } from './i18n/index.ts'
import type { GroupId, Priority } from '#protocol'
import type { EngineClient } from '../engine/client.ts'

const levels: readonly Exclude<Priority, 'bulk'>[] = ['routine', 'urgent', 'flash']
/** Lines before the box scrolls. */
const heightMaxPixels = 168

const encoder = new TextEncoder()
/** A thumb keyboard has no Shift+Enter: there Enter starts a line and the button sends. */
const hasFinePointer = (): boolean => matchMedia('(pointer: fine)').matches

const levelHint = (level: Priority): string | undefined => {
  if (level === 'flash') return ui.value.composer.flash
  return level === 'urgent' ? ui.value.composer.urgent : undefined
}

const Reply = () => {
  const target = replyTarget.value
  if (target === undefined) return null
  return (
    <div class="replying">
      <Icon name="reply" />
      <span>
        <Name text={ui.value.composer.replying(target.name)} />
      </span>
      <button type="button" class="icon-button" onClick={() => (replyTarget.value = undefined)}>
        <Icon name="close" />
        <span class="visually-hidden">{ui.value.composer.cancelReply}</span>
      </button>
    </div>
  )
}

export const Composer = ({ client, group }: { client: EngineClient; group: GroupId }) => {
  const box = useRef<HTMLTextAreaElement>(null)
  const text = useSignal('')
  const level = useSignal<Exclude<Priority, 'bulk'>>('routine')
  const hasFailed = useSignal(false)
  const isSending = useRef(false)
  useEffect(() => {
    void client.readDraft(group).then(draft => {
      if (text.peek() === '') text.value = draft
    })
  }, [group])
  useLayoutEffect(() => {
    const area = box.current
    if (area === null) return
    area.style.height = 'auto'
    area.style.height = `${Math.min(heightMaxPixels, area.scrollHeight + 2)}px`
  }, [text.value])

  const write = (value: string): void => {
    text.value = value
    client.keepDraft(group, value)
  }
  const send = async (): Promise<void> => {
    const written = text.value.trim()
    if (written === '' || isSending.current || encoder.encode(written).length > limits.textBytesMax)
      return
    isSending.current = true
    const target = replyTarget.value
    const isKept = await client.write({
      group,
      text: written,
      priority: level.value,
      ...(target === undefined ? {} : { replyTo: target.id }),
    })
    isSending.current = false
    hasFailed.value = !isKept
    if (!isKept) {
      announce(ui.value.composer.failed, 'assertive')
      return
    }
    write('')
    level.value = 'routine'
    replyTarget.value = undefined
    box.current?.focus()
  }
  const pressKey = (event: KeyboardEvent): void => {
    // 229: browsers that report the confirming Enter of an input method after its end
    if (event.key !== 'Enter' || event.isComposing || event.keyCode === 229) return
    if (event.shiftKey || !hasFinePointer()) return
    event.preventDefault()
    void send()
  }

  const bytes = encoder.encode(text.value.trim()).length
  const over = bytes - limits.textBytesMax
  const hint = levelHint(level.value) ?? (hasFinePointer() ? ui.value.composer.enter : '')
  return (
    <form
      class="composer"
      data-level={level.value}
      onSubmit={event => {
        event.preventDefault()
        void send()
      }}
    >
      <Reply />
      <div class="composer-row">
        <label class="level">
          <span class="visually-hidden">{ui.value.composer.level}</span>
          <select
            value={level.value}
            onChange={event => {
              level.value = levels.find(name => name === event.currentTarget.value) ?? 'routine'
            }}
          >
            {levels.map(name => (
              <option key={name} value={name}>
                {shared.value.priority[name]}
              </option>
            ))}
          </select>
        </label>
        <textarea
          ref={box}
          rows={1}
          dir="auto"
          aria-label={ui.value.composer.label}
          aria-describedby="composer-foot"
          placeholder={ui.value.composer.placeholder}
          value={text.value}
          onInput={event => write(event.currentTarget.value)}
          onKeyDown={pressKey}
        />
        <button type="submit" class="button primary send" disabled={bytes === 0 || over > 0}>
          <Icon name="send" />
          <span class="send-word">{ui.value.composer.send}</span>
        </button>
      </div>
      <p class="composer-foot" id="composer-foot">
        <span data-tone={over > 0 || hasFailed.value ? 'warn' : ''}>
          {hasFailed.value
            ? ui.value.composer.failed
            : over > 0
              ? ui.value.composer.over(over)
              : hint}
        </span>
        {bytes > 0 && <span class="bytes">{ui.value.composer.bytes(bytes)}</span>}
      </p>
    </form>
  )
}
