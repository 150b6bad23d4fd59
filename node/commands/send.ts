/** `petrel send <group> <text|->`: stores the message first; what happens to it afterwards is told truthfully. */
import { described } from '../help.ts'
import type { Program } from '../cli.ts'
import type { Access } from '../access.ts'
import type { ApiAnswers } from '../api.ts'
import type { Context } from '../context.ts'
import { exitCodes } from '../failure.ts'
import type { ExitCode, Failure } from '../failure.ts'
import { accessFailure, failed, refusalFailure } from '../faults.ts'
import { findGroup } from '../groups.ts'
import { usageFailure } from '../usage.ts'
import { readStatus, withAccess } from '../with-access.ts'
import type { GroupSummary, LedgerView, OwnMessageView, Result } from '#protocol'
import { ledgerWords } from '#words'

type SendFlags = { readonly priority: string; readonly wait?: string }
type Goal = 'carried' | 'delivered' | undefined

const priorities = ['routine', 'urgent', 'flash']
const goals = ['carried', 'delivered']
/** Far above what one message may hold; the peer refuses what is too long. */
const inputBytesMax = 65_536
/** How long --wait waits where --timeout does not say. */
const patienceMillis = 60_000

export const addSend = ({ program, speech, run }: Program): void => {
  const { help } = speech.t
  program
    .command('send')
    .summary(help.send)
    .description(described(speech, help.send, 'send'))
    .argument('<group>', help.argGroup)
    .argument('<text>', help.argText)
    .option('--priority <priority>', help.priority, 'routine')
    .option('--wait <state>', help.wait)
    .action((group: string, text: string, flags: SendFlags) =>
      run(
        async context => {
          const fault = !priorities.includes(flags.priority)
            ? { name: '--priority', wanted: priorities.join(' | ') }
            : flags.wait !== undefined && !goals.includes(flags.wait)
              ? { name: '--wait', wanted: goals.join(' | ') }
              : undefined
          if (fault === undefined) return send(context, group, text, flags)
          return context.fail(usageFailure(speech, program, { type: 'bad-value', ...fault }))
        },
        {},
        { timeout: true },
      ),
    )
}

const send = async (
  context: Context,
  name: string,
  argument: string,
  flags: SendFlags,
): Promise<ExitCode> => {
  const text = argument === '-' ? await readText(context) : { ok: true as const, value: argument }
  if (!text.ok) return context.fail(text.error)
  return withAccess(context, async access => {
    const status = await readStatus(access)
    if (!status.ok) return context.fail(accessFailure(context, status.error))
    const group = findGroup(context, status.value.app, name)
    if (!group.ok) return context.fail(group.error)
    const body = { text: text.value, priority: flags.priority }
    const saved = await access.post('saved', `groups/${group.value.group}/messages`, body)
    if (!saved.ok) return context.fail(accessFailure(context, saved.error))
    const goal = flags.wait === 'carried' || flags.wait === 'delivered' ? flags.wait : undefined
    const hasLinks = status.value.app.links.length > 0
    return follow(context, access, { group: group.value, saved: saved.value, goal, hasLinks })
  })
}

const readText = async (context: Context): Promise<Result<string, Failure>> => {
  const { said } = context.t
  const bytes = await context.readInput(inputBytesMax)
  // Cut off somewhere inside a character, perhaps: its length is all there is to say.
  if (bytes.length > inputBytesMax) {
    return { ok: false, error: refusalFailure(context, 'text-too-long') }
  }
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return { ok: false, error: failed('not-text', exitCodes.usage, said.notText) }
  }
  const trimmed = text.replace(/\r?\n$/, '')
  if (trimmed.trim() !== '') return { ok: true, value: trimmed }
  return { ok: false, error: failed('nothing-read', exitCodes.usage, said.nothingRead) }
}

type Sent = {
  readonly group: GroupSummary
  readonly saved: ApiAnswers['saved']
  readonly goal: Goal
  readonly hasLinks: boolean
}

const follow = async (context: Context, access: Access, sent: Sent): Promise<ExitCode> => {
  const { t, petrel } = context
  const { saved, group } = sent
  const base = { group: group.group, message: saved.message, waiting: saved.waiting }
  if (saved.waiting) {
    context.print(t.send.outbox)
    context.record('message-saved', base)
    return exitCodes.storedOnly
  }
  if (!access.isDaemon) {
    context.print(t.send.notRunning(petrel))
    context.record('message-saved', { ...base, state: 'held' })
    return exitCodes.storedOnly
  }
  const { last, isCutOff } = await watchLedger(context, access, sent)
  if (last === undefined) {
    context.print(t.send.saved)
    context.record('message-saved', base)
    return sent.hasLinks ? exitCodes.done : exitCodes.storedOnly
  }
  context.print(ledgerWords(context.messages, last.ledger, 'long'))
  const { deliveredTo, waitingFor } = last.details
  context.record('message-saved', { ...base, ...last.ledger, deliveredTo, waitingFor })
  return judge(context, sent, last.ledger, isCutOff)
}

/** Nothing more to wait for. In a group of one there is nobody to be delivered to. */
const reached = ({ state, delivered, recipients }: LedgerView, goal: Goal): boolean => {
  if (goal === undefined || state === 'refused' || state === 'expired') return true
  if (goal === 'carried' && recipients > 0) return state !== 'held' && state !== 'waiting'
  return delivered >= recipients
}

type Watched = {
  readonly last: OwnMessageView | undefined
  /** It ended from the other side: the node stopped, or keeps this message's ledger no longer. */
  readonly isCutOff: boolean
}

/** The ledger when the goal is reached or patience ends; with progress on stderr. */
const watchLedger = async (
  context: Context,
  access: Access,
  { group, saved, goal }: Sent,
): Promise<Watched> => {
  const patience = AbortSignal.timeout(context.flags.timeout ?? patienceMillis)
  const ending = new AbortController()
  const signal = AbortSignal.any([context.signal, patience, ending.signal])
  const path = `groups/${group.group}/messages/${saved.message}/ledger`
  const news = await access.stream(path, undefined, signal)
  if (!news.ok) return { last: undefined, isCutOff: true }
  let last: OwnMessageView | undefined
  let told = ''
  for await (const item of news.value) {
    if (item.type !== 'ledger') continue
    last = item
    if (reached(item.ledger, goal)) break
    const text = ledgerWords(context.messages, item.ledger, 'short')
    if (text !== told) context.progress(`${text} …`)
    told = text
  }
  const isCutOff = !signal.aborted && (last === undefined || !reached(last.ledger, goal))
  ending.abort()
  return { last, isCutOff }
}

const judge = (
  context: Context,
  { goal, hasLinks }: Sent,
  ledger: LedgerView,
  isCutOff: boolean,
): ExitCode => {
  const { t, petrel } = context
  if (context.signal.aborted) return exitCodes.interrupted
  if (ledger.state === 'refused') return context.fail(refusalFailure(context, 'not-member'))
  const isAlone = ledger.recipients === 0
  if (isAlone) context.talk(t.send.nobody)
  const isOnlyHere = ledger.state === 'held' && !hasLinks
  if (reached(ledger, goal) && !isOnlyHere) return exitCodes.done
  if (goal === 'delivered' && ledger.delivered > 0) {
    context.talk(t.send.partly(ledger.delivered, ledger.recipients))
    return exitCodes.partly
  }
  if (isOnlyHere || isCutOff) {
    context.talk(isCutOff ? t.send.notRunning(petrel) : t.send.noLinks(petrel))
    return exitCodes.storedOnly
  }
  return context.fail(failed('timeout', exitCodes.timeout, t.said.timeout))
}
