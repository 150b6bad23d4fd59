/** What was shown last, sealed, so that a page has something to show before the peer is up: the list, and the newest
 *  messages of each group. Never a source of truth; the peer's views replace it. */
import type { AppView, GroupId, GroupView } from '#protocol'
import type { Kv } from './kv.ts'
import type { SealedValues } from './vault.ts'

/** Messages kept per group. */
const messagesMax = 50

const appName = 'snapshot/app'
const groupName = (group: GroupId): string => `snapshot/group/${group}`

export type Snapshot = {
  readonly readApp: () => Promise<AppView | undefined>
  readonly readGroup: (group: GroupId) => Promise<GroupView | undefined>
  readonly keep: (app: AppView, groups: readonly GroupView[]) => Promise<void>
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null

/** We sealed it ourselves; only a version that wrote another shape could differ, so the parts screens rely on are looked at. */
const isAppView = (value: unknown): value is AppView =>
  isRecord(value) && Array.isArray(value['groups']) && Array.isArray(value['links'])

const isGroupView = (value: unknown): value is GroupView =>
  isRecord(value) &&
  isRecord(value['summary']) &&
  Array.isArray(value['messages']) &&
  Array.isArray(value['members']) &&
  Array.isArray(value['outbox'])

export const createSnapshot = (kv: Kv, sealed: SealedValues): Snapshot => ({
  readApp: async () => {
    const value = await sealed.open(appName, await kv.get(appName))
    // links are of another hour: nobody is connected yet
    return isAppView(value) ? { ...value, links: [], storage: 'ok' } : undefined
  },
  readGroup: async group => {
    const name = groupName(group)
    const value = await sealed.open(name, await kv.get(name))
    return isGroupView(value) ? value : undefined
  },
  keep: async (app, groups) => {
    const entries: [string, Uint8Array][] = [[appName, await sealed.seal(appName, app)]]
    for (const view of groups) {
      const messages = view.messages.slice(-messagesMax)
      const hasEarlier = view.hasEarlier || messages.length < view.messages.length
      const name = groupName(view.summary.group)
      entries.push([name, await sealed.seal(name, { ...view, messages, hasEarlier })])
    }
    await kv.put(entries)
  },
})
