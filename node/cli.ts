/** The command line: reads flags and settings once, runs one command, and ends with its exit code. The grammar is
 *  commander's; its objections are said in our words. No invite is ever taken from the command line. */
import { setTimeout as wait } from 'node:timers/promises'
import { CommanderError } from 'commander'
import type { Command } from 'commander'
import { langOf, words } from '#words'
import type { Lang } from '#words'
import { createContext } from './context.ts'
import type { Context, GlobalFlags, Streams } from './context.ts'
import { exitCodes } from './failure.ts'
import type { ExitCode } from './failure.ts'
import { failed, settingFailure, thrownFailure } from './faults.ts'
import type { Speech } from './faults.ts'
import { systemCode } from './files.ts'
import { createProgram, operandsOf, settleSpelling } from './help.ts'
import type { Environment } from './paths.ts'
import { readSettings } from './settings.ts'
import type { SettingKey, Settings } from './settings.ts'
import { parseSpan } from './span.ts'
import { cliWords } from './words.ts'
import { usageFailure } from './usage.ts'
import { addConfig } from './commands/config.ts'
import { addDoctor } from './commands/doctor.ts'
import { addGroup } from './commands/group.ts'
import { addInit } from './commands/init.ts'
import { addInvite } from './commands/invite.ts'
import { addJoin } from './commands/join.ts'
import { addPeers } from './commands/peers.ts'
import { addSend } from './commands/send.ts'
import { addStatus } from './commands/status.ts'
import { addTail } from './commands/tail.ts'
import { addUp } from './commands/up.ts'
import { addVersion } from './commands/version.ts'

/** Runs a command with its settings; `settings` are flags of that command that are settings. */
export type Run = (
  command: (context: Context) => Promise<ExitCode>,
  settings?: Readonly<Partial<Record<SettingKey, string | undefined>>>,
  own?: OwnEnds,
) => Promise<void>

/** Ends that a command deals with itself, because it has something to say or to tidy up then. */
export type OwnEnds = {
  /** Ctrl-C and SIGTERM. */
  readonly signals?: boolean
  /** --timeout. */
  readonly timeout?: boolean
}

export type Program = {
  readonly program: Command
  readonly speech: Speech
  readonly run: Run
}

type GlobalOptions = {
  readonly json?: boolean
  readonly plain?: boolean
  readonly quiet?: boolean
  readonly verbose?: boolean
  readonly color: boolean
  readonly input: boolean
  readonly config?: string
  readonly data?: string
  readonly lang?: string
  readonly timeout?: string
}

/** The language must be known before anything is said, so it is looked for by hand first. */
const langFirst = (args: readonly string[], environment: Environment): Lang => {
  const at = args.findIndex(arg => arg === '--lang' || arg.startsWith('--lang='))
  const flag =
    args[at]?.includes('=') === true ? args[at]?.slice(7) : at < 0 ? undefined : args[at + 1]
  const names = ['PETREL_LANG', 'LC_ALL', 'LC_MESSAGES', 'LANG']
  const locale = [flag, ...names.map(name => environment[name])].find(
    text => text !== undefined && text !== '',
  )
  return langOf(locale)
}

