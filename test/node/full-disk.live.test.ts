/** A disk that is full, a real one: the node goes on reading and answering, saves nothing it cannot keep, says so with what to
 *  do, and goes on by itself when there is room. What was acknowledged is there afterwards. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { createCleanup } from '../support/host.ts'
import { petrel } from '../support/petrel-process.ts'
import { smallDisk, type SmallDisk } from '../support/small-disk.ts'
import { untilValue } from '../support/until.ts'
import { json, jsonLines, newHome, up } from './running.ts'
import type { Line, Up } from './running.ts'

const cleanup = createCleanup()
afterEach(() => cleanup.run())

type FullNode = {
  readonly disk: SmallDisk
  readonly start: () => Promise<Up>
  readonly run: (...args: readonly string[]) => ReturnType<typeof petrel>
  /** Sends and keeps what was acknowledged in `saved`. */
  readonly send: (group: string, text: string) => Promise<Line>
  readonly saved: readonly string[]
  readonly texts: () => Promise<readonly string[]>
  readonly storage: () => Promise<unknown>
}

/** A node whose data directory stands on a disk of 48 MB. */
const givenNode = async (): Promise<FullNode> => {
  const home = await newHome(cleanup, 'petrel-full')
  const disk = await smallDisk(await newHome(cleanup, 'petrel-small'), 48)
  cleanup.add(disk.remove)
  const { through } = disk
  const data = ['--data', join(disk.path, 'petrel'), '--lang', 'en']
  const runJson = (...args: readonly string[]) => json([...args, ...data], home, { through })
  const saved: string[] = []
  return {
    disk,
    saved,
    start: () => up(cleanup, home, [...data, '--group-title', '防汛'], { through }),
    run: (...args) => petrel([...args, ...data], home, { through }),
    send: async (group, text) => {
      const { code, lines } = await runJson('send', group, text)
      const last = lines.at(-1) ?? {}
      if (last['type'] === 'message-saved') saved.push(text)
      return { ...last, exit: code }
    },
    texts: async () => {
      const { lines } = await runJson('tail', '-n', '500')
      return lines.map(({ body }) =>
        typeof body === 'object' && body !== null ? String(Reflect.get(body, 'text')) : '',
      )
    },
    storage: async () => (await runJson('status')).lines[0]?.['storage'],
  }
}

/** Does not compress: fills more than the rest of a page. */
const longText = (name: string): string => `${name} ${randomBytes(2_900).toString('base64')}`

test('a node on a full disk refuses to save, reads on, says what to do, and goes on when there is room', async () => {
  const { disk, start, run, send, saved, texts, storage } = await givenNode()
  const node = await start()
  expect(await send(node.group, 'before')).toMatchObject({ type: 'message-saved' })

  await disk.keepFull()
  const first = await untilValue(
    () => send(node.group, longText('first')),
    ({ type }) => type === 'error',
    { within: 60_000, that: 'a refusal' },
  )
  expect(['not-saved-yet', 'storage-failed']).toContain(first['code'])
  const refused = longText('refused')
  expect(await send(node.group, refused)).toMatchObject({
    code: 'storage-failed',
    exit: 1,
    next: expect.stringContaining('Free some disk space'),
  })

  expect(await storage()).toBe('failing')
  const news = jsonLines(node.running.stdout()).filter(({ type }) => type === 'storage')
  expect(news.at(-1)).toMatchObject({ state: 'failing' })
  expect(await texts()).toEqual(saved)
  const doctor = await run('doctor')
  expect(doctor.code).toBe(1)
  expect(doctor.stdout).toMatch(/Storage +writing fails/)
  expect(doctor.stdout).toMatch(/Signatures +all \d+ verified/)
  expect((await run('group', 'list')).stdout).toContain('防汛')

  await disk.free()
  await untilValue(storage, state => state === 'ok', { within: 60_000, that: 'storage to be ok' })
  expect(await send(node.group, 'after')).toMatchObject({ type: 'message-saved' })

  expect(await node.running.kill()).toMatchObject({ signal: 'SIGKILL' })
  await start()
  const kept = await texts()
  expect(kept.filter(text => saved.includes(text))).toEqual(saved)
  expect(kept).not.toContain(refused)
})

test('when nobody makes room, the reserve lets a full node go on for a while', async () => {
  const { disk, start, run, send, saved, texts } = await givenNode()
  const node = await start()
  disk.fill()
  const answers: unknown[] = []
  for (let index = 0; index < 8; index++) {
    answers.push((await send(node.group, longText(String(index))))['type'])
  }
  expect(answers.slice(-4)).toEqual(Array(4).fill('message-saved'))
  expect((await run('doctor')).stdout).toMatch(/Storage +can be read and written, but only/)
  expect(await texts()).toEqual(expect.arrayContaining([...saved]))
})

test('a node that finds its disk full starts on its reserve', async () => {
  const { disk, start, send, saved, texts } = await givenNode()
  const first = await start()
  await send(first.group, 'before')
  await first.running.stop()
  disk.fill()
  const second = await start()
  expect(second.group).toBe(first.group)
  await send(second.group, 'after')
  expect(saved).toEqual(['before', 'after'])
  expect(await texts()).toEqual(saved)
})
