/** The machine around a node turns against it: a library throws where nobody catches, the umask gives everything away, and
 *  other users look at the process list. */
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { createCleanup } from '../support/host.ts'
import { petrel } from '../support/petrel-process.ts'
import { dataOf, newHome, socketOf, up } from './running.ts'

const cleanup = createCleanup()
afterEach(() => cleanup.run())

/** Throws in the middle of the event loop, as an event of a library does. */
const throwing = `process.on('SIGUSR2', () => setImmediate(() => { throw new Error('tell nobody') }))`
const withThrower = {
  NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(throwing)}`,
}

test('what nobody caught ends the node with a sentence, and nothing saved is lost', async () => {
  const place = await newHome(cleanup)
  const { running, group } = await up(cleanup, place, [], { environment: withThrower })
  expect((await petrel(['send', group, 'before the end'], place)).code).toBe(6)
  running.signal('SIGUSR2')
  expect(await running.exited()).toEqual({ code: 1, signal: null })
  expect(running.stderr() + running.stdout()).not.toMatch(/tell nobody|\n\s+at /)
  expect(running.stdout()).toMatch(/"type":"error".*"internal"/)
  expect((await petrel(['tail', '--json'], place)).stdout).toContain('before the end')
})

const entriesOf = (directory: string): readonly string[] =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' }).map(name => join(directory, name))

test('with a umask that hides nothing all is still private, and the process list tells no secret', async () => {
  const place = await newHome(cleanup)
  const shell = ['sh', '-c', 'umask 000 && exec "$@"', 'sh']
  const { running, linkFile } = await up(cleanup, place, [], { through: shell })
  const data = dataOf(place)
  const open = [data, ...entriesOf(data), socketOf(place)].filter(
    path => (statSync(path).mode & 0o077) !== 0,
  )
  expect(open).toEqual([])

  const secret = readFileSync(linkFile, 'utf8').trim().split('#j=')[1] ?? ''
  expect(secret.length).toBeGreaterThan(100)
  const keys = ['wrapping.key', 'data.key'].map(name => {
    const file: unknown = JSON.parse(readFileSync(join(data, name), 'utf8'))
    return String(Reflect.get(Object(file), 'bytes'))
  })
  const seen = ['cmdline', 'environ', 'comm']
    .map(name => readFileSync(`/proc/${running.pid}/${name}`, 'latin1'))
    .concat(running.stdout(), running.stderr())
  for (const text of seen) {
    for (const hidden of [secret, ...keys]) expect(text.includes(hidden)).toBe(false)
  }
})
