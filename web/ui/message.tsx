/** One message in a conversation: who, when, what, and for own ones how far it got. The line with the time opens the
 *  details; it is as tall as a thumb needs, so it is also the space between messages. */
import { Icon } from './icons.tsx'
import { Ledger } from './ledger.tsx'
import { Name } from './parts.tsx'
import { hashOf } from './routes.ts'
import { withSigns } from './signs.tsx'
import { MessageText } from './text.tsx'
import { clockWords, shared, ui } from './i18n/index.ts'
import type { GroupId, MessageBody, MessageView, Priority } from '#protocol'

export const PriorityMark = ({ priority }: { priority: Priority }) =>
  priority === 'routine' || priority === 'bulk' ? null : (
    <span class="priority" data-priority={priority}>
      <Icon name="bell" />
      {shared.value.priority[priority]}
    </span>
  )

const placeholder = (type: Exclude<MessageBody['type'], 'text'>): string => {
  const words = shared.value.message
  switch (type) {
    case 'waiting-for-key':
      return words.waitingForKey
    case 'needs-newer-version':
      return words.needsNewerVersion
    case 'disputed':
      return words.disputed
  }
}

const Quote = ({ replied }: { replied: MessageView | undefined }) => (
  <div class="quote">
    {replied === undefined ? (
      <span>{ui.value.conversation.replyGone}</span>
    ) : (
      <>
        <span class="strong">
          <Name text={replied.name} />
        </span>{' '}
        <bdi>{replied.body.type === 'text' ? withSigns(replied.body.text.slice(0, 80)) : '…'}</bdi>
      </>
    )}
  </div>
)

const Marks = ({ message }: { message: MessageView }) => (
  <>
    {message.late && (
      <span class="mark">
        {shared.value.message.late}
        {message.receivedAt !== undefined && ` ${clockWords(message.receivedAt)}`}
      </span>
    )}
    {message.clockSuspect && <span class="mark">{shared.value.message.clockSuspect}</span>}
    {message.pinned && (
      <span class="mark">
        <Icon name="pin" />
        {shared.value.message.pinned}
      </span>
    )}
  </>
)

export const MessageRow = ({
  group,
  message,
  replied,
  continues,
}: {
  group: GroupId
  message: MessageView
  /** The message it answers, when it is loaded. */
  replied?: MessageView | undefined
  /** Same author as just before: the name need not stand again. */
  continues: boolean
}) => {
  const details = hashOf({ screen: 'message', group, message: message.id })
  const time = (
    <time dateTime={new Date(message.sentAt).toISOString()}>{clockWords(message.sentAt)}</time>
  )
  return (
    <li
      class="message"
      id={`m-${message.id}`}
      tabIndex={-1}
      data-id={message.id}
      data-mine={message.mine}
      data-priority={message.priority}
    >
      {!message.mine && (
        <a class="message-line" href={details}>
          <span class={continues ? 'visually-hidden' : 'author'}>
            <Name text={message.name} />
            {message.unit !== '' && (
              <span class="unit">
                {' · '}
                <Name text={message.unit} />
              </span>
            )}
          </span>{' '}
          {time} <Marks message={message} />
          <span class="visually-hidden">{ui.value.conversation.detailsOf}</span>
        </a>
      )}
      <div class="bubble">
        <PriorityMark priority={message.priority} />
        {message.body.type === 'text' ? (
          <>
            {message.body.replyTo !== undefined && <Quote replied={replied} />}
            <MessageText text={message.body.text} />
          </>
        ) : (
          <p class="message-placeholder">
            <Icon name={message.body.type === 'waiting-for-key' ? 'key' : 'expired'} />
            {placeholder(message.body.type)}
          </p>
        )}
      </div>
      {message.mine && (
        <a class="message-line" href={details}>
          <Marks message={message} /> {time}{' '}
          {message.ledger !== undefined && <Ledger ledger={message.ledger} />}
          <span class="visually-hidden">{ui.value.conversation.detailsOf}</span>
        </a>
      )}
    </li>
  )
}

/** What was written here and is not with the peer yet, or waits for admission. */
export const WaitingRow = ({
  text,
  priority,
  words,
  onDiscard,
}: {
  text: string
  priority: Priority
  words: string
  onDiscard?: (() => void) | undefined
}) => (
  <li class="message" data-mine="true" data-priority={priority} data-waiting="true">
    <div class="bubble">
      <PriorityMark priority={priority} />
      <MessageText text={text} />
    </div>
    <div class="message-line">
      <span class="ledger" data-state="held">
        <Icon name="clock" />
        <span>{words}</span>
      </span>
      {onDiscard !== undefined && (
        <button type="button" class="link-button" onClick={onDiscard}>
          {ui.value.conversation.discard}
        </button>
      )}
    </div>
  </li>
)
