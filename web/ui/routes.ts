/** Which screen is open, as a hash: works over http, in sub-paths and from a file alike. */
import { computed, signal } from '@preact/signals'
import { groupId } from '../../protocol/core/base.ts'
import type { GroupId, MessageId } from '#protocol'

export type Route =
  | { readonly screen: 'groups' }
  | { readonly screen: 'conversation'; readonly group: GroupId }
  | { readonly screen: 'group-info'; readonly group: GroupId }
  | { readonly screen: 'message'; readonly group: GroupId; readonly message: MessageId }
  | { readonly screen: 'join' }
  | { readonly screen: 'mesh' }
  | { readonly screen: 'me' }

export const routeOf = (hash: string): Route => {
  const [first, group, part, message] = hash.replace(/^#\/?/, '').split('/')
  if (first === 'join') return { screen: 'join' }
  if (first === 'mesh') return { screen: 'mesh' }
  if (first === 'me') return { screen: 'me' }
  if (first !== 'g' || group === undefined || !/^[0-9a-f]{32}$/.test(group))
    return { screen: 'groups' }
  if (part === 'info') return { screen: 'group-info', group: groupId(group) }
  if (part === 'm' && message !== undefined) {
    return { screen: 'message', group: groupId(group), message: decodeURIComponent(message) }
  }
  return { screen: 'conversation', group: groupId(group) }
}

export const hashOf = (route: Route): string => {
  switch (route.screen) {
    case 'groups':
      return '#/'
    case 'conversation':
      return `#/g/${route.group}`
    case 'group-info':
      return `#/g/${route.group}/info`
    case 'message':
      return `#/g/${route.group}/m/${encodeURIComponent(route.message)}`
    case 'join':
    case 'mesh':
    case 'me':
      return `#/${route.screen}`
  }
}

export const route = signal<Route>({ screen: 'groups' })
export const openGroup = computed<GroupId | undefined>(() =>
  'group' in route.value ? route.value.group : undefined,
)

export const go = (to: Route): void => {
  location.hash = hashOf(to)
}

export const followHash = (): void => {
  const read = (): void => {
    route.value = routeOf(location.hash)
  }
  read()
  addEventListener('hashchange', read)
}
