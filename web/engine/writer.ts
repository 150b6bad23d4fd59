/** The tab that runs the peer: keeps the signals true, shows them to the other tabs, takes over what was written before it
 *  was up, and remembers what was shown last. */
import { batch } from '@preact/signals'
import { netStateOf } from './net-state.ts'
import { startPeer } from './peer.ts'
import type { GroupId, GroupView, Intent, IntentAnswer, PeerId, Refusal, Result } from '#protocol'
import type { LinkKind, RowCipher } from '#shell'
import type { InviteMade, PendingText } from './client.ts'
import type { RunningPeer } from './peer.ts'
import type { Outbox } from './outbox.ts'
import type { Snapshot } from './snapshot.ts'
import type { InviteRequest, Tabs } from './tabs.ts'
import type { Views } from './views.ts'

/** What a tab can do for its screens, whoever runs the peer. */
export type Backend = {
  readonly dispatch: (intent: Intent) => Promise<Result<IntentAnswer, Refusal>>
  readonly invite: (wanted: InviteRequest) => Promise<Result<InviteMade, Refusal>>
  readonly watch: (group: GroupId) => void
  /** Something durable was written that the peer should take over. */
  readonly picked: (what: 'outbox' | 'join') => void
}

export type WriterOptions = {
  readonly views: Views
  readonly tabs: Tabs
  readonly outbox: Outbox
  readonly snapshot: Snapshot
  readonly cipher: RowCipher | undefined
  readonly identitySeed: Uint8Array
  /** Uses the invite that was accepted in any tab, if there is one. */
  readonly useInvite: (dispatch: Backend['dispatch'], showApp: () => void) => Promise<void>
}

/** Changes of the core come in bursts; a screen is drawn at most this often. */
const drawMillis = 40
const snapshotMillis = 2_000
/** A relayed link may become direct without any other change. */
const kindsMillis = 5_000

export const startWriter = async (options: WriterOptions): Promise<Backend> => {
  const { views, tabs, outbox, snapshot } = options
  views.net.value = { type: 'starting' }
  const peer = await startPeer({ cipher: options.cipher, identitySeed: options.identitySeed })
  const { drive } = peer
  const others = new Set<GroupId>()
  let hasOthers = false
  const changed = new Set<GroupId>()
  const toKeep = new Set<GroupId>()

  const showApp = (): void => {
    const app = drive.app()
    views.kinds.value = kindsOf(
      peer,
      app.links.map(link => link.peer),
    )
    views.told.value = app
    views.net.value = netStateOf(app, views.pending.value.length)
    if (hasOthers) {
      const { value: net } = views.net
      tabs.post({ type: 'state', app, net, kinds: views.kinds.value, join: views.join.value })
    }
  }
  const showGroup = (group: GroupId): void => {
    const isElsewhere = others.has(group)
    if (!views.isWatched(group) && !isElsewhere) return
    const view = drive.group(group)
    if (views.isWatched(group)) views.group(group).value = view
    if (isElsewhere) tabs.post({ type: 'group', group, view })
  }
  const keepSnapshot = (): void => {
    const groups = [...toKeep].map(group => drive.group(group)).filter(isPresent)
    toKeep.clear()
    void snapshot.keep(drive.app(), groups).catch(() => undefined)
  }
  let draining: Promise<void> | undefined
  let isDrainDue = false
  /** A text that was handed over changes from waiting to said in one picture: never in both places, never in none. */
  const drainOnce = async (): Promise<void> => {
    const done = await outbox.drain(drive)
    const listed = (await outbox.list()).filter(({ id }) => !done.has(id))
    const known = new Set(listed.map(({ id }) => id))
    batch(() => {
      const { value: pending } = views.pending
      for (const { group } of pending) changed.add(group)
      for (const group of changed) showGroup(group)
      changed.clear()
      // what was written since the list was read stands in no list yet
      const isNew = ({ id }: PendingText): boolean => !done.has(id) && !known.has(id)
      views.pending.value = [...listed, ...pending.filter(isNew)]
    })
    tabs.post({ type: 'outbox-changed' })
    showApp()
  }
  /** One at a time: a second one would show what the first has not put away. */
  const drain = (): Promise<void> => {
    isDrainDue = true
    const run = async (): Promise<void> => {
      while (isDrainDue) {
        isDrainDue = false
        await drainOnce()
      }
    }
    draining ??= run().finally(() => (draining = undefined))
    return draining
  }
  const laterOnce = (millis: number, action: () => void): (() => void) => {
    let timer: ReturnType<typeof setTimeout> | undefined
    return () => {
      timer ??= setTimeout(() => {
        timer = undefined
        action()
      }, millis)
    }
  }
  const keepSoon = laterOnce(snapshotMillis, keepSnapshot)
  const draw = laterOnce(drawMillis, () => {
    showApp()
    if (draining === undefined) {
      for (const group of changed) showGroup(group)
      changed.clear()
    }
    keepSoon()
    if (views.pending.value.some(text => text.refused === undefined)) void drain()
  })

  drive.subscribe(event => {
    if (event.type === 'changed' && event.group !== undefined) {
      changed.add(event.group)
      toKeep.add(event.group)
    }
    if (event.type === 'notify') {
      const { group, message, priority } = event
      // first what arrived, then that it did
      showApp()
      views.arrival.value = { group, message, priority }
    } else draw()
  })
  drive.finished.catch(() => (views.net.value = { type: 'failed' }))
  setInterval(draw, kindsMillis)
  addEventListener('pagehide', keepSnapshot)

  const backend: Backend = {
    dispatch: drive.dispatch,
    invite: peer.invite,
    watch: showGroup,
    picked: what => {
      if (what === 'outbox') void drain()
      else void options.useInvite(drive.dispatch, showApp).then(draw)
    },
  }
  tabs.listen(message => {
    if (message.type === 'hello') {
      hasOthers = true
      for (const group of message.watch) others.add(group)
      showApp()
      for (const group of message.watch) showGroup(group)
    } else if (message.type === 'intent') {
      const { from: to, request } = message
      void drive.dispatch(message.intent).then(answer => {
        tabs.post({ type: 'answer', to, request, answer })
      })
    } else if (message.type === 'invite') {
      const { from: to, request } = message
      void peer.invite(message.wanted).then(answer => {
        tabs.post({ type: 'invited', to, request, answer })
      })
    } else if (message.type === 'picked') backend.picked(message.what)
  })

  showApp()
  for (const group of views.watched()) showGroup(group)
  await options.useInvite(drive.dispatch, showApp)
  await drain()
  tabs.post({ type: 'outbox-changed' })
  return backend
}

const isPresent = (view: GroupView | undefined): view is GroupView => view !== undefined

const kindsOf = (
  peer: RunningPeer,
  links: readonly PeerId[],
): Readonly<Record<PeerId, LinkKind>> => {
  const kinds: Record<PeerId, LinkKind> = {}
  for (const link of links) {
    const kind = peer.linkKind(link)
    if (kind !== undefined) kinds[link] = kind
  }
  return kinds
}
