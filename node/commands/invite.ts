/** `petrel invite <group>`: a link and, if wanted, its QR code. On a pipe the link goes into a private file. */
import { described } from '../help.ts'
import type { Program } from '../cli.ts'
import type { Context } from '../context.ts'
import { exitCodes } from '../failure.ts'
import type { ExitCode } from '../failure.ts'
import { accessFailure, failed } from '../faults.ts'
import { findGroup, shortId, titleOf } from '../groups.ts'
import { qrText } from '../qr.ts'
import { inviteFile, writeInviteFile } from '../secret-output.ts'
import { parseSpan } from '../span.ts'
import { clockTime, rfc3339 } from '../times.ts'
import { readStatus, withAccess } from '../with-access.ts'

type InviteFlags = {
  readonly uses?: string
  readonly expires?: string
  readonly qr?: boolean
  readonly showLink?: boolean
}

export const addInvite = ({ program, speech, run }: Program): void => {
  const { help } = speech.t
  program
    .command('invite')
    .summary(help.invite)
    .description(described(speech, help.invite, 'invite'))
    .argument('<group>', help.argGroup)
    .option('--uses <count>', help.uses, '1')
    .option('--expires <time>', help.expires, '24h')
    .option('--qr', help.qr)
    .option('--show-link', help.showLink)
    .action((name: string, flags: InviteFlags) =>
      run(context => invite(context, name, flags), {
        'invite.uses': flags.uses,
        'invite.expires': flags.expires,
      }),
    )
}

const invite = (context: Context, name: string, flags: InviteFlags): Promise<ExitCode> =>
  withAccess(context, async access => {
    const { t, settings, petrel } = context
    const status = await readStatus(access)
    if (!status.ok) return context.fail(accessFailure(context, status.error))
    const group = findGroup(context, status.value.app, name)
    if (!group.ok) return context.fail(group.error)
    if (!access.isDaemon) {
      return context.fail(failed('not-running', exitCodes.refused, t.said.needsDaemon(petrel)))
    }
    const uses = settings.number('invite.uses')
    const validFor = parseSpan(settings.text('invite.expires')) ?? 0
    const body = { uses, validFor }
    const made = await access.post('invited', `groups/${group.value.group}/invites`, body)
    if (!made.ok) return context.fail(accessFailure(context, made.error))
    const { links, notAfter } = made.value
    const link = links[0] ?? ''
    const isShown = flags.showLink === true || (context.isTerminal && !context.flags.json)
    const file = isShown ? undefined : inviteFile(settings.dataDir, shortId(group.value.group))
    if (file !== undefined) writeInviteFile(file, link)
    const till = clockTime(context.lang, notAfter, Date.now())
    context.talk(t.invite.made(titleOf(context, group.value)))
    if (flags.qr === true && file === undefined) {
      context.print(qrText(link, context.hasColor, '').text)
    }
    context.print(file === undefined ? link : t.up.linkInFile(file))
    if (notAfter - Date.now() < validFor - 60_000) context.talk(t.invite.shortened)
    context.talk(`${t.up.validTill(uses, till)} · ${t.up.linkIsKey}`)
    context.record('invite', {
      group: group.value.group,
      uses,
      notAfter: rfc3339(notAfter),
      ...(file === undefined ? { link } : { linkFile: file }),
    })
    return exitCodes.done
  })
