/** The screens of one group, as one chunk. */
export { Conversation } from './conversation.tsx'
export { GroupInfo } from './group-info.tsx'
export { MessageInfo } from './message-details.tsx'
