/** `petrel status [--watch]`: one screen on the node, its links, its groups and its storage; once, or again at each change. */
import { setTimeout as wait } from 'node:timers/promises'
import type { Access } from '../access.ts'
import { described } from '../help.ts'
import type { Program } from '../cli.ts'
import type { Context } from '../context.ts'
import { exitCodes } from '../failure.ts'
import type { ExitCode } from '../failure.ts'
import { accessFailure } from '../faults.ts'
import { shortId, shortPeer, titleOf } from '../groups.ts'
import { factsText, harmless, table } from '../terminal.ts'
import type { Facts } from '../terminal.ts'
import { byteSize, rfc3339 } from '../times.ts'
import { readStatus, withAccess } from '../with-access.ts'
import type { Status } from '../with-access.ts'
import type { AppView, GroupSummary } from '#protocol'
import { spanWords } from '#words'

export const addStatus = ({ program, speech, run }: Program): void => {
  program
    .command('status')
    .summary(speech.t.help.status)
    .description(described(speech, speech.t.help.status, 'status'))
    .option('-w, --watch', speech.t.help.watch)
    .action(({ watch: isWatching }: { readonly watch?: boolean }) =>
      run(context =>
        withAccess(context, async access => {
          const answer = await readStatus(access)
          if (!answer.ok) return context.fail(accessFailure(context, answer.error))
          if (isWatching === true && access.isDaemon) return watch(context, access, answer.value)
          context.print(statusText(context, answer.value))
          context.record('status', statusRecord(answer.value))
          if (isWatching === true) context.talk(context.t.doctor.runUp(context.petrel))
          return exitCodes.done
        }),
      ),
    )
}

const watchMillis = 1_000

/** Until Ctrl-C, --timeout, or the end of the node. A terminal is painted anew; elsewhere each change is printed once. */
const watch = async (context: Context, access: Access, first: Status): Promise<ExitCode> => {
  let status = first
  let told = ''
  while (!context.signal.aborted) {
    const record = statusRecord(status)
    const text = JSON.stringify(record)
    if (context.canRepaint || text !== told) context.repaint(statusText(context, status))
    if (text !== told) context.record('status', record)
    told = text
    await wait(watchMillis, undefined, { signal: context.signal }).catch(() => undefined)
    if (context.signal.aborted) break
    const answer = await readStatus(access)
    if (!answer.ok) return context.fail(accessFailure(context, answer.error))
    status = answer.value
  }
  return exitCodes.done
}

const statusRecord = ({ node, app }: Status): object => ({
  ...node,
  ...app,
  groups: app.groups.map(groupRecord),
})

const statusText = (context: Context, { node, app }: Status): string => {
  const { t, messages, style } = context
  const spoken = app.unit === '' ? app.name : `${app.name} · ${app.unit}`
  const since = spanWords(messages, Date.now() - Date.parse(node.startedAt))
  const storage = app.storage === 'ok' ? t.status.storageOk : style.red(messages.storageFailing)
  const refused = Object.entries(app.refusals).map(([type, count]) => `${type} ${count}`)
  const isCarrying = app.carriedOps > 0
  const facts: Facts = [
    [t.status.node, [node.online ? t.status.running(node.pid, since) : t.status.notRunning]],
    [t.status.network, [netWords(context, app, node.online)]],
    [t.status.me, [harmless(spoken), shortPeer(node.peer)]],
    [t.status.web, node.origins],
    [t.status.storage, [storage, node.dataDir, t.status.protection]],
    ['', node.movedAt === undefined ? [] : [t.place.moved, node.movedAt]],
    ['', isCarrying ? [t.status.carried(app.carriedOps, byteSize(app.carriedBytes))] : []],
    [t.status.refusals, refused],
  ]
  const said = facts.filter(([, parts]) => parts.length > 0)
  const rows = app.groups.map(group => groupRow(context, group))
  return [
    factsText(said, context.columns, style.dim),
    '',
    style.bold(t.status.groups),
    rows.length === 0 ? t.status.noGroups : table(rows, context.columns),
  ].join('\n')
}

const netWords = ({ messages, style }: Context, app: AppView, isOnline: boolean): string => {
  const waiting = app.groups.reduce((sum, { heldOnly }) => sum + heldOnly, 0)
  const missing = app.groups.reduce((sum, group) => sum + group.missing, 0)
  if (!isOnline || app.links.length === 0) return style.yellow(messages.net.alone(waiting))
  if (missing > 0) return messages.net.syncing(missing, undefined)
  return style.green(messages.net.ok(app.links.length, waiting))
}

export const groupRow = (context: Context, group: GroupSummary): readonly string[] => {
  const { t, messages } = context
  const counts = [
    ...(group.state === 'member' ? [] : [messages.groupState[group.state]]),
    ...(group.unread > 0 ? [t.status.unread(group.unread)] : []),
    ...(group.heldOnly > 0 ? [t.status.heldOnly(group.heldOnly)] : []),
    ...(group.missing > 0 ? [t.status.missing(group.missing)] : []),
  ]
  return [
    shortId(group.group),
    titleOf(context, group),
    messages.groupKind[group.kind],
    messages.people(group.members),
    counts.join(' · '),
  ]
}

export const groupRecord = (group: GroupSummary): object => ({
  ...group,
  ...(group.lastAt !== undefined && { lastAt: rfc3339(group.lastAt) }),
})
