/** The command line as a process: exit codes, JSON, secrets, stdin, permissions. No node runs here; see up.live.test.ts. */
import { spawn } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Level } from 'level'
import { afterEach, expect, test } from 'vitest'
import { byteEncodings, inviteLink } from '#shell'
import { createCleanup, repositoryRoot, temporaryDirectory } from '../support/host.ts'
import { petrel } from '../support/petrel-process.ts'

const cleanup = createCleanup()
afterEach(() => cleanup.run())

const home = async (): Promise<string> => {
  const { path, remove } = await temporaryDirectory('petrel-cli')
  cleanup.add(remove)
  return path
}
const dataOf = (place: string): string => join(place, 'data', 'petrel')
const chinese = { environment: { LANG: 'zh_CN.UTF-8', LC_ALL: 'zh_CN.UTF-8' } }
const jsonLines = (text: string): readonly Record<string, unknown>[] =>
  text
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line))

test('help and version need nothing and create nothing', async () => {
  const place = await home()
  const version = await petrel(['version', '--json'], place)
  expect(version.code).toBe(0)
  expect(jsonLines(version.stdout)).toMatchObject([{ v: 1, type: 'version', protocol: 1 }])
  const commands = [
    'init',
    'up',
    'status',
    'peers',
    'group',
    'invite',
    'join',
    'send',
    'tail',
    'doctor',
    'version',
  ]
  for (const args of [['--help'], ['-h'], ['help']]) {
    const help = await petrel(args, place)
    expect(help.code).toBe(0)
    for (const command of commands) expect(help.stdout).toMatch(new RegExp(`^  ${command}\\b`, 'm'))
  }
  expect((await petrel(['send', '--help'], place, chinese)).stdout).toContain('发送一条消息')
  expect(existsSync(join(place, 'data'))).toBe(false)
})

test('what cannot be understood ends with 2, one reason and one next step', async () => {
  const place = await home()
  const wrong = [
    [],
    ['snd'],
    ['status', '--nope'],
    ['send'],
    ['send', 'g'],
    ['status', 'extra'],
    ['status', '--timeout'],
    ['status', '--timeout', '5'],
    ['status', '--lang', 'fr'],
    ['send', 'g', 'x', '--priority', 'now'],
    ['send', 'g', 'x', '--wait', 'read'],
    ['group', 'create', 'x', '--kind', 'secret'],
    ['up', '--http', '65536'],
    ['up', '--expires', '1'],
    ['tail', '--since', 'yesterday'],
  ]
  for (const args of wrong) {
    const { code, stdout, stderr } = await petrel(args, place)
    expect([args, code]).toEqual([args, 2])
    expect(stdout).toBe('')
    if (args.length > 0) expect(stderr).toMatch(/^Error: .+\n(Safe: .+\n)?Try: .+\n$/)
  }
  expect((await petrel(['stats'], place)).stderr).toContain('Did you mean petrel status?')
  expect((await petrel(['stats'], place, chinese)).stderr).toContain('错误：没有「stats」这个命令')
  expect(existsSync(join(place, 'data'))).toBe(false)
})

test('an invite on the command line is refused as secret-in-argv and never echoed', async () => {
  const place = await home()
  const link = inviteLink('http://10.0.0.1:8080', new Uint8Array(90).fill(7))
  const token = link.slice(link.indexOf('=') + 1)
  const ways = [
    ['join', link],
    ['join', token],
    ['--json', 'join', '--name', 'x', token],
    ['join', link.replace('#', '%23')],
    ['send', 'g', `see ${link}`],
  ]
  for (const args of ways) {
    const { code, stdout, stderr } = await petrel([...args, '--json'], place)
    expect(code).toBe(2)
    expect(jsonLines(stdout)).toMatchObject([
      { v: 1, type: 'error', code: 'secret-in-argv', exit: 2 },
    ])
    expect(stdout + stderr).not.toContain(token)
    expect(stderr).toContain('petrel join - < file')
  }
  expect(existsSync(join(place, 'data'))).toBe(false)
})

