/** `petrel group list | create | show` */
import { described } from '../help.ts'
import type { Program } from '../cli.ts'
import type { Context } from '../context.ts'
import { exitCodes } from '../failure.ts'
import type { ExitCode } from '../failure.ts'
import { accessFailure } from '../faults.ts'
import { usageFailure } from '../usage.ts'
import { findGroup, titleOf } from '../groups.ts'
import { shellWord } from '../greeting.ts'
import { messageRecord, messageText } from '../message-text.ts'
import { harmless, table } from '../terminal.ts'
import { rfc3339 } from '../times.ts'
import { readStatus, withAccess } from '../with-access.ts'
import { groupRecord, groupRow } from './status.ts'
import type { GroupView, MemberView } from '#protocol'

type CreateFlags = { readonly kind: string; readonly purpose: string }
const kinds = ['emergency', 'special', 'temporary', 'daily']

export const addGroup = ({ program, speech, run }: Program): void => {
  const { help } = speech.t
  const group = program
    .command('group')
    .summary(help.group)
    .description(described(speech, help.group, 'group'))
  group
    .command('list')
    .summary(help.groupList)
    .description(described(speech, help.groupList, 'groupList'))
    .action(() => run(list))
  group
    .command('create')
    .summary(help.groupCreate)
    .description(described(speech, help.groupCreate, 'groupCreate'))
    .argument('<title>', help.argTitle)
    .option('--kind <kind>', help.groupKind, 'emergency')
    .option('--purpose <text>', help.purpose, '')
    .action((title: string, flags: CreateFlags) =>
      run(async context => {
        if (kinds.includes(flags.kind)) return create(context, title, flags)
        const wanted = kinds.join(' | ')
        return context.fail(
          usageFailure(speech, program, { type: 'bad-value', name: '--kind', wanted }),
        )
      }),
    )
  group
    .command('show')
    .summary(help.groupShow)
    .description(described(speech, help.groupShow, 'groupShow'))
    .argument('<group>', help.argGroup)
    .action((name: string) => run(context => show(context, name)))
}

const list = (context: Context): Promise<ExitCode> =>
  withAccess(context, async access => {
    const status = await readStatus(access)
    if (!status.ok) return context.fail(accessFailure(context, status.error))
    const { groups } = status.value.app
    if (groups.length === 0) context.print(context.t.status.noGroups)
    else
      context.print(
        table(
          groups.map(group => groupRow(context, group)),
          context.columns,
        ),
      )
    for (const group of groups) context.record('group', groupRecord(group))
    return exitCodes.done
  })

const create = (context: Context, title: string, flags: CreateFlags): Promise<ExitCode> =>
  withAccess(context, async access => {
    const body = { name: title, purpose: flags.purpose, kind: flags.kind }
    const created = await access.post('created', 'groups', body)
    if (!created.ok) return context.fail(accessFailure(context, created.error))
    const { t, petrel } = context
    context.print(t.group.created(harmless(title)))
    context.talk(t.group.createdNext(`${petrel} invite ${shellWord(harmless(title))} --qr`))
    context.record('group-created', { group: created.value.group, title })
    return exitCodes.done
  })

const show = (context: Context, name: string): Promise<ExitCode> =>
  withAccess(context, async access => {
    const status = await readStatus(access)
    if (!status.ok) return context.fail(accessFailure(context, status.error))
    const found = findGroup(context, status.value.app, name)
    if (!found.ok) return context.fail(found.error)
    const view = await access.get('group', `groups/${found.value.group}`)
    if (!view.ok) return context.fail(accessFailure(context, view.error))
    print(context, view.value)
    return exitCodes.done
  })

/** Newest messages that fit on a screen under the members. */
const messagesShown = 10

const print = (context: Context, view: GroupView): void => {
  const { t, messages, style } = context
  const { summary, members } = view
  context.print(
    `${style.bold(titleOf(context, summary))}  ${messages.groupKind[summary.kind]} · ${messages.groupState[summary.state]}`,
  )
  if (summary.purpose !== '')
    context.print(`${style.dim(t.group.purpose)}  ${harmless(summary.purpose)}`)
  context.print(`${style.dim(t.group.id)}  ${summary.group}`)
  if (view.outbox.length > 0) context.print(style.yellow(t.group.outbox(view.outbox.length)))
  if (view.forks > 0) context.print(style.red(t.group.forks(view.forks)))
  context.print(`\n${style.bold(t.group.members)} ${members.length}`)
  const rows = members.map(member => [
    `  ${harmless(member.name)}`,
    harmless(member.unit),
    member.me ? t.group.me : member.left ? t.group.left : messages.reachable[member.reachable],
    messages.role[member.role],
  ])
  context.print(table(rows, context.columns))
  context.print(`\n${style.bold(t.group.messages)}`)
  const newest = view.messages.slice(-messagesShown)
  if (newest.length === 0) context.print(`  ${t.group.noMessages}`)
  for (const message of newest) context.print(`  ${messageText(context, message, '')}`)
  context.record('group-details', {
    ...groupRecord(summary),
    members: members.map(memberRecord),
    forks: view.forks,
    outbox: view.outbox.length,
    messages: newest.map(messageRecord),
  })
}

const memberRecord = (member: MemberView): object => ({
  ...member,
  ...(member.lastSeen !== undefined && { lastSeen: rfc3339(member.lastSeen) }),
})
