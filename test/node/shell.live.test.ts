/** What shells do to a command: pipes that close, streams that are not there, directories that are not there, and every kind of
 *  bytes on standard input. */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { createCleanup, repositoryRoot } from '../support/host.ts'
import { petrel, startPetrel } from '../support/petrel-process.ts'
import { until } from '../support/until.ts'
import { anyPorts, dataOf, json, newHome, up } from './running.ts'

const cleanup = createCleanup()
afterEach(() => cleanup.run())

/** Runs a shell line in which $petrel is the command; gives its exit code. */
const shell = (line: string, place: string, environment: Readonly<Record<string, string>> = {}) => {
  const child = spawn('sh', ['-c', `petrel="${process.execPath} node/main.ts"; ${line}`], {
    cwd: repositoryRoot,
    env: {
      PATH: process.env['PATH'],
      HOME: place,
      LANG: 'C.UTF-8',
      XDG_DATA_HOME: join(place, 'data'),
      XDG_CONFIG_HOME: join(place, 'config'),
      XDG_RUNTIME_DIR: join(place, 'run'),
      ...environment,
    },
    stdio: 'ignore',
    detached: true,
  })
  const { pid } = child
  cleanup.add(() => {
    if (child.exitCode === null && pid !== undefined) process.kill(-pid, 'SIGKILL')
  })
  return new Promise<number | null>(resolve => {
    child.on('close', resolve)
  })
}

const withGroup = async (): Promise<string> => {
  const place = await newHome(cleanup)
  await petrel(['init'], place)
  await petrel(['group', 'create', 'ops'], place)
  return place
}

test('tail --follow | head -1 ends with the first line that nobody reads', async () => {
  const place = await newHome(cleanup)
  await up(cleanup, place, ['--group-title', 'ops'])
  await petrel(['send', 'ops', 'one'], place)
  const line = shell(
    `{ $petrel tail --follow 2>"${place}/err"; echo $? >"${place}/rc"; } | head -1 >"${place}/out"`,
    place,
  )
  await until(() => existsSync(join(place, 'out')) && readFileSync(join(place, 'out')).length > 0)
  await petrel(['send', 'ops', 'two'], place)
  await petrel(['send', 'ops', 'three'], place)
  expect(await line).toBe(0)
  expect(readFileSync(join(place, 'rc'), 'utf8')).toBe('0\n')
  expect(readFileSync(join(place, 'err'), 'utf8')).toBe('')
})

test('a node whose log nobody reads any more goes on serving', async () => {
  const place = await newHome(cleanup)
  const node = shell(
    `{ $petrel up ${anyPorts.join(' ')} --group-title ops 2>&1; echo $? >"${place}/rc"; } | head -1`,
    place,
  )
  await until(async () => (await petrel(['status'], place)).stdout.includes('Running'), {
    within: 20_000,
    every: 300,
  })
  for (const title of ['a', 'b', 'c']) await petrel(['group', 'create', title], place)
  expect((await petrel(['send', 'ops', 'x'], place)).code).toBe(6)
  const { lines } = await json(['status'], place)
  process.kill(Number(lines[0]?.['pid']), 'SIGTERM')
  await node
  expect(readFileSync(join(place, 'rc'), 'utf8')).toBe('0\n')
})

test('closed streams are no reason to fail', async () => {
  const place = await withGroup()
  expect(await shell('$petrel status <&-', place)).toBe(0)
  expect(await shell('$petrel status >&-', place)).toBe(0)
  expect(await shell('$petrel status 2>&-', place)).toBe(0)
  expect(await shell('$petrel send ops - <&-', place)).toBe(2)
  expect(await shell('$petrel join <&-', place)).toBe(2)
  expect(await shell(`$petrel status >/dev/full 2>"${place}/err"`, place)).toBe(1)
  expect(readFileSync(join(place, 'err'), 'utf8')).toMatch(
    /^Error: .*ENOSPC.*\nSafe: .*\nTry: .*\n$/,
  )
})

