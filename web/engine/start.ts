/** Puts the pieces of this folder behind the one port that the screens use: opens the vault, shows what was shown last,
 *  keeps what is written, and meanwhile becomes the writer or looks on. */
import { bytesToHex, failure, hexToBytes } from '../../protocol/core/base.ts'
import { refusal } from '../../protocol/core/refusal.ts'
import { memoryKv, openKv } from './kv.ts'
import { effect } from '@preact/signals'
import { createGate } from './gate.ts'
import { loadNetwork } from './load-network.ts'
import { createOutbox } from './outbox.ts'
import { createSnapshot } from './snapshot.ts'
import { openTabs } from './tabs.ts'
import {
  hasPassphrase,
  openCipher,
  openKeyedCipher,
  openPassphraseCipher,
  sealedValues,
  tierOf,
} from './vault.ts'
import { startViewer } from './viewer.ts'
import { createViews } from './views.ts'
import { becomeWriter } from './writer-lock.ts'
import type { GroupId, Intent } from '#protocol'
import type { RowCipher } from '#shell'
import type { EngineClient, InviteSummary, PendingText } from './client.ts'
import type { Kv } from './kv.ts'
import type { Outbox } from './outbox.ts'
import type { Snapshot } from './snapshot.ts'
import type { SealedValues } from './vault.ts'
import type { Backend, WriterOptions } from './writer.ts'

/** What is there once the vault is open. */
type Opened = {
  readonly kv: Kv
  readonly sealed: SealedValues
  readonly outbox: Outbox
  readonly snapshot: Snapshot
  readonly cipher: RowCipher | undefined
}

const joinName = 'join/pending'
const identityName = 'identity'
const draftName = (group: GroupId): string => `draft/${group}`
const draftMillis = 400

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null

/** Sorts by time; two texts of one millisecond by a counter. */
let lastText = 0
const createTextId = (): string => {
  lastText += 1
  const chance = bytesToHex(crypto.getRandomValues(new Uint8Array(4)))
  return `${String(Date.now()).padStart(15, '0')}-${String(lastText).padStart(6, '0')}-${chance}`
}

const readIdentity = async ({ kv, sealed }: Opened): Promise<Uint8Array> => {
  const stored = await sealed.open(identityName, await kv.get(identityName))
  const known = typeof stored === 'string' ? hexToBytes(stored) : undefined
  if (known?.length === 32) return known
  const seed = crypto.getRandomValues(new Uint8Array(32))
  await kv.put([[identityName, await sealed.seal(identityName, bytesToHex(seed))]])
  return seed
}

