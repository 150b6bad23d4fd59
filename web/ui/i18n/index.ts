/** The catalogues for the language in use, and how times and sizes are written in it. */
import { computed, effect, signal } from '@preact/signals'
import { zhCN as sharedZhCN } from '../../../protocol/shell/words/zh-CN.ts'
import { lang } from '../settings.ts'
import { zhCN } from './zh-CN.ts'
import type { Messages } from '#words'
import type { UiMessages } from './zh-CN.ts'

type Catalogues = { readonly shared: Messages; readonly ui: UiMessages }

/** Chinese is part of the shell; English is a chunk of its own, so that nobody waits for two languages. */
const chinese: Catalogues = { shared: sharedZhCN, ui: zhCN }
const english = signal<Catalogues | undefined>(undefined)

export const loadEnglish = async (): Promise<void> => {
  english.value = (await import('./english.ts')).english
}

const current = computed(() => (lang.value === 'en' ? (english.value ?? chinese) : chinese))

/** Shared with the terminal. */
export const shared = computed(() => current.value.shared)
/** Only on screens. */
export const ui = computed(() => current.value.ui)

/** Fetches English when it is chosen; resolves when the first language is there. Offline the old language stays. */
export const followLanguage = async (): Promise<void> => {
  const arrived = lang.value === 'en' ? loadEnglish().catch(() => undefined) : undefined
  await arrived
  effect(() => {
    if (lang.value === 'en' && english.peek() === undefined) {
      void loadEnglish().catch(() => undefined)
    }
  })
}

const format = (options: Intl.DateTimeFormatOptions) =>
  computed(() => new Intl.DateTimeFormat(lang.value, options))

const clock = format({ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
const dayMonth = format({ month: 'numeric', day: 'numeric' })
const fullDay = format({ weekday: 'short', month: 'long', day: 'numeric' })
const exact = format({
  month: 'numeric',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
})
const until = format({
  month: 'numeric',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
})

const dayOf = (time: number): string => new Date(time).toDateString()

export const clockWords = (time: number): string => clock.value.format(time)
export const exactWords = (time: number): string => exact.value.format(time)
export const untilWords = (time: number): string => until.value.format(time)

/** 14:02 today, 11/20 on other days. */
export const shortTime = (time: number, now: number = Date.now()): string =>
  dayOf(time) === dayOf(now) ? clockWords(time) : dayMonth.value.format(time)

export const dayWords = (time: number, now: number = Date.now()): string => {
  if (dayOf(time) === dayOf(now)) return ui.value.conversation.today
  if (dayOf(time) === dayOf(now - 86_400_000)) return ui.value.conversation.yesterday
  return fullDay.value.format(time)
}

export const isSameDay = (a: number, b: number): boolean => dayOf(a) === dayOf(b)

export const sizeWords = (bytes: number): string => {
  if (bytes < 1_000) return `${bytes}\u00A0B`
  if (bytes < 1_000_000) return `${(bytes / 1_000).toFixed(1)}\u00A0KB`
  return `${(bytes / 1_000_000).toFixed(1)}\u00A0MB`
}
