/** A node that is watched: by a person with `status --watch`, and by the service manager that started it. */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { createCleanup } from '../support/host.ts'
import { petrel, startPetrel } from '../support/petrel-process.ts'
import { until } from '../support/until.ts'
import { jsonLines, newHome, up } from './running.ts'

const cleanup = createCleanup()
afterEach(() => cleanup.run())

test('status --watch gives one object at each change, and ends with the node', async () => {
  const place = await newHome(cleanup)
  const node = await up(cleanup, place, ['--group-title', 'ops'])
  const watching = startPetrel(['status', '--watch', '--json'], place)
  const plain = startPetrel(['status', '--watch'], place)
  for (const { kill } of [watching, plain]) cleanup.add(kill)
  await watching.printed(/"type":"status".*\n/)
  await plain.printed(/ops/)
  await petrel(['group', 'create', 'second'], place)
  await watching.printed(/"title":"second".*\n/)
  await plain.printed(/second/)
  const seen = jsonLines(watching.stdout()).map(line => JSON.stringify(line))
  expect(new Set(seen).size).toBe(seen.length)
  expect(plain.stdout()).not.toContain('\u001b')
  plain.signal('SIGINT')
  expect((await plain.exited()).code).toBe(130)
  await node.running.stop()
  expect((await watching.exited()).code).toBe(1)
  expect(jsonLines(watching.stdout()).at(-1)).toMatchObject({ code: 'daemon-gone' })
})

test('without a node status --watch shows once what is stored, and keeps nothing locked', async () => {
  const place = await newHome(cleanup)
  await petrel(['init'], place)
  const { code, stderr } = await petrel(['status', '--watch'], place)
  expect(code).toBe(0)
  expect(stderr).toContain('petrel up')
})

test('the service manager is told when the node is up and when it stops', async () => {
  const place = await newHome(cleanup)
  const told = join(place, 'told')
  writeFileSync(told, '')
  writeFileSync(join(place, 'systemd-notify'), '#!/bin/sh\necho "$1" >> "$NOTIFY_SOCKET"\n')
  chmodSync(join(place, 'systemd-notify'), 0o755)
  const environment = { PATH: `${place}:/usr/bin:/bin`, NOTIFY_SOCKET: told }
  const node = await up(cleanup, place, [], { environment })
  await until(() => readFileSync(told, 'utf8') === 'READY=1\n')
  expect((await node.running.stop()).code).toBe(0)
  expect(readFileSync(told, 'utf8')).toBe('READY=1\nSTOPPING=1\n')
})

test('where systemd-notify is missing the node runs on and says so', async () => {
  const place = await newHome(cleanup)
  const environment = { PATH: place, NOTIFY_SOCKET: join(place, 'nobody') }
  const node = startPetrel(
    ['up', '--http', '0', '--tcp', '0', '--ws', '0', '--webrtc', '0', '--no-mdns'],
    place,
    { environment },
  )
  cleanup.add(node.stop)
  await until(() => node.stderr().includes('The service manager was not told'), { within: 20_000 })
  expect((await petrel(['status'], place)).code).toBe(0)
})
