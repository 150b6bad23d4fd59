/** What a person sees on a terminal, at every usual width and in both languages: whole lines, whole help, a next step. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { columnsOf } from '../../node/terminal.ts'
import { createCleanup, temporaryDirectory } from '../support/host.ts'
import { runCli } from './run-cli.ts'

const cleanup = createCleanup()
let place = ''

/** Han characters, an emoji, a colour and a reversal in the names that others chose. */
const titles = [
  '防汛指挥组 城东片区 第三责任段 夜间值守与物资调配联络群',
  'ops',
  '🌊 \u001b[31mred',
]

beforeAll(async () => {
  const { path, remove } = await temporaryDirectory('petrel-screens')
  cleanup.add(remove)
  place = path
  mkdirSync(join(place, 'run'), { mode: 0o700 })
  expect((await runCli(['init', '--name', '李工', '--unit', '水务局'], place)).code).toBe(0)
  for (const title of titles.slice(0, 2)) await runCli(['group', 'create', title], place)
  await runCli(['send', 'ops', '水位 31.2 米，每小时上涨 5 厘米'], place)
})
afterAll(() => cleanup.run())

const languages = ['zh-CN', 'en'] as const
const commands = [
  ['up'],
  ['init'],
  ['join'],
  ['invite'],
  ['send'],
  ['tail'],
  ['group'],
  ['group', 'list'],
  ['group', 'create'],
  ['group', 'show'],
  ['peers'],
  ['peers', 'list'],
  ['status'],
  ['doctor'],
  ['config'],
  ['config', 'show'],
  ['version'],
]
const linesOf = (text: string): readonly string[] => stripVTControlCharacters(text).split('\n')

test.each(languages)(
  'every help is whole in %s: purpose, examples, each option explained',
  async lang => {
    for (const command of [[], ...commands]) {
      const { code, stdout } = await runCli([...command, '--help', '--lang', lang], place, {
        columns: 80,
      })
      const name = command.join(' ')
      expect([name, code]).toEqual([name, 0])
      const [usage, , about, , examples, firstExample] = linesOf(stdout)
      expect(usage).toContain(`petrel ${name}`.trim())
      expect(about).toMatch(lang === 'en' ? /^[\w ,:]/ : /\p{Script=Han}/u)
      expect(examples).toBe(lang === 'en' ? 'Examples:' : '例：')
      expect(firstExample).toMatch(/^ {2}petrel /)
      for (const line of linesOf(stdout)) {
        expect([line, columnsOf(line) <= 80]).toEqual([line, true])
        const option = /^ {2}(-\S.*?)(?: {2,}(.*))?$/.exec(line)
        if (option !== null)
          expect([name, option[1], option[2] === undefined]).toEqual([name, option[1], false])
        if (lang === 'zh-CN' && option !== null)
          expect(option[2]).toMatch(/\p{Script=Han}|--no-color/u)
      }
    }
  },
)

test('examples in the help are commands that the parser knows', async () => {
  const known = new Set(commands.map(command => command[0]))
  for (const lang of languages) {
    for (const command of [[], ...commands]) {
      const { stdout } = await runCli([...command, '--help', '--lang', lang], place)
      const examples = [...stdout.matchAll(/^ {2}petrel (\w+)(.*)$/gm)]
      expect(examples.length).toBeGreaterThan(0)
      for (const [line, name = '', rest = ''] of examples) {
        expect([line, known.has(name)]).toEqual([line, true])
        const isNoun = name === 'group' || name === 'config'
        const verb = isNoun ? rest.trim().split(' ').slice(0, 1) : []
        const help = await runCli([name, ...verb, '--help'], place)
        for (const flag of rest.replace(/ -- .*/, '').matchAll(/--[a-z-]+/g)) {
          expect([line, help.stdout.includes(flag[0])]).toEqual([line, true])
        }
      }
    }
  }
})

const screens = [['status'], ['group', 'list'], ['tail'], ['peers'], ['config', 'show', '--origin']]

test.each([72, 80, 120])('no line is wider than a terminal of %i columns', async columns => {
  for (const lang of languages) {
    for (const args of screens) {
      const { code, stdout } = await runCli([...args, '--lang', lang], place, { columns })
      expect([args, code]).toEqual([args, 0])
      // A path and a message are whole, however long: they are there to be copied and read.
      const cut = linesOf(stdout).filter(line => !line.includes(place) && args[0] !== 'tail')
      for (const line of cut) expect([line, columnsOf(line) <= columns]).toEqual([line, true])
    }
  }
})

