/** Screens that come in chunks of their own after the shell, as if they were there: a quiet line until they have come. Which
 *  chunk comes first is the business of main.ts; whatever is on screen asks for its own. */
import { signal } from '@preact/signals'
import { ui } from './i18n/index.ts'
import type * as group from './group-screens.ts'
import type * as join from './join.tsx'
import type * as more from './more-screens.ts'
import type { Signal } from '@preact/signals'
import type { ComponentProps } from 'preact'

type Chunk<Module> = {
  readonly module: Signal<Module | undefined>
  /** Resolves when the chunk is there or the try has failed; a later try may not. */
  readonly load: () => Promise<void>
}

const createChunk = <Module,>(bring: () => Promise<Module>): Chunk<Module> => {
  const module = signal<Module | undefined>(undefined)
  let loading: Promise<void> | undefined
  return {
    module,
    load: () =>
      (loading ??= bring().then(
        arrived => {
          module.value = arrived
        },
        () => {
          loading = undefined
        },
      )),
  }
}

export const groupChunk = createChunk<typeof group>(() => import('./group-screens.ts'))
export const joinChunk = createChunk<typeof join>(() => import('./join.tsx'))
export const moreChunk = createChunk<typeof more>(() => import('./more-screens.ts'))

const Coming = ({ chunk }: { chunk: Chunk<unknown> }) => {
  void chunk.load()
  return <p class="quiet pad">{ui.value.loadingSaved}</p>
}

export const Conversation = (props: ComponentProps<typeof group.Conversation>) => {
  const module = groupChunk.module.value
  return module === undefined ? <Coming chunk={groupChunk} /> : <module.Conversation {...props} />
}
export const GroupInfo = (props: ComponentProps<typeof group.GroupInfo>) => {
  const module = groupChunk.module.value
  return module === undefined ? <Coming chunk={groupChunk} /> : <module.GroupInfo {...props} />
}
export const MessageInfo = (props: ComponentProps<typeof group.MessageInfo>) => {
  const module = groupChunk.module.value
  return module === undefined ? <Coming chunk={groupChunk} /> : <module.MessageInfo {...props} />
}
export const Join = (props: ComponentProps<typeof join.Join>) => {
  const module = joinChunk.module.value
  return module === undefined ? <Coming chunk={joinChunk} /> : <module.Join {...props} />
}
export const CreateGroup = (props: ComponentProps<typeof more.CreateGroup>) => {
  const module = moreChunk.module.value
  return module === undefined ? <Coming chunk={moreChunk} /> : <module.CreateGroup {...props} />
}
export const EditGroup = (props: ComponentProps<typeof more.EditGroup>) => {
  const module = moreChunk.module.value
  return module === undefined ? <Coming chunk={moreChunk} /> : <module.EditGroup {...props} />
}
export const InviteSheet = (props: ComponentProps<typeof more.InviteSheet>) => {
  const module = moreChunk.module.value
  return module === undefined ? <Coming chunk={moreChunk} /> : <module.InviteSheet {...props} />
}
export const Me = (props: ComponentProps<typeof more.Me>) => {
  const module = moreChunk.module.value
  return module === undefined ? <Coming chunk={moreChunk} /> : <module.Me {...props} />
}
export const Mesh = (props: ComponentProps<typeof more.Mesh>) => {
  const module = moreChunk.module.value
  return module === undefined ? <Coming chunk={moreChunk} /> : <module.Mesh {...props} />
}
/** Works as soon as it is there; nothing is missing on the screen until then. */
export const Shortcuts = (props: ComponentProps<typeof more.Shortcuts>) => {
  const module = moreChunk.module.value
  return module === undefined ? null : <module.Shortcuts {...props} />
}
