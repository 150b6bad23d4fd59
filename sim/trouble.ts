/** What goes wrong in a random run, one thing at a time: links come, go, fall silent and come back for one side only; hosts
 *  crash, lose power between writing down and telling, jump in time or stand still; people join, leave, invite and change
 *  what the group shares while apart; a liar lies. */
import { type GroupId, type Row, millis } from '#protocol'
import type { Saved } from './check.ts'
import type { Liar } from './liar.ts'
import type { Watch } from './watch.ts'
import type { World } from './world.ts'

export type RunGroup = {
  readonly gid: GroupId
  readonly members: Set<string>
  readonly left: Set<string>
  /** Tokens handed out and perhaps not yet used. */
  readonly invites: Uint8Array[]
}

export type Run = {
  readonly world: World
  readonly watch: Watch
  readonly draw: (bound: number) => number
  readonly hosts: readonly string[]
  readonly groups: readonly RunGroup[]
  readonly saved: Saved[]
  /** Copies of a host's rows, to be put back later. */
  readonly backups: Map<string, ReadonlyMap<string, Row>>
  /** Hosts whose storage went back in time: what they said they had saved may be gone or disputed, nobody else's. */
  readonly doubtful: Set<string>
  readonly liar: (Liar & { readonly name: string }) | undefined
  /** Share of gossip that gets through. */
  readonly gossip: number
}

const dayMillis = 86_400_000

export const trouble = (run: Run): void => {
  const { draw, hosts, groups } = run
  const a = hosts[draw(hosts.length)] ?? 'alice'
  const b = hosts[draw(hosts.length)] ?? 'alice'
  const group = groups[draw(groups.length)]
  const kind = draw(21)
  if (kind < 12) troubleLinks(run, kind, a, b)
  else if (kind < 16) troubleHost(run, kind, a)
  else if (kind === 20) troubleStorage(run, a)
  else if (group !== undefined) troubleGroup(run, kind, a, group)
  if (run.liar === undefined || a === run.liar.name) return
  for (let count = draw(6); count > 0; count--) run.liar.lie(run.world, a)
}

const troubleLinks = ({ world, draw, gossip }: Run, kind: number, a: string, b: string): void => {
  if (a === b) return
  switch (kind) {
    case 0:
    case 1:
    case 2:
      world.disconnect(a, b)
      return
    case 3:
      world.relink(a, b)
      return
    case 4:
      // A dead connection: nothing arrives any more, until one side notices and comes back.
      world.mute(a, b, 1 + draw(60_000))
      world.mute(b, a, 1 + draw(60_000))
      world.relink(a, b)
      return
    case 5:
      // Up, down and up again before the first word is through.
      world.disconnect(a, b)
      world.connect(a, b, { delayMillis: 500 })
      world.run(draw(900))
      world.disconnect(a, b)
      world.connect(a, b, { delayMillis: 5 })
      return
    default:
      world.connect(a, b, {
        delayMillis: 5 + draw(2_000),
        jitterMillis: draw(500),
        gossip,
        repeats: draw(2) / 2,
        rate: draw(3) === 0 ? 2_000 : 1e9,
      })
  }
}

const troubleHost = ({ world, draw }: Run, kind: number, a: string): void => {
  const host = world.host(a)
  switch (kind) {
    case 12:
    case 13:
      if (host.isUp) world.crash(a)
      else world.start(a)
      return
    case 14:
      if (host.isUp) {
        const when = draw(2) === 0 ? 'before' : 'after'
        host.powerLoss = { at: host.persisted + 1 + draw(3), when }
      } else world.start(a)
      return
    default:
      host.clockError = [0, 7_200_000, -7_200_000, 400 * dayMillis, -400 * dayMillis][draw(5)] ?? 0
      host.clockStandsAt = draw(4) === 0 ? 1_790_000_000_000 + world.now() : undefined
  }
}

/** A backup is made, and later put back; whether the host notices decides if its log forks. */
const troubleStorage = ({ world, draw, watch, backups, doubtful }: Run, a: string): void => {
  const backup = backups.get(a)
  if (backup === undefined) {
    backups.set(a, new Map(world.host(a).rows))
    return
  }
  if (draw(2) === 0 || a === 'alice') return
  world.crash(a)
  world.start(a, backup, draw(2) === 0)
  watch.forget(a)
  doubtful.add(a)
}

const troubleGroup = (run: Run, kind: number, a: string, group: RunGroup): void => {
  const { world, draw } = run
  const { gid } = group
  if (!world.host(a).isUp) return
  switch (kind) {
    case 16: {
      const purpose = `${a} ${world.now()}`
      world.ask(
        a,
        draw(2) === 0
          ? { type: 'set-purpose', group: gid, purpose }
          : { type: 'set-title', group: gid, title: purpose },
      )
      return
    }
    case 17: {
      const messages = world.group(a, gid)?.messages ?? []
      const message = messages[draw(Math.max(1, messages.length))]
      if (message !== undefined) {
        world.ask(a, { type: 'pin', group: gid, message: message.id, pinned: draw(3) > 0 })
        world.ask(a, { type: 'mark-displayed', group: gid, message: message.id })
      }
      return
    }
    case 18: {
      const invited = world.ask(a, {
        type: 'create-invite',
        group: gid,
        maxUses: 1 + draw(2),
        validFor: millis(dayMillis),
        libp2pKey: new Uint8Array(32),
        addresses: [],
      })
      if (invited.ok && invited.value.type === 'invited') group.invites.push(invited.value.token)
      const token = group.invites[draw(Math.max(1, group.invites.length))]
      if (token === undefined) return
      for (const name of ['guo', 'hua']) {
        if (draw(2) === 0 || !world.host(name).isUp) continue
        const joined = world.ask(name, { type: 'join', token, name, unit: '' })
        if (joined.ok) group.members.add(name)
      }
      return
    }
    default:
      if (a === 'alice' || draw(2) === 0 || group.left.has(a)) return
      leave(world, a, group)
  }
}

/** Who lost power meanwhile may have left or not. */
const leave = (world: World, name: string, { gid, left }: RunGroup): void => {
  const answer = world.ask(name, { type: 'leave', group: gid })
  if (answer.ok || answer.error.type === 'stopped') left.add(name)
}
