/** Everything known about one message: times, and for an own one who has it, who saw it, who is still waited for. */
import { DetailHead } from './group-info.tsx'
import { Icon } from './icons.tsx'
import { Ledger } from './ledger.tsx'
import { PriorityMark } from './message.tsx'
import { Name } from './parts.tsx'
import { replyTarget } from './reply.ts'
import { go, hashOf } from './routes.ts'
import { MessageText } from './text.tsx'
import { exactWords, shared, sizeWords, ui } from './i18n/index.ts'
import type { GroupId, GroupView, MessageDetails, MessageId, MessageView, PeerId } from '#protocol'
import type { EngineClient } from '../engine/client.ts'

const Names = ({ title, names }: { title: string; names: readonly string[] }) => (
  <details class="names" open={names.length > 0 && names.length <= 12}>
    <summary>
      {title} {names.length}
    </summary>
    {names.length === 0 ? (
      <p class="quiet">{ui.value.details.nobody}</p>
    ) : (
      <ul>
        {names.map((name, index) => (
          <li key={index}>
            <Name text={name} />
          </li>
        ))}
      </ul>
    )}
  </details>
)

const LedgerDetails = ({
  message,
  details,
  view,
  client,
}: {
  message: MessageView
  details: MessageDetails
  view: GroupView
  client: EngineClient
}) => {
  const words = ui.value.details
  const linkName = (peer: PeerId): string =>
    client.app.value?.links.find(link => link.peer === peer)?.name ?? ui.value.mesh.unnamed
  return (
    <section aria-labelledby="details-ledger">
      <h3 class="section-head" id="details-ledger">
        {words.ledger}
      </h3>
      {message.ledger !== undefined && <Ledger ledger={message.ledger} length="long" />}
      {view.summary.receipts && <Names title={words.displayed} names={details.displayedTo} />}
      <Names title={words.delivered} names={details.deliveredTo} />
      <Names title={words.waiting} names={details.waitingFor} />
      <Names title={words.carried} names={details.carriedBy.map(linkName)} />
      <p class="quiet">
        {words.note} {!view.summary.receipts && words.receiptsOff}
      </p>
      <details class="names">
        <summary>{words.legend}</summary>
        <dl class="facts">
          <dt>{shared.value.ledger.held.short}</dt>
          <dd>{ui.value.legend.held}</dd>
          <dt>{shared.value.ledger.carried.short(2)}</dt>
          <dd>{ui.value.legend.carried}</dd>
          <dt>{shared.value.ledger.delivered(5, 12)}</dt>
          <dd>{ui.value.legend.delivered}</dd>
          <dt>{shared.value.ledger.displayed(4, 12)}</dt>
          <dd>{ui.value.legend.displayed}</dd>
          <dt>{shared.value.ledger.expired.short(3)}</dt>
          <dd>{ui.value.legend.expired}</dd>
        </dl>
      </details>
    </section>
  )
}

const MessageFacts = ({ message }: { message: MessageView }) => {
  const words = ui.value.details
  return (
    <dl class="facts">
      <dt>{words.author}</dt>
      <dd>
        <Name text={message.name} />
        {message.unit !== '' && (
          <>
            {' · '}
            <Name text={message.unit} />
          </>
        )}
      </dd>
      <dt>{words.written}</dt>
      <dd>
        {exactWords(message.sentAt)}
        {message.clockSuspect && ` · ${shared.value.message.clockSuspect}`}
      </dd>
      {message.receivedAt !== undefined && !message.mine && (
        <>
          <dt>{words.received}</dt>
          <dd>
            {exactWords(message.receivedAt)}
            {message.late && ` · ${words.late}`}
          </dd>
        </>
      )}
      <dt>{words.level}</dt>
      <dd>{shared.value.priority[message.priority]}</dd>
    </dl>
  )
}

export const MessageInfo = ({
  client,
  group,
  id,
}: {
  client: EngineClient
  group: GroupId
  id: MessageId
}) => {
  const view = client.group(group).value
  const message = view?.messages.find(row => row.id === id)
  const words = ui.value.details
  const back = hashOf({ screen: 'conversation', group })
  if (view === undefined || message === undefined) {
    return (
      <div class="detail">
        <DetailHead title={words.title} back={back} />
        <p class="quiet pad">{words.gone}</p>
      </div>
    )
  }
  const reply = (): void => {
    go({ screen: 'conversation', group })
    // the conversation forgets its reply target when it opens
    requestAnimationFrame(() => (replyTarget.value = message))
  }
  return (
    <div class="detail">
      <DetailHead title={words.title} back={back} />
      <div class="detail-body">
        <blockquote class="detail-text">
          <PriorityMark priority={message.priority} />
          {message.body.type === 'text' && <MessageText text={message.body.text} />}
        </blockquote>
        {view.summary.state === 'member' && (
          <div class="button-row">
            <button type="button" class="button" onClick={reply}>
              <Icon name="reply" />
              {words.reply}
            </button>
            <button
              type="button"
              class="button"
              onClick={() =>
                void client.dispatch({ type: 'pin', group, message: id, pinned: !message.pinned })
              }
            >
              <Icon name="pin" />
              {message.pinned ? words.unpin : words.pin}
            </button>
          </div>
        )}
        <MessageFacts message={message} />
        {message.details !== undefined && (
          <LedgerDetails message={message} details={message.details} view={view} client={client} />
        )}
        <details class="names">
          <summary>{ui.value.technical}</summary>
          <dl class="facts">
            <dt>{words.id}</dt>
            <dd class="mono">{message.details?.opId ?? message.id}</dd>
            {message.details !== undefined && (
              <>
                <dt>{words.bytes}</dt>
                <dd>{sizeWords(message.details.bytes)}</dd>
              </>
            )}
          </dl>
        </details>
      </div>
    </div>
  )
}