/** `afterThis`: the first screen is there; the network module waits for it. */
export const startEngine = (afterThis: Promise<void>): EngineClient => {
  const tier = tierOf()
  const opened = createGate<Opened>()
  const backend = createGate<Backend>()
  let current: Backend | undefined
  const tabs = openTabs('petrel')

  const views = createViews(group => {
    if (current !== undefined) return current.watch(group)
    void opened.passed.then(async ({ snapshot }) => {
      const view = await snapshot.readGroup(group)
      if (current === undefined && view !== undefined) views.group(group).value = view
    })
  })

  const use = (next: Backend): void => {
    current = next
    backend.open(next)
  }
  const dispatch = async (intent: Intent) => (current ?? (await backend.passed)).dispatch(intent)

  const useInvite: WriterOptions['useInvite'] = async (send, showApp) => {
    const { kv, sealed } = await opened.passed
    const stored = await sealed.open(joinName, await kv.get(joinName))
    if (!isRecord(stored)) return
    const { token, name, unit } = stored
    const wasKept = views.join.value.type === 'joining'
    const bytes = typeof token === 'string' ? hexToBytes(token) : undefined
    if (bytes === undefined || typeof name !== 'string' || typeof unit !== 'string') return
    const answer = await send({ type: 'join', token: bytes, name, unit })
    if (!answer.ok && answer.error.type === 'storage-failed') return
    // kept until the group lets this device in: after a restart the inviter must be found again
    if (answer.ok && answer.value.type === 'joining') keptJoin = answer.value.group
    else await kv.put([[joinName, undefined]])
    // the group as the peer shows it replaces the one that was only announced, without a gap
    showApp()
    const isIn = !answer.ok && answer.error.type === 'already-member'
    views.join.value =
      answer.ok || (isIn && wasKept) ? { type: 'none' } : { type: 'refused', refusal: answer.error }
  }
  let keptJoin: GroupId | undefined
  effect(() => {
    const { value: app } = views.told
    const group = app?.groups.find(row => row.group === keptJoin)
    if (group === undefined || group.state === 'waiting-for-admission') return
    keptJoin = undefined
    void opened.passed.then(({ kv }) => kv.put([[joinName, undefined]]))
  })

  const run = async (parts: Opened): Promise<void> => {
    const isMemory = parts.cipher === undefined
    const { outbox, snapshot, cipher } = parts
    let viewer: ReturnType<typeof startViewer> | undefined
    await becomeWriter('petrel-writer', () => {
      views.role.value = 'viewer'
      viewer = startViewer({ views, tabs, outbox, isMemory })
      use(viewer)
      // written before there was anybody to tell
      if (views.pending.value.length > 0) viewer.picked('outbox')
    })
    viewer?.end()
    current = undefined
    views.role.value = 'writer'
    const identitySeed = await readIdentity(parts)
    await afterThis
    const { keepProgram, startWriter } = await loadNetwork(
      progress => (views.net.value = { type: 'loading', ...progress }),
      () => (views.net.value = { type: 'failed' }),
    )
    const writer = await startWriter({
      views,
      tabs,
      outbox,
      snapshot,
      cipher,
      identitySeed,
      useInvite,
    })
    use(writer)
    void keepProgram().then(
      isKept => (views.kept.value = isKept),
      () => undefined,
    )
    // accepted after the writer had looked for an invite and before it could be told of one
    if (views.join.value.type === 'joining') writer.picked('join')
  }

  const openWith = async (kv: Kv, cipher: RowCipher | undefined): Promise<void> => {
    const sealed = sealedValues(cipher ?? openCipher)
    const parts: Opened = {
      kv,
      sealed,
      cipher,
      outbox: createOutbox(kv, sealed),
      snapshot: createSnapshot(kv, sealed),
    }
    views.told.value ??= await parts.snapshot.readApp()
    views.pending.value = await parts.outbox.list()
    const joining = await sealed.open(joinName, await kv.get(joinName))
    const summary = isRecord(joining) ? await summaryOf(joining['token']) : undefined
    if (summary !== undefined && views.join.value.type === 'none') {
      views.join.value = { type: 'joining', invite: summary }
    }
    views.vault.value = cipher === undefined ? 'memory' : 'open'
    if (cipher === undefined) views.storage.value = 'memory'
    opened.open(parts)
    void run(parts).catch(() => (views.net.value = { type: 'failed' }))
  }

  let kvOpened: Kv | undefined
  const open = async (): Promise<void> => {
    try {
      kvOpened = await openKv('petrel')
      if (tier !== 'lan') await openWith(kvOpened, await openKeyedCipher(kvOpened))
      else views.vault.value = (await hasPassphrase(kvOpened)) ? 'locked' : 'new'
    } catch {
      views.vault.value = 'failed'
      await openWith(memoryKv(), undefined)
    }
  }
  void open()
  void readPersistence().then(state => {
    if (views.storage.value === 'unknown') views.storage.value = state
  })

  let token: string | undefined
  const openInvite = async (text: string): Promise<void> => {
    const { readInvite } = await import('./invite-token.ts')
    const invite = readInvite(text)
    if (!invite.ok) {
      views.join.value = { type: 'refused', refusal: invite.error }
      return
    }
    const { group, notAfter } = invite.value
    const known = views.app.value?.groups.find(row => row.group === group)
    if (known?.state === 'member') {
      views.join.value = { type: 'refused', refusal: refusal('already-member') }
    } else if (notAfter < Date.now()) {
      views.join.value = { type: 'refused', refusal: refusal('invite-expired') }
    } else {
      token = invite.value.token
      views.join.value = { type: 'ready', invite: { group, notAfter } }
    }
  }

  /** Browsers that ask nobody decide by how the site is used; asking costs nothing. */
  const persist = async (): Promise<void> => {
    if (typeof navigator.storage?.persist !== 'function') return
    await navigator.storage.persist()
    if (views.vault.value === 'open') views.storage.value = await readPersistence()
  }

  const drafts = new Map<GroupId, string>()
  const draftTimers = new Map<GroupId, ReturnType<typeof setTimeout>>()
  const keepDraft = (group: GroupId, text: string): void => {
    drafts.set(group, text)
    clearTimeout(draftTimers.get(group))
    const keep = async (): Promise<void> => {
      const { kv, sealed } = await opened.passed
      const name = draftName(group)
      await kv.put([[name, text === '' ? undefined : await sealed.seal(name, text)]])
    }
    draftTimers.set(
      group,
      setTimeout(() => void keep().catch(() => undefined), text === '' ? 0 : draftMillis),
    )
  }

  return {
    tier,
    vault: views.vault,
    role: views.role,
    storage: views.storage,
    kept: views.kept,
    net: views.net,
    linkKinds: views.kinds,
    app: views.app,
    group: views.group,
    arrival: views.arrival,
    pending: views.pending,
    join: views.join,
    dispatch,
    write: async input => {
      const { outbox } = await opened.passed
      const text: PendingText = { ...input, id: createTextId(), writtenAt: Date.now() }
      try {
        await outbox.add(text)
      } catch {
        return false
      }
      // the writer may have found it in the store first
      const others = views.pending.value.filter(({ id }) => id !== text.id)
      views.pending.value = [...others, text]
      current?.picked('outbox')
      return true
    },
    discard: async id => {
      const { outbox } = await opened.passed
      await outbox.discard(id)
      views.pending.value = views.pending.value.filter(text => text.id !== id)
      tabs.post({ type: 'outbox-changed' })
    },
    readDraft: async group => {
      const written = drafts.get(group)
      if (written !== undefined) return written
      const { kv, sealed } = await opened.passed
      const draft = await sealed.open(draftName(group), await kv.get(draftName(group)))
      return typeof draft === 'string' ? draft : ''
    },
    keepDraft,
    openInvite: text => void openInvite(text),
    closeInvite: () => {
      token = undefined
      views.join.value = { type: 'none' }
    },
    acceptInvite: async profile => {
      if (token === undefined || views.join.value.type !== 'ready') return
      const { kv, sealed } = await opened.passed
      const { invite } = views.join.value
      const value = { token, ...profile }
      await kv.put([[joinName, await sealed.seal(joinName, value)]])
      token = undefined
      views.join.value = { type: 'joining', invite }
      current?.picked('join')
      void persist()
    },
    invite: async wanted => {
      if (tier === 'file') return failure(refusal('not-found', 'a single file has no address'))
      return (current ?? (await backend.passed)).invite(wanted)
    },
    unlock: async passphrase => {
      if (kvOpened === undefined) return false
      const cipher = await openPassphraseCipher(kvOpened, passphrase)
      if (cipher === undefined) return false
      await openWith(kvOpened, cipher)
      return true
    },
    useMemory: () => {
      void openWith(memoryKv(), undefined)
    },
    persist,
  }
}

const summaryOf = async (token: unknown): Promise<InviteSummary | undefined> => {
  if (typeof token !== 'string') return undefined
  const { readKeptInvite } = await import('./invite-token.ts')
  const invite = readKeptInvite(token)
  return invite.ok ? { group: invite.value.group, notAfter: invite.value.notAfter } : undefined
}

const readPersistence = async (): Promise<'persisted' | 'evictable' | 'unknown'> => {
  if (typeof navigator.storage?.persisted !== 'function') return 'unknown'
  return (await navigator.storage.persisted()) ? 'persisted' : 'evictable'
}
