/** `petrel join`: reads an invite from a prompt, stdin or a file, never from the command line. Without a running node the
 *  invite is kept and `petrel up` goes on with it. */
import { readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { described } from '../help.ts'
import type { Program } from '../cli.ts'
import type { Access } from '../access.ts'
import type { Context } from '../context.ts'
import { exitCodes } from '../failure.ts'
import type { ExitCode, Failure } from '../failure.ts'
import { accessFailure, failed, refusalFailure } from '../faults.ts'
import { systemCode } from '../files.ts'
import { titleOf } from '../groups.ts'
import { hasKeys } from '../keys.ts'
import { openOwnDataDir, settleProfile } from '../identity.ts'
import { readStatus, withAccess } from '../with-access.ts'
import type { GroupSummary, Result } from '#protocol'

type JoinFlags = { readonly name?: string; readonly unit?: string; readonly fromFile?: string }

/** A link is below 300 characters; a mail around it may be longer. */
const inputBytesMax = 16_384
/** How long to wait for admission where nothing else is said. */
const patienceMillis = 15_000
/** Anybody in the group may say no, also one who has not heard of the invite yet, or who answers what was asked before. A no
 *  counts once nothing better came for so long. */
const secondThoughtMillis = 1_000

export const addJoin = ({ program, speech, run }: Program): void => {
  const { help } = speech.t
  program
    .command('join')
    .summary(help.join)
    .description(described(speech, help.join, 'join'))
    .argument('[source]', help.argInvite)
    .option('--name <name>', help.name)
    .option('--unit <unit>', help.unit)
    .option('--from-file <file>', help.fromFile)
    .action((source: string | undefined, flags: JoinFlags) =>
      run(
        context => join(context, source, flags),
        { name: flags.name, unit: flags.unit },
        { timeout: true },
      ),
    )
}

const join = async (
  context: Context,
  source: string | undefined,
  flags: JoinFlags,
): Promise<ExitCode> => {
  const text = await readLink(context, source, flags)
  if (!text.ok) return context.fail(text.error)
  const [{ parseInviteLink }, { decodeInvite }] = await Promise.all([
    import('#shell'),
    import('#protocol'),
  ])
  const token = parseInviteLink(text.value)
  if (!token.ok) return context.fail(refusalFailure(context, token.error.type))
  const invite = decodeInvite(token.value)
  if (!invite.ok) return context.fail(refusalFailure(context, invite.error.type))
  const own = await ensureIdentity(context)
  if (own !== undefined) return context.fail(own)
  return withAccess(context, access => joinWith(context, access, token.value))
}

const readLink = async (
  context: Context,
  source: string | undefined,
  { fromFile }: JoinFlags,
): Promise<Result<string, Failure>> => {
  const { t } = context
  if (fromFile !== undefined) {
    try {
      return { ok: true, value: readFileSync(fromFile, 'utf8').slice(0, inputBytesMax) }
    } catch (reason) {
      const said = t.said.fileUnreadable(fromFile, systemCode(reason) ?? '')
      return { ok: false, error: failed('file-unreadable', exitCodes.usage, said) }
    }
  }
  if (source === '-') {
    const text = (await context.readInput(inputBytesMax)).toString('utf8')
    if (text.trim() !== '') return { ok: true, value: text }
    return { ok: false, error: failed('nothing-read', exitCodes.usage, t.said.nothingRead) }
  }
  const asked = await context.ask(t.join.ask)
  if (asked !== undefined && asked.trim() !== '') return { ok: true, value: asked }
  const said = t.said.askingNotAllowed(context.petrel)
  return { ok: false, error: failed('nothing-read', exitCodes.usage, said) }
}

/** Joining may be the first thing that happens on a device. */
const ensureIdentity = async (context: Context): Promise<Failure | undefined> => {
  const { dataDir } = context.settings
  if (hasKeys(dataDir)) return undefined
  process.umask(0o077)
  const own = openOwnDataDir(dataDir)
  if (!own.ok) return accessFailure(context, own.error)
  try {
    const { openHost } = await import('../host.ts')
    const host = await openHost({ dataDir, keys: own.value.keys })
    await settleProfile(host.drive, { settings: context.settings, isNew: true })
    await host.stop()
    return undefined
  } finally {
    own.value.lock.release()
  }
}

const joinWith = async (context: Context, access: Access, token: Uint8Array): Promise<ExitCode> => {
  const { settings, t } = context
  const status = await readStatus(access)
  if (!status.ok) return context.fail(accessFailure(context, status.error))
  const { app } = status.value
  const name = settings.text('name') || app.name
  const unit = settings.text('unit') || app.unit
  if (name !== app.name || unit !== app.unit) {
    const named = await access.post('done', 'profile', { name, unit })
    if (!named.ok) return context.fail(accessFailure(context, named.error))
  }
  const joining = await access.post('joining', 'joins', {
    token: Buffer.from(token).toString('base64url'),
    name,
    unit,
  })
  if (!joining.ok) return context.fail(accessFailure(context, joining.error))
  const { group } = joining.value
  context.talk(t.join.joining(''))
  const summary = access.isDaemon ? await waitForAdmission(context, access, group) : undefined
  if (context.signal.aborted) return exitCodes.interrupted
  return tell(context, access, group, summary)
}

const waitForAdmission = async (
  context: Context,
  access: Access,
  group: string,
): Promise<GroupSummary | undefined> => {
  const deadline = performance.now() + (context.flags.timeout ?? patienceMillis)
  let summary: GroupSummary | undefined
  let refusedAt: number | undefined
  while (performance.now() < deadline && !context.signal.aborted) {
    const status = await readStatus(access)
    if (!status.ok) return summary
    summary = status.value.app.groups.find(known => known.group === group)
    if (summary === undefined || summary.state === 'member' || summary.state === 'left') break
    if (summary.state === 'refused') refusedAt ??= performance.now()
    if (performance.now() - (refusedAt ?? Infinity) >= secondThoughtMillis) break
    await wait(200, undefined, { signal: context.signal }).catch(() => undefined)
  }
  return summary
}

const tell = (
  context: Context,
  access: Access,
  group: string,
  summary: GroupSummary | undefined,
): ExitCode => {
  const { t, petrel } = context
  const state = summary?.state ?? 'waiting-for-admission'
  const title = summary?.title ?? ''
  if (state === 'refused') {
    const type = summary?.refusal ?? 'not-authorised'
    return context.fail(refusalFailure(context, type), { group })
  }
  context.record('join', { group, title, state })
  if (state === 'member') {
    context.print(t.join.joined(titleOf(context, { title })))
    return exitCodes.done
  }
  context.print(access.isDaemon ? t.join.waiting : t.join.start(petrel))
  return access.isDaemon ? exitCodes.storedOnly : exitCodes.done
}
