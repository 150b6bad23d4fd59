/** One host of a simulated world: its peer, its rows and what it was told, and the plain helpers that need no world. */
import {
  type Cryptography,
  type Effect,
  type IntentAnswer,
  type Peer,
  type PeerId,
  type Refusal,
  type Result,
  type Row,
  type RowQuery,
  type Verify,
  peerId,
} from '#protocol'

export type Host = {
  readonly name: string
  readonly id: PeerId
  peer: Peer
  readonly rows: Map<string, Row>
  isUp: boolean
  wakeAt: number | undefined
  /** Added to the true time: a wrong clock. */
  clockError: number
  /** A wall clock that does not move. */
  clockStandsAt: number | undefined
  readonly topics: Set<string>
  readonly notified: string[]
  requests: number
  readonly answers: Map<number, Result<IntentAnswer, Refusal>>
  dropped: number
  sentBytes: number
  /** Batches of rows this host made durable since its first start. */
  persisted: number
  /** The power goes at this batch: before it is durable, or after it and before anything is told. */
  /** Keys in hex of all operations that were ever durable here. */
  readonly everHeld: Set<string>
  /** Steps are gathered for so long before what they ask for is performed, as the drive loop does; 0: at once. */
  batchMillis: number
  readonly unperformed: Effect[]
  powerLoss: { readonly at: number; readonly when: 'before' | 'after' } | undefined
}

export const nameToPeer = (name: string): PeerId => peerId(`peer-${name}`)

export const createHost = (name: string, peer: Peer): Host => ({
  name,
  id: nameToPeer(name),
  peer,
  rows: new Map(),
  isUp: false,
  wakeAt: undefined,
  clockError: 0,
  clockStandsAt: undefined,
  topics: new Set(),
  notified: [],
  requests: 0,
  answers: new Map(),
  dropped: 0,
  sentBytes: 0,
  persisted: 0,
  everHeld: new Set(),
  batchMillis: 0,
  unperformed: [],
  powerLoss: undefined,
})

/** Verification is pure, so each distinct question is answered once per world. */
export const memoised = (cryptography: Cryptography): Verify => {
  const verdicts = new Map<string, boolean>()
  return (publicKey, message, signature) => {
    const name = [publicKey, message, signature].map(toHex).join('.')
    const known = verdicts.get(name)
    if (known !== undefined) return known
    const verdict = cryptography.verify(publicKey, message, signature)
    verdicts.set(name, verdict)
    return verdict
  }
}

export const read = (host: Host, query: RowQuery): readonly Row[] => {
  if (query.type === 'keys') {
    return query.keys.flatMap(key => host.rows.get(toHex(key)) ?? [])
  }
  const { from, to, limit, reverse } = query.range
  const [low, high] = [toHex(from), toHex(to)]
  const keys = [...host.rows.keys()].filter(key => key >= low && key < high).toSorted()
  if (reverse) keys.reverse()
  return keys.slice(0, limit).flatMap(key => host.rows.get(key) ?? [])
}

const digits = Array.from({ length: 256 }, (_, value) => value.toString(16).padStart(2, '0'))
export const toHex = (bytes: Uint8Array): string => Array.from(bytes, byte => digits[byte]).join('')
