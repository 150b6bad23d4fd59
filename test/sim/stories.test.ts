/** Stories of one conversation in virtual time, with the production protocol: what people were promised, one claim each. */
import { expect, test } from 'vitest'
import { type GroupId, type GroupView, type Intent, millis, seededRandom } from '#protocol'
import { createNodeCryptography } from '../../node/cryptography.ts'
import { formGroup } from '../../sim/random-run.ts'
import { type World, createWorld } from '../../sim/world.ts'

const cryptography = createNodeCryptography()
const worldOf = (...names: readonly string[]): World =>
  createWorld({ seed: names.join(), names, cryptography })

const say = (world: World, name: string, group: GroupId, text: string): void => {
  const answer = world.ask(name, { type: 'send-text', group, text, priority: 'routine' })
  expect(answer.ok).toBe(true)
}
const viewOf = (world: World, name: string, group: GroupId): GroupView => {
  const view = world.group(name, group)
  if (view === undefined) throw new Error(`${name} has no view`)
  return view
}
const textsOf = (world: World, name: string, group: GroupId): readonly string[] =>
  viewOf(world, name, group).messages.map(({ body }) =>
    body.type === 'text' ? body.text : body.type,
  )
const ledgerOf = (world: World, name: string, group: GroupId) =>
  viewOf(world, name, group).messages.findLast(message => message.mine)?.ledger

const invite = (world: World, name: string, group: GroupId, uses = 1): Uint8Array => {
  const answer = world.ask(name, {
    type: 'create-invite',
    group,
    maxUses: uses,
    validFor: millis(3_600_000),
    libp2pKey: new Uint8Array(32),
    addresses: [],
  })
  if (!answer.ok || answer.value.type !== 'invited') throw new Error('no invite')
  return answer.value.token
}
const joining = (token: Uint8Array, name: string): Intent => ({
  type: 'join',
  token,
  name,
  unit: '',
})

test('Alice alone is told that her message is on this device only', () => {
  const world = worldOf('alice', 'bob')
  const group = formGroup(world, ['alice', 'bob'])
  world.disconnect('alice', 'bob')
  say(world, 'alice', group, '有人吗')
  expect(ledgerOf(world, 'alice', group)).toMatchObject({
    state: 'held',
    carried: 0,
    recipients: 1,
  })
})

test('a message counts as delivered only when the recipient itself says so, and as displayed when a person saw it', () => {
  const world = worldOf('alice', 'bob')
  const group = formGroup(world, ['alice', 'bob'])
  say(world, 'alice', group, '撤离')
  world.run(1_000)
  expect(ledgerOf(world, 'alice', group)).toMatchObject({ state: 'carried', delivered: 0 })
  world.run(10_000)
  expect(ledgerOf(world, 'alice', group)).toMatchObject({ state: 'delivered', delivered: 1 })
  const seen = viewOf(world, 'bob', group).messages.at(-1)
  world.ask('bob', { type: 'mark-displayed', group, message: seen?.id ?? '' })
  expect(viewOf(world, 'bob', group).summary.unread).toBe(0)
  world.run(60_000)
  expect(ledgerOf(world, 'alice', group)).toMatchObject({ state: 'displayed', displayed: 1 })
})

test('Alice and Bob, never online together, reach each other through a carrier who reads nothing', () => {
  const world = worldOf('alice', 'bob', 'carrier')
  const group = formGroup(world, ['alice', 'bob'])
  world.disconnect('alice', 'bob')
  world.connect('alice', 'carrier')
  world.run(2_000)
  world.crash('bob')
  say(world, 'alice', group, '三号闸水位 4.2 米')
  world.run(3_000)
  world.crash('alice')
  world.start('bob')
  world.connect('bob', 'carrier')
  world.run(10_000)
  expect(textsOf(world, 'bob', group)).toEqual(['三号闸水位 4.2 米'])
  expect(world.app('carrier').groups).toEqual([])
  const disk = [...world.host('carrier').rows.values()].map(({ value }) => Buffer.from(value))
  for (const canary of ['三号闸水位', 'alice', '防汛指挥组']) {
    expect(disk.some(bytes => bytes.includes(Buffer.from(canary)))).toBe(false)
  }
})

