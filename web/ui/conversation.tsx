/** A group's conversation: read in the one order every peer shows, write without fear of loss. */
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { Composer } from './composer.tsx'
import { GroupTitle } from './group-title.tsx'
import { Icon } from './icons.tsx'
import { InviteSheet } from './later.tsx'
import { MessageList } from './message-list.tsx'
import { Notice } from './parts.tsx'
import { RefusalNotice } from './refusal-notice.tsx'
import { hashOf } from './routes.ts'
import { replyTarget } from './reply.ts'
import { mayInvite } from './rights.ts'
import { shared, ui } from './i18n/index.ts'
import type { GroupId, GroupSummary } from '#protocol'
import type { EngineClient } from '../engine/client.ts'

const Head = ({
  summary,
  hasInvite,
  onInvite,
  showBack,
}: {
  summary: GroupSummary
  hasInvite: boolean
  onInvite: () => void
  showBack: boolean
}) => {
  const isKnown = summary.title !== ''
  const facts = !isKnown
    ? [shared.value.groupState[summary.state]]
    : [
        ...(summary.members > 0 ? [shared.value.people(summary.members)] : []),
        ui.value.conversation.receipts(summary.receipts),
        shared.value.groupKind[summary.kind],
      ]
  return (
    <div class="screen-head">
      {showBack && (
        <a class="icon-button" href={hashOf({ screen: 'groups' })}>
          <Icon name="back" />
          <span class="visually-hidden">{ui.value.back}</span>
        </a>
      )}
      <div class="head-title">
        <h2>
          <GroupTitle summary={summary} />
        </h2>
        <p class="quiet">{facts.join(' · ')}</p>
      </div>
      {hasInvite && (
        <button type="button" class="button quiet-button" onClick={onInvite}>
          {ui.value.conversation.invite}
        </button>
      )}
      <a class="icon-button" href={hashOf({ screen: 'group-info', group: summary.group })}>
        <Icon name="people" />
        <span class="visually-hidden">{ui.value.conversation.people}</span>
      </a>
    </div>
  )
}

const StateNotices = ({ summary, forks }: { summary: GroupSummary; forks: number }) => {
  const words = ui.value.conversation
  return (
    <>
      {summary.state === 'waiting-for-admission' && (
        <Notice tone="calm">
          <p class="strong">{words.waitingTitle}</p>
          <p>{words.waiting}</p>
        </Notice>
      )}
      {summary.state === 'refused' &&
        (summary.refusal === undefined ? (
          <Notice tone="warn">
            <p class="strong">{words.refused}</p>
          </Notice>
        ) : (
          <RefusalNotice refusal={{ type: summary.refusal }} />
        ))}
      {summary.state === 'left' && (
        <Notice tone="calm">
          <p>{words.left}</p>
        </Notice>
      )}
      {forks > 0 && (
        <Notice tone="warn">
          <p>{words.forks(forks)}</p>
        </Notice>
      )}
    </>
  )
}

export const Conversation = ({
  client,
  group,
  showBack,
}: {
  client: EngineClient
  group: GroupId
  showBack: boolean
}) => {
  const isInviting = useSignal(false)
  const view = client.group(group).value
  const summary = view?.summary ?? client.app.value?.groups.find(row => row.group === group)
  useEffect(() => {
    replyTarget.value = undefined
  }, [group])
  if (summary === undefined) {
    const isKnown = client.app.value !== undefined && client.role.value !== 'starting'
    return (
      <div class="empty">
        <p class="empty-title">
          {isKnown ? ui.value.conversation.unknownGroup : ui.value.conversation.notYet}
        </p>
        <a class="button" href={hashOf({ screen: 'groups' })}>
          {ui.value.back}
        </a>
      </div>
    )
  }
  const pending = client.pending.value.filter(text => text.group === group)
  const mayWrite = summary.state === 'member' || summary.state === 'waiting-for-admission'
  return (
    <div class="conversation">
      <Head
        summary={summary}
        hasInvite={mayInvite(view)}
        onInvite={() => (isInviting.value = true)}
        showBack={showBack}
      />
      <StateNotices summary={summary} forks={view?.forks ?? 0} />
      <MessageList key={group} client={client} summary={summary} view={view} pending={pending} />
      {mayWrite && <Composer key={`write-${group}`} client={client} group={group} />}
      {isInviting.value && (
        <InviteSheet client={client} group={group} onClose={() => (isInviting.value = false)} />
      )}
    </div>
  )
}
