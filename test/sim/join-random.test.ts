/** Joining in any kind of trouble: whoever holds an invite gets in once a path of holders was there, and nobody twice. */
import { describe, expect, test } from 'vitest'
import { type GroupId, millis, seededRandom } from '#protocol'
import { createNodeCryptography } from '../../node/cryptography.ts'
import { checkConverged } from '../../sim/check.ts'
import { formGroup } from '../../sim/random-run.ts'
import { type World, createWorld } from '../../sim/world.ts'

const cryptography = createNodeCryptography()
const first = Number(process.env['PETREL_SEED'] ?? 1)
const count = Number(process.env['PETREL_SEEDS'] ?? 20)

const members = ['alice', 'bob']
const carriers = ['gate', 'tower', 'mast']
const joiners = ['dina', 'emil', 'fang']
const present = ['bob', ...carriers, ...joiners]

const pairs = present.flatMap((a, at) => present.slice(at + 1).map(b => [a, b] as const))

/** Alice invites and goes for good; then everybody meets and loses everybody, crashes and comes back, at random. */
const joinInTrouble = (seed: number): { readonly world: World; readonly group: GroupId } => {
  const random = seededRandom(`join/${seed}`)
  const draw = (bound: number): number => (random.bytes(1)[0] ?? 0) % bound
  const world = createWorld({ seed: `join/${seed}`, names: ['alice', ...present], cryptography })
  const group = formGroup(world, members)
  for (const carrier of carriers) world.connect('alice', carrier)
  const invited = world.ask('alice', {
    type: 'create-invite',
    group,
    maxUses: joiners.length,
    validFor: millis(72 * 3_600_000),
    libp2pKey: new Uint8Array(32),
    addresses: [],
  })
  if (!invited.ok || invited.value.type !== 'invited') throw new Error('no invite')
  world.run(5_000)
  world.crash('alice')
  for (const name of joiners) {
    world.ask(name, { type: 'join', token: invited.value.token, name, unit: '' })
    world.ask(name, { type: 'send-text', group, text: `${name} 到了`, priority: 'routine' })
  }
  for (let turn = 0; turn < 40; turn++) {
    const [a, b] = pairs[draw(pairs.length)] ?? ['bob', 'gate']
    const name = present[draw(present.length)] ?? 'bob'
    if (draw(3) > 0)
      world.connect(a, b, { delayMillis: draw(200) * 5, rate: 1_000 + draw(200) * 50 })
    else world.disconnect(a, b)
    if (draw(8) === 0) world.crash(name)
    if (draw(4) === 0) for (const other of present) if (!world.host(other).isUp) world.start(other)
    world.run(draw(40) * 500)
  }
  return { world, group }
}

/** Everybody meets everybody, but Bob and who waits: those have only carriers in between. */
const heal = (world: World): void => {
  for (const name of present) if (!world.host(name).isUp) world.start(name)
  for (const [a, b] of pairs) {
    if (a === 'bob' && joiners.includes(b)) world.disconnect(a, b)
    else world.connect(a, b)
  }
  world.run(180_000)
}

describe('in any trouble everybody with an invite gets in, and is admitted to the same group', () => {
  for (let seed = first; seed < first + count; seed++) {
    test(`seed ${seed}`, () => {
      const { world, group } = joinInTrouble(seed)
      heal(world)
      const replay = `PETREL_SEED=${seed} PETREL_SEEDS=1 npx vitest run test/sim/join-random.test.ts`
      const saved = joiners.map(host => ({ host, text: `${host} 到了` }))
      const everybody = ['bob', ...joiners]
      expect(checkConverged(world, group, everybody, saved), `replay: ${replay}`).toEqual([])
      expect(world.group('bob', group)?.summary.members, replay).toBe(2 + joiners.length)
      world.run(600_000)
      for (const name of carriers) {
        expect(world.host(name).peer.joinDesk.held.size, replay).toBe(0)
        expect(world.host(name).peer.refusals.get('bad-signature'), replay).toBe(undefined)
      }
    })
  }
})
