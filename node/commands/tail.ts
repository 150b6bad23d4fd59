/** `petrel tail [group…]`: the newest messages, or those since a time, and with --follow every new one as it comes. */
import { described } from '../help.ts'
import type { Program } from '../cli.ts'
import type { News } from '../access.ts'
import type { Context } from '../context.ts'
import { exitCodes } from '../failure.ts'
import type { ExitCode } from '../failure.ts'
import { accessFailure, failed } from '../faults.ts'
import { findGroup } from '../groups.ts'
import { messageRecord, messageText } from '../message-text.ts'
import { parseSpan } from '../span.ts'
import { usageFailure } from '../usage.ts'
import { readStatus, withAccess } from '../with-access.ts'

type TailFlags = { readonly since?: string; readonly count: string; readonly follow?: boolean }

export const addTail = ({ program, speech, run }: Program): void => {
  const { help } = speech.t
  program
    .command('tail')
    .summary(help.tail)
    .description(described(speech, help.tail, 'tail'))
    .argument('[group...]', help.argGroups)
    .option('--since <time>', help.since)
    .option('-n, --count <number>', help.count, '20')
    .option('-f, --follow', help.follow)
    .action((groups: readonly string[], flags: TailFlags) =>
      run(
        async context => {
          const since = flags.since === undefined ? 0 : parseSpan(flags.since)
          const isCount = /^\d{1,4}$/.test(flags.count)
          if (since !== undefined && isCount) {
            const newest = Number(flags.count)
            return tail(context, groups, { since, newest, follow: flags.follow === true })
          }
          const fault = isCount
            ? { name: '--since', wanted: '15m | 1h | 2d' }
            : { name: '--count', wanted: '0–9999' }
          return context.fail(usageFailure(speech, program, { type: 'bad-value', ...fault }))
        },
        {},
        { timeout: true },
      ),
    )
}

type Wish = { readonly since: number; readonly newest: number; readonly follow: boolean }

const tail = (context: Context, names: readonly string[], wish: Wish): Promise<ExitCode> =>
  withAccess(context, async access => {
    const status = await readStatus(access)
    if (!status.ok) return context.fail(accessFailure(context, status.error))
    const groups: string[] = []
    for (const name of names) {
      const found = findGroup(context, status.value.app, name)
      if (!found.ok) return context.fail(found.error)
      groups.push(found.value.group)
    }
    const { timeout } = context.flags
    const patience =
      timeout === undefined ? new AbortController().signal : AbortSignal.timeout(timeout)
    const { since, newest } = wish
    const follow = wish.follow && access.isDaemon
    const body = { groups, since: since === 0 ? 0 : Date.now() - since, newest, follow }
    const signal = AbortSignal.any([context.signal, patience])
    const news = await access.stream('tail', body, signal)
    if (!news.ok) return context.fail(accessFailure(context, news.error))
    const isOneGroup = groups.length === 1 || (status.value.app.groups.length === 1 && !follow)
    const count = await show(context, news.value, isOneGroup)
    if (count === 0 && !wish.follow && (since > 0 || newest > 0)) {
      context.talk(since > 0 ? context.t.tail.noneSince : context.t.tail.empty)
    }
    if (wish.follow && !follow) context.talk(context.t.doctor.runUp(context.petrel))
    return follow ? endOf(context, patience) : exitCodes.done
  })

/** Prints what comes, until nothing comes any more. */
const show = async (
  context: Context,
  news: AsyncIterable<News>,
  isOneGroup: boolean,
): Promise<number> => {
  let count = 0
  for await (const item of news) {
    if (item.type !== 'message') continue
    const { group, title, message } = item
    count += 1
    context.print(messageText(context, message, isOneGroup ? '' : title))
    context.record('message', { group, title, ...messageRecord(message) })
  }
  return count
}

/** Following ends by the person, by patience, or because the node stopped. */
const endOf = (context: Context, patience: AbortSignal): ExitCode => {
  if (context.signal.aborted) return exitCodes.done
  if (patience.aborted) {
    return context.fail(failed('timeout', exitCodes.timeout, context.t.said.timeout))
  }
  return context.fail(accessFailure(context, { type: 'daemon-gone' }))
}
