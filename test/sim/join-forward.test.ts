/** An invite works while its inviter is away: whoever carries the group keeps the request and shows it to whoever may admit. */
import { expect, test } from 'vitest'
import { type GroupId, type GroupView, limits, millis } from '#protocol'
import { createNodeCryptography } from '../../node/cryptography.ts'
import { appendControl } from '../../protocol/core/write.ts'
import { inviteSecretFromSeed } from '../../protocol/core/join.ts'
import { decodeInvite, encodeInvite } from '../../protocol/core/invite.ts'
import { formGroup } from '../../sim/random-run.ts'
import { type World, createWorld } from '../../sim/world.ts'

const cryptography = createNodeCryptography()
const worldOf = (...names: readonly string[]): World =>
  createWorld({ seed: names.join(), names, cryptography })

const say = (world: World, name: string, group: GroupId, text: string): void => {
  const answer = world.ask(name, { type: 'send-text', group, text, priority: 'routine' })
  expect(answer.ok).toBe(true)
}
const invite = (world: World, name: string, group: GroupId, maxUses = 1): Uint8Array => {
  const answer = world.ask(name, {
    type: 'create-invite',
    group,
    maxUses,
    validFor: millis(3_600_000),
    libp2pKey: new Uint8Array(32),
    addresses: [],
  })
  if (!answer.ok || answer.value.type !== 'invited') throw new Error('no invite')
  return answer.value.token
}
const join = (world: World, name: string, token: Uint8Array): void => {
  expect(world.ask(name, { type: 'join', token, name, unit: '' }).ok).toBe(true)
}
const viewOf = (world: World, name: string, group: GroupId): GroupView => {
  const view = world.group(name, group)
  if (view === undefined) throw new Error(`${name} has no view`)
  return view
}
const stateOf = (world: World, name: string, group: GroupId): string =>
  viewOf(world, name, group).summary.state
const textsOf = (world: World, name: string, group: GroupId): readonly string[] =>
  viewOf(world, name, group).messages.map(({ body }) =>
    body.type === 'text' ? body.text : body.type,
  )
const keptBy = (world: World, name: string): number => world.host(name).peer.joinDesk.held.size

const admitsAt = (world: World, name: string, group: GroupId) =>
  [...(world.host(name).peer.groups.get(group)?.controlOps.values() ?? [])].filter(
    ({ body }) => body.type === 'admit',
  )

/** Alice and Bob are a group; the carriers took it up from Alice, who invited and is gone; Bob is not linked to anybody. */
const whileAliceIsAway = (
  names: readonly string[],
  carriers: readonly string[],
  uses = 1,
): { readonly world: World; readonly group: GroupId; readonly token: Uint8Array } => {
  const world = worldOf('alice', 'bob', ...names)
  const group = formGroup(world, ['alice', 'bob'])
  for (const carrier of carriers) world.connect('alice', carrier)
  say(world, 'alice', group, '三号闸水位 4.2 米')
  const token = invite(world, 'alice', group, uses)
  world.run(10_000)
  world.crash('alice')
  return { world, group, token }
}

test('Dina gets in through a carrier that meets Bob later, while Alice who invited her is away', () => {
  const { world, group, token } = whileAliceIsAway(['gate', 'dina'], ['gate'])
  join(world, 'dina', token)
  say(world, 'dina', group, '我到了')
  world.connect('dina', 'gate')
  world.run(60_000)
  expect(stateOf(world, 'dina', group)).toBe('waiting-for-admission')
  expect(keptBy(world, 'gate')).toBe(1)

  world.connect('gate', 'bob')
  world.run(5_000)
  expect(stateOf(world, 'dina', group)).toBe('member')
  world.run(10_000)
  expect(textsOf(world, 'dina', group)).toEqual(['三号闸水位 4.2 米', '我到了'])
  expect(textsOf(world, 'bob', group)).toEqual(['三号闸水位 4.2 米', '我到了'])
  expect(keptBy(world, 'gate')).toBe(0)
  expect(world.app('gate').groups).toEqual([])
})

test('Dina leaves before the carrier meets Bob, comes back, and finds the door open', () => {
  const { world, group, token } = whileAliceIsAway(['gate', 'dina'], ['gate'])
  join(world, 'dina', token)
  world.connect('dina', 'gate')
  world.run(2_000)
  world.crash('dina')
  world.run(600_000)
  world.connect('gate', 'bob')
  world.run(5_000)
  world.disconnect('gate', 'bob')
  world.run(600_000)
  world.start('dina')
  world.connect('dina', 'gate')
  world.run(5_000)
  expect(stateOf(world, 'dina', group)).toBe('member')
  expect(textsOf(world, 'dina', group)).toEqual(['三号闸水位 4.2 米'])
})

