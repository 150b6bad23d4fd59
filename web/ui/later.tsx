/** Screens of the second chunk, as if they were there: empty for the moment until it has come. */
import { signal } from '@preact/signals'
import { ui } from './i18n/index.ts'
import type * as join from './join.tsx'
import type * as more from './more.ts'
import type { ComponentProps } from 'preact'

const loaded = signal<typeof more | undefined>(undefined)
let isLoading = false

/** Again on every use until it has come: without network a try fails, and the next one may not. */
export const loadMore = (): void => {
  if (isLoading || loaded.peek() !== undefined) return
  isLoading = true
  import('./more.ts').then(
    module => (loaded.value = module),
    () => (isLoading = false),
  )
}

const Coming = () => {
  loadMore()
  return <p class="quiet pad">{ui.value.loadingSaved}</p>
}

export const CreateGroup = (props: ComponentProps<typeof more.CreateGroup>) => {
  const module = loaded.value
  return module === undefined ? <Coming /> : <module.CreateGroup {...props} />
}
export const InviteSheet = (props: ComponentProps<typeof more.InviteSheet>) => {
  const module = loaded.value
  return module === undefined ? <Coming /> : <module.InviteSheet {...props} />
}
export const GroupInfo = (props: ComponentProps<typeof more.GroupInfo>) => {
  const module = loaded.value
  return module === undefined ? <Coming /> : <module.GroupInfo {...props} />
}
export const MessageDetails = (props: ComponentProps<typeof more.MessageDetails>) => {
  const module = loaded.value
  return module === undefined ? <Coming /> : <module.MessageDetails {...props} />
}
export const Me = (props: ComponentProps<typeof more.Me>) => {
  const module = loaded.value
  return module === undefined ? <Coming /> : <module.Me {...props} />
}
export const Mesh = (props: ComponentProps<typeof more.Mesh>) => {
  const module = loaded.value
  return module === undefined ? <Coming /> : <module.Mesh {...props} />
}

const joinLoaded = signal<typeof join | undefined>(undefined)

export const loadJoin = (): void => {
  if (joinLoaded.peek() !== undefined) return
  import('./join.tsx').then(
    module => (joinLoaded.value = module),
    () => undefined,
  )
}

export const Join = (props: ComponentProps<typeof join.Join>) => {
  const module = joinLoaded.value
  if (module === undefined) {
    loadJoin()
    return <p class="quiet pad">{ui.value.loadingSaved}</p>
  }
  return <module.Join {...props} />
}
