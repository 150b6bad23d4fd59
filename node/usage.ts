/** What is wrong with a command line, in our words: commander's codes with the name it objects to. */
import type { Command, CommanderError } from 'commander'
import { exitCodes } from './failure.ts'
import type { Failure } from './failure.ts'
import type { Speech } from './faults.ts'
import { harmless } from './terminal.ts'

export type UsageFault =
  | { readonly type: 'bad-value'; readonly name: string; readonly wanted: string }
  | { readonly type: 'nothing'; readonly args: readonly string[] }
  | { readonly type: 'commander'; readonly error: CommanderError; readonly args: readonly string[] }

/** The command that was meant, for `… --help`. */
const commandOf = (program: Command, args: readonly string[]): string => {
  const names: string[] = []
  let at: Command | undefined = program
  for (const arg of args) {
    const next: Command | undefined = at?.commands.find(command => command.name() === arg)
    if (next === undefined) continue
    names.push(arg)
    at = next
  }
  return names.join(' ')
}

const quoted = (message: string): string => harmless(/'([^']*)'/.exec(message)?.[1] ?? '')
const suggestion = (message: string): string | undefined =>
  /Did you mean (?:one of )?([^?]+)\?/.exec(message)?.[1]

export const usageFailure = (speech: Speech, program: Command, fault: UsageFault): Failure => {
  const { usage } = speech.t
  const end = (what: string, next: string): Failure => ({
    code: 'usage',
    what,
    next,
    exit: exitCodes.usage,
  })
  const args = fault.type === 'bad-value' ? program.args : fault.args
  const command = [speech.petrel, commandOf(program, args)].join(' ').trim()
  const help = usage.seeHelp(command)
  if (fault.type === 'bad-value') return end(usage.badValue(fault.name, fault.wanted), help)
  if (fault.type === 'nothing') return end(usage.noCommand, help)
  const { message, code } = fault.error
  const meant = suggestion(message)
  const spelled = meant?.startsWith('-') === false ? `${command} ${meant}` : meant
  const next = spelled === undefined ? help : usage.didYouMean(spelled)
  const name = quoted(message)
  switch (code) {
    case 'commander.unknownCommand':
      return end(usage.unknownCommand(name), next)
    case 'commander.unknownOption':
      return end(usage.unknownOption(name), next)
    case 'commander.missingArgument':
      return end(usage.missingArgument(name), help)
    case 'commander.optionMissingArgument':
      return end(usage.missingValue(name), help)
    case 'commander.excessArguments':
      return end(usage.tooMany, help)
    case 'commander.invalidArgument':
      return end(usage.badValue(name, allowed(message)), help)
    default:
      return end(harmless(message), help)
  }
}

const allowed = (message: string): string =>
  /Allowed choices are ([^.]+)\./.exec(message)?.[1] ?? message.slice(message.lastIndexOf('. ') + 2)