test('a carrier that was restarted still knows who asked', () => {
  const { world, group, token } = whileAliceIsAway(['gate', 'dina'], ['gate'])
  join(world, 'dina', token)
  world.connect('dina', 'gate')
  world.run(2_000)
  world.disconnect('dina', 'gate')
  world.crash('gate')
  world.run(1_800_000)
  world.start('gate')
  world.connect('gate', 'bob')
  world.run(5_000)
  expect(viewOf(world, 'bob', group).summary.members).toBe(3)
  world.disconnect('gate', 'bob')
  world.connect('dina', 'gate')
  world.run(5_000)
  expect(stateOf(world, 'dina', group)).toBe('member')
})

test('two carriers in a triangle with Dina let her in once, and nothing goes round', () => {
  const { world, group, token } = whileAliceIsAway(['gate', 'tower', 'dina'], ['gate', 'tower'])
  world.connect('gate', 'tower')
  join(world, 'dina', token)
  world.connect('dina', 'gate')
  world.connect('dina', 'tower')
  world.run(60_000)
  const before = ['gate', 'tower'].map(name => world.host(name).sentBytes)
  world.run(500_000)
  const after = ['gate', 'tower'].map(name => world.host(name).sentBytes)
  expect(after).toEqual(before)
  world.connect('bob', 'gate')
  world.connect('bob', 'tower')
  world.run(10_000)
  expect(stateOf(world, 'dina', group)).toBe('member')
  expect(admitsAt(world, 'bob', group)).toHaveLength(2)
  expect([keptBy(world, 'gate'), keptBy(world, 'tower')]).toEqual([0, 0])
})

test('a chain of three carriers brings the request to Bob and the welcome back', () => {
  const { world, group, token } = whileAliceIsAway(['east', 'west', 'north', 'dina'], ['east'])
  world.connect('bob', 'north')
  world.connect('bob', 'west')
  world.run(5_000)
  world.disconnect('bob', 'west')
  world.connect('dina', 'east')
  world.connect('east', 'west')
  world.connect('west', 'north')
  world.run(5_000)
  join(world, 'dina', token)
  world.run(10_000)
  expect(stateOf(world, 'dina', group)).toBe('member')
})

test('a used invite is refused by its name, through the carrier, also to who comes back later', () => {
  const { world, group, token } = whileAliceIsAway(['gate', 'chen', 'dina'], ['gate'])
  join(world, 'chen', token)
  world.connect('chen', 'bob')
  world.run(5_000)
  expect(stateOf(world, 'chen', group)).toBe('member')
  join(world, 'dina', token)
  world.connect('dina', 'gate')
  world.run(2_000)
  world.connect('gate', 'bob')
  world.run(5_000)
  expect(viewOf(world, 'dina', group).summary).toMatchObject({ refusal: 'invite-used' })
  expect(world.host('bob').peer.refusals.size).toBe(0)
  world.disconnect('gate', 'bob')
  world.disconnect('dina', 'gate')
  join(world, 'dina', token)
  expect(stateOf(world, 'dina', group)).toBe('waiting-for-admission')
  world.connect('dina', 'gate')
  world.run(70_000)
  world.connect('gate', 'bob')
  world.run(5_000)
  expect(viewOf(world, 'dina', group).summary).toMatchObject({ refusal: 'invite-used' })
})

test('an observer, who may not admit, keeps the request for Bob and admits nobody', () => {
  const world = worldOf('alice', 'bob', 'olga', 'dina')
  const group = formGroup(world, ['alice', 'bob'])
  join(world, 'olga', observerInvite(world, 'alice', group))
  world.connect('olga', 'alice')
  const token = invite(world, 'alice', group)
  world.run(10_000)
  expect(stateOf(world, 'olga', group)).toBe('member')
  world.crash('alice')
  join(world, 'dina', token)
  world.connect('dina', 'olga')
  world.run(30_000)
  expect(viewOf(world, 'dina', group).summary).toMatchObject({ state: 'waiting-for-admission' })
  expect(keptBy(world, 'olga')).toBe(1)
  world.connect('olga', 'bob')
  world.run(5_000)
  expect(stateOf(world, 'dina', group)).toBe('member')
  const control = [...(world.host('bob').peer.groups.get(group)?.controlOps.values() ?? [])]
  const olga = world.host('olga').peer.device?.id
  expect(control.filter(({ device }) => device === olga)).toEqual([])
})

test('a carrier that becomes a member itself lets in whom it kept', () => {
  const { world, group, token } = whileAliceIsAway(['gate', 'dina'], ['gate'], 2)
  join(world, 'dina', token)
  world.connect('dina', 'gate')
  world.run(2_000)
  join(world, 'gate', token)
  world.disconnect('dina', 'gate')
  world.connect('gate', 'bob')
  world.run(400)
  expect(stateOf(world, 'gate', group)).toBe('member')
  world.disconnect('gate', 'bob')
  world.connect('dina', 'gate')
  world.run(5_000)
  expect(stateOf(world, 'dina', group)).toBe('member')
})

