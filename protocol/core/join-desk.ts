/** What a peer remembers of requests to be let in: its own, those it keeps for others until somebody who may admit is met,
 *  and whom it answered lately. Plain data; own requests are handled in admission.ts, those of others in join-forward.ts. */
import type { DeviceId, GroupId, Instant, PeerId } from './base.ts'
import type { RefusalType } from './refusal.ts'

/** A request of somebody else, in the newest form that came. */
export type HeldRequest = {
  readonly gid: GroupId
  readonly device: DeviceId
  readonly bytes: Uint8Array
  /** What a refusal calls it, in hex. */
  readonly name: string
  /** Whose share it takes. */
  readonly broughtBy: PeerId
  readonly keptAt: Instant
  readonly expiresAt: Instant
  /** In hex. */
  readonly invite: string
  /** This peer may admit and does not know the invite yet: it waits for that, and shows the request to nobody. */
  readonly isParked: boolean
  /** Neighbours it came from: it never goes there, an answer does. */
  readonly from: Set<PeerId>
  askedAt: Instant
  readonly passed: Map<PeerId, Passed>
  refused: RefusalType | undefined
}
export type Passed = { readonly at: Instant; isRefused: boolean }

/** Own asking in one group: the same bytes for everybody, so that whoever passes them on knows them again. */
export type Asking = {
  readonly request: Uint8Array
  /** Neighbours asked in this round. */
  readonly asked: Set<PeerId>
  askedAt: Instant | undefined
  /** Milliseconds until the next round. */
  wait: number
}

export type JoinDesk = {
  readonly asking: Map<GroupId, Asking>
  /** By group, invite and device. */
  readonly held: Map<string, HeldRequest>
  passedAt: Instant | undefined
  /** By neighbour, group and device: when the control history went there. */
  readonly answered: Map<string, Instant>
}

export const createJoinDesk = (): JoinDesk => ({
  asking: new Map(),
  held: new Map(),
  passedAt: undefined,
  answered: new Map(),
})