test('the columns of a list stand under each other, whatever stands in them', async () => {
  const { stdout } = await runCli(['group', 'list', '--lang', 'zh-CN'], place, { columns: 80 })
  const places = linesOf(stdout)
    .filter(line => line.includes('应急'))
    .map(line => columnsOf(line.slice(0, line.indexOf('应急'))))
  expect(places).toHaveLength(2)
  expect(new Set(places).size).toBe(1)
})

test('a pipe gets whole names and no colour; NO_COLOR, TERM=dumb and --plain take it from a terminal', async () => {
  const piped = await runCli(['group', 'list'], place)
  expect(piped.stdout).toContain(titles[0])
  expect(piped.stdout).not.toContain('\u001b')
  expect((await runCli(['status'], place, { columns: 80 })).stdout).toContain('\u001b[')
  for (const args of [['--plain'], ['--no-color']]) {
    const shown = await runCli(['status', ...args], place, { columns: 80 })
    expect(shown.stdout).not.toContain('\u001b')
  }
})

test('every failure says what happened, what is safe and what to do, in both languages', async () => {
  const failures = [
    ['send', 'nobody', 'x'],
    ['send', 'ops', ' '],
    ['send', 'ops', 'x'.repeat(5_000)],
    ['group', 'create', ''],
    ['invite', 'ops'],
    ['join', '--no-input'],
    ['join', '--from-file', '/nowhere'],
    ['status', '--data', '/proc/nowhere'],
    ['init', '--data', '/proc/nowhere'],
  ]
  for (const lang of languages) {
    for (const args of failures) {
      const { code, stdout, stderr } = await runCli([...args, '--lang', lang], place)
      expect([args[0], code]).not.toEqual([args[0], 0])
      expect(stdout).toBe('')
      const colon = lang === 'en' ? ': ' : '：'
      const labels = lang === 'en' ? ['Error', 'Safe', 'Try'] : ['错误', '已保留', '可以试']
      const lines = stderr.trimEnd().split('\n')
      expect(lines.map(line => line.split(colon)[0])).toEqual(labels)
      if (lang === 'zh-CN') expect(stderr).toMatch(/\p{Script=Han}.*\n.*\p{Script=Han}.*\n/u)
    }
  }
})

test('what a failure quotes moves no cursor and breaks no line', async () => {
  for (const args of [
    ['init', '--data', `/proc/a\u001b[31m\n\u202eb`],
    ['join', '--from-file', '/no\u001b]0;x\u0007\nwhere'],
    ['send', '\u001b[2J\n', 'x'],
    ['\u001b[31m\n'],
    ['status', '--\u001b[31m'],
  ]) {
    const { code, stderr } = await runCli(args, place)
    expect(code).not.toBe(0)
    expect(stderr.trimEnd().split('\n').length).toBeLessThanOrEqual(3)
    expect(stderr.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202e]/u)
  }
})

test('a slip of the finger is answered with what was meant', async () => {
  const slips = [
    [['stats'], 'petrel status?'],
    [['group', 'lst'], 'petrel group list?'],
    [['help', 'snd'], 'petrel send?'],
    [['tail', '--folow'], '--follow?'],
    [['send', 'op', 'x'], '“ops”?'],
  ] as const
  for (const [args, meant] of slips) {
    const { stderr } = await runCli(args, place)
    expect(stderr).toContain(`Did you mean ${meant}`)
  }
})

test('a wrong value names the option as it was typed, what it takes, and where to read on', async () => {
  const wrong = [
    [['invite', 'ops', '--uses', '0'], '--uses', 'petrel invite --help'],
    [['up', '--http', 'abc'], '--http', 'petrel up --help'],
    [['up', '--group-kind', 'x'], '--group-kind', 'petrel up --help'],
    [['tail', '--since', '0s'], '--since', 'petrel tail --help'],
    [['group', 'create', 'x', '--kind', 'y'], '--kind', 'petrel group create --help'],
    [['status', '--lang', 'xx'], '--lang', 'petrel status --help'],
    [['status', '--timeout', '5'], '--timeout', 'petrel status --help'],
  ] as const
  for (const [args, flag, help] of wrong) {
    const { code, stderr } = await runCli(args, place)
    expect([args, code]).toEqual([args, 2])
    expect(stderr).toContain(`Error: ${flag} is not valid; expected `)
    expect(stderr).toContain(`Try: ${help}\n`)
  }
})

test('without a word of command the help comes, and says that nothing was done', async () => {
  for (const args of [[], ['group'], ['config']]) {
    const { code, stdout, stderr } = await runCli(args, place)
    expect([args, code, stdout]).toEqual([args, 2, ''])
    expect(stderr).toContain('Examples:')
  }
})
