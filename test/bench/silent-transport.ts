/** A transport with nobody on the other side, and the events of a drive at hand for a benchmark that plays the other side. */
import { peerId } from '#protocol'
import type { PeerId } from '#protocol'
import type { Transport, TransportEvents } from '#shell'

export type SilentTransport = Transport & {
  /** Undefined until the drive started it. */
  readonly events: () => TransportEvents | undefined
}

export type Sent = {
  readonly to: PeerId
  readonly channel: 'sync' | 'join'
  readonly bytes: Uint8Array
}

export const silentTransport = (
  name: string,
  onSend: (sent: Sent) => void = () => undefined,
): SilentTransport => {
  let known: TransportEvents | undefined
  return {
    peer: peerId(`peer-${name}`),
    publicKey: new Uint8Array(32),
    start: events => {
      known = events
      return Promise.resolve()
    },
    events: () => known,
    send: (to, channel, bytes) => onSend({ to, channel, bytes }),
    publish: () => undefined,
    subscribe: () => undefined,
    connect: () => undefined,
    disconnect: () => undefined,
    linkKind: () => undefined,
    stop: () => Promise.resolve(),
  }
}