test('who joins late sees the last fifty and can go back further', () => {
  const world = worldOf('alice', 'bob')
  const group = formGroup(world, ['alice'])
  for (let index = 0; index < 120; index++) {
    say(world, 'alice', group, `第 ${index} 条`)
    world.run(1_000)
  }
  world.ask('bob', joining(invite(world, 'alice', group), 'bob'))
  world.connect('alice', 'bob')
  world.run(20_000)
  const texts = textsOf(world, 'bob', group)
  expect(texts).toHaveLength(50)
  expect(texts.at(-1)).toBe('第 119 条')
  expect(viewOf(world, 'bob', group).messages.some(message => message.late)).toBe(false)
  expect(viewOf(world, 'bob', group).hasEarlier).toBe(true)
  world.ask('bob', { type: 'load-earlier', group })
  world.run(1_000)
  expect(textsOf(world, 'bob', group)).toHaveLength(100)
})

test('what Bob writes before he is let in waits and then goes out under his name', () => {
  const world = worldOf('alice', 'bob')
  const group = formGroup(world, ['alice'])
  world.ask('bob', joining(invite(world, 'alice', group), 'Bob'))
  say(world, 'bob', group, '我到了')
  expect(viewOf(world, 'bob', group).outbox).toHaveLength(1)
  world.crash('bob')
  world.start('bob')
  expect(viewOf(world, 'bob', group).outbox).toHaveLength(1)
  world.connect('alice', 'bob')
  world.run(10_000)
  expect(textsOf(world, 'alice', group)).toEqual(['我到了'])
  expect(viewOf(world, 'alice', group).messages[0]?.name).toBe('Bob')
  expect(viewOf(world, 'bob', group).outbox).toEqual([])
})

test('a used, an expired and a damaged invite each say which they are, and let nobody in', () => {
  const world = worldOf('alice', 'bob', 'chen')
  const group = formGroup(world, ['alice'])
  const token = invite(world, 'alice', group)
  world.ask('bob', joining(token, 'bob'))
  world.connect('alice', 'bob')
  world.run(3_000)
  world.ask('chen', joining(token, 'chen'))
  world.connect('alice', 'chen')
  world.run(3_000)
  expect(viewOf(world, 'chen', group).summary).toMatchObject({
    state: 'refused',
    refusal: 'invite-used',
  })
  world.ask('chen', joining(invite(world, 'alice', group), 'chen'))
  world.run(1_000)
  expect(viewOf(world, 'chen', group).summary.state).toBe('member')

  const late = worldOf('alice', 'bob')
  const other = formGroup(late, ['alice'])
  const expired = invite(late, 'alice', other)
  late.run(4_000_000)
  late.ask('bob', joining(expired, 'bob'))
  late.connect('alice', 'bob')
  late.run(3_000)
  expect(viewOf(late, 'bob', other).summary.refusal).toBe('invite-expired')

  const damaged = late.ask('bob', joining(token.slice(0, 40), 'bob'))
  expect(damaged).toMatchObject({ ok: false, error: { type: 'invite-damaged' } })
})

test('Alice, restored from an old backup, begins a new log instead of forking her own', () => {
  const world = worldOf('alice', 'bob')
  const group = formGroup(world, ['alice', 'bob'])
  const backup = new Map(world.host('alice').rows)
  say(world, 'alice', group, 'after the backup')
  world.run(5_000)
  world.crash('alice')
  world.start('alice', backup)
  world.connect('alice', 'bob')
  world.run(5_000)
  say(world, 'alice', group, 'after the restore')
  world.run(10_000)
  expect(textsOf(world, 'bob', group)).toEqual(['after the backup', 'after the restore'])
  expect(textsOf(world, 'alice', group)).toEqual(['after the backup', 'after the restore'])
  expect(viewOf(world, 'bob', group).forks).toBe(0)
  expect(viewOf(world, 'bob', group).members).toHaveLength(2)
})

test('a cloned device that wrote on both sides is shown as a fork to everybody, and others read on', () => {
  const world = worldOf('alice', 'bob', 'chen', 'mallory')
  const group = formGroup(world, ['alice', 'bob', 'chen', 'mallory'])
  world.disconnect('alice', 'mallory')
  const copy = new Map(world.host('mallory').rows)
  world.connect('mallory', 'bob')
  say(world, 'mallory', group, 'to Bob')
  world.run(3_000)
  world.crash('mallory')
  world.disconnect('alice', 'bob')
  world.start('mallory', copy)
  world.connect('mallory', 'chen')
  say(world, 'mallory', group, 'to Chen')
  world.run(3_000)
  world.crash('mallory')
  world.connect('alice', 'bob')
  world.connect('bob', 'chen')
  world.run(10_000)
  say(world, 'chen', group, 'still here')
  world.run(10_000)
  for (const name of ['alice', 'bob', 'chen']) {
    expect(viewOf(world, name, group).forks, name).toBe(1)
    expect(textsOf(world, name, group), name).toEqual(['disputed', 'still here'])
  }
})

