/** Real peers for tests: `node node/main.ts …` as a person would start it, with its own data directory, its output kept for
 *  the failure report, and an end that is sure (first asked, then killed, always by its own pid). */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { repositoryRoot } from './host.ts'
import { until, untilDefined, type Wait } from './until.ts'

export type Exit = { readonly code: number | null; readonly signal: NodeJS.Signals | null }

export type RunningProcess = {
  readonly pid: number
  readonly stdout: () => string
  readonly stderr: () => string
  readonly exit: () => Exit | undefined
  /** First match of `pattern` in stdout; fails early, with the output, when the process ends before. */
  readonly printed: (pattern: RegExp, wait?: Wait) => Promise<RegExpMatchArray>
  readonly exited: (wait?: Wait) => Promise<Exit>
  /** SIGINT as by Ctrl-C, then SIGKILL if it is still there after 15 s. */
  readonly stop: () => Promise<Exit>
  /** SIGKILL at once: the peer loses its power. */
  readonly kill: () => Promise<Exit>
  readonly signal: (signal: NodeJS.Signals) => void
}

export type ProcessOptions = {
  readonly environment?: Readonly<Record<string, string>>
  readonly input?: string
  /** A program and its arguments that starts the rest, such as one that enters a namespace. */
  readonly through?: readonly string[]
}

const outputKeptMax = 400_000

/** Starts any program of this Node version; `arguments_` is what follows `node`. */
export const startNode = (
  arguments_: readonly string[],
  options: ProcessOptions = {},
): RunningProcess => {
  const [program, ...given] = [...(options.through ?? []), process.execPath, ...arguments_]
  const child = spawn(program ?? process.execPath, given, {
    cwd: repositoryRoot,
    env: { ...outsideNpm(), NO_COLOR: '1', ...options.environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  let exit: Exit | undefined
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout = (stdout + text).slice(-outputKeptMax)
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-outputKeptMax)
  })
  child.on('close', (code, signal) => {
    exit = { code, signal }
  })
  child.on('error', cause => {
    stderr += cause.message
    exit ??= { code: -1, signal: null }
  })
  child.stdin.on('error', () => undefined)
  child.stdin.end(options.input ?? '')

  const exited = (wait: Wait = {}): Promise<Exit> =>
    untilDefined(() => exit, {
      within: 30_000,
      that: `the end of ${arguments_.join(' ')}`,
      ...wait,
    })
  return {
    pid: child.pid ?? -1,
    stdout: () => stdout,
    stderr: () => stderr,
    exit: () => exit,
    exited,
    printed: async (pattern, wait) => {
      const found = (): RegExpMatchArray | undefined => stdout.match(pattern) ?? undefined
      const that = `${String(pattern)} on stdout of ${arguments_.join(' ')}`
      await until(() => found() !== undefined || exit !== undefined, {
        within: 30_000,
        that,
        ...wait,
      }).catch((cause: unknown) => {
        throw new Error(`${that} did not come:\n${stdout}\n${stderr}`, { cause })
      })
      const match = found()
      if (match === undefined) throw new Error(`it ended before ${that}:\n${stdout}\n${stderr}`)
      return match
    },
    stop: async () => {
      if (exit === undefined) child.kill('SIGINT')
      return exited({ within: 15_000 }).catch(() => {
        child.kill('SIGKILL')
        return exited()
      })
    },
    kill: async () => {
      if (exit === undefined) child.kill('SIGKILL')
      return exited()
    },
    signal: signal => {
      child.kill(signal)
    },
  }
}

const mainFile = join(repositoryRoot, 'node', 'main.ts')

/** `petrel …` with nothing of the person who runs the tests: own home, own directories, no colour, one language. */
/** The environment without npm's own variables: by them the program tells how it was called, and `npm test` is not it. */
const outsideNpm = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')))

export const startPetrel = (
  arguments_: readonly string[],
  home: string,
  options: ProcessOptions = {},
): RunningProcess =>
  startNode([mainFile, ...arguments_], {
    ...options,
    environment: {
      HOME: home,
      XDG_DATA_HOME: join(home, 'data'),
      XDG_CONFIG_HOME: join(home, 'config'),
      XDG_STATE_HOME: join(home, 'state'),
      XDG_RUNTIME_DIR: join(home, 'run'),
      LANG: 'en_US.UTF-8',
      LC_ALL: 'en_US.UTF-8',
      ...options.environment,
    },
  })

/** Runs `petrel …` to its end. */
export const petrel = async (
  arguments_: readonly string[],
  home: string,
  options: ProcessOptions = {},
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> => {
  const running = startPetrel(arguments_, home, options)
  try {
    const { code } = await running.exited({ within: 60_000 })
    return { code, stdout: running.stdout(), stderr: running.stderr() }
  } finally {
    await running.kill()
  }
}