/** An invite link anywhere, or anything at all that `join` is given but `-`: it can only be an invite. */
const hasSecret = (args: readonly string[]): boolean => {
  if (args.some(arg => /(?:#|%23)j(?:=|%3d)/i.test(arg))) return true
  const [command, ...operands] = operandsOf(args)
  return command === 'join' && operands.some(arg => arg !== '-')
}

/** The way this was started, as a person would type it again. */
const ownName = (environment: Environment): string =>
  environment['npm_lifecycle_event'] === undefined ? 'petrel' : 'npm run -s petrel --'

export const main = async (
  args: readonly string[],
  environment: Environment,
  streams: Streams,
): Promise<ExitCode> => {
  const lang = langFirst(args, environment)
  const speech = { t: cliWords(lang), messages: words(lang), petrel: ownName(environment) }
  const isJson = args.includes('--json')
  const stopping = new AbortController()
  const bare = (settings: Settings, flags: GlobalFlags, as: Lang): Context =>
    createContext({
      settings,
      lang: as,
      t: cliWords(as),
      messages: words(as),
      petrel: speech.petrel,
      flags,
      streams,
      signal: stopping.signal,
    })
  const early = (): Context => {
    const settings = readSettings({}, '/dev/null', { HOME: '/' })
    if (!settings.ok) throw new Error('defaults are valid')
    const flags = {
      json: isJson,
      quiet: false,
      verbose: false,
      color: true,
      input: false,
      timeout: undefined,
    }
    return bare(settings.value, flags, lang)
  }

  let exit: ExitCode = exitCodes.done
  let current: Context | undefined
  watchOutput(streams, stopping, code => {
    const said = speech.t.said.outputFailed(code)
    early().fail(failed('output-failed', exitCodes.internal, said))
  })

  if (hasSecret(args)) {
    return early().fail(
      failed('secret-in-argv', exitCodes.usage, speech.t.said.secretInArgv(speech.petrel)),
    )
  }

  const program = createProgram(speech, streams)
  const run: Run = async (command, settingFlags = {}, own = {}) => {
    const options = program.opts<GlobalOptions>()
    const flags = { ...settingFlags, lang: options.lang, data: options.data }
    const settings = readSettings(flags, options.config, environment)
    if (!settings.ok) {
      const { where, expected } = settings.error
      const fault = { type: 'bad-value', name: where, wanted: expected } as const
      exit = early().fail(
        where.startsWith('--')
          ? usageFailure(speech, program, fault)
          : settingFailure(speech, settings.error),
      )
      return
    }
    const timeout = options.timeout === undefined ? undefined : parseSpan(options.timeout)
    if (options.timeout !== undefined && timeout === undefined) {
      exit = early().fail(
        usageFailure(speech, program, {
          type: 'bad-value',
          name: '--timeout',
          wanted: '90s | 15m | 4h',
        }),
      )
      return
    }
    const globals = {
      json: options.json === true,
      quiet: options.quiet === true,
      verbose: options.verbose === true,
      color: options.color && options.plain !== true,
      input: options.input,
      timeout,
    }
    current = bare(settings.value, globals, settings.value.text('lang') === 'en' ? 'en' : 'zh-CN')
    const release = own.signals === true ? () => undefined : watchSignals(stopping)
    try {
      exit = await inTime(current, own, command(current))
    } finally {
      release()
    }
  }

  for (const add of [
    addUp,
    addInit,
    addJoin,
    addInvite,
    addSend,
    addTail,
    addGroup,
    addPeers,
    addStatus,
    addDoctor,
    addConfig,
    addVersion,
  ]) {
    add({ program, speech, run })
  }
  try {
    await program.parseAsync(settleSpelling(program, args), { from: 'user' })
  } catch (reason) {
    const context = current ?? early()
    if (reason instanceof CommanderError) {
      if (reason.exitCode === 0) return exitCodes.done
      if (reason.code === 'commander.help') {
        context.record('error', usageFailure(speech, program, { type: 'nothing', args }))
        return exitCodes.usage
      }
      return context.fail(usageFailure(speech, program, { type: 'commander', error: reason, args }))
    }
    if (stopping.signal.aborted) return endOf(stopping.signal)
    if (context.flags.verbose && reason instanceof Error) context.talk(reason.stack ?? '')
    return context.fail(thrownFailure(speech, reason))
  }
  return stopping.signal.aborted && exit === exitCodes.done ? endOf(stopping.signal) : exit
}

/** How long a command may take to end at Ctrl-C, and to tell how far it got when its own time is over. */
const closingMillis = 1_500
const tellingMillis = 10_000

/** The command's own end, or, where it does not come in time, the end that --timeout or Ctrl-C makes. */
const inTime = async (
  context: Context,
  own: OwnEnds,
  command: Promise<ExitCode>,
): Promise<ExitCode> => {
  if (own.signals === true) return command
  const { timeout } = context.flags
  const over = new AbortController()
  const after = (length: number, end: () => void): void => {
    wait(length, undefined, { signal: over.signal }).then(end, () => undefined)
  }
  const cut = new Promise<ExitCode>(resolve => {
    context.signal.addEventListener('abort', () => {
      after(closingMillis, () => {
        resolve(endOf(context.signal))
      })
    })
    if (timeout === undefined) return
    after(own.timeout === true ? timeout + tellingMillis : timeout, () => {
      resolve(timedOut(context))
    })
  })
  try {
    return await Promise.race([command, cut])
  } finally {
    over.abort()
  }
}

const timedOut = (context: Context): ExitCode =>
  context.fail(failed('timeout', exitCodes.timeout, context.t.said.timeout))

const endOf = (signal: AbortSignal): ExitCode =>
  signal.reason === 'pipe'
    ? exitCodes.done
    : signal.reason === 'output'
      ? exitCodes.internal
      : exitCodes.interrupted

/** Nobody reads any more (`petrel tail | head`): stop quietly. The disk that it goes to is full: stop and say so. */
const watchOutput = (
  { stdout, stderr }: Streams,
  stopping: AbortController,
  failing: (code: string) => void,
): void => {
  const gone = (reason: unknown): void => {
    const code = systemCode(reason) ?? 'unknown'
    if (code === 'EPIPE') stopping.abort('pipe')
    else if (code !== 'EIO' && !stopping.signal.aborted) {
      stopping.abort('output')
      failing(code)
    }
  }
  stdout.on('error', gone)
  stderr.on('error', gone)
}

/** The first Ctrl-C ends the command, the second one the process. */
const watchSignals = (stopping: AbortController): (() => void) => {
  const stop = (): void => {
    if (stopping.signal.aborted) process.exit(exitCodes.interrupted)
    stopping.abort('signal')
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  return () => {
    process.off('SIGINT', stop)
    process.off('SIGTERM', stop)
  }
}
