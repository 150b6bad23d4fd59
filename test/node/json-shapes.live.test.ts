/** What `--json` prints, held to the table in node/README.md: each object has the keys that stand there and no other, times are
 *  RFC 3339, ids are text; and every type of the table was seen. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { createCleanup, repositoryRoot } from '../support/host.ts'
import { petrel } from '../support/petrel-process.ts'
import { joinWith, jsonLines, newHome, up } from './running.ts'
import type { Line } from './running.ts'

const cleanup = createCleanup()
afterEach(() => cleanup.run())

type Shape = { readonly needed: readonly string[]; readonly allowed: ReadonlySet<string> }

const shapesIn = (readme: string): ReadonlyMap<string, Shape> => {
  const shapes = new Map<string, Shape>()
  const section = readme.slice(readme.indexOf('## JSON'))
  for (const [, types = '', keys = ''] of section.matchAll(/^\| (`[^|]+) \|[^|]*\|([^|]*)\|$/gm)) {
    const named = [...keys.matchAll(/`(\w+)(\??)`/g)].map(([, key = '', mark]) => ({ key, mark }))
    const base = keys.includes('as `group`') ? shapes.get('group') : undefined
    const own = named.filter(({ key }) => base === undefined || key !== 'group')
    const needed = own.filter(({ mark }) => mark === '').map(({ key }) => key)
    const shape = {
      needed: ['v', 'type', ...(base?.needed ?? []), ...needed],
      allowed: new Set(['v', 'type', ...(base?.allowed ?? []), ...own.map(({ key }) => key)]),
    }
    for (const [, type = ''] of types.matchAll(/`([\w-]+)`/g)) shapes.set(type, shape)
  }
  return shapes
}

const shapes = shapesIn(readFileSync(join(repositoryRoot, 'node', 'README.md'), 'utf8'))
const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/
const isTimeKey = (key: string): boolean => /^(at|notAfter|lastSeen|\w+At)$/.test(key)
const isIdKey = (key: string): boolean => /^(group|message|peer|device|author|id)$/.test(key)

const checkValues = (value: unknown, path: string): void => {
  if (Array.isArray(value)) for (const item of value) checkValues(item, path)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return
  for (const [key, inner] of Object.entries(value)) {
    const place = `${path}.${key}`
    if (isTimeKey(key)) expect([place, time.test(String(inner))]).toEqual([place, true])
    if (isIdKey(key)) expect([place, typeof inner]).toEqual([place, 'string'])
    checkValues(inner, place)
  }
}

const seen = new Set<string>()
const check = (line: Line): void => {
  const type = String(line['type'])
  seen.add(type)
  const shape = shapes.get(type)
  expect([type, shape === undefined]).toEqual([type, false])
  const keys = Object.keys(line)
  expect([type, (shape?.needed ?? []).filter(key => !keys.includes(key))]).toEqual([type, []])
  expect([type, keys.filter(key => shape?.allowed.has(key) !== true)]).toEqual([type, []])
  expect(line['v']).toBe(1)
  checkValues(line, type)
}

test('every object that the commands print has the documented shape', async () => {
  const [office, field] = [await newHome(cleanup), await newHome(cleanup)]
  const run = async (args: readonly string[], place = office): Promise<readonly Line[]> => {
    const { stdout } = await petrel([...args, '--json'], place)
    const lines = jsonLines(stdout)
    expect(lines.length).toBeGreaterThan(0)
    lines.forEach(check)
    return lines
  }
  await run(['init', '--name', 'Zhang'])
  await run(['init'])
  const node = await up(cleanup, office, ['--group-title', 'ops'])
  await run(['status'])
  await run(['join', '--from-file', node.linkFile, '--name', 'Li'], field)
  await run(['send', node.group.slice(0, 8), 'before'], field)
  const other = await up(cleanup, field, ['--no-first-group'])
  await joinWith(field, node.linkFile, 'Li')
  await run(['send', 'ops', 'hello', '--wait', 'delivered', '--timeout', '20s'], field)
  await node.running.printed(/"type":"arrived".*\n/)
  await run(['status'])
  await run(['peers'])
  await run(['group', 'list'])
  await run(['group', 'show', 'ops'])
  await run(['group', 'create', 'second'])
  await run(['invite', 'ops'])
  await run(['invite', 'ops', '--show-link'])
  await run(['tail', 'ops'])
  await run(['tail', 'ops'], field)
  await run(['doctor'])
  await run(['config', 'show'])
  await run(['version'])
  await run(['send', 'nobody', 'x'])
  for (const { running } of [other, node]) {
    await running.stop()
    jsonLines(running.stdout()).forEach(check)
  }
  // A failing disk is in the tests of the store.
  expect([...shapes.keys()].filter(type => !seen.has(type))).toEqual(['storage'])
})

test('JSON keys, codes and ids do not change with the language', async () => {
  const place = await newHome(cleanup)
  await petrel(['init'], place)
  await petrel(['group', 'create', 'ops'], place)
  for (const args of [['status'], ['group', 'list'], ['doctor'], ['send', 'nobody', 'x'], ['x']]) {
    const [zh, en] = await Promise.all(
      ['zh-CN', 'en'].map(async lang => {
        const { code, stdout } = await petrel([...args, '--json', '--lang', lang], place)
        const lines = jsonLines(stdout)
        return { code, shape: lines.map(line => [line['type'], line['code'], Object.keys(line)]) }
      }),
    )
    expect(zh).toEqual(en)
  }
})
