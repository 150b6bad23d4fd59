/** `petrel config show [--origin]`: each setting as it holds now, and where it came from. */
import { described } from '../help.ts'
import type { Program } from '../cli.ts'
import type { Context } from '../context.ts'
import { exitCodes } from '../failure.ts'
import type { ExitCode } from '../failure.ts'
import { settingKeys } from '../settings.ts'
import { harmless, table } from '../terminal.ts'

export const addConfig = ({ program, speech, run }: Program): void => {
  const { help } = speech.t
  const config = program
    .command('config')
    .summary(help.config)
    .description(described(speech, help.config, 'config'))
  config
    .command('show')
    .summary(help.configShow)
    .description(described(speech, help.configShow, 'config'))
    .option('--origin', help.origin)
    .action((flags: { readonly origin?: boolean }) =>
      run(context => Promise.resolve(show(context, flags.origin === true))),
    )
}

const show = (context: Context, withOrigin: boolean): ExitCode => {
  const { settings, t } = context
  const rows = settingKeys.map(key => {
    const { value, origin } = settings.at(key)
    context.record('setting', { key, value, origin: origin === '' ? 'default' : origin })
    const text = typeof value === 'string' ? JSON.stringify(harmless(value)) : String(value)
    return [key, text, ...(withOrigin ? [origin === '' ? t.config.default : origin] : [])]
  })
  context.print(table(rows, context.columns))
  return exitCodes.done
}