test('a bad invite is named: damaged, newer version; nothing is joined', async () => {
  const place = await home()
  const good = inviteLink('http://10.0.0.1:8080', new Uint8Array(70).fill(1))
  const newer = inviteLink('http://10.0.0.1:8080', new Uint8Array(70).fill(2))
  const cases = [
    [good.slice(0, -1), 'invite-damaged', 2],
    [good.toLowerCase(), 'invite-damaged', 2],
    ['http://example.org/', 'invite-damaged', 2],
    ['x'.repeat(10_000), 'invite-damaged', 2],
    [newer, 'invite-newer-version', 4],
    ['', 'nothing-read', 2],
    ['\u0000\u0001', 'invite-damaged', 2],
  ] as const
  for (const [input, reason, exit] of cases) {
    const { code, stdout } = await petrel(['join', '-', '--json'], place, { input })
    expect([reason, code]).toEqual([reason, exit])
    expect(jsonLines(stdout)).toMatchObject([{ type: 'error', code: reason }])
  }
  const missing = await petrel(['join', '--from-file', join(place, 'none')], place)
  expect(missing).toMatchObject({ code: 2, stdout: '' })
  const nobody = await petrel(['join'], place)
  expect(nobody).toMatchObject({ code: 2, stdout: '' })
  expect(existsSync(join(place, 'data'))).toBe(false)
})

test('without an identity commands say so and exit 3', async () => {
  const place = await home()
  for (const args of [
    ['status'],
    ['peers'],
    ['group', 'list'],
    ['send', 'g', 'x'],
    ['tail'],
    ['doctor'],
  ]) {
    const { code, stderr } = await petrel(args, place)
    expect([args, code]).toEqual([args, 3])
    expect(stderr).toContain('petrel up')
  }
})

test('under umask 000 directories are 0700 and files 0600', async () => {
  const place = await home()
  const script = `umask 000; exec "${process.execPath}" node/main.ts init --json --data "${place}/d/e"`
  const child = spawn('sh', ['-c', script], { cwd: repositoryRoot, stdio: 'ignore' })
  const code = await new Promise(resolve => child.on('close', resolve))
  expect(code).toBe(0)
  const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8)
  expect(['d/e', 'd/e/store'].map(name => modeOf(join(place, name)))).toEqual(['700', '700'])
  const files = ['wrapping.key', 'data.key', 'reserve', 'store/CURRENT']
  expect(files.map(name => modeOf(join(place, 'd/e', name)))).toEqual(files.map(() => '600'))
})

test('a key file that others can read stops everything', async () => {
  const place = await home()
  await petrel(['init'], place)
  chmodSync(join(dataOf(place), 'wrapping.key'), 0o644)
  for (const args of [['status'], ['init'], ['up', '--http', '0']]) {
    const { code, stderr } = await petrel(args, place)
    expect([args, code]).toEqual([args, 4])
    expect(stderr).toContain('0644')
  }
})

test('a setting that is not known is refused with file and line', async () => {
  const place = await home()
  mkdirSync(join(place, 'config', 'petrel'), { recursive: true })
  const file = join(place, 'config', 'petrel', 'config.toml')
  writeFileSync(file, 'lang = "en"\n\n[http]\nprot = 1\n')
  const { code, stderr } = await petrel(['init'], place)
  expect(code).toBe(2)
  expect(stderr).toContain(`${file}:4, http.prot`)
  writeFileSync(file, '[http]\nport = 1234\n')
  const shown = await petrel(['config', 'show', '--origin', '--json'], place)
  expect(jsonLines(shown.stdout)).toContainEqual({
    v: 1,
    type: 'setting',
    key: 'http.port',
    value: 1234,
    origin: `${file}:2`,
  })
})

test('without a node, what is sent is stored: exit 6, and it is there afterwards', async () => {
  const place = await home()
  expect((await petrel(['init', '--name', '李工', '--unit', '水务局'], place)).code).toBe(0)
  expect((await petrel(['group', 'create', '防汛 指挥组'], place)).code).toBe(0)
  const send = (text: string, input?: string) =>
    petrel(['send', '防汛 指挥组', text, '--json'], place, input === undefined ? {} : { input })
  const sent = await send('两\n行')
  expect(sent.code).toBe(6)
  expect(jsonLines(sent.stdout)).toMatchObject([{ type: 'message-saved', state: 'held' }])
  expect((await send('-', 'from stdin\n')).code).toBe(6)
  expect((await send('-', '')).code).toBe(2)
  expect((await send('-', ' \n')).code).toBe(2)
  expect((await petrel(['send', '防汛 指挥组', '\u001b[31mred\u202e'], place)).code).toBe(6)
  expect((await send('-', 'x'.repeat(4_097))).code).toBe(2)
  expect((await send('-', 'x'.repeat(200_000))).code).toBe(2)
  const tail = await petrel(['tail', '--json'], place)
  const texts = jsonLines(tail.stdout).map(line => line['body'])
  expect(texts).toMatchObject([
    { text: '两\n行' },
    { text: 'from stdin' },
    { text: '\u001b[31mred\u202e' },
  ])
  const shown = await petrel(['tail'], place)
  expect(shown.stdout).not.toMatch(/\p{Cc}(?<!\n)|\u202e/u)
  expect(tail.stdout).not.toMatch(/\p{Cc}(?<!\n)|\u202e/u)
  const status = await petrel(['status', '--json'], place)
  expect(jsonLines(status.stdout)).toMatchObject([{ name: '李工', unit: '水务局', online: false }])
})

