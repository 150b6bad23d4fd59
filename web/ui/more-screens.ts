/** The screens beside the conversations, as one chunk. */
export { CreateGroup, EditGroup } from './create-group.tsx'
export { InviteSheet } from './invite.tsx'
export { Shortcuts } from './keyboard.tsx'
export { Me } from './me.tsx'
export { Mesh } from './mesh.tsx'
