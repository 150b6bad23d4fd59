/** Times and sizes for people, in the machine's own time zone, and for programs, with their offset (RFC 3339). */
import type { Lang } from '#words'

const two = (value: number): string => String(Math.trunc(Math.abs(value))).padStart(2, '0')

/** `2026-11-22T14:05:10+08:00`. A claim outside the years that dates can hold becomes the nearest one. */
export const rfc3339 = (wall: number): string => {
  const bounded = Math.min(Math.max(wall, 0), 253_402_300_799_000)
  const date = new Date(bounded)
  const offset = -date.getTimezoneOffset()
  const local = new Date(bounded + offset * 60_000).toISOString().slice(0, 19)
  const sign = offset < 0 ? '-' : '+'
  return `${local}${sign}${two(offset / 60)}:${two(offset % 60)}`
}

const isSameDay = (a: Date, b: Date): boolean => a.toDateString() === b.toDateString()

/** `14:05`, with the day when it is not today. */
export const clockTime = (lang: Lang, wall: number, now: number): string => {
  const date = new Date(wall)
  const time = `${two(date.getHours())}:${two(date.getMinutes())}`
  if (isSameDay(date, new Date(now))) return time
  const day =
    lang === 'en'
      ? date.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })
      : `${date.getMonth() + 1}月${date.getDate()}日`
  return `${day} ${time}`
}

export const byteSize = (bytes: number): string => {
  if (bytes < 1_000) return `${bytes} B`
  if (bytes < 1_000_000) return `${(bytes / 1_000).toFixed(bytes < 10_000 ? 1 : 0)} kB`
  return `${(bytes / 1_000_000).toFixed(1)} MB`
}
