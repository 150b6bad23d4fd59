/** The signals behind the screens, and what is shown of a group that is only about to be joined. */
import { computed, signal } from '@preact/signals'
import { deviceId, peerId } from '../../protocol/core/base.ts'
import type { AppView, GroupId, GroupSummary, GroupView } from '#protocol'
import type { ReadonlySignal, Signal } from '@preact/signals'
import type {
  Arrival,
  EngineClient,
  JoinState,
  NetState,
  PendingText,
  VaultState,
} from './client.ts'
import type { LinkKinds } from './tabs.ts'

/** Groups whose views are kept up to date; a person looks at one or two. */
const watchedMax = 6

type ValueOf<S> = S extends ReadonlySignal<infer T> ? T : never

export type Views = {
  readonly vault: Signal<VaultState>
  readonly role: Signal<ValueOf<EngineClient['role']>>
  readonly storage: Signal<ValueOf<EngineClient['storage']>>
  readonly kept: Signal<boolean>
  readonly net: Signal<NetState>
  readonly kinds: Signal<LinkKinds>
  /** As the peer or the snapshot says. */
  readonly told: Signal<AppView | undefined>
  /** As shown: with the group that is being joined. */
  readonly app: ReadonlySignal<AppView | undefined>
  readonly arrival: Signal<Arrival | undefined>
  readonly pending: Signal<readonly PendingText[]>
  readonly join: Signal<JoinState>
  readonly group: (group: GroupId) => Signal<GroupView | undefined>
  readonly watched: () => readonly GroupId[]
  readonly isWatched: (group: GroupId) => boolean
}

const nobody: AppView = {
  device: deviceId(''),
  peer: peerId(''),
  name: '',
  unit: '',
  groups: [],
  links: [],
  carriedOps: 0,
  carriedBytes: 0,
  storage: 'ok',
  refusals: {},
}

/** Shown until the peer knows the group: its name comes with the admission. */
const joiningSummary = (group: GroupId): GroupSummary => ({
  group,
  title: '',
  purpose: '',
  kind: 'emergency',
  state: 'waiting-for-admission',
  refusal: undefined,
  members: 0,
  unread: 0,
  heldOnly: 0,
  lastText: '',
  lastName: '',
  lastAt: undefined,
  missing: 0,
  receipts: false,
})

const withJoining = (app: AppView | undefined, join: JoinState): AppView | undefined => {
  if (join.type !== 'joining') return app
  const base = app ?? nobody
  const { group } = join.invite
  if (base.groups.some(known => known.group === group && known.state !== 'left')) return base
  return { ...base, groups: [joiningSummary(group), ...base.groups] }
}

/** `onWatch`: a screen asked for a group that nobody asked for before. */
export const createViews = (onWatch: (group: GroupId) => void): Views => {
  const groups = new Map<GroupId, Signal<GroupView | undefined>>()
  const told = signal<AppView | undefined>(undefined)
  const join = signal<JoinState>({ type: 'none' })
  const group = (id: GroupId): Signal<GroupView | undefined> => {
    const known = groups.get(id)
    if (known !== undefined) return known
    const view = signal<GroupView | undefined>(undefined)
    const [oldest] = groups.keys()
    if (groups.size >= watchedMax && oldest !== undefined) groups.delete(oldest)
    groups.set(id, view)
    queueMicrotask(() => onWatch(id))
    return view
  }
  return {
    vault: signal<VaultState>('opening'),
    role: signal<ValueOf<EngineClient['role']>>('starting'),
    storage: signal<ValueOf<EngineClient['storage']>>('unknown'),
    kept: signal(false),
    net: signal<NetState>({ type: 'loading', received: 0, total: 0, seconds: 0 }),
    kinds: signal<LinkKinds>({}),
    told,
    app: computed(() => withJoining(told.value, join.value)),
    arrival: signal<Arrival | undefined>(undefined),
    pending: signal<readonly PendingText[]>([]),
    join,
    group,
    watched: () => [...groups.keys()],
    isWatched: id => groups.has(id),
  }
}
