/** Whether the window has room for the list, the conversation and its details side by side. */
import { signal } from '@preact/signals'

const wideQuery = typeof matchMedia === 'undefined' ? undefined : matchMedia('(min-width: 60rem)')

export const isWide = signal(wideQuery?.matches ?? false)
wideQuery?.addEventListener('change', event => (isWide.value = event.matches))
