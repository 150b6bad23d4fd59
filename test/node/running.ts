/** Nodes and commands as the tests of the terminal start them: a home of their own, any free ports, JSON lines read back. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryDirectory } from '../support/host.ts'
import { petrel, startPetrel } from '../support/petrel-process.ts'
import type { ProcessOptions, RunningProcess } from '../support/petrel-process.ts'
import { untilValue } from '../support/until.ts'

export type Line = Readonly<Record<string, unknown>>
export type Cleanup = { readonly add: (undo: () => unknown) => void }

/** Whole lines only: the last one may still be on its way. */
export const jsonLines = (text: string): readonly Line[] =>
  text
    .split('\n')
    .slice(0, -1)
    .filter(line => line !== '')
    .map(line => JSON.parse(line))

export const newHome = async (cleanup: Cleanup, name = 'petrel-node'): Promise<string> => {
  const { path, remove } = await temporaryDirectory(name)
  cleanup.add(remove)
  // As the login manager makes it.
  mkdirSync(join(path, 'run'), { mode: 0o700 })
  return path
}

export const dataOf = (place: string): string => join(place, 'data', 'petrel')
export const socketOf = (place: string): string => join(place, 'run', 'petrel.sock')

export const anyPorts = ['--http', '0', '--tcp', '0', '--ws', '0', '--webrtc', '0', '--no-mdns']

export type Up = {
  readonly running: RunningProcess
  readonly linkFile: string
  readonly origin: string
  readonly group: string
  readonly notAfter: string
}

export const up = async (
  cleanup: Cleanup,
  place: string,
  args: readonly string[] = [],
  options: ProcessOptions = {},
): Promise<Up> => {
  const running = startPetrel(['up', '--json', ...anyPorts, ...args], place, options)
  cleanup.add(running.stop)
  await running.printed(/"type":"up".*\n/)
  const line = jsonLines(running.stdout()).find(({ type }) => type === 'up')
  const origins: unknown = line?.['origins']
  return {
    running,
    linkFile: String(line?.['linkFile']),
    origin: Array.isArray(origins) ? String(origins.at(-1)) : '',
    group: String(line?.['group']),
    notAfter: String(line?.['notAfter']),
  }
}

/** Runs a command with --json: its exit code and its objects. */
export const json = async (
  args: readonly string[],
  place: string,
  options: ProcessOptions = {},
): Promise<{ readonly code: number | null; readonly lines: readonly Line[] }> => {
  const { code, stdout } = await petrel([...args, '--json'], place, options)
  return { code, lines: jsonLines(stdout) }
}

/** Joins by the link in that file and waits until the group lets it in. */
export const joinWith = async (place: string, linkFile: string, name: string): Promise<void> => {
  await petrel(['join', '--from-file', linkFile, '--name', name, '--timeout', '1s'], place)
  await untilValue(
    async () => (await json(['group', 'list'], place)).lines.at(-1)?.['state'],
    state => state === 'member',
    { within: 40_000, every: 300, that: `admission of ${name}` },
  )
}
