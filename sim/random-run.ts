/** One run drawn from its seed: groups form, then partitions, crashes, wrong clocks, lossy gossip, joins, leaves, settings and
 *  writing in no particular order, in some runs with a liar among them; then faults stop, everybody meets, and everything
 *  must agree. Options themselves come from the seed. What goes wrong is drawn in trouble.ts. */
import { type Cryptography, type GroupId, type Priority, millis, seededRandom } from '#protocol'
import { type Saved, checkConverged, checkNotified } from './check.ts'
import { createLiar } from './liar.ts'
import { type Run, type RunGroup, trouble } from './trouble.ts'
import { createWatch } from './watch.ts'
import { type World, createWorld } from './world.ts'

export type RunResult = {
  readonly seed: number
  readonly digest: string
  readonly problems: readonly string[]
  readonly messages: number
}

const people = ['alice', 'bob', 'chen', 'dina', 'emil', 'fang']
const priorities: readonly Priority[] = ['routine', 'routine', 'routine', 'urgent', 'flash']
/** Virtual time after the last fault in which everybody must agree. */
const healMillis = 120_000
const textLengths = [1, 5, 30, 30, 300, 1_300]

export const randomRun = (seed: number, cryptography?: Cryptography): RunResult => {
  const run = createRun(seed, cryptography)
  const { world, watch, draw, hosts } = run
  const steps = 10 + draw(20)
  for (let index = 0; index < steps; index++) {
    for (let count = 1 + draw(3); count > 0; count--) trouble(run)
    write(run, index)
    watch.look()
    world.run(draw(8_000))
  }
  const honest = hosts.filter(name => name !== run.liar?.name)
  for (const name of honest) if (run.liar !== undefined) world.disconnect(name, run.liar.name)
  for (const name of honest) {
    world.host(name).batchMillis = 0
    world.host(name).powerLoss = undefined
  }
  heal(world, honest)
  world.run(healMillis)
  watch.look()
  return {
    seed,
    digest: world.digest(),
    problems: [...watch.problems(), ...checkRun(run)],
    messages: run.saved.length,
  }
}

const createRun = (seed: number, cryptography: Cryptography | undefined): Run => {
  const random = seededRandom(`plan/${seed}`)
  const draw = (bound: number): number => {
    const [a = 0, b = 0, c = 0] = random.bytes(3)
    return ((a * 256 + b) * 256 + c) % bound
  }
  const members = people.slice(0, 2 + draw(4))
  const liarName = draw(4) === 0 ? 'mallory' : undefined
  const hosts = [...members, 'carrier', 'guo', 'hua', ...(liarName === undefined ? [] : [liarName])]
  const liar =
    liarName === undefined
      ? undefined
      : createLiar(liarName, { draw, bytes: count => random.bytes(count) })
  const world = createWorld({
    seed,
    names: hosts,
    ...(cryptography === undefined ? {} : { cryptography }),
    tamper: frame => liar?.tamper(frame) ?? [frame.bytes],
  })
  const groups = Array.from({ length: draw(4) === 0 ? 3 : 1 }, (_, index): RunGroup => {
    const inside = index === 0 ? members : members.slice(0, 1 + draw(members.length))
    const all = index === 0 && liarName !== undefined ? [...inside, liarName] : inside
    return { gid: formGroup(world, all), members: new Set(all), invites: [], left: new Set() }
  })
  if (liar !== undefined) liar.begin()
  for (const name of members) {
    if (draw(4) === 0) world.host(name).batchMillis = 1 + draw(400)
  }
  return {
    world,
    watch: createWatch(world, liarName === undefined ? [] : [liarName]),
    draw,
    hosts,
    groups,
    saved: [],
    backups: new Map(),
    doubtful: new Set(),
    liar: liar === undefined || liarName === undefined ? undefined : { name: liarName, ...liar },
    gossip: draw(3) / 2,
  }
}

const write = (run: Run, index: number): void => {
  const { world, draw, groups } = run
  const group = groups[draw(groups.length)]
  const names = [...(group?.members ?? [])]
  const writer = names[draw(Math.max(1, names.length))]
  if (group === undefined || writer === undefined || !world.host(writer).isUp) return
  const length = textLengths[draw(textLengths.length)] ?? 1
  const text = `${writer} ${index} ${'字'.repeat(draw(length))}`
  const priority = priorities[draw(priorities.length)] ?? 'routine'
  const answer = world.ask(writer, { type: 'send-text', group: group.gid, text, priority })
  if (!answer.ok || writer === run.liar?.name) return
  // Who leaves before being let in takes along what waited.
  const isWaiting = answer.value.type === 'saved' && answer.value.waiting
  run.saved.push({ host: writer, text, group: group.gid, isWaiting })
}

const checkRun = (run: Run): readonly string[] => {
  const { world, groups, saved, liar, doubtful } = run
  const problems = run.hosts.flatMap(name =>
    name === liar?.name ? [] : checkNotified(world, name),
  )
  for (const { gid, members, left } of groups) {
    const inside = [...members].filter(
      name =>
        name !== liar?.name &&
        !left.has(name) &&
        (people.includes(name) || world.group(name, gid)?.summary.state === 'member'),
    )
    const kept: Saved[] = saved.filter(
      ({ host, group, isWaiting }) =>
        group === gid &&
        !doubtful.has(host) &&
        (inside.includes(host) || (left.has(host) && isWaiting !== true)),
    )
    problems.push(...checkConverged(world, gid, inside, kept))
  }
  return problems
}

/** Alice creates a group and everybody else joins by one link. */
export const formGroup = (world: World, members: readonly string[]): GroupId => {
  const [creator = 'alice', ...others] = members
  const kind = 'emergency'
  const made = world.ask(creator, { type: 'create-group', name: '防汛指挥组', purpose: '', kind })
  if (!made.ok || made.value.type !== 'group-created') throw new Error('no group')
  const { group } = made.value
  const invited = world.ask(creator, {
    type: 'create-invite',
    group,
    maxUses: 100,
    validFor: millis(86_400_000),
    libp2pKey: new Uint8Array(32),
    addresses: [],
  })
  if (!invited.ok || invited.value.type !== 'invited') throw new Error('no invite')
  for (const name of others) {
    world.ask(name, { type: 'join', token: invited.value.token, name, unit: '' })
    world.connect(creator, name)
  }
  world.run(3_000)
  return group
}

/** Faults stop: everybody runs, and every pair meets. */
export const heal = (world: World, hosts: readonly string[]): void => {
  for (const name of hosts) if (!world.host(name).isUp) world.start(name)
  for (const a of hosts) for (const b of hosts) if (a < b) world.connect(a, b)
}
