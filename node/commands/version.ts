/** `petrel version` */
import { described } from '../help.ts'
import type { Program } from '../cli.ts'
import { exitCodes } from '../failure.ts'
import { version } from '../version.ts'

/** Suite and wire generation that this program speaks. */
const protocol = 1

export const addVersion = ({ program, speech, run }: Program): void => {
  program
    .command('version')
    .summary(speech.t.help.version)
    .description(described(speech, speech.t.help.version, 'version'))
    .action(() =>
      run(context => {
        const node = process.version
        context.print(`petrel ${version} (protocol ${protocol}, node ${node})`)
        context.record('version', { version, protocol, node })
        return Promise.resolve(exitCodes.done)
      }),
    )
}
