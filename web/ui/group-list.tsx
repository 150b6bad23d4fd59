/** The list of groups: what needs me, in which group, why. Own messages that no node has yet outrank any preview. */
import { useSignal } from '@preact/signals'
import { GroupTitle } from './group-title.tsx'
import { Icon } from './icons.tsx'
import { CreateGroup } from './later.tsx'
import { hashOf, openGroup } from './routes.ts'
import { withSigns } from './signs.tsx'
import { shared, shortTime, ui } from './i18n/index.ts'
import type { AppView, GroupId, GroupKind, GroupSummary } from '#protocol'
import type { EngineClient } from '../engine/client.ts'

const kinds: readonly GroupKind[] = ['emergency', 'special', 'temporary', 'daily']

/** Own failures first, then the newest. */
const byNeed = (a: GroupSummary, b: GroupSummary): number => {
  const held = Math.sign(b.heldOnly) - Math.sign(a.heldOnly)
  return held === 0 ? (b.lastAt ?? 0) - (a.lastAt ?? 0) : held
}

/** From top to bottom, as the list shows them. */
export const groupsInOrder = (app: AppView | undefined): readonly GroupSummary[] => {
  const groups = (app?.groups ?? []).filter(group => group.state !== 'left').toSorted(byNeed)
  return kinds.flatMap(kind => groups.filter(group => group.kind === kind))
}

const preview = (group: GroupSummary): string => {
  if (group.state !== 'member') return shared.value.groupState[group.state]
  if (group.lastText === '') return group.purpose
  return group.lastName === '' ? group.lastText : `${group.lastName}: ${group.lastText}`
}

const firstCharacter = (title: string): string => {
  const [first] = new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(title)
  return first?.segment ?? ''
}

const GroupRow = ({ group, pending }: { group: GroupSummary; pending: number }) => {
  const held = group.heldOnly + pending
  return (
    <li>
      <a
        class="group-row"
        href={hashOf({ screen: 'conversation', group: group.group })}
        {...(openGroup.value === group.group ? { 'aria-current': 'page' as const } : {})}
      >
        <span class="group-mark" aria-hidden="true">
          {firstCharacter(group.title)}
        </span>
        <span class="group-title">
          <GroupTitle summary={group} />
        </span>
        <span class="group-time">{group.lastAt !== undefined && shortTime(group.lastAt)}</span>
        <span class="group-preview" data-state={group.state}>
          <bdi>{withSigns(preview(group))}</bdi>
        </span>
        {group.unread > 0 && (
          <span class="badge">
            {group.unread > 999 ? '999+' : group.unread}
            <span class="visually-hidden"> {ui.value.groups.unread(group.unread)}</span>
          </span>
        )}
        {(held > 0 || group.missing > 0) && (
          <span class="group-need">
            {held > 0 && (
              <span class="need" data-tone="warn">
                <Icon name="clock" />
                {ui.value.groups.heldOnly(held)}
              </span>
            )}
            {group.missing > 0 && (
              <span class="need">
                <Icon name="waiting" />
                {ui.value.groups.missing(group.missing)}
              </span>
            )}
          </span>
        )}
      </a>
    </li>
  )
}

const Empty = () => (
  <div class="empty">
    <Icon name="chats" />
    <p class="empty-title">{ui.value.groups.empty}</p>
    <p>{ui.value.groups.emptyHint}</p>
  </div>
)

export const GroupList = ({ client }: { client: EngineClient }) => {
  const isCreating = useSignal(false)
  const app = client.app.value
  const pendingIn = (group: GroupId): number =>
    client.pending.value.filter(text => text.group === group).length
  const groups = groupsInOrder(app)
  const sections = kinds
    .map(kind => ({ kind, rows: groups.filter(group => group.kind === kind) }))
    .filter(section => section.rows.length > 0)
  return (
    <div class="group-list">
      <h2 class="visually-hidden">{ui.value.groups.title}</h2>
      <div class="group-scroll">
        {app === undefined && client.vault.value === 'opening' && (
          <p class="quiet pad">{ui.value.loadingSaved}</p>
        )}
        {groups.length === 0 && (app !== undefined || client.vault.value !== 'opening') && (
          <Empty />
        )}
        {sections.map(section => (
          <section key={section.kind} aria-labelledby={`kind-${section.kind}`}>
            <h3 class="section-head" id={`kind-${section.kind}`}>
              {shared.value.groupKind[section.kind]}
            </h3>
            <ul class="rows">
              {section.rows.map(group => (
                <GroupRow key={group.group} group={group} pending={pendingIn(group.group)} />
              ))}
            </ul>
          </section>
        ))}
      </div>
      <div class="list-actions">
        <button type="button" class="button" onClick={() => (isCreating.value = true)}>
          <Icon name="plus" />
          {ui.value.groups.create}
        </button>
        <a class="button" href={hashOf({ screen: 'join' })}>
          <Icon name="link" />
          {ui.value.groups.join}
        </a>
      </div>
      {isCreating.value && (
        <CreateGroup client={client} onClose={() => (isCreating.value = false)} />
      )}
    </div>
  )
}
