/** `petrel init`: the identity and the data directory, without starting anything. */
import { described } from '../help.ts'
import type { Program } from '../cli.ts'
import { accessFailure, refusalFailure } from '../faults.ts'
import type { Context } from '../context.ts'
import { exitCodes } from '../failure.ts'
import type { ExitCode } from '../failure.ts'
import { openOwnDataDir, settleProfile } from '../identity.ts'

type InitFlags = { readonly name?: string; readonly unit?: string }

export const addInit = ({ program, speech, run }: Program): void => {
  const { help } = speech.t
  program
    .command('init')
    .summary(help.init)
    .description(described(speech, help.init, 'init'))
    .option('--name <name>', help.name)
    .option('--unit <unit>', help.unit)
    .action((flags: InitFlags) => run(init, { name: flags.name, unit: flags.unit }))
}

const init = async (context: Context): Promise<ExitCode> => {
  const { settings, t } = context
  process.umask(0o077)
  const own = openOwnDataDir(settings.dataDir)
  if (!own.ok) return context.fail(accessFailure(context, own.error))
  const { keys, lock, isNew } = own.value
  const { dataDir } = settings
  try {
    const { openHost } = await import('../host.ts')
    const host = await openHost({ dataDir, keys })
    const refused = await settleProfile(host.drive, { settings, isNew })
    const { name, unit, device } = host.drive.app()
    await host.stop()
    if (refused !== undefined) return context.fail(refusalFailure(context, refused))
    context.print((isNew ? t.init.done : t.init.already)(name))
    context.print(`${t.up.storage}  ${dataDir} · ${t.up.protection}`)
    context.talk(t.init.next(context.petrel))
    const type = isNew ? 'identity-created' : 'identity'
    context.record(type, { name, unit, device, dataDir, protection: 'file-permissions' })
    return exitCodes.done
  } finally {
    lock.release()
  }
}