test('Dina, who carried the group before she joined, is let in by sync alone', () => {
  const { world, group, token } = whileAliceIsAway(['gate', 'dina'], ['gate', 'dina'])
  world.connect('dina', 'gate')
  world.run(5_000)
  expect(world.app('dina').carriedOps).toBeGreaterThan(0)
  join(world, 'dina', token)
  world.connect('gate', 'bob')
  world.run(5_000)
  expect(stateOf(world, 'dina', group)).toBe('member')
  expect(textsOf(world, 'dina', group)).toEqual(['三号闸水位 4.2 米'])
})

test('after a day the carrier forgets a request, on its disk as well', () => {
  const { world, token } = whileAliceIsAway(['gate', 'dina'], ['gate'])
  join(world, 'dina', token)
  world.connect('dina', 'gate')
  world.run(2_000)
  world.crash('dina')
  const rows = (): number =>
    [...world.host('gate').rows.keys()].filter(key => key.startsWith('0b')).length
  world.run((limits.joinRequestHours - 1) * 3_600_000)
  expect([keptBy(world, 'gate'), rows()]).toEqual([1, 1])
  world.run(2 * 3_600_000)
  expect([keptBy(world, 'gate'), rows()]).toEqual([0, 0])
})

test('Bob, who does not know the invite yet, lets Dina in when he hears of it, and asks nobody meanwhile', () => {
  const world = worldOf('alice', 'bob', 'chen', 'dina')
  const group = formGroup(world, ['alice', 'bob', 'chen'])
  world.disconnect('alice', 'bob')
  world.disconnect('alice', 'chen')
  const token = invite(world, 'alice', group)
  world.run(5_000)
  join(world, 'dina', token)
  world.connect('dina', 'bob')
  world.connect('bob', 'chen')
  world.run(2_000)
  expect(viewOf(world, 'dina', group).summary).toMatchObject({ refusal: 'invite-unknown' })
  expect([keptBy(world, 'bob'), keptBy(world, 'chen')]).toEqual([1, 0])
  world.crash('bob')
  world.start('bob')
  world.connect('bob', 'chen')
  world.run(2_000)
  expect([keptBy(world, 'bob'), keptBy(world, 'chen')]).toEqual([1, 0])
  world.connect('alice', 'bob')
  world.run(5_000)
  expect(viewOf(world, 'alice', group).summary.members).toBe(4)
  expect(keptBy(world, 'bob')).toBe(0)
  world.crash('alice')
  world.connect('dina', 'bob')
  world.run(5_000)
  expect(stateOf(world, 'dina', group)).toBe('member')
})

test('Dina, linked to five members at once, is admitted by one of them', () => {
  const people = ['alice', 'bob', 'chen', 'emil', 'fang']
  const world = worldOf(...people, 'dina')
  const group = formGroup(world, people)
  const token = invite(world, 'alice', group)
  world.run(10_000)
  for (const name of people) world.connect(name, 'dina')
  world.run(5_000)
  join(world, 'dina', token)
  world.run(10_000)
  expect(stateOf(world, 'dina', group)).toBe('member')
  expect(admitsAt(world, 'alice', group)).toHaveLength(people.length)
})

test('on a link that breaks every ten seconds Dina gets into a large group without starting over', () => {
  const people = Array.from({ length: 16 }, (_, index) => `member-${index}`)
  const world = worldOf('alice', ...people, 'dina')
  const group = formGroup(world, ['alice', ...people])
  world.run(60_000)
  const token = invite(world, 'alice', group)
  for (const name of people) world.disconnect('alice', name)
  join(world, 'dina', token)
  const history = world.host('alice').peer.groups.get(group)?.log.bytes ?? 0
  // Far more than one contact brings.
  expect(history).toBeGreaterThan(15_000)
  for (let contact = 0; contact < 12; contact++) {
    world.connect('alice', 'dina', { delayMillis: 100, jitterMillis: 0, rate: 500, gossip: 0 })
    world.run(10_000)
    world.disconnect('alice', 'dina')
    world.run(1_000)
  }
  expect(stateOf(world, 'dina', group)).toBe('member')
})

/** No intent makes such invites yet. */
const observerInvite = (world: World, name: string, group: GroupId): Uint8Array => {
  const token = invite(world, name, group)
  const decoded = decodeInvite(token)
  if (!decoded.ok) throw new Error('no invite')
  const seed = new Uint8Array(16).fill(9)
  const { peer } = world.host(name)
  const own = peer.groups.get(group)
  if (own === undefined) throw new Error('no group')
  appendControl(peer, own, {
    type: 'invite',
    invitePublic: peer.cryptography.publicKey(inviteSecretFromSeed(seed)),
    role: 'observer',
    maxUses: 1,
    notAfter: decoded.value.notAfter,
    needApproval: false,
  })
  return encodeInvite({ ...decoded.value, seed, addresses: [] })
}
