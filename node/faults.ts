/** Faults of directories, keys, stores and peers as failures that a person can act on. */
import type { RefusalType } from '#protocol'
import type { Messages } from '#words'
import type { AccessFault } from './access.ts'
import { exitCodes } from './failure.ts'
import type { ExitCode, Failure } from './failure.ts'
import { systemCode } from './files.ts'
import type { SettingFault } from './settings.ts'
import type { CliWords, Said } from './words.ts'

export type Speech = {
  readonly t: CliWords
  readonly messages: Messages
  /** How the command was started: `petrel` or `npm run -s petrel --`. */
  readonly petrel: string
}

export const failed = (code: string, exit: ExitCode, said: Said): Failure => ({
  code,
  exit,
  ...said,
})

const isRefusalType = (messages: Messages, code: string): code is RefusalType =>
  Object.hasOwn(messages.refusals, code)

/** Exit code by refusal; "refused" for the rest. */
const exits: Readonly<Partial<Record<RefusalType, ExitCode>>> = {
  'not-found': exitCodes.notFound,
  'group-unknown': exitCodes.notFound,
  'text-empty': exitCodes.usage,
  'text-too-long': exitCodes.usage,
  'name-invalid': exitCodes.usage,
  'invite-damaged': exitCodes.usage,
  'storage-failed': exitCodes.internal,
  stopped: exitCodes.internal,
}

/** Said by screens of what stands in their box; a command line has none. */
const ofText: ReadonlySet<RefusalType> = new Set(['text-too-long', 'name-invalid', 'not-member'])

export const refusalFailure = ({ t, messages }: Speech, type: RefusalType): Failure => {
  const { what, next } = messages.refusals[type]
  const safe = ofText.has(type) ? t.said.notSent : messages.refusals[type].safe
  return failed(type, exits[type] ?? exitCodes.refused, { what, safe, next })
}

/** What a field of a request that is far too long would be refused as. */
const fieldRefusals: ReadonlyMap<string, RefusalType> = new Map([
  ['name', 'name-invalid'],
  ['unit', 'name-invalid'],
  ['purpose', 'text-too-long'],
  ['text', 'text-too-long'],
  ['token', 'invite-damaged'],
])

export const accessFailure = (speech: Speech, fault: AccessFault): Failure => {
  const { t, messages, petrel } = speech
  switch (fault.type) {
    case 'no-identity':
      return failed(fault.type, exitCodes.notFound, t.said.noIdentity(petrel))
    case 'in-use':
      return failed(fault.type, exitCodes.locked, t.said.inUse(fault.pid, fault.path))
    case 'not-ours':
      return failed(fault.type, exitCodes.refused, t.said.notOurs(fault.path))
    case 'not-petrel':
      return failed(fault.type, exitCodes.refused, t.said.notPetrel(fault.path))
    case 'not-writable':
      return failed(fault.type, exitCodes.internal, t.said.notWritable(fault.path, fault.reason))
    case 'key-open-to-others':
      return failed(fault.type, exitCodes.refused, t.said.keyOpen(fault.path, fault.mode))
    case 'key-not-ours':
      return failed(fault.type, exitCodes.refused, t.said.keyNotOurs(fault.path))
    case 'key-missing':
      return failed(fault.type, exitCodes.notFound, t.said.keyMissing(fault.path))
    case 'key-damaged':
      return failed(fault.type, exitCodes.verification, t.said.keyDamaged(fault.path))
    case 'other-version':
      return failed(fault.type, exitCodes.internal, t.said.otherVersion)
    case 'daemon-gone':
      return failed(fault.type, exitCodes.internal, t.said.daemonGone(petrel))
    case 'daemon-silent':
      return failed(fault.type, exitCodes.internal, t.said.daemonSilent(petrel))
    case 'api': {
      const { code, detail } = fault
      if (code === 'not-saved-yet') return failed(code, exitCodes.internal, t.said.notSavedYet)
      if (isRefusalType(messages, code)) return refusalFailure(speech, code)
      const type = code === 'bad-field' ? fieldRefusals.get(detail ?? '') : undefined
      if (type !== undefined) return refusalFailure(speech, type)
      return failed('internal', exitCodes.internal, t.said.internal(detail ?? code, petrel))
    }
  }
}

export const settingFailure = ({ t }: Speech, fault: SettingFault): Failure => {
  const { where, line, key, expected } = fault
  const place = line === undefined ? where : `${where}:${line}`
  return failed('config-invalid', exitCodes.usage, t.said.configInvalid(place, key, expected))
}

const textOf = (reason: unknown): string => {
  const cause = reason instanceof Error && reason.cause instanceof Error ? reason.cause : reason
  return systemCode(cause) ?? (cause instanceof Error ? cause.name : 'unknown')
}

/** What was thrown: a failing store has its own words, the rest is a bug of ours. */
export const thrownFailure = ({ t, petrel }: Speech, reason: unknown): Failure => {
  const code = systemCode(reason) ?? ''
  const cause = systemCode(reason instanceof Error ? reason.cause : undefined) ?? ''
  if (code === 'no-home') return failed(code, exitCodes.usage, t.said.noHome)
  if (code === 'store-newer') return failed(code, exitCodes.refused, t.said.storeNewer)
  if (cause === 'LEVEL_LOCKED') return failed('in-use', exitCodes.locked, t.said.inUse(0, 'store'))
  if (code.startsWith('store-') || code.startsWith('LEVEL_')) {
    return failed('store-damaged', exitCodes.verification, t.said.storeDamaged(textOf(reason)))
  }
  return failed('internal', exitCodes.internal, t.said.internal(textOf(reason), petrel))
}