test('bytes on standard input: text is sent as it is, the rest is refused by name', async () => {
  const place = await withGroup()
  const cases = [
    [`printf 'a\\0b'`, 6],
    [`printf '\\357\\273\\277mark'`, 6],
    [`printf '\\377\\376x\\0'`, 2],
    [`printf '\\303'`, 2],
    [`head -c 4096 /dev/zero | tr '\\0' x`, 6],
    [`head -c 4097 /dev/zero | tr '\\0' x`, 2],
    [`yes 海`, 2],
    [`head -c 1000000 /dev/zero`, 2],
    [`printf ''`, 2],
    [`printf '\\n\\n'`, 2],
  ] as const
  for (const [source, exit] of cases) {
    const code = await shell(`${source} | $petrel send ops - --json >"${place}/out"`, place)
    expect([source, code]).toEqual([source, exit])
    const [line] = readFileSync(join(place, 'out'), 'utf8').split('\n')
    const { code: name = 'saved' } = JSON.parse(line ?? '')
    const refused = source.startsWith('printf') ? /^(not-text|nothing-read)$/ : /^text-too-long$/
    expect([source, name]).toEqual([
      source,
      expect.stringMatching(exit === 6 ? /^saved$/ : refused),
    ])
  }
  const { stdout } = await petrel(['tail'], place)
  expect(stdout).toContain('a\u2400b')
  expect(stdout).toMatch(/ {2}mark {2}/)
})

test('text that begins with a dash or holds line breaks and quotes arrives whole', async () => {
  const place = await withGroup()
  const texts = ['-5 degrees', '--json', 'two\nlines', `it's "so" $HOME \`x\` \\n`, '- ']
  for (const text of texts) {
    expect((await petrel(['send', 'ops', '--', text], place)).code).toBe(6)
  }
  const { lines } = await json(['tail'], place)
  expect(lines.map(({ body }) => body)).toMatchObject(texts.map(text => ({ text })))
})

test('places with blanks, Han characters and great depth work, with a socket that fits', async () => {
  const place = await newHome(cleanup)
  for (const data of [
    join(place, '我的 数据', 'd'),
    join(place, ...Array(12).fill('很深的目录')),
  ]) {
    const node = startPetrel(['up', '--json', ...anyPorts, '--data', data], place, {
      environment: { XDG_RUNTIME_DIR: '' },
    })
    cleanup.add(node.stop)
    await node.printed(/"type":"up"/)
    const answer = await petrel(['status', '--json', '--data', data], place)
    expect(JSON.parse(answer.stdout)).toMatchObject({ online: true, dataDir: data })
    expect((await node.stop()).code).toBe(0)
  }
})

test('HOME and XDG directories that are relative or empty are not used', async () => {
  const place = await newHome(cleanup)
  const own = `${place}/data/petrel`
  const shown = async (environment: Readonly<Record<string, string>>): Promise<string> => {
    const { stdout } = await petrel(['config', 'show', '--json'], place, { environment })
    const lines = stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    return lines.find(({ key }) => key === 'data').value
  }
  expect(await shown({})).toBe(own)
  for (const XDG_DATA_HOME of ['data', './data', '']) {
    expect(await shown({ XDG_DATA_HOME })).toBe(join(place, '.local', 'share', 'petrel'))
  }
  for (const HOME of ['', 'here', '.']) {
    const data = await shown({ HOME, XDG_DATA_HOME: '' })
    expect(data).toMatch(/^\/.*\/\.local\/share\/petrel$|^\/\.local/)
    expect(data).not.toContain(repositoryRoot)
  }
})

test('a directory of something else, a file, and a system directory are left alone', async () => {
  const place = await newHome(cleanup)
  mkdirSync(join(place, 'photos', 'trip'), { recursive: true })
  const cases = [
    [join(place, 'photos'), 4],
    [join(repositoryRoot, 'package.json'), 1],
    ['/proc/self', 4],
    ['/dev/null/x', 1],
  ] as const
  for (const [data, exit] of cases) {
    const { code, stderr } = await petrel(['init', '--data', data], place)
    expect([data, code]).toEqual([data, exit])
    expect(stderr).toContain(data)
  }
  expect(existsSync(dataOf(place))).toBe(false)
})
