/** What a new user sees, part two: two browsers find each other over WebRTC with the node as introducer, go on without it,
 *  write while cut off from each other, and have everything once and in one order when the node is back. */
import { afterEach, expect, test } from 'vitest'
import { createCleanup, temporaryDirectory } from '../support/host.ts'
import { petrel } from '../support/petrel-process.ts'
import { untilValue } from '../support/until.ts'
import { firstStart, lastingPorts, startPerson, startUp, type Person } from './people.ts'

const cleanup = createCleanup()
afterEach(() => cleanup.run())

const givenPair = async () => {
  const home = await temporaryDirectory('petrel-story')
  cleanup.add(home.remove)
  const ports = await lastingPorts()
  const node = await firstStart(home.path, ports)
  cleanup.add(node.running.kill)
  const join = async (name: string): Promise<Person> => {
    const person = await startPerson(name)
    cleanup.add(person.leave)
    await person.join(node.link)
    return person
  }
  return { home: home.path, ports, node, alice: await join('Alice'), bob: await join('Bob') }
}

const isDirect = (person: Person, to: string): Promise<unknown> =>
  untilValue(
    person.links,
    links => links.some(({ name, kind }) => name === to && kind === 'direct'),
    {
      within: 60_000,
      every: 500,
      that: `a direct link from ${person.name} to ${to}`,
    },
  )

/** The texts that `petrel tail` knows, oldest first. */
const tail = async (home: string): Promise<readonly string[]> => {
  const { stdout } = await petrel(['tail', '--json', '--count', '100'], home)
  return stdout
    .split('\n')
    .filter(line => line.startsWith('{'))
    .map(line => JSON.parse(line))
    .filter(record => record.type === 'message')
    .map(record => record.body.text)
}

test('the browsers connect to each other and go on talking when the node is killed', async () => {
  const { node, alice, bob } = await givenPair()
  await alice.write('with the node')
  await bob.sees(['with the node'])
  await isDirect(alice, 'Bob')
  await isDirect(bob, 'Alice')

  await node.running.kill()
  await alice.write('without it')
  await bob.sees(['with the node', 'without it'])
  await bob.write('still here')
  await alice.sees(['with the node', 'without it', 'still here'])
  const words = await untilValue(
    () => alice.ledgerOf('without it'),
    text => text !== undefined && !text.startsWith('On this'),
    { within: 10_000, that: 'a truthful word' },
  )
  expect(words).toMatch(/^(With 1 node|Delivered to 1 of 2|Read by 1 of 2)$/)
})

test('cut off from each other both keep what they write, and everybody has all of it once the node is back', async () => {
  const { home, ports, node, alice, bob } = await givenPair()
  await alice.write('together')
  await bob.sees(['together'])
  await isDirect(alice, 'Bob')
  await node.running.stop()
  alice.browser.unplug()
  bob.browser.unplug()

  await alice.write('Alice alone, 1')
  await bob.write('Bob alone, 1')
  await alice.write('Alice alone, 2')
  await bob.write('Bob alone, 2')
  await alice.sees(['together', 'Alice alone, 1', 'Alice alone, 2'])
  await bob.sees(['together', 'Bob alone, 1', 'Bob alone, 2'])
  for (const text of ['Alice alone, 1', 'Alice alone, 2'])
    expect(await alice.ledgerOf(text)).toMatch(/^On this device only/)
  for (const text of ['Bob alone, 1', 'Bob alone, 2'])
    expect(await bob.ledgerOf(text)).toMatch(/^On this device only/)

  alice.browser.plugIn()
  bob.browser.plugIn()
  const again = startUp(home, ports)
  cleanup.add(again.stop)
  await again.printed(/Petrel/)

  const everything = [
    'Alice alone, 1',
    'Alice alone, 2',
    'Bob alone, 1',
    'Bob alone, 2',
    'together',
  ]
  const whole = (texts: readonly string[]): boolean =>
    JSON.stringify(texts.toSorted()) === JSON.stringify(everything)
  const wait = { within: 90_000, every: 200, that: 'everything, once' }
  await untilValue(() => tail(home), whole, wait)
  const inOneOrder = (all: readonly (readonly string[])[]): boolean =>
    all.every(texts => whole(texts) && JSON.stringify(texts) === JSON.stringify(all[0]))
  await untilValue(
    async () => [await alice.texts(), await bob.texts(), await tail(home)],
    inOneOrder,
    { ...wait, that: 'everything, once, in one order, on both pages and the node' },
  )
})
