/** The bar on every screen that says how things stand with the network, in words; it opens the network screen. */
import { hashOf } from './routes.ts'
import { shared, ui } from './i18n/index.ts'
import type { EngineClient, NetState } from '../engine/client.ts'

export const netWords = (net: NetState): string => {
  const { net: words } = shared.value
  switch (net.type) {
    case 'loading': {
      if (net.total === 0) return ui.value.net.loading
      const percent = Math.min(99, Math.floor((100 * net.received) / net.total))
      return words.starting(percent, Math.max(1, Math.ceil(net.seconds)))
    }
    case 'starting':
      return ui.value.net.starting
    case 'failed':
      return ui.value.net.failed
    case 'alone':
      return words.alone(net.waiting)
    case 'relay-only':
      return words.relayOnly
    case 'syncing':
      return words.syncing(net.left, undefined)
    case 'ok':
      return words.ok(net.nodes, net.waiting)
    case 'weak':
      return words.weak(net.roundTrip)
  }
}

const toneOf = (net: NetState): 'ok' | 'busy' | 'warn' | 'down' => {
  if (net.type === 'ok') return 'ok'
  if (net.type === 'failed') return 'down'
  if (net.type === 'alone' || net.type === 'weak' || net.type === 'relay-only') return 'warn'
  return 'busy'
}

/** Beside the state: what is different about this page, if anything. */
const pageMark = (client: EngineClient): string | undefined => {
  if (client.vault.value === 'memory') return ui.value.net.memory
  if (client.tier === 'lan') return ui.value.net.lan
  return client.tier === 'file' ? ui.value.net.file : undefined
}

export const NetBar = ({ client }: { client: EngineClient }) => {
  const net = client.net.value
  const mark = pageMark(client)
  const isFailing = client.app.value?.storage === 'failing'
  return (
    <header class="net-bar" data-tone={isFailing ? 'down' : toneOf(net)}>
      <a class="net-state" href={hashOf({ screen: 'mesh' })}>
        <span class="net-glyph" aria-hidden="true" />
        <span role="status">{isFailing ? shared.value.storageFailing : netWords(net)}</span>
      </a>
      {mark !== undefined && (
        <a class="net-mark" href={hashOf({ screen: 'me' })}>
          {mark}
        </a>
      )}
      {net.type === 'loading' && net.total > 0 && (
        <progress
          class="net-progress"
          aria-label={ui.value.net.loading}
          max={net.total}
          value={net.received}
        />
      )}
    </header>
  )
}
