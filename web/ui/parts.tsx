/** The few pieces every screen is made of: fields, choices, a dialog, a copy button, a warning. Native elements with our
 *  spacing; no behaviour that the browser already has. */
import { useId, useLayoutEffect, useRef } from 'preact/hooks'
import { useSignal } from '@preact/signals'
import { Icon } from './icons.tsx'
import { withSigns } from './signs.tsx'
import { ui } from './i18n/index.ts'
import type { ComponentChildren } from 'preact'

export const Field = (options: {
  label: string
  value: string
  onInput: (text: string) => void
  hint?: string | undefined
  error?: string | undefined
  optional?: boolean
  type?: 'text' | 'password'
  autocomplete?: 'off' | 'name' | 'organization' | 'new-password' | 'current-password'
  required?: boolean
  /** Has the focus when the sheet that it is in opens. */
  autofocus?: boolean
}) => {
  const id = useId()
  const { label, hint, error } = options
  const described = [
    error === undefined ? '' : `${id}-error`,
    hint === undefined ? '' : `${id}-hint`,
  ]
    .filter(part => part !== '')
    .join(' ')
  const attributes = {
    id,
    value: options.value,
    // an invite link with a long host name fits
    maxLength: 1_024,
    autocomplete: options.autocomplete ?? 'off',
    'aria-invalid': error !== undefined,
    required: options.required === true,
    autofocus: options.autofocus === true,
    'aria-describedby': described === '' ? undefined : described,
    onInput: (event: { readonly currentTarget: HTMLInputElement }) =>
      options.onInput(event.currentTarget.value),
  } as const
  return (
    <div class="field">
      <label for={id}>
        {label}
        {options.optional === true && <span class="quiet">{ui.value.join.optional}</span>}
      </label>
      {options.type === 'password' ? (
        <input type="password" {...attributes} />
      ) : (
        <input type="text" {...attributes} />
      )}
      {hint !== undefined && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {error !== undefined && (
        <p class="error" id={`${id}-error`}>
          <Icon name="expired" />
          {error}
        </p>
      )}
    </div>
  )
}

/** One of a few: radio buttons that look like a row of chips. */
export const Choice = <Value extends string | number>(options: {
  legend: string
  value: Value
  choices: readonly { readonly value: Value; readonly label: string }[]
  onChoose: (value: Value) => void
}) => {
  const name = useId()
  return (
    <fieldset class="choice">
      <legend>{options.legend}</legend>
      <div class="chips">
        {options.choices.map(choice => (
          <label key={choice.value} class="chip-choice">
            <input
              type="radio"
              name={name}
              checked={choice.value === options.value}
              onChange={() => options.onChoose(choice.value)}
            />
            <span>{choice.label}</span>
          </label>
        ))}
      </div>
    </fieldset>
  )
}

/** A modal sheet: the platform's dialog, so that focus, Esc and the way back are the browser's. */
export const Sheet = (options: {
  title: string
  onClose: () => void
  children: ComponentChildren
}) => {
  const ref = useRef<HTMLDialogElement>(null)
  const id = useId()
  // before the next paint: what is typed next belongs to the sheet
  useLayoutEffect(() => {
    const dialog = ref.current
    if (dialog !== null && !dialog.open) dialog.showModal()
    return () => dialog?.close()
  }, [])
  return (
    <dialog ref={ref} class="sheet" aria-labelledby={id} onClose={options.onClose}>
      <header class="sheet-head">
        <h2 id={id}>{options.title}</h2>
        <button type="button" class="icon-button" onClick={() => ref.current?.close()}>
          <Icon name="close" />
          <span class="visually-hidden">{ui.value.close}</span>
        </button>
      </header>
      <div class="sheet-body">{options.children}</div>
    </dialog>
  )
}

/** navigator.clipboard is absent over plain http; the old command still works there. */
const copyText = async (text: string): Promise<boolean> => {
  if (typeof navigator.clipboard?.writeText === 'function') {
    const isCopied = await navigator.clipboard.writeText(text).then(
      () => true,
      () => false,
    )
    if (isCopied) return true
  }
  const area = document.createElement('textarea')
  area.value = text
  area.setAttribute('readonly', '')
  area.className = 'visually-hidden'
  const host = document.querySelector('dialog[open]') ?? document.body
  host.append(area)
  area.select()
  const isCopied = document.execCommand('copy')
  area.remove()
  return isCopied
}

export const CopyButton = ({ text }: { text: string }) => {
  const outcome = useSignal<'none' | 'copied' | 'failed'>('none')
  const copy = (): void => {
    void copyText(text).then(isCopied => {
      outcome.value = isCopied ? 'copied' : 'failed'
    })
  }
  return (
    <>
      <button type="button" class="button" onClick={copy}>
        {ui.value.copy}
      </button>
      <span role="status" class="quiet">
        {outcome.value === 'copied' && ui.value.copied}
        {outcome.value === 'failed' && ui.value.copyFailed}
      </span>
    </>
  )
}

export const Notice = ({
  tone,
  children,
}: {
  tone: 'calm' | 'warn' | 'urgent'
  children: ComponentChildren
}) => (
  <div class="notice" data-tone={tone}>
    <Icon name={tone === 'calm' ? 'info' : 'expired'} />
    <div>{children}</div>
  </div>
)

export const Name = ({ text }: { text: string }) => <bdi>{withSigns(text)}</bdi>
