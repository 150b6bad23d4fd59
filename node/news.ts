/** The lines that a running node prints: connections, people who joined, how much arrived. Never what was written. */
import type { DeviceId, GroupId, GroupView } from '#protocol'
import type { Drive } from '#shell'
import type { Context } from './context.ts'
import { titleOf } from './groups.ts'
import { harmless } from './terminal.ts'
import { clockTime, rfc3339 } from './times.ts'

/** Changes are told together, so that a burst is one line. */
const gatherMillis = 1_000

export const watchNews = (context: Context, drive: Drive): { readonly stop: () => void } => {
  const { t, messages, style } = context
  const known = new Map<GroupId, ReadonlySet<DeviceId>>()
  const waiting = new Set<GroupId>()
  const arrived = new Map<GroupId, number>()
  let links = 0
  let timer: NodeJS.Timeout | undefined

  const tell = (text: string, type: string, fields: object): void => {
    const now = Date.now()
    context.print(`  ${style.dim(clockTime(context.lang, now, now))}  ${text}`)
    context.record(type, { at: rfc3339(now), ...fields })
  }

  const look = (): void => {
    timer = undefined
    const app = drive.app()
    if (app.links.length !== links) {
      links = app.links.length
      const held = app.groups.reduce((sum, { heldOnly }) => sum + heldOnly, 0)
      const text = links === 0 ? messages.net.alone(held) : messages.net.ok(links, held)
      tell(links === 0 ? style.yellow(text) : style.green(text), 'links', { links, held })
    }
    for (const { group } of app.groups) {
      const view = drive.group(group)
      if (view !== undefined) tellJoined(view)
    }
    for (const [group, count] of arrived) {
      const title = titleOf(context, drive.group(group)?.summary ?? { title: '' })
      tell(t.up.arrived(count, title), 'arrived', { group, count })
    }
    arrived.clear()
  }

  const tellJoined = ({ summary, members }: GroupView): void => {
    if (summary.state !== 'member') {
      waiting.add(summary.group)
      return
    }
    if (waiting.delete(summary.group)) {
      const text = t.join.joined(titleOf(context, summary))
      tell(style.green(text), 'joined', { group: summary.group, name: drive.app().name })
    }
    const before = known.get(summary.group)
    known.set(summary.group, new Set(members.map(({ device }) => device)))
    for (const { device, name, me } of members) {
      if (me || before === undefined || before.has(device)) continue
      const text = t.up.joined(harmless(name), titleOf(context, summary))
      tell(text, 'joined', { group: summary.group, name })
    }
  }

  const unsubscribe = drive.subscribe(event => {
    if (event.type === 'storage') {
      const isOk = event.state === 'ok'
      tell(isOk ? t.up.storageOk : style.red(t.up.storageFailing), 'storage', {
        state: event.state,
      })
    }
    if (event.type === 'notify') arrived.set(event.group, (arrived.get(event.group) ?? 0) + 1)
    timer ??= setTimeout(look, gatherMillis)
  })
  look()
  return {
    stop: () => {
      unsubscribe()
      clearTimeout(timer)
    },
  }
}
