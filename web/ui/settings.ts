/** What a person chose about this screen: language, theme, text size, keys. Nothing secret; kept in localStorage, and only
 *  in memory where there is none. */
import { effect, signal } from '@preact/signals'
import { langOf } from '#words'
import type { Lang } from '#words'

export type Theme = 'auto' | 'light' | 'dark' | 'sun'
export type TextSize = 100 | 125 | 150 | 200

export const textSizes: readonly TextSize[] = [100, 125, 150, 200]
export const themes: readonly Theme[] = ['auto', 'light', 'dark', 'sun']

const storageKey = 'petrel-settings'

const readStored = (): Readonly<Record<string, unknown>> => {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(storageKey) ?? '{}')
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

const stored = readStored()

export const lang = signal<Lang>(
  stored['lang'] === 'en' || stored['lang'] === 'zh-CN'
    ? stored['lang']
    : langOf(typeof navigator === 'undefined' ? undefined : navigator.language),
)
export const theme = signal<Theme>(themes.find(name => name === stored['theme']) ?? 'auto')
export const textSize = signal<TextSize>(textSizes.find(size => size === stored['textSize']) ?? 100)
/** Single-letter keys in the message list (WCAG 2.1.4: they can be switched off). */
export const letterKeys = signal(stored['letterKeys'] !== false)

const prefersDark =
  typeof matchMedia === 'undefined' ? undefined : matchMedia('(prefers-color-scheme: dark)')
const prefersContrast =
  typeof matchMedia === 'undefined' ? undefined : matchMedia('(prefers-contrast: more)')

const chosenTheme = (): 'light' | 'dark' | 'sun' => {
  if (theme.value !== 'auto') return theme.value
  if (prefersContrast?.matches === true) return 'sun'
  return prefersDark?.matches === true ? 'dark' : 'light'
}

/** Puts the choices on the document, keeps them, and follows the system where nothing was chosen. */
export const applySettings = (): void => {
  const paint = (): void => {
    document.documentElement.lang = lang.value
    document.documentElement.dataset['theme'] = chosenTheme()
    document.documentElement.style.fontSize = `${textSize.value}%`
  }
  effect(() => {
    paint()
    const choices = {
      lang: lang.value,
      theme: theme.value,
      textSize: textSize.value,
      letterKeys: letterKeys.value,
    }
    try {
      localStorage.setItem(storageKey, JSON.stringify(choices))
    } catch {
      // no storage here: the choice holds until the page closes
    }
  })
  prefersDark?.addEventListener('change', paint)
  prefersContrast?.addEventListener('change', paint)
}
