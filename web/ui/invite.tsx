/** The sheet that makes an invite: how often, how long, then a link and a QR code to hand over. */
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { spanWords } from '#words'
import { millis } from '../../protocol/core/base.ts'
import { Choice, CopyButton, Notice, Sheet } from './parts.tsx'
import { RefusalNotice } from './refusal-notice.tsx'
import { shared, ui, untilWords } from './i18n/index.ts'
import type { GroupId, Refusal } from '#protocol'
import type { EngineClient, InviteMade } from '../engine/client.ts'
import type { QrPath } from './qr-show.ts'

const hour = 3_600_000
const useChoices: readonly number[] = [1, 5, 20]
/** At most 72 hours (reliability-security.md 4.3). */
const spanChoices: readonly number[] = [hour, 24 * hour, 72 * hour]

/** Addresses that no other machine can open. */
const isLocalOnly = (link: string): boolean => {
  const { hostname } = new URL(link)
  return hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]'
}

const QrCode = ({ qr }: { qr: QrPath }) => (
  <svg
    class="qr"
    role="img"
    aria-label={ui.value.invite.qr}
    viewBox={`0 0 ${qr.side} ${qr.side}`}
    shape-rendering="crispEdges"
  >
    <path d={qr.path} />
  </svg>
)

const Made = ({ made, onAnother }: { made: InviteMade; onAnother: () => void }) => {
  const words = ui.value.invite
  const qr = useSignal<QrPath | undefined>(undefined)
  useEffect(() => {
    void import('./qr-show.ts').then(({ qrPath }) => (qr.value = qrPath(made.link)))
  }, [made.link])
  return (
    <div class="invite-made">
      {isLocalOnly(made.link) && (
        <Notice tone="warn">
          <p>{words.localOnly}</p>
        </Notice>
      )}
      <div class="qr-frame">{qr.value !== undefined && <QrCode qr={qr.value} />}</div>
      <p class="strong">{words.until(untilWords(made.notAfter))}</p>
      <p
        class="invite-link mono"
        tabIndex={0}
        role="textbox"
        aria-readonly="true"
        aria-label={words.link}
      >
        {made.link}
      </p>
      <div class="button-row">
        <CopyButton text={made.link} />
        <button type="button" class="button" onClick={onAnother}>
          {words.another}
        </button>
      </div>
    </div>
  )
}

export const InviteSheet = ({
  client,
  group,
  onClose,
}: {
  client: EngineClient
  group: GroupId
  onClose: () => void
}) => {
  const uses = useSignal(1)
  const span = useSignal(24 * hour)
  const state = useSignal<'asking' | 'making' | InviteMade | { readonly refused: Refusal }>(
    'asking',
  )
  const words = ui.value.invite
  const make = async (): Promise<void> => {
    state.value = 'making'
    const made = await client.invite({ group, maxUses: uses.value, validFor: millis(span.value) })
    state.value = made.ok ? made.value : { refused: made.error }
  }
  const current = state.value
  return (
    <Sheet title={words.title} onClose={onClose}>
      {typeof current === 'object' && 'link' in current ? (
        <Made made={current} onAnother={() => (state.value = 'asking')} />
      ) : (
        <form
          onSubmit={event => {
            event.preventDefault()
            void make()
          }}
        >
          <p>{words.lead}</p>
          <Choice
            legend={words.uses}
            value={uses.value}
            choices={useChoices.map(value => ({ value, label: words.usesOf(value) }))}
            onChoose={value => (uses.value = value)}
          />
          <Choice
            legend={words.validFor}
            value={span.value}
            choices={spanChoices.map(value => ({ value, label: spanWords(shared.value, value) }))}
            onChoose={value => (span.value = value)}
          />
          {typeof current === 'object' && 'refused' in current && (
            <RefusalNotice refusal={current.refused} />
          )}
          <button type="submit" class="button primary wide" disabled={current === 'making'}>
            {current === 'making' ? words.making : words.make}
          </button>
        </form>
      )}
    </Sheet>
  )
}
