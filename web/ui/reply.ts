/** Which message the composer answers, between the list and the composer. */
import { signal } from '@preact/signals'
import type { MessageView } from '#protocol'

export const replyTarget = signal<MessageView | undefined>(undefined)
