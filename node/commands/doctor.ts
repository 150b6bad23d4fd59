/** `petrel doctor`: everything that can be wrong on this device, the worst in one red line first, each with its advice. */
import { statfsSync } from 'node:fs'
import { described } from '../help.ts'
import type { Program } from '../cli.ts'
import type { Access } from '../access.ts'
import type { Context } from '../context.ts'
import { exitCodes } from '../failure.ts'
import type { ExitCode } from '../failure.ts'
import { accessFailure } from '../faults.ts'
import { isOpenToOthers, modeOf } from '../files.ts'
import { keyFileFault, keyFiles } from '../keys.ts'
import { columnsOf, padTo } from '../terminal.ts'
import { byteSize, rfc3339 } from '../times.ts'
import { readStatus, withAccess } from '../with-access.ts'
import type { Status } from '../with-access.ts'

type Finding = {
  readonly check: string
  readonly label: string
  readonly state: 'ok' | 'warning' | 'bad'
  readonly text: string
  readonly next?: string
  /** Exit code when this is the worst. */
  readonly exit: ExitCode
}

export const addDoctor = ({ program, speech, run }: Program): void => {
  program
    .command('doctor')
    .summary(speech.t.help.doctor)
    .description(described(speech, speech.t.help.doctor, 'doctor'))
    .action(() =>
      run(context =>
        withAccess(context, async access => {
          const status = await readStatus(access)
          if (!status.ok) return context.fail(accessFailure(context, status.error))
          const operations = await checkOperations(context, access)
          return report(context, [
            operations,
            ...checkFiles(context),
            checkStore(context, status.value),
            ...checkPlace(context, status.value),
            checkClock(context),
            checkWeb(context, status.value),
            checkLinks(context, status.value),
          ])
        }),
      ),
    )
}

const checkOperations = async (context: Context, access: Access): Promise<Finding> => {
  const { t } = context
  const base = { check: 'operations', label: t.doctor.operations, exit: exitCodes.verification }
  const verified = await access.post('verified', 'verification', {})
  if (!verified.ok) {
    return { ...base, state: 'bad', text: accessFailure(context, verified.error).what }
  }
  const { operations, failed, places } = verified.value
  if (failed === 0) return { ...base, state: 'ok', text: t.doctor.verified(operations) }
  const text = `${t.doctor.failed(failed, operations)}: ${places.join(', ')}`
  return { ...base, state: 'bad', text, next: t.doctor.failedNext }
}

const checkFiles = (context: Context): readonly Finding[] => {
  const { t, settings } = context
  const { dataDir } = settings
  const mode = modeOf(dataDir) ?? 0
  const open = isOpenToOthers(mode)
  const octal = (mode & 0o777).toString(8).padStart(4, '0')
  const directory: Finding = {
    check: 'directory',
    label: t.doctor.directory,
    state: open ? 'bad' : 'ok',
    text: `${dataDir} · ${open ? t.doctor.openToOthers(octal) : t.doctor.private}`,
    exit: exitCodes.refused,
    ...(open && { next: t.doctor.fixDirectory(dataDir) }),
  }
  const fault = keyFiles(dataDir)
    .map(keyFileFault)
    .find(found => found !== undefined)
  const failure = fault === undefined ? undefined : accessFailure(context, fault)
  const keys: Finding = {
    check: 'keys',
    label: t.doctor.keys,
    state: failure === undefined ? 'ok' : 'bad',
    text: failure?.what ?? `${t.doctor.private} · ${t.up.protection}`,
    exit: exitCodes.refused,
    ...(failure?.next !== undefined && { next: failure.next }),
  }
  return [directory, keys]
}

/** Twice the reserve: below this it is not made again once it was given up. */
const lowBytes = 32 * 1_048_576

const freeBytes = (directory: string): number => {
  const { bavail, bsize } = statfsSync(directory)
  return bavail * bsize
}

const checkStore = ({ t, settings }: Context, { app }: Status): Finding => {
  const base = { check: 'store', label: t.doctor.store, exit: exitCodes.internal }
  if (app.storage === 'ok') {
    const free = freeBytes(settings.dataDir)
    if (free >= lowBytes) return { ...base, state: 'ok', text: t.doctor.storeOk }
    const text = t.doctor.storeLow(byteSize(free))
    return { ...base, state: 'warning', text, next: t.doctor.storeNext }
  }
  return { ...base, state: 'bad', text: t.doctor.storeFailing, next: t.doctor.storeNext }
}

/** Says so for good, so that whoever looks for a duplicate finds it. */
const checkPlace = ({ t }: Context, { node }: Status): readonly Finding[] => {
  if (node.movedAt === undefined) return []
  const base = { check: 'place', label: t.place.label, exit: exitCodes.done }
  const text = `${node.movedAt} · ${t.place.moved}`
  return [{ ...base, state: 'warning', text, next: t.place.next }]
}

/** Before this program was written, or long after it: a clock that was never set. */
const clockFrom = Date.UTC(2026, 0, 1)
const clockTo = Date.UTC(2046, 0, 1)

const checkClock = ({ t }: Context): Finding => {
  const now = Date.now()
  const base = { check: 'clock', label: t.doctor.clock, exit: exitCodes.done }
  const time = rfc3339(now)
  if (now >= clockFrom && now < clockTo) {
    return { ...base, state: 'ok', text: `${time} · ${t.doctor.clockOk}` }
  }
  return { ...base, state: 'warning', text: t.doctor.clockOdd(time), next: t.doctor.clockNext }
}

const checkWeb = ({ t, petrel }: Context, { node }: Status): Finding => {
  const base = { check: 'web', label: t.doctor.web, exit: exitCodes.done }
  if (node.online) return { ...base, state: 'ok', text: node.origins.join(' · ') }
  return { ...base, state: 'warning', text: t.doctor.notRunning, next: t.doctor.runUp(petrel) }
}

const checkLinks = (context: Context, { node, app }: Status): Finding => {
  const { t, messages, petrel } = context
  const base = { check: 'links', label: t.doctor.links, exit: exitCodes.storedOnly }
  if (!node.online) {
    return { ...base, state: 'bad', text: t.doctor.notRunning, next: t.doctor.runUp(petrel) }
  }
  if (app.links.length === 0) {
    return { ...base, state: 'bad', text: t.doctor.alone, next: t.doctor.aloneNext }
  }
  return { ...base, state: 'ok', text: messages.nodes(app.links.length) }
}

const report = (context: Context, findings: readonly Finding[]): ExitCode => {
  const { t, style } = context
  const worst = findings.find(({ state }) => state === 'bad')
  const width = Math.max(...findings.map(({ label }) => columnsOf(label)))
  const sign = { ok: style.green('✓'), warning: style.yellow('!'), bad: style.red('✗') }
  context.print(
    worst === undefined
      ? style.green(`✓ ${t.doctor.allGood}`)
      : style.red(`✗ ${worst.label}: ${worst.text}`),
  )
  if (worst?.next !== undefined) context.print(`  ${context.messages.nextLabel}: ${worst.next}`)
  context.print('')
  for (const { state, label, text, next } of findings) {
    context.print(`${sign[state]} ${padTo(label, width)}  ${text}`)
    if (next !== undefined && state !== 'ok') context.print(`  ${padTo('', width)}  → ${next}`)
  }
  for (const { exit, ...finding } of findings) context.record('finding', { ...finding, exit })
  return worst?.exit ?? exitCodes.done
}
