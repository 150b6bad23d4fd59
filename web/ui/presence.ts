/** What others may know of this device: whether the page is looked at, and the status the person chose. */
import { computed, effect, signal } from '@preact/signals'
import type { Intent } from '#protocol'
import type { EngineClient } from '../engine/client.ts'

export type Availability = Extract<Intent, { type: 'set-presence' }>['availability']

const storageKey = 'petrel-availability'
const known: readonly Availability[] = ['available', 'busy', 'field', 'do-not-disturb']

const readStored = (): Availability => {
  try {
    const stored = localStorage.getItem(storageKey)
    return known.find(name => name === stored) ?? 'available'
  } catch {
    return 'available'
  }
}

export const availability = signal<Availability>(readStored())

export const chooseAvailability = (value: Availability): void => {
  availability.value = value
  try {
    localStorage.setItem(storageKey, value)
  } catch {
    // no storage here: the choice holds until the page closes
  }
}

/** Tells the peer in this tab; a tab that only looks on says nothing, or two tabs would contradict each other. */
export const followPresence = (client: EngineClient): void => {
  const page = signal<'front' | 'background'>('front')
  const look = (): void => {
    page.value = document.visibilityState === 'visible' ? 'front' : 'background'
  }
  look()
  document.addEventListener('visibilitychange', look)
  const hasGroups = computed(() => (client.app.value?.groups.length ?? 0) > 0)
  effect(() => {
    const presence = { page: page.value, availability: availability.value }
    if (client.role.value !== 'writer' || !hasGroups.value) return
    void client.dispatch({ type: 'set-presence', ...presence })
  })
}
