/** `petrel peers`: who is linked now, and how well. */
import { described } from '../help.ts'
import type { Program } from '../cli.ts'
import type { Context } from '../context.ts'
import { exitCodes } from '../failure.ts'
import type { ExitCode } from '../failure.ts'
import { accessFailure } from '../faults.ts'
import { shortPeer } from '../groups.ts'
import { harmless, table } from '../terminal.ts'
import { byteSize } from '../times.ts'
import { readStatus, withAccess } from '../with-access.ts'
import type { Status } from '../with-access.ts'

export const addPeers = ({ program, speech, run }: Program): void => {
  const { help } = speech.t
  const list = (): Promise<void> =>
    run(context =>
      withAccess(context, async access => {
        const answer = await readStatus(access)
        if (!answer.ok) return context.fail(accessFailure(context, answer.error))
        return show(context, answer.value)
      }),
    )
  const peers = program
    .command('peers')
    .summary(help.peers)
    .description(described(speech, help.peers, 'peers'))
    .action(list)
  peers
    .command('list')
    .summary(help.peersList)
    .description(described(speech, help.peersList, 'peers'))
    .action(list)
}

const show = (context: Context, { node, app }: Status): ExitCode => {
  const { t, style, petrel } = context
  if (app.links.length === 0) {
    context.print(node.online ? t.peers.none : t.peers.notRunning)
    context.talk(node.online ? t.peers.noneNext(petrel) : t.doctor.runUp(petrel))
    return exitCodes.done
  }
  const rows = app.links.map(link => [
    shortPeer(link.peer),
    harmless(link.name ?? '–'),
    link.roundTrip === undefined ? '–' : `${Math.round(link.roundTrip)} ms`,
    String(link.toSend),
    String(link.sharedGroups),
    byteSize(link.sentBytes),
    byteSize(link.receivedBytes),
  ])
  const [head, ...body] = table([t.peers.columns, ...rows], context.columns).split('\n')
  context.print([style.dim(head ?? ''), ...body].join('\n'))
  for (const link of app.links) context.record('peer', link)
  return exitCodes.done
}
