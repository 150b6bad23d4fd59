/** The screens that are not the first thing a person needs, as one chunk: it comes right after the shell. */
export { CreateGroup } from './create-group.tsx'
export { GroupInfo } from './group-info.tsx'
export { InviteSheet } from './invite.tsx'
export { Me } from './me.tsx'
export { Mesh } from './mesh.tsx'
export { MessageDetails } from './message-details.tsx'
