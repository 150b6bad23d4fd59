/** A tab that looks on: shows what the writer tells it, and hands over what is asked here. */
import { failure } from '../../protocol/core/base.ts'
import { refusal } from '../../protocol/core/refusal.ts'
import type { IntentAnswer, Refusal, Result } from '#protocol'
import type { InviteMade } from './client.ts'
import type { Outbox } from './outbox.ts'
import type { Tabs } from './tabs.ts'
import type { Views } from './views.ts'
import type { Backend } from './writer.ts'

export type Viewer = Backend & {
  /** The writer closed and this tab takes over: what was asked and not answered is told so. */
  readonly end: () => void
}

export const startViewer = (options: {
  readonly views: Views
  readonly tabs: Tabs
  readonly outbox: Outbox
  /** This tab keeps its outbox for itself: hand its texts over one by one. */
  readonly isMemory: boolean
}): Viewer => {
  const { views, tabs, outbox } = options
  const answers = new Map<number, (answer: Result<IntentAnswer, Refusal>) => void>()
  const invites = new Map<number, (answer: Result<InviteMade, Refusal>) => void>()
  let lastRequest = 0
  let isEnded = false

  const hello = (): void => tabs.post({ type: 'hello', watch: views.watched() })
  const dispatch: Backend['dispatch'] = intent =>
    new Promise(resolve => {
      const request = ++lastRequest
      answers.set(request, resolve)
      tabs.post({ type: 'intent', from: tabs.id, request, intent })
    })
  const readOutbox = async (): Promise<void> => {
    views.pending.value = await outbox.list()
  }
  const drainHere = async (): Promise<void> => {
    await outbox.drain({ group: group => views.group(group).value, dispatch })
    await readOutbox()
  }

  tabs.listen(message => {
    if (isEnded) return
    switch (message.type) {
      case 'state':
        views.told.value = message.app
        views.net.value = message.net
        views.kinds.value = message.kinds
        if (views.join.value.type !== 'ready') views.join.value = message.join
        return
      case 'group':
        if (views.isWatched(message.group)) views.group(message.group).value = message.view
        return
      case 'answer':
        if (message.to !== tabs.id) return
        answers.get(message.request)?.(message.answer)
        answers.delete(message.request)
        return
      case 'invited':
        if (message.to !== tabs.id) return
        invites.get(message.request)?.(message.answer)
        invites.delete(message.request)
        return
      case 'outbox-changed':
        if (!options.isMemory) void readOutbox()
        // said by a writer that has just come up, too
        hello()
        return
      case 'net':
        views.net.value = message.net
        return
      case 'hello':
      case 'intent':
      case 'invite':
      case 'picked':
        return
    }
  })
  hello()
  return {
    dispatch,
    invite: wanted =>
      new Promise(resolve => {
        const request = ++lastRequest
        invites.set(request, resolve)
        tabs.post({ type: 'invite', from: tabs.id, request, wanted })
      }),
    watch: hello,
    picked: what => {
      if (what === 'outbox' && options.isMemory) void drainHere()
      else tabs.post({ type: 'picked', what })
    },
    end: () => {
      isEnded = true
      for (const answer of answers.values()) answer(failure(refusal('stopped')))
      for (const answer of invites.values()) answer(failure(refusal('stopped')))
    },
  }
}
