/** The frame around every screen. A phone shows one column and tabs at the bottom; from 60 rem on the list, the
 *  conversation and its details stand side by side. */
import { effect } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { Announcer, announce } from './announcer.tsx'
import { GroupList } from './group-list.tsx'
import { Icon } from './icons.tsx'
import { Conversation, GroupInfo, Join, Me, Mesh, MessageInfo, Shortcuts } from './later.tsx'
import { NetBar } from './net-bar.tsx'
import { hashOf, route } from './routes.ts'
import { VaultScreen } from './vault.tsx'
import { isWide } from './wide.ts'
import { shared, ui } from './i18n/index.ts'
import type { EngineClient } from '../engine/client.ts'
import type { IconName } from './icons.tsx'
import type { Route } from './routes.ts'

type Section = 'groups' | 'mesh' | 'me'
const sectionOf = (at: Route): Section =>
  at.screen === 'mesh' || at.screen === 'me' ? at.screen : 'groups'

const tabs: readonly { readonly section: Section; readonly icon: IconName }[] = [
  { section: 'groups', icon: 'chats' },
  { section: 'mesh', icon: 'mesh' },
  { section: 'me', icon: 'me' },
]

const unreadIn = (client: EngineClient): number =>
  (client.app.value?.groups ?? []).reduce((sum, group) => sum + group.unread, 0)

const Tabs = ({ client }: { client: EngineClient }) => {
  const unread = unreadIn(client)
  return (
    <nav class="tabs" aria-label={ui.value.tabsLabel}>
      {tabs.map(({ section, icon }) => (
        <a
          key={section}
          href={hashOf({ screen: section })}
          {...(sectionOf(route.value) === section ? { 'aria-current': 'page' as const } : {})}
        >
          <Icon name={icon} />
          <span>{ui.value.tabs[section]}</span>
          {section === 'groups' && unread > 0 && (
            <span class="badge">
              {unread > 99 ? '99+' : unread}
              <span class="visually-hidden"> {ui.value.groups.unread(unread)}</span>
            </span>
          )}
        </a>
      ))}
    </nav>
  )
}

const Detail = ({ client, at }: { client: EngineClient; at: Route }) => {
  if (at.screen === 'group-info')
    return <GroupInfo key={at.group} client={client} group={at.group} />
  if (at.screen === 'message') {
    return <MessageInfo key={at.message} client={client} group={at.group} id={at.message} />
  }
  return null
}

/** Beside a list without groups there is nothing to pick, and the list says what to do. */
const Pick = ({ client }: { client: EngineClient }) =>
  client.app.value?.groups.length === 0 ? null : (
    <div class="empty">
      <Icon name="chats" />
      <p class="empty-title">{ui.value.conversation.pick}</p>
    </div>
  )

const Screen = ({ client, at }: { client: EngineClient; at: Route }) => {
  switch (at.screen) {
    case 'join':
      return <Join client={client} />
    case 'mesh':
      return <Mesh client={client} />
    case 'me':
      return <Me client={client} />
    case 'groups':
      return isWide.value ? <Pick client={client} /> : <GroupList client={client} />
    case 'conversation':
      return <Conversation client={client} group={at.group} showBack={!isWide.value} />
    case 'group-info':
    case 'message':
      return isWide.value ? (
        <Conversation client={client} group={at.group} showBack={false} />
      ) : (
        <Detail client={client} at={at} />
      )
  }
}

/** After a change of screen the reader of a screen reader stands at its beginning. */
const useFocusOnChange = (at: Route) => {
  const main = useRef<HTMLElement>(null)
  const isFirst = useRef(true)
  const place = `${at.screen}/${'group' in at ? at.group : ''}`
  useEffect(() => {
    if (isFirst.current) isFirst.current = false
    else if (!isWide.peek()) main.current?.focus({ preventScroll: true })
  }, [place])
  return main
}

export const App = ({ client }: { client: EngineClient }) => {
  const at = route.value
  const main = useFocusOnChange(at)
  const isGated =
    client.vault.value === 'locked' || (client.vault.value === 'new' && at.screen !== 'join')
  const isInGroup = 'group' in at
  const hasList = isWide.value && !isGated && sectionOf(at) === 'groups' && at.screen !== 'join'
  const hasDetail = hasList && (at.screen === 'group-info' || at.screen === 'message')
  return (
    <div
      class="app"
      data-wide={isWide.value}
      data-list={hasList}
      data-detail={hasDetail}
      data-tabs={!isGated && (isWide.value || !isInGroup)}
    >
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        {ui.value.skip}
      </button>
      <NetBar client={client} />
      {!isGated && (isWide.value || !isInGroup) && <Tabs client={client} />}
      {hasList && (
        <section class="list-pane" aria-label={ui.value.groups.list}>
          <GroupList client={client} />
        </section>
      )}
      <main ref={main} class="content" tabIndex={-1}>
        <h1 class="visually-hidden">{shared.value.appName}</h1>
        {isGated ? <VaultScreen client={client} /> : <Screen client={client} at={at} />}
      </main>
      {hasDetail && (
        <aside class="detail-pane" aria-label={ui.value.details.title}>
          <Detail client={client} at={at} />
        </aside>
      )}
      <Announcer />
      {!isGated && <Shortcuts client={client} />}
    </div>
  )
}

/** The number of unread messages stands in the tab's name: on a LAN page it is the only notice there is. */
export const followTitle = (client: EngineClient): void => {
  effect(() => {
    document.title = ui.value.title(unreadIn(client))
  })
}

/** 特急 and 加急 are spoken at once, wherever the reader is; routine messages only in the group that is open. */
export const followArrivals = (client: EngineClient): void => {
  effect(() => {
    const arrival = client.arrival.value
    if (arrival === undefined || !['flash', 'urgent'].includes(arrival.priority)) return
    const group = client.app.peek()?.groups.find(row => row.group === arrival.group)
    const level = shared.peek().priority[arrival.priority]
    const words = ui.peek().announce.alert(level, group?.title ?? '', group?.lastText ?? '')
    announce(words, 'assertive')
  })
}
