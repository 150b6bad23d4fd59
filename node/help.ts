/** How help reads: headings in our words, examples before the options, every name as this program was started, so that a line
 *  can be copied as it stands. `help x` and `--version` are other spellings of `x --help` and `version`. */
import { Command } from 'commander'
import type { Streams } from './context.ts'
import type { Speech } from './faults.ts'
import { columnsOf } from './terminal.ts'

type Help = Speech['t']['help']

/** What a command is for, then examples. Commander leaves lines that begin with spaces as they are. */
export const described = ({ t, petrel }: Speech, about: string, example: keyof Help['example']) => {
  const examples = t.help.example[example].map(line => line.replace(/^petrel/, petrel))
  return `${about}\n\n${t.help.examples}\n${examples.map(line => `  ${line}`).join('\n')}`
}

export const createProgram = (speech: Speech, { stdout, stderr }: Streams): Command => {
  const { help } = speech.t
  const headings = new Map([
    ['Usage:', help.usage],
    ['Commands:', help.commands],
    ['Options:', help.options],
    ['Global Options:', help.global],
    ['Arguments:', help.arguments],
  ])
  const program = new Command(speech.petrel)
  return program
    .description(described(speech, help.about, 'root'))
    .option('--json', help.json)
    .option('--plain', help.plain)
    .option('--quiet', help.quiet)
    .option('--verbose', help.verbose)
    .option('--no-color', help.noColor)
    .option('--no-input', help.noInput)
    .option('--config <file>', help.configFile)
    .option('--data <dir>', help.data)
    .option('--lang <lang>', help.lang)
    .option('--timeout <time>', help.timeout)
    .option('-V, --version', help.version)
    .helpOption('-h, --help', help.helpOption)
    .helpCommand('help [command]', help.helpCommand)
    .configureHelp({
      showGlobalOptions: true,
      displayWidth: columnsOf,
      visibleGlobalOptions: command =>
        command === program ? [] : program.options.filter(({ long }) => long !== '--version'),
      styleTitle: title => headings.get(title) ?? title,
      optionDescription: ({ description, defaultValue }) => {
        const isSaid = typeof defaultValue === 'string' && defaultValue !== ''
        return isSaid ? description + help.default(defaultValue) : description
      },
    })
    .configureOutput({
      writeOut: text => stdout.write(text),
      writeErr: text => stderr.write(text),
      outputError: () => undefined,
    })
    .exitOverride()
}

const valueFlags = new Set([
  '--name',
  '--unit',
  '--from-file',
  '--data',
  '--config',
  '--lang',
  '--timeout',
])

/** What stands on the line beside flags and the values of those flags that any command may have. */
export const operandsOf = (args: readonly string[]): readonly string[] =>
  args.filter(
    (arg, at) => (arg === '-' || !arg.startsWith('-')) && !valueFlags.has(args[at - 1] ?? ''),
  )

/** `help group create` means `group create --help`; a name that is not there is left for the parser to object to. */
export const settleSpelling = (program: Command, args: readonly string[]): readonly string[] => {
  const [first, ...names] = operandsOf(args)
  if (first === undefined && args.some(arg => arg === '--version' || arg === '-V')) {
    return [...args.filter(arg => arg !== '--version' && arg !== '-V'), 'version']
  }
  if (first !== 'help') return args
  const rest = args.toSpliced(args.indexOf('help'), 1)
  let at = program
  for (const name of names) {
    const next = at.commands.find(command => command.name() === name)
    if (next === undefined && at.commands.length > 0) return rest
    at = next ?? at
  }
  return [...rest, '--help']
}
