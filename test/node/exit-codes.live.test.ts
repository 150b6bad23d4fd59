/** Every exit code that is promised (research/ux.md 6.3), on real processes. Code 5 is in wait.live.test.ts, where it takes three
 *  nodes; code 8 after a flipped bit in cli.live.test.ts. */
import { chmodSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { createCleanup } from '../support/host.ts'
import { petrel, startPetrel } from '../support/petrel-process.ts'
import { dataOf, json, newHome, up } from './running.ts'

const cleanup = createCleanup()
afterEach(() => cleanup.run())

const ends = async (args: readonly string[], place: string): Promise<readonly unknown[]> => {
  const { code, lines } = await json(args, place)
  return [code, lines.at(-1)?.['code'] ?? lines.at(-1)?.['type']]
}

test('0 done, 1 failed, 2 usage, 3 not found, 4 refused, 6 stored only, 8 not verified', async () => {
  const place = await newHome(cleanup)
  expect(await ends(['group', 'list'], place)).toEqual([3, 'no-identity'])
  expect(await ends(['init'], place)).toEqual([0, 'identity-created'])
  expect(await ends(['init'], place)).toEqual([0, 'identity'])
  expect(await ends(['group', 'create', 'ops'], place)).toEqual([0, 'group-created'])
  expect(await ends(['init', '--data', '/proc/petrel/x'], place)).toEqual([1, 'not-writable'])
  expect(await ends(['init', '--data', '/dev/null/x'], place)).toEqual([1, 'not-writable'])
  expect(await ends(['sned'], place)).toEqual([2, 'usage'])
  expect(await ends([], place)).toEqual([2, 'usage'])
  expect(await ends(['send', 'nobody', 'x'], place)).toEqual([3, 'not-found'])
  expect(await ends(['invite', 'ops'], place)).toEqual([4, 'not-running'])
  expect(await ends(['send', 'ops', 'x'], place)).toEqual([6, 'message-saved'])
  expect(await ends(['doctor'], place)).toEqual([6, 'finding'])
  chmodSync(join(dataOf(place), 'data.key'), 0o644)
  expect(await ends(['status'], place)).toEqual([4, 'key-open-to-others'])
  chmodSync(join(dataOf(place), 'data.key'), 0o600)
  writeFileSync(join(dataOf(place), 'data.key'), 'x')
  expect(await ends(['status'], place)).toEqual([8, 'key-damaged'])
})

test('7 while another process has the store', async () => {
  const place = await newHome(cleanup)
  await up(cleanup, place)
  expect(await ends(['init'], place)).toEqual([7, 'in-use'])
  expect(await ends(['up'], place)).toEqual([7, 'in-use'])
})

test('a node that does not answer: 124 when the time is over, 130 at the first Ctrl-C', async () => {
  const place = await newHome(cleanup)
  const node = await up(cleanup, place, ['--group-title', 'ops'])
  node.running.signal('SIGSTOP')
  cleanup.add(() => node.running.signal('SIGCONT'))
  for (const args of [['status'], ['group', 'list'], ['peers'], ['doctor'], ['invite', 'ops']]) {
    expect([args, ...(await ends([...args, '--timeout', '300ms'], place))]).toEqual([
      args,
      124,
      'timeout',
    ])
  }
  for (const args of [['status'], ['tail', '--follow'], ['send', 'ops', 'x']]) {
    const asking = startPetrel(args, place)
    cleanup.add(asking.kill)
    await started(asking.pid)
    asking.signal('SIGINT')
    expect([args, (await asking.exited()).code]).toEqual([args, 130])
  }
  node.running.signal('SIGCONT')
  expect(await ends(['status'], place)).toEqual([0, 'status'])
})

test('124 and 130 while following; both leave the node as it is', async () => {
  const place = await newHome(cleanup)
  const node = await up(cleanup, place, ['--group-title', 'ops'])
  await petrel(['send', 'ops', 'x'], place)
  expect((await json(['tail', '--follow', '--timeout', '500ms'], place)).code).toBe(124)
  expect((await json(['status', '--watch', '--timeout', '500ms'], place)).code).toBe(124)
  const following = startPetrel(['tail', '--follow'], place)
  cleanup.add(following.kill)
  await following.printed(/x/)
  following.signal('SIGTERM')
  expect((await following.exited()).code).toBe(130)
  expect(node.running.exit()).toBeUndefined()
})

test('a node of another version is refused by name and goes on', async () => {
  const place = await newHome(cleanup)
  await petrel(['init'], place)
  const socket = join(place, 'old.sock')
  const old = createServer((_, response) => response.setHeader('petrel-api', '0').end('{}'))
  await new Promise<void>(resolve => {
    old.listen(socket, resolve)
  })
  cleanup.add(() => old.close())
  writeFileSync(join(dataOf(place), 'petrel.lock'), JSON.stringify({ pid: process.pid, socket }))
  expect(await ends(['status'], place)).toEqual([1, 'other-version'])
})

test('two commands at once without a node: one after the other, both done', async () => {
  const place = await newHome(cleanup)
  await petrel(['init'], place)
  await petrel(['group', 'create', 'ops'], place)
  const both = await Promise.all(['a', 'b'].map(text => json(['send', 'ops', text], place)))
  expect(both.map(({ code }) => code)).toEqual([6, 6])
  expect((await json(['tail'], place)).lines).toHaveLength(2)
})

/** It waits for the node: beside its three streams it has a socket open (Linux). */
const started = async (pid: number): Promise<void> => {
  const sockets = (): number =>
    readdirSync(`/proc/${pid}/fd`).filter(name => isSocket(`/proc/${pid}/fd/${name}`)).length
  await expect.poll(sockets, { timeout: 10_000 }).toBeGreaterThan(3)
}

const isSocket = (path: string): boolean => {
  try {
    return readlinkSync(path).startsWith('socket:')
  } catch {
    // Closed meanwhile.
    return false
  }
}
