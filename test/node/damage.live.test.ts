/** Bytes that changed on the disk while nobody looked: the node starts and lives, a sample at the start notices much of it,
 *  and `petrel doctor` names the place of every operation that is not what was signed. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Level } from 'level'
import { afterEach, expect, test } from 'vitest'
import { openHost, type Host } from '../../node/host.ts'
import { openOwnDataDir } from '../../node/identity.ts'
import { verifyStore } from '../../node/verify.ts'
import { byteEncodings } from '../../protocol/shell/store.ts'
import { createCleanup } from '../support/host.ts'
import { petrel } from '../support/petrel-process.ts'
import { until } from '../support/until.ts'
import { dataOf, json, newHome, up } from './running.ts'
import type { GroupId } from '#protocol'

const cleanup = createCleanup()
afterEach(() => cleanup.run())

type Change = (value: Uint8Array, key: Uint8Array) => Uint8Array | undefined

const flipLast: Change = value =>
  value.map((byte, at) => (at === value.length - 1 ? byte ^ 1 : byte))

/** Changes the rows under a first key byte: those that `which` picks of them, in key order. */
const damage = async (
  place: string,
  prefix: number,
  change: Change,
  which: (index: number, count: number) => boolean,
): Promise<void> => {
  const level = new Level<Uint8Array, Uint8Array>(join(dataOf(place), 'store'), byteEncodings)
  const range = { gte: Uint8Array.of(prefix), lt: Uint8Array.of(prefix + 1) }
  const rows = await level.iterator(range).all()
  for (const [index, [key, value]] of rows.entries()) {
    if (!which(index, rows.length)) continue
    const changed = change(Uint8Array.from(value), key)
    await (changed === undefined ? level.del(key) : level.put(key, changed))
  }
  await level.close()
}

/** Opens the peer in this process, without links, for as long as `use` takes. */
const withHost = async <T>(place: string, use: (host: Host) => Promise<T>): Promise<T> => {
  const own = openOwnDataDir(dataOf(place))
  if (!own.ok) throw new Error(own.error.type)
  try {
    const host = await openHost({ dataDir: dataOf(place), keys: own.value.keys })
    try {
      return await use(host)
    } finally {
      await host.stop()
    }
  } finally {
    own.value.lock.release()
  }
}

const say = async ({ drive }: Host, group: GroupId, text: string): Promise<boolean> =>
  (await drive.dispatch({ type: 'send-text', group, text, priority: 'routine' })).ok

/** The store of somebody who wrote `a 0` to `a 7`: places 2 to 9 of the log, after its genesis and the creation. */
const givenStore = async (): Promise<{ readonly place: string; readonly group: GroupId }> => {
  const place = await newHome(cleanup, 'petrel-damage')
  mkdirSync(dataOf(place), { recursive: true, mode: 0o700 })
  const group = await withHost(place, async host => {
    const kind = 'emergency'
    const made = await host.drive.dispatch({
      type: 'create-group',
      name: '防汛',
      purpose: '',
      kind,
    })
    if (!made.ok || made.value.type !== 'group-created') throw new Error('no group')
    for (let index = 0; index < 8; index++) await say(host, made.value.group, `a ${index}`)
    return made.value.group
  })
  return { place, group }
}

const findingsOf = async (place: string) => {
  const { lines } = await json(['doctor', '--lang', 'en'], place)
  return lines.find(({ check }) => check === 'operations')
}

test('a changed message is named by the doctor, with its group, log and place, and the rest goes on', async () => {
  const { place, group } = await givenStore()
  await damage(place, 0x20, flipLast, index => index === 4)
  const again = await up(cleanup, place)
  const finding = await findingsOf(place)
  expect(finding).toMatchObject({ state: 'bad' })
  const where = new RegExp(`1 of \\d+ failed: ${group.slice(0, 8)}/[0-9a-f]{16}\\.6 bad-signature`)
  expect(finding?.['text']).toMatch(where)
  expect((await petrel(['send', group, 'goes on'], place)).code).toBe(6)
  const { lines } = await json(['tail', '-n', '50'], place)
  expect(JSON.stringify(lines)).toContain('goes on')
  expect(again.running.exit()).toBeUndefined()
})

test('a sample at the start notices that much is damaged', async () => {
  const { place } = await givenStore()
  await damage(place, 0x20, flipLast, () => true)
  await withHost(place, async host => {
    await until(() => (host.drive.app().refusals['storage-failed'] ?? 0) > 0)
    expect(await verifyStore(host)).toMatchObject({ failed: 8 })
  })
})

test('a lost message is named as not found', async () => {
  const { place } = await givenStore()
  await damage(
    place,
    0x20,
    () => undefined,
    index => index === 2,
  )
  const { failed, places } = await withHost(place, verifyStore)
  expect(failed).toBe(1)
  expect(places[0]).toMatch(/\.4 not-found$/)
})

test.each([
  ['the row of a log', 0x03, true],
  ['a control operation', 0x04, true],
  ['a ledger', 0x09, false],
  ['an index row', 0x21, false],
])('%s that is garbage stops nothing', async (_, prefix, isNamed) => {
  const { place, group } = await givenStore()
  await damage(
    place,
    prefix,
    value => value.map(byte => byte ^ 0xff),
    (index, count) => index === count - 1,
  )
  await withHost(place, async host => {
    expect(host.drive.app().storage).toBe('ok')
    // Without its creation nobody is a member of a group, until a neighbour brings it again.
    if (prefix !== 0x04) expect(await say(host, group, 'goes on')).toBe(true)
    expect((await verifyStore(host)).failed > 0).toBe(isNamed)
  })
})

test('a damaged secret is refused by name, and nothing is made in its place', async () => {
  const { place } = await givenStore()
  await damage(place, 0x01, flipLast, () => true)
  for (const command of [['up'], ['status'], ['doctor']]) {
    const { code, stderr } = await petrel([...command, '--lang', 'en'], place)
    expect(code).toBe(8)
    expect(stderr).toContain('storage')
  }
  await damage(place, 0x01, flipLast, () => true)
  expect((await json(['status'], place)).code).toBe(0)
})
