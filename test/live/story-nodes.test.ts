/** What a new user sees, part three: the first start prints a link and asks nothing, the second goes on; a second node on the
 *  same network joins, and its terminal and the browsers are one conversation. */
import { createServer } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { createCleanup, temporaryDirectory } from '../support/host.ts'
import { petrel, startPetrel, type RunningProcess } from '../support/petrel-process.ts'
import { untilValue } from '../support/until.ts'
import { firstStart, startPerson, startUp, type StartedNode } from './people.ts'

const cleanup = createCleanup()
afterEach(() => cleanup.run())

const givenHome = async (): Promise<string> => {
  const home = await temporaryDirectory('petrel-story')
  cleanup.add(home.remove)
  return home.path
}

const givenNode = async (more?: readonly string[]): Promise<StartedNode> => {
  const node = await firstStart(await givenHome(), undefined, more)
  cleanup.add(node.running.stop)
  return node
}

/** A second node that joins by the link of the first, read from standard input. */
const joinedNode = async (node: StartedNode, name: string): Promise<string> => {
  const home = await givenHome()
  const running = startUp(home, undefined, ['--no-mdns', '--no-first-group', '--name', name])
  cleanup.add(running.stop)
  await running.printed(/Web app/)
  const joined = await petrel(['join', '-', '--name', name], home, { input: node.link })
  expect(joined.code, joined.stderr).toBe(0)
  return home
}

const follow = (home: string): RunningProcess => {
  const running = startPetrel(['tail', '--follow', '--plain'], home)
  cleanup.add(running.stop)
  return running
}

test('the first start prints a link, a QR code and what to do next; the second goes on with everything', async () => {
  const home = await givenHome()
  const first = await firstStart(home)
  cleanup.add(first.running.kill)
  await first.running.printed(/petrel send/)
  expect(first.running.stdout()).toMatch(/[█▀▄]{20}/)
  expect(await petrel(['send', 'First group', 'kept over the night'], home)).toMatchObject({})
  expect(await first.running.stop()).toEqual({ code: 0, signal: null })

  const second = startUp(home)
  cleanup.add(second.stop)
  await second.printed(/Web app/)
  const { stdout } = await petrel(['tail', '--plain'], home)
  expect(stdout).toContain('kept over the night')
})

test('a taken web port is not the end: another one is used, and said', async () => {
  const blocker = createServer()
  await new Promise<void>(resolve => {
    blocker.listen(0, '0.0.0.0', resolve)
  })
  cleanup.add(() => blocker.close())
  const address = blocker.address()
  const taken = typeof address === 'object' && address !== null ? address.port : 0

  const running = startUp(await givenHome(), { http: taken, tcp: 0, ws: 0, webrtc: 0 })
  cleanup.add(running.stop)
  const [, port] = await running.printed(/http:\/\/127\.0\.0\.1:(\d+)/)
  expect(Number(port)).not.toBe(taken)
  expect(`${running.stdout()}${running.stderr()}`).toContain(String(taken))
})

test('a second node that joined, its terminal and the browsers are one conversation', async () => {
  const node = await givenNode()
  const home = await joinedNode(node, 'Field post')
  const alice = await startPerson('Alice')
  cleanup.add(alice.leave)
  await alice.join(node.link)
  const following = follow(home)
  const atFirst = follow(node.home)

  await alice.write('from the browser')
  await following.printed(/from the browser/, { within: 20_000 })
  const sent = await petrel(['send', 'First group', 'from the terminal'], home)
  expect([0, 6]).toContain(sent.code)
  await alice.sees(['from the browser', 'from the terminal'])
  await atFirst.printed(/from the terminal/, { within: 20_000 })
  await petrel(['send', 'First group', 'from the first node'], node.home)
  await alice.sees(['from the browser', 'from the terminal', 'from the first node'])
  await following.printed(/from the first node/, { within: 20_000 })
})

test('two nodes on one network find each other by themselves', async () => {
  const one = await givenNode([])
  const home = await givenHome()
  const running = startUp(home, undefined, ['--no-first-group'])
  cleanup.add(running.stop)
  await running.printed(/Web app/)
  const linkCount = async (of: string): Promise<number> => {
    const { stdout } = await petrel(['status', '--json'], of)
    const status = JSON.parse(stdout.split('\n')[0] ?? '{}')
    return (status.links ?? status.app?.links ?? []).length
  }
  const wait = { within: 60_000, every: 500, that: 'a link to the other node' }
  expect(
    await untilValue(
      () => linkCount(home),
      count => count > 0,
      wait,
    ),
  ).toBeGreaterThan(0)
  expect(
    await untilValue(
      () => linkCount(one.home),
      count => count > 0,
      wait,
    ),
  ).toBeGreaterThan(0)
})
