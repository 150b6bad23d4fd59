/** One message as a line of a terminal, and as a JSON record. Names and text of others are made harmless here. */
import type { MessageView } from '#protocol'
import { ledgerWords } from '#words'
import type { Context } from './context.ts'
import { harmless, harmlessLines } from './terminal.ts'
import { clockTime, rfc3339 } from './times.ts'

const bodyText = ({ messages }: Context, { body }: MessageView): string => {
  switch (body.type) {
    case 'text':
      return harmlessLines(body.text, '       ')
    case 'waiting-for-key':
      return messages.message.waitingForKey
    case 'needs-newer-version':
      return messages.message.needsNewerVersion
    case 'disputed':
      return messages.message.disputed
  }
}

/** `title`: of the group, where several are shown together. */
export const messageText = (context: Context, message: MessageView, title: string): string => {
  const { messages, style, t } = context
  const time = clockTime(context.lang, message.sentAt, Date.now())
  const where = title === '' ? '' : `${style.dim(`[${harmless(title)}]`)} `
  const who = message.mine ? t.me : harmless(message.name)
  const urgency =
    message.priority === 'flash'
      ? `${style.red(`[${messages.priority.flash}]`)} `
      : message.priority === 'urgent'
        ? `${style.yellow(`[${messages.priority.urgent}]`)} `
        : ''
  const marks = [
    ...(message.late ? [messages.message.late] : []),
    ...(message.clockSuspect ? [messages.message.clockSuspect] : []),
    ...(message.ledger === undefined ? [] : [ledgerWords(messages, message.ledger, 'short')]),
  ]
  const tail = marks.length === 0 ? '' : `  ${style.dim(marks.join(' · '))}`
  return `${style.dim(time)}  ${where}${urgency}${style.bold(who)}  ${bodyText(context, message)}${tail}`
}

export const messageRecord = (message: MessageView): object => ({
  ...message,
  sentAt: rfc3339(message.sentAt),
  ...(message.receivedAt !== undefined && { receivedAt: rfc3339(message.receivedAt) }),
})
