/** Who is in a group, what it is for, and the few things that can be done about it. */
import { useSignal } from '@preact/signals'
import { GroupTitle } from './group-title.tsx'
import { Icon } from './icons.tsx'
import { EditGroup, InviteSheet } from './later.tsx'
import { Name, Sheet } from './parts.tsx'
import { RefusalNotice } from './refusal-notice.tsx'
import { mayInvite } from './rights.ts'
import { go, hashOf } from './routes.ts'
import { isWide } from './wide.ts'
import { shared, shortTime, ui } from './i18n/index.ts'
import type { GroupId, MemberView, Refusal } from '#protocol'
import type { EngineClient } from '../engine/client.ts'

const memberFacts = (member: MemberView): string => {
  if (member.left) return ui.value.info.left
  const facts: string[] = []
  if (member.role !== 'member') facts.push(shared.value.role[member.role])
  if (member.me) return [ui.value.info.me, ...facts].join(' · ')
  if (member.availability !== 'unknown') facts.push(shared.value.availability[member.availability])
  if (member.reachable === 'unknown' && member.lastSeen !== undefined) {
    facts.push(ui.value.info.lastSeen(shortTime(member.lastSeen)))
  } else {
    facts.push(shared.value.reachable[member.reachable])
  }
  if (member.page === 'background') facts.push(shared.value.page.background)
  return facts.join(' · ')
}

const MemberRow = ({ member }: { member: MemberView }) => (
  <li class="member" data-reachable={member.left ? 'left' : member.reachable}>
    <span class="reach" aria-hidden="true" />
    <span class="member-name">
      <Name text={member.name} />
      {member.unit !== '' && (
        <span class="unit">
          {' · '}
          <Name text={member.unit} />
        </span>
      )}
    </span>
    <span class="quiet">{memberFacts(member)}</span>
  </li>
)

export const DetailHead = ({ title, back }: { title: string; back: string }) => (
  <div class="screen-head">
    <a class="icon-button" href={back}>
      <Icon name={isWide.value ? 'close' : 'back'} />
      <span class="visually-hidden">{isWide.value ? ui.value.close : ui.value.back}</span>
    </a>
    <h2 class="head-title">{title}</h2>
  </div>
)

export const GroupInfo = ({ client, group }: { client: EngineClient; group: GroupId }) => {
  const sheet = useSignal<'none' | 'invite' | 'edit' | 'leave'>('none')
  const refused = useSignal<Refusal | undefined>(undefined)
  const view = client.group(group).value
  const summary = view?.summary ?? client.app.value?.groups.find(row => row.group === group)
  const close = (): void => {
    sheet.value = 'none'
  }
  const leave = async (): Promise<void> => {
    const answer = await client.dispatch({ type: 'leave', group })
    close()
    if (answer.ok) go({ screen: 'groups' })
    else refused.value = answer.error
  }
  const words = ui.value.info
  return (
    <div class="detail">
      <DetailHead title={words.title} back={hashOf({ screen: 'conversation', group })} />
      {summary !== undefined && (
        <div class="detail-body">
          <h3 class="group-name">
            <GroupTitle summary={summary} />
          </h3>
          <dl class="facts">
            <dt>{words.purpose}</dt>
            <dd dir="auto">{summary.purpose === '' ? words.noPurpose : summary.purpose}</dd>
            <dt>{words.kind}</dt>
            <dd>
              {shared.value.groupKind[summary.kind]} ·{' '}
              {ui.value.conversation.receipts(summary.receipts)}
            </dd>
          </dl>
          {summary.state === 'member' && (
            <div class="button-row">
              {mayInvite(view) && (
                <button
                  type="button"
                  class="button primary"
                  onClick={() => (sheet.value = 'invite')}
                >
                  {words.invite}
                </button>
              )}
              <button type="button" class="button" onClick={() => (sheet.value = 'edit')}>
                {words.rename}
              </button>
            </div>
          )}
          {refused.value !== undefined && <RefusalNotice refusal={refused.value} />}
          <h3 class="section-head">
            {words.members}{' '}
            {view !== undefined && view.members.filter(member => !member.left).length}
          </h3>
          <ul class="members">
            {view?.members.map(member => (
              <MemberRow key={member.device} member={member} />
            ))}
          </ul>
          {summary.state === 'member' && (
            <button type="button" class="button danger" onClick={() => (sheet.value = 'leave')}>
              {words.leave}
            </button>
          )}
        </div>
      )}
      {sheet.value === 'invite' && <InviteSheet client={client} group={group} onClose={close} />}
      {sheet.value === 'edit' && summary !== undefined && (
        <EditGroup client={client} summary={summary} onClose={close} />
      )}
      {sheet.value === 'leave' && (
        <Sheet title={words.leave} onClose={close}>
          <p>{words.leaveConfirm}</p>
          <div class="button-row">
            <button type="button" class="button" onClick={close}>
              {ui.value.cancel}
            </button>
            <button type="button" class="button danger" onClick={() => void leave()}>
              {words.leaveYes}
            </button>
          </div>
        </Sheet>
      )}
    </div>
  )
}
