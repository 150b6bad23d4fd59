/** `send --wait` on real nodes: it says who has the message and who has not, and goes on watching a message that scrolled out
 *  of every window long ago. */
import { afterEach, expect, test } from 'vitest'
import { overSocket } from '../../node/client.ts'
import { createCleanup } from '../support/host.ts'
import { petrel, startPetrel } from '../support/petrel-process.ts'
import { json, jsonLines, newHome, joinWith, socketOf, up } from './running.ts'

const cleanup = createCleanup()
afterEach(() => cleanup.run())

test('Zhang waits for Li and Wang: told who is missing, and told at last, though much was said meanwhile', async () => {
  const [zhang, li, wang] = [await newHome(cleanup), await newHome(cleanup), await newHome(cleanup)]
  const office = await up(cleanup, zhang, ['--group-title', 'ops', '--uses', '2'])
  await up(cleanup, li, ['--no-first-group'])
  await joinWith(li, office.linkFile, 'Li')
  const field = await up(cleanup, wang, ['--no-first-group'])
  await joinWith(wang, office.linkFile, 'Wang')
  await field.running.stop()

  const partly = await json(
    ['send', 'ops', 'evacuate', '--wait', 'delivered', '--timeout', '12s'],
    zhang,
  )
  expect(partly.code).toBe(5)
  expect(partly.lines).toMatchObject([
    { state: 'delivered', delivered: 1, recipients: 2, deliveredTo: ['Li'], waitingFor: ['Wang'] },
  ])

  const waiting = startPetrel(
    ['send', 'ops', 'gate 3', '--wait', 'delivered', '--timeout', '90s', '--json', '--verbose'],
    zhang,
  )
  cleanup.add(waiting.kill)
  const access = overSocket(socketOf(zhang))
  const path = `groups/${office.group}/messages`
  await untilSaid(zhang, 'gate 3')
  for (let n = 0; n < 60; n++) {
    const saved = await access.post('saved', path, { text: `later ${n}`, priority: 'routine' })
    expect(saved.ok).toBe(true)
  }
  const shown = await petrel(['tail', 'ops', '-n', '50'], zhang)
  expect(shown.stdout).not.toContain('gate 3')
  await up(cleanup, wang)
  expect((await waiting.exited({ within: 80_000 })).code).toBe(0)
  expect(jsonLines(waiting.stdout())).toMatchObject([
    { delivered: 2, recipients: 2, waitingFor: [] },
  ])
})

test('a node that stops ends the waiting: stored, not delivered', async () => {
  const [zhang, li] = [await newHome(cleanup), await newHome(cleanup)]
  const office = await up(cleanup, zhang, ['--group-title', 'ops'])
  const field = await up(cleanup, li, ['--no-first-group'])
  await joinWith(li, office.linkFile, 'Li')
  await field.running.stop()
  const waiting = startPetrel(['send', 'ops', 'x', '--wait', 'delivered', '--json'], zhang)
  cleanup.add(waiting.kill)
  await untilSaid(zhang, 'x')
  await office.running.stop()
  expect((await waiting.exited()).code).toBe(6)
  expect(jsonLines(waiting.stdout())).toMatchObject([{ delivered: 0, waitingFor: ['Li'] }])
})

test('alone in a group nothing was delivered to anybody: stored, and said so', async () => {
  const place = await newHome(cleanup)
  await up(cleanup, place, ['--group-title', 'ops'])
  const sent = await petrel(['send', 'ops', 'x', '--wait', 'delivered'], place)
  expect(sent.code).toBe(6)
  expect(sent.stderr).toContain('Nobody else is in the group yet')
})

const untilSaid = (place: string, text: string): Promise<void> =>
  expect
    .poll(async () => (await petrel(['tail', 'ops', '--json'], place)).stdout, { timeout: 20_000 })
    .toContain(`"text":"${text}"`)
