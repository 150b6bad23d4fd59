/** What a new user sees, part one: the link is opened in two browsers, both write and read at once, the words beside a message
 *  are true, and whoever comes late has the last fifty. Real node, real Chromium processes. */
import { afterEach, expect, test } from 'vitest'
import { createCleanup, temporaryDirectory } from '../support/host.ts'
import { untilValue } from '../support/until.ts'
import { firstStart, startPerson, type Person, type StartedNode } from './people.ts'
import type { BrowserOptions } from '../support/browser.ts'

const cleanup = createCleanup()
afterEach(() => cleanup.run())

const givenNode = async (): Promise<StartedNode> => {
  const home = await temporaryDirectory('petrel-story')
  cleanup.add(home.remove)
  const node = await firstStart(home.path)
  cleanup.add(node.running.stop)
  return node
}

const givenPerson = async (name: string, options?: BrowserOptions): Promise<Person> => {
  const person = await startPerson(name, options)
  cleanup.add(person.leave)
  return person
}

const ledger = (person: Person, text: string, pattern: RegExp): Promise<string | undefined> =>
  untilValue(
    () => person.ledgerOf(text),
    words => words !== undefined && pattern.test(words),
    { within: 90_000, every: 100, that: `${person.name}: ${String(pattern)} beside "${text}"` },
  )

test('two people join by the link, write, and see each other at once', async () => {
  const node = await givenNode()
  const alice = await givenPerson('Alice')
  const bob = await givenPerson('鲍勃', { language: 'zh-CN' })
  await alice.join(node.link)
  await bob.join(node.link)

  await alice.write('water is rising at the east gate')
  await bob.sees(['water is rising at the east gate'], 5_000)
  await bob.write('收到，二组出发')
  await alice.sees(['water is rising at the east gate', '收到，二组出发'], 5_000)

  expect([...alice.browser.errors(), ...bob.browser.errors()]).toEqual([])
})

test('the words beside a message are true, in both languages', async () => {
  const node = await givenNode()
  const alice = await givenPerson('Alice')
  const bob = await givenPerson('鲍勃', { language: 'zh-CN' })
  await alice.join(node.link)
  await bob.join(node.link)
  await bob.write('谁看到了？')
  expect(await bob.ledgerOf('谁看到了？')).toMatch(
    /^(仅在本机.*|已交给 [12] 个节点|已送达 [12]\/2|已读 [12]\/2)$/,
  )

  // Two others are in the group: Alice, who looks at the page, and the node, which nobody looks at.
  await alice.sees(['谁看到了？'])
  expect(await ledger(bob, '谁看到了？', /^已读 1\/2$/)).toBe('已读 1/2')

  await alice.write('I did')
  expect(await ledger(alice, 'I did', /^Read by 1 of 2$/)).toBe('Read by 1 of 2')
})

test('a message with no link stays here and says so, and goes out by itself afterwards', async () => {
  const node = await givenNode()
  const alice = await givenPerson('Alice')
  await alice.join(node.link)
  await alice.write('before')
  await ledger(alice, 'before', /^(With 1 node|Delivered to 1 of 1)$/)

  alice.browser.unplug()
  await alice.write('while unplugged')
  expect(await alice.ledgerOf('while unplugged')).toMatch(/^On this device only/)

  alice.browser.plugIn()
  await ledger(alice, 'while unplugged', /^(With 1 node|Delivered to 1 of 1|Read by 1 of 1)$/)
})

test('an own message stands in one place from the moment it is written', async () => {
  const node = await givenNode()
  const alice = await givenPerson('Alice')
  await alice.join(node.link)
  await alice.write('before')
  await ledger(alice, 'before', /^(With 1 node|Delivered to 1 of 1)$/)
  const { page } = alice.browser
  await page.evaluate(() => {
    const wrong: string[] = []
    const written = new Set<string>()
    const look = (): void => {
      const texts = [...document.querySelectorAll('ol.messages > li.message .message-text')].map(
        element => element.textContent,
      )
      for (const text of texts) written.add(text)
      for (const text of written) {
        const count = texts.filter(shown => shown === text).length
        if (count !== 1) wrong.push(`${text}: ${count} times`)
      }
    }
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true })
    Object.assign(window, { wrong })
  })

  for (let index = 1; index <= 12; index++) await alice.write(`message ${index}`)
  await ledger(alice, 'message 12', /^(With 1 node|Delivered to 1 of 1)$/)
  expect(await page.evaluate(() => Reflect.get(window, 'wrong'))).toEqual([])
})

test('whoever joins late has the last fifty messages, newest last', async () => {
  const node = await givenNode()
  const alice = await givenPerson('Alice')
  await alice.join(node.link)
  const written = Array.from({ length: 60 }, (_, index) => `message ${index + 1}`)
  for (const text of written) await alice.write(text)
  await ledger(alice, 'message 60', /^(With 1 node|Delivered to 1 of 1)$/)

  const late = await givenPerson('Late')
  await late.join(node.link)
  await untilValue(late.texts, texts => texts.length >= 50 && texts.at(-1) === 'message 60', {
    within: 20_000,
    every: 100,
    that: 'the last fifty',
  })
  expect((await late.texts()).slice(-50)).toEqual(written.slice(-50))
})

test('names and text full of markup, control and bidi characters show as text', async () => {
  const node = await givenNode()
  const mallory = await givenPerson('<img src=x onerror=alert(1)>')
  const bob = await givenPerson('Bob')
  await mallory.join(node.link)
  await bob.join(node.link)
  const hostile =
    '<script>document.title="owned"</script><b onmouseover=x>bold</b> \u202Egnp.exe &lt;'
  await mallory.write(hostile)
  await bob.sees([hostile])

  const { page } = bob.browser
  expect(await page.title()).not.toContain('owned')
  expect(await page.locator('ol.messages :is(script, img, b)').count()).toBe(0)
  expect(await page.locator('ol.messages').textContent()).toContain('<img src=x onerror=alert(1)>')
  expect(bob.browser.errors()).toEqual([])
})
