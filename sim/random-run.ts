/** One run drawn from its seed: a group forms, then partitions, crashes, wrong clocks, lossy gossip and writing in no
 *  particular order; then faults stop, everybody meets, and everything must agree. Options themselves come from the seed. */
import { type Cryptography, type GroupId, type Priority, millis, seededRandom } from '#protocol'
import { type Saved, checkConverged } from './check.ts'
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

export const randomRun = (seed: number, cryptography?: Cryptography): RunResult => {
  const random = seededRandom(`plan/${seed}`)
  const draw = (bound: number): number => {
    const [a = 0, b = 0] = random.bytes(2)
    return (a * 256 + b) % bound
  }
  const members = people.slice(0, 2 + draw(4))
  const hosts = [...members, 'carrier']
  const world = createWorld({
    seed,
    names: hosts,
    ...(cryptography === undefined ? {} : { cryptography }),
  })
  const group = formGroup(world, members)
  const saved: Saved[] = []
  const gossip = draw(3) / 2
  const steps = 10 + draw(20)
  for (let index = 0; index < steps; index++) {
    disturb(world, hosts, draw, gossip)
    const writer = members[draw(members.length)] ?? 'alice'
    const text = `${writer} ${index} ${'字'.repeat(draw(30))}`
    if (world.host(writer).isUp) {
      const priority = priorities[draw(priorities.length)] ?? 'routine'
      const answer = world.ask(writer, { type: 'send-text', group, text, priority })
      if (answer.ok) saved.push({ host: writer, text })
    }
    world.run(draw(8_000))
  }
  heal(world, hosts)
  world.run(healMillis)
  const problems = checkConverged(world, group, members, saved)
  return { seed, digest: world.digest(), problems, messages: saved.length }
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

const disturb = (
  world: World,
  hosts: readonly string[],
  draw: (bound: number) => number,
  gossip: number,
): void => {
  const a = hosts[draw(hosts.length)] ?? 'alice'
  const b = hosts[draw(hosts.length)] ?? 'alice'
  const quality = { delayMillis: 5 + draw(2_000), jitterMillis: draw(500), gossip }
  switch (draw(6)) {
    case 0:
    case 1:
      if (a !== b) world.disconnect(a, b)
      return
    case 2:
      if (world.host(a).isUp) world.crash(a)
      else world.start(a)
      return
    case 3:
      world.host(a).clockError = (draw(5) - 2) * 86_400_000 * 400
      return
    default:
      if (a !== b) world.connect(a, b, quality)
  }
}

/** Faults stop: everybody runs, and every pair meets. */
export const heal = (world: World, hosts: readonly string[]): void => {
  for (const name of hosts) if (!world.host(name).isUp) world.start(name)
  for (const a of hosts) for (const b of hosts) if (a < b) world.connect(a, b)
}
