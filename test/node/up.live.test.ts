/** A running node, as its owner meets it: first start, the same again, two at once, a sudden end, a second node that joins,
 *  and the command line talking to all of them. */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { createCleanup } from '../support/host.ts'
import { petrel, startPetrel } from '../support/petrel-process.ts'
import { until, untilValue } from '../support/until.ts'
import { anyPorts, dataOf, jsonLines, newHome, socketOf, up as start } from './running.ts'
import type { Line, Up } from './running.ts'

const cleanup = createCleanup()
afterEach(() => cleanup.run())

const home = (): Promise<string> => newHome(cleanup, 'petrel-up')
const up = (place: string, ...args: readonly string[]): Promise<Up> => start(cleanup, place, args)

const status = async (place: string): Promise<Line> => {
  const { stdout } = await petrel(['status', '--json'], place)
  return jsonLines(stdout)[0] ?? {}
}

test('the first start asks nothing: identity, group, link, web app; the second goes on with them', async () => {
  const place = await home()
  const first = await up(place, '--group-title', '城东指挥网', '--name', '张主任')
  expect(statSync(first.linkFile).mode & 0o777).toBe(0o600)
  expect(readFileSync(first.linkFile, 'utf8')).toMatch(/^http:\/\/[\d.]+:\d+\/#j=[\w-]+\n$/)
  expect(first.running.stdout()).not.toContain('#j=')
  expect(first.running.stderr()).not.toContain('#j=')
  const hours = (Date.parse(first.notAfter) - Date.now()) / 3_600_000
  expect(hours).toBeGreaterThan(23)
  expect(hours).toBeLessThan(24.1)

  const card: unknown = await (await fetch(`${first.origin}/petrel.json`)).json()
  expect(card).toMatchObject({ v: 1, type: 'node', addresses: expect.arrayContaining([]) })
  expect(JSON.stringify(card)).toMatch(/\/tcp\/\d+\/ws\/p2p\/12D3Koo/)

  expect((await petrel(['send', '城东指挥网', '一'], place)).code).toBe(6)
  expect((await petrel(['send', first.group.slice(0, 6), '二'], place)).code).toBe(6)
  expect(await status(place)).toMatchObject({
    online: true,
    name: '张主任',
    pid: first.running.pid,
  })
  expect(statSync(socketOf(place)).mode & 0o777).toBe(0o600)

  first.running.signal('SIGINT')
  expect(await first.running.exited()).toEqual({ code: 0, signal: null })
  expect(existsSync(socketOf(place))).toBe(false)
  expect(existsSync(join(dataOf(place), 'petrel.lock'))).toBe(false)

  const second = await up(place)
  expect(second.group).toBe(first.group)
  expect(readFileSync(second.linkFile, 'utf8')).toMatch(/#j=/)
  const tail = await petrel(['tail', '--json'], place)
  expect(jsonLines(tail.stdout).map(line => line['body'])).toMatchObject([
    { text: '一' },
    { text: '二' },
  ])
  expect((await petrel(['group', 'list', '--json'], place)).stdout.trim().split('\n')).toHaveLength(
    1,
  )
  expect((await second.running.stop()).code).toBe(0)
})

test('a second node on the same data is refused with 7 and harms nothing', async () => {
  const place = await home()
  const first = await up(place)
  const again = await petrel(['up', ...anyPorts], place)
  expect(again.code).toBe(7)
  expect(again.stderr).toContain(String(first.running.pid))
  expect((await petrel(['init'], place)).code).toBe(7)
  expect(await status(place)).toMatchObject({ online: true })
})

test('two nodes started at once: one runs, one is refused', async () => {
  const place = await home()
  const both = [0, 1].map(() => startPetrel(['up', '--json', ...anyPorts], place))
  for (const running of both) cleanup.add(running.stop)
  await until(() => both.some(running => running.exit() !== undefined))
  const [loser] = both.filter(running => running.exit() !== undefined)
  const winner = both.find(running => running !== loser)
  expect(loser?.exit()).toEqual({ code: 7, signal: null })
  await winner?.printed(/"type":"up"/)
  expect(await status(place)).toMatchObject({ pid: winner?.pid })
})

test('after a sudden end the data opens at once, with all that was saved', async () => {
  const place = await home()
  const first = await up(place)
  expect((await petrel(['send', first.group, 'kept'], place)).code).toBe(6)
  await first.running.kill()
  expect(await status(place)).toMatchObject({ online: false })
  const second = await up(place)
  expect(second.group).toBe(first.group)
  const tail = await petrel(['tail', '--json'], place)
  expect(jsonLines(tail.stdout).map(line => line['body'])).toMatchObject([{ text: 'kept' }])
  expect(jsonLines((await petrel(['doctor', '--json'], place)).stdout)[0]).toMatchObject({
    state: 'ok',
  })
})

test('a taken web port is replaced by the next free one, and said', async () => {
  const taken = createServer()
  cleanup.add(() => taken.close())
  const port = await new Promise<number>(resolve => {
    taken.listen(0, '0.0.0.0', () => {
      const address = taken.address()
      resolve(typeof address === 'object' && address !== null ? address.port : 0)
    })
  })
  const place = await home()
  const running = startPetrel(['up', ...anyPorts, '--http', String(port)], place)
  cleanup.add(running.stop)
  await running.printed(new RegExp(`HTTP port ${port} is taken; using (\\d+)`))
})

test('a node without a first group, and with other terms for its link', async () => {
  const none = await up(await home(), '--no-first-group')
  expect(none.group).toBe('undefined')
  const place = await home()
  const short = await up(place, '--uses', '2', '--expires', '1h', '--group-kind', 'daily')
  expect(Date.parse(short.notAfter) - Date.now()).toBeLessThan(3_660_000)
  const { stdout } = await petrel(['group', 'list', '--json'], place)
  expect(jsonLines(stdout)).toMatchObject([{ kind: 'daily', receipts: false }])
})

test('a second node joins by the link; send, wait and tail are one conversation on both', async () => {
  const [here, there] = [await home(), await home()]
  const first = await up(here, '--group-title', 'ops')
  const before = await petrel(
    ['join', '--from-file', first.linkFile, '--name', 'Li', '--json'],
    there,
  )
  expect(before.code).toBe(0)
  expect(jsonLines(before.stdout)).toMatchObject([{ type: 'join', state: 'waiting-for-admission' }])
  expect((await petrel(['send', first.group, 'written before'], there)).code).toBe(6)

  const second = await up(there)
  await untilValue(
    async () => jsonLines((await petrel(['group', 'list', '--json'], there)).stdout)[0]?.['state'],
    state => state === 'member',
    { within: 30_000, every: 300, that: 'admission' },
  )
  const following = startPetrel(['tail', 'ops', '--follow', '--json', '-n', '5'], here)
  cleanup.add(following.stop)
  const sent = await petrel(
    ['send', 'ops', 'hello', '--wait', 'delivered', '--timeout', '30s', '--json'],
    there,
  )
  expect(sent.code).toBe(0)
  expect(jsonLines(sent.stdout)).toMatchObject([
    { state: 'delivered', delivered: 1, recipients: 1 },
  ])
  await following.printed(/"text":"hello"/)
  following.signal('SIGINT')
  expect((await following.exited()).code).toBe(130)

  const shown = await petrel(['tail', '--json'], here)
  const texts = jsonLines(shown.stdout).map(line => JSON.stringify(line['body']))
  expect(texts.filter(text => text.includes('written before'))).toHaveLength(1)
  const members = jsonLines((await petrel(['group', 'show', 'ops', '--json'], here)).stdout)[0]
  expect(JSON.stringify(members?.['members'])).toContain('"Li"')
  expect((await petrel(['peers', '--json'], here)).stdout).toContain('"type":"peer"')
  expect((await petrel(['doctor'], here)).code).toBe(0)

  await second.running.stop()
  const late = await petrel(
    ['send', 'ops', 'while away', '--wait', 'delivered', '--timeout', '1s'],
    here,
  )
  expect([6, 124]).toContain(late.code)
  const back = await up(there)
  await untilValue(
    async () => (await petrel(['tail', '--json'], there)).stdout,
    text => text.includes('while away'),
    { within: 40_000, every: 300, that: 'what was written while it was away' },
  )
  await back.running.stop()
})

test('SIGTERM ends as cleanly as Ctrl-C, and tells who follows that the node is gone', async () => {
  const place = await home()
  const node = await up(place)
  const following = startPetrel(['tail', '--follow', '--json'], place)
  cleanup.add(following.stop)
  await petrel(['send', node.group, 'one'], place)
  await following.printed(/"text":"one"/)
  node.running.signal('SIGTERM')
  expect(await node.running.exited()).toEqual({ code: 0, signal: null })
  expect((await following.exited()).code).toBe(1)
})