test('Bob, who left, writes no more, and everybody sees that he left', () => {
  const world = worldOf('alice', 'bob')
  const group = formGroup(world, ['alice', 'bob'])
  world.ask('bob', { type: 'leave', group })
  world.run(3_000)
  const answer = world.ask('bob', { type: 'send-text', group, text: 'x', priority: 'routine' })
  expect(answer).toMatchObject({ ok: false, error: { type: 'not-member' } })
  expect(viewOf(world, 'alice', group).summary.members).toBe(1)
})

test('title, purpose and pins are one document for everybody, whoever changed what while apart', () => {
  const world = worldOf('alice', 'bob')
  const group = formGroup(world, ['alice', 'bob'])
  say(world, 'alice', group, '集合点:东门')
  world.run(3_000)
  world.disconnect('alice', 'bob')
  const [message] = viewOf(world, 'alice', group).messages
  world.ask('alice', { type: 'pin', group, message: message?.id ?? '', pinned: true })
  world.ask('bob', { type: 'set-purpose', group, purpose: '城东内涝处置' })
  world.connect('alice', 'bob')
  world.run(3_000)
  for (const name of ['alice', 'bob']) {
    const view = viewOf(world, name, group)
    expect(view.summary.purpose, name).toBe('城东内涝处置')
    expect(view.messages[0]?.pinned, name).toBe(true)
  }
  world.crash('bob')
  world.start('bob')
  expect(viewOf(world, 'bob', group).summary.purpose).toBe('城东内涝处置')
})

test('after a restart the conversation, its ledger and what was unread are as before', () => {
  const world = worldOf('alice', 'bob')
  const group = formGroup(world, ['alice', 'bob'])
  say(world, 'alice', group, 'one')
  say(world, 'bob', group, 'two')
  world.run(20_000)
  const before = { alice: viewOf(world, 'alice', group), bob: viewOf(world, 'bob', group) }
  for (const name of ['alice', 'bob'] as const) {
    world.crash(name)
    world.start(name)
    world.run(10)
    expect(viewOf(world, name, group).messages).toEqual(before[name].messages)
    expect(viewOf(world, name, group).summary.unread).toBe(before[name].summary.unread)
  }
})

test('what Bob received just before a crash is still acknowledged and unread afterwards', () => {
  const world = worldOf('alice', 'bob')
  const group = formGroup(world, ['alice', 'bob'])
  world.run(5_000)
  say(world, 'alice', group, '收到请回')
  world.run(300)
  expect(textsOf(world, 'bob', group)).toEqual(['收到请回'])
  world.crash('bob')
  world.start('bob')
  world.run(100)
  expect(viewOf(world, 'bob', group).summary.unread).toBe(1)
  world.connect('alice', 'bob')
  world.run(20_000)
  expect(ledgerOf(world, 'alice', group)).toMatchObject({ state: 'delivered', delivered: 1 })
})

test('a flash message goes out before a long history on a slow link', () => {
  const world = worldOf('alice', 'bob')
  const group = formGroup(world, ['alice', 'bob'])
  world.disconnect('alice', 'bob')
  const random = seededRandom('history')
  for (let index = 0; index < 200; index++) {
    say(world, 'alice', group, Buffer.from(random.bytes(150)).toString('base64'))
  }
  world.connect('alice', 'bob', { delayMillis: 1_000, jitterMillis: 0, rate: 2_500, gossip: 0 })
  world.run(7_000)
  world.ask('alice', { type: 'send-text', group, text: '立即撤离', priority: 'flash' })
  world.run(4_500)
  expect(textsOf(world, 'bob', group)).toContain('立即撤离')
  expect(viewOf(world, 'bob', group).summary.missing).toBeGreaterThan(0)
  world.run(60_000)
  expect(viewOf(world, 'bob', group).summary.missing).toBe(0)
})