test('binary on stdin is not text', async () => {
  const place = await home()
  await petrel(['group', 'create', 'g'], place)
  await petrel(['init'], place)
  await petrel(['group', 'create', 'g'], place)
  const script = `printf '\\377\\376\\000' | "${process.execPath}" node/main.ts send g - --data "${dataOf(place)}"`
  const child = spawn('sh', ['-c', script], { cwd: repositoryRoot, stdio: 'ignore' })
  expect(await new Promise(resolve => child.on('close', resolve))).toBe(2)
})

test('names and texts that break the rules are refused with their own reason', async () => {
  const place = await home()
  await petrel(['init'], place)
  for (const name of ['', 'a\u202eb', 'x'.repeat(300), 'y'.repeat(5_000), '\n']) {
    const { code, stdout } = await petrel(['group', 'create', name, '--json'], place)
    expect([name.slice(0, 5), code]).toEqual([name.slice(0, 5), 2])
    expect(jsonLines(stdout)).toMatchObject([{ type: 'error', code: 'name-invalid' }])
  }
  expect((await petrel(['group', 'show', 'nobody'], place)).code).toBe(3)
})

test('two groups of one name are told apart by their ids', async () => {
  const place = await home()
  await petrel(['init'], place)
  await petrel(['group', 'create', '值班'], place)
  await petrel(['group', 'create', '值班'], place)
  const ambiguous = await petrel(['send', '值班', 'x'], place)
  expect(ambiguous.code).toBe(2)
  const [id] = /[0-9a-f]{8}/.exec(ambiguous.stderr) ?? []
  expect((await petrel(['send', id ?? '', 'x'], place)).code).toBe(6)
})

test('a reader that goes away ends the command quietly', async () => {
  const place = await home()
  await petrel(['init'], place)
  await petrel(['group', 'create', 'g'], place)
  for (let n = 0; n < 3; n++) await petrel(['send', 'g', 'x'.repeat(4_000)], place)
  const environment = { ...process.env, NO_COLOR: '1' }
  const script = `"${process.execPath}" node/main.ts tail --json --data "${dataOf(place)}" 2>"${place}/err" | head -c 1; test ! -s "${place}/err"`
  const child = spawn('sh', ['-c', script], {
    cwd: repositoryRoot,
    env: environment,
    stdio: 'ignore',
  })
  expect(await new Promise(resolve => child.on('close', resolve))).toBe(0)
})

test('the doctor finds one flipped bit in what is stored and exits 8', async () => {
  const place = await home()
  await petrel(['init'], place)
  await petrel(['group', 'create', 'g'], place)
  await petrel(['send', 'g', 'a'], place)
  await petrel(['send', 'g', 'b'], place)
  const healthy = await petrel(['doctor', '--json'], place)
  expect(healthy.code).toBe(6)
  expect(jsonLines(healthy.stdout)[0]).toMatchObject({ check: 'operations', state: 'ok' })
  const level = new Level<Uint8Array, Uint8Array>(join(dataOf(place), 'store'), byteEncodings)
  const range = { gte: Uint8Array.of(0x20), lt: Uint8Array.of(0x21) }
  const [row] = await level.iterator(range).all()
  if (row === undefined) throw new Error('a sent message is stored')
  const value = row[1].slice()
  value[60] = (value[60] ?? 0) ^ 1
  await level.put(row[0], value)
  await level.close()
  const { code, stdout } = await petrel(['doctor', '--json'], place)
  expect(code).toBe(8)
  expect(jsonLines(stdout)[0]).toMatchObject({ check: 'operations', state: 'bad' })
})

test('petrel.js says in both languages that an old Node without ours cannot run it', async () => {
  const place = await home()
  mkdirSync(join(place, 'node'))
  writeFileSync(join(place, 'package.json'), '{"type":"module"}')
  cpSync(join(repositoryRoot, 'node', 'petrel.js'), join(place, 'node', 'petrel.js'))
  const old = join(place, 'old.mjs')
  writeFileSync(old, "Object.defineProperty(process.versions, 'node', { value: '20.11.1' })\n")
  const child = spawn(process.execPath, ['--import', old, join(place, 'node', 'petrel.js')])
  let text = ''
  child.stderr.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  expect(await new Promise(resolve => child.on('close', resolve))).toBe(2)
  expect(text).toContain('海燕需要 Node 22')
  expect(text).toContain('Petrel needs Node 22')
})
