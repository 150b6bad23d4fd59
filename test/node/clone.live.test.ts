/** A data directory that was copied, or put back from a backup: real nodes, real tools. The copy says so, writes logs of its
 *  own, and in the end everybody has everything, with no log disputed. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { createCleanup } from '../support/host.ts'
import { petrel, startPetrel } from '../support/petrel-process.ts'
import { untilValue } from '../support/until.ts'
import { anyPorts, dataOf, joinWith, json, newHome, up as start } from './running.ts'
import type { Up } from './running.ts'

const cleanup = createCleanup()
afterEach(() => cleanup.run())

const up = (place: string, ...args: readonly string[]): Promise<Up> => start(cleanup, place, args)
const home = (): Promise<string> => newHome(cleanup, 'petrel-clone')

const send = async (place: string, group: string, text: string): Promise<void> => {
  const { code, stderr } = await petrel(['send', group, text], place)
  expect([0, 6], stderr).toContain(code)
}

/** Every message as this node shows it; a disputed one shows as that. */
const shown = async (place: string): Promise<readonly string[]> => {
  const { lines } = await json(['tail', '-n', '200'], place)
  return lines.map(({ body }) => {
    const is = (value: unknown): value is { type: string; text?: string } =>
      typeof value === 'object' && value !== null && 'type' in value
    return is(body) ? (body.text ?? body.type) : 'nothing'
  })
}

const expectAll = async (places: readonly string[], texts: readonly string[]): Promise<void> => {
  for (const place of places) {
    const seen = await untilValue(
      () => shown(place),
      list => texts.every(text => list.includes(text)),
      { within: 60_000, every: 300, that: `${place} to have ${texts.join(', ')}` },
    )
    expect(seen.toSorted()).toEqual(texts.toSorted())
  }
}

const forks = async (place: string, group: string): Promise<unknown> =>
  (await json(['group', 'show', group], place)).lines[0]?.['forks']

const statusOf = async (place: string) => (await json(['status'], place)).lines[0] ?? {}

test('a data directory copied while its node runs: both go on, no log forks, everybody has everything', async () => {
  const [alice, bob, copy] = [await home(), await home(), await home()]
  const first = await up(alice, '--group-title', '防汛', '--uses', '3', '--name', '阿丽')
  const { group } = first
  await up(bob, '--no-first-group')
  await joinWith(bob, first.linkFile, '鲍勃')
  await send(alice, group, 'before the copy')
  await expectAll([alice, bob], ['before the copy'])

  mkdirSync(dirname(dataOf(copy)), { recursive: true, mode: 0o700 })
  execFileSync('cp', ['-a', dataOf(alice), dataOf(copy)])
  // The copied lock speaks of the original, which runs: this is not its directory.
  const offline = await json(['status'], copy)
  expect(offline.lines[0]).toMatchObject({ online: false, movedAt: expect.stringMatching(/^2/) })

  const second = await up(copy)
  expect((await statusOf(copy))['peer']).not.toBe((await statusOf(alice))['peer'])
  expect(await statusOf(alice)).not.toHaveProperty('movedAt')
  for (let round = 1; round <= 3; round++) {
    await send(alice, group, `original ${round}`)
    await send(copy, group, `copy ${round}`)
    await send(bob, group, `bob ${round}`)
  }
  const all = ['before the copy'].concat(
    [1, 2, 3].flatMap(round => [`original ${round}`, `copy ${round}`, `bob ${round}`]),
  )
  await expectAll([alice, bob, copy], all)
  for (const place of [alice, bob, copy]) expect(await forks(place, group)).toBe(0)

  const { stdout: doctor } = await petrel(['doctor', '--lang', 'en'], copy)
  expect(doctor).toContain('copied, restored or moved')
  const { stdout: status } = await petrel(['status', '--lang', 'zh-CN'], copy)
  expect(status).toContain('数据目录是复制、恢复或移动来的')
  await second.running.stop()
  const again = startPetrel(['up', '--lang', 'zh-CN', ...anyPorts], copy)
  cleanup.add(again.stop)
  await again.printed(/数据目录是复制、恢复或移动来的/)
  const settled = async () => (await statusOf(copy))['movedAt']
  await untilValue(settled, movedAt => movedAt === offline.lines[0]?.['movedAt'])
})

test('an old backup unpacked over a newer directory: what was told to others comes back, nothing is contradicted', async () => {
  const [alice, bob] = [await home(), await home()]
  const first = await up(alice, '--group-title', '防汛', '--uses', '3')
  const { group } = first
  await up(bob, '--no-first-group')
  await joinWith(bob, first.linkFile, '鲍勃')
  await send(alice, group, 'in the backup')
  await expectAll([alice, bob], ['in the backup'])
  await first.running.stop()
  const backup = join(alice, 'backup.tar')
  execFileSync('tar', ['-C', dataOf(alice), '-cf', backup, '.'])

  const second = await up(alice)
  await send(alice, group, 'after the backup 1')
  await send(alice, group, 'after the backup 2')
  await expectAll([bob], ['in the backup', 'after the backup 1', 'after the backup 2'])
  await second.running.stop()
  execFileSync('tar', ['-C', dataOf(alice), '-xf', backup])
  // Written before anybody could have told it anything.
  await send(alice, group, 'after the restoring')

  const third = await up(alice, '--lang', 'en')
  expect(third.group).toBe(group)
  await expectAll(
    [alice, bob],
    ['in the backup', 'after the backup 1', 'after the backup 2', 'after the restoring'],
  )
  for (const place of [alice, bob]) expect(await forks(place, group)).toBe(0)
  expect(await statusOf(alice)).toHaveProperty('movedAt')
  const { stdout } = await petrel(['doctor', '--lang', 'en'], alice)
  expect(stdout).toContain('copied, restored or moved')
  expect(readFileSync(third.linkFile, 'utf8')).toMatch(/#j=/)
})

test('a restart and a renamed directory are no copy', async () => {
  const [place, other] = [await home(), await home()]
  const first = await up(place, '--lang', 'en')
  const { peer } = await statusOf(place)
  await first.running.kill()
  const second = await up(place)
  expect(await statusOf(place)).not.toHaveProperty('movedAt')
  await second.running.stop()
  mkdirSync(dirname(dataOf(other)), { recursive: true, mode: 0o700 })
  execFileSync('mv', [dataOf(place), dataOf(other)])
  await up(other)
  expect(await statusOf(other)).toMatchObject({ peer })
  expect(await statusOf(other)).not.toHaveProperty('movedAt')
})
