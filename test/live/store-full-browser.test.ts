/** A browser whose share of the disk is used up, before somebody's eyes: what cannot be kept is neither taken nor
 *  acknowledged, the page says so and keeps showing what it has, and goes on by itself when there is room. */
import { afterEach, expect, test } from 'vitest'
import { createCleanup, temporaryDirectory } from '../support/host.ts'
import { untilValue } from '../support/until.ts'
import { json, type Line } from '../node/running.ts'
import { firstStart, startPerson, type Person } from './people.ts'

const cleanup = createCleanup()
afterEach(() => cleanup.run())

/** Fills what the page may keep, to the last bytes, with a database of its own. */
const fill = (alice: Person): Promise<number> =>
  alice.browser.page.evaluate(async () => {
    const request = indexedDB.open('ballast', 1)
    request.onupgradeneeded = () => request.result.createObjectStore('b', { autoIncrement: true })
    const database = await new Promise<IDBDatabase>(resolve => {
      request.onsuccess = () => resolve(request.result)
    })
    const put = (size: number): Promise<boolean> =>
      new Promise(resolve => {
        const transaction = database.transaction('b', 'readwrite', { durability: 'strict' })
        const bytes = new Uint8Array(size)
        for (let at = 0; at < size; at += 65_536) {
          crypto.getRandomValues(bytes.subarray(at, at + 65_536))
        }
        transaction.objectStore('b').add(bytes)
        transaction.oncomplete = () => resolve(true)
        transaction.onabort = () => resolve(false)
      })
    let written = 0
    for (let size = 400_000; size >= 100; size = Math.floor(size / 4)) {
      while (await put(size)) written += size
    }
    database.close()
    return written
  })

test('a page that may keep nothing more says so, acknowledges nothing, loses nothing, and goes on', async () => {
  const home = await temporaryDirectory('petrel-quota')
  cleanup.add(home.remove)
  const node = await firstStart(home.path)
  cleanup.add(node.running.stop)
  const alice = await startPerson('Alice')
  cleanup.add(alice.leave)
  const { page, context } = alice.browser
  const { origin } = new URL(node.link)
  const devtools = await context.newCDPSession(page)
  await devtools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 6_000_000 })
  await alice.join(node.link)
  await alice.write('before')
  const { lines: groups } = await json(['group', 'list'], home.path)
  const group = String(groups[0]?.['group'])

  await fill(alice)
  const sent: string[] = []
  const send = async (...more: readonly string[]): Promise<Line> => {
    const text = `from the node ${sent.push('')} ${'字'.repeat(200)}`
    sent[sent.length - 1] = text
    return (await json(['send', group, text, ...more], home.path)).lines.at(-1) ?? {}
  }
  await untilValue(
    async () => {
      await send()
      return alice.network()
    },
    words => words.startsWith('Storage is failing'),
    { within: 60_000, that: 'the page to say that storage fails' },
  )
  const seen = await alice.texts()
  expect(seen[0]).toBe('before')
  // Not kept, so not acknowledged: the node is not told that it was carried.
  const waited = await send('--wait', 'carried', '--timeout', '3s')
  expect(waited).toMatchObject({ code: 'timeout' })
  expect(await alice.texts()).toEqual(seen)

  const box = page.locator('form.composer textarea')
  await box.fill('while full')
  await box.press('Enter')
  const failed = page.locator('#composer-foot').getByText('Could not write to storage')
  await failed.waitFor()
  expect(await box.inputValue()).toBe('while full')
  expect(await alice.texts()).toEqual(seen)

  await devtools.send('Storage.overrideQuotaForOrigin', { origin })
  await untilValue(alice.network, words => !words.startsWith('Storage is failing'), {
    within: 60_000,
    that: 'the page to go on',
  })
  await box.press('Enter')
  await alice.sees(['before', ...sent, 'while full'], 60_000)
  expect(await box.inputValue()).toBe('')
  await page.reload()
  await box.waitFor({ timeout: 60_000 })
  await alice.sees(['before', ...sent, 'while full'], 60_000)
})
