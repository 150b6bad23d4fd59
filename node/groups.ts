/** Which group a person means: by its name, or by the first digits of its id. */
import type { AppView, GroupSummary, Result } from '#protocol'
import { exitCodes } from './failure.ts'
import type { Failure } from './failure.ts'
import { failed } from './faults.ts'
import type { Speech } from './faults.ts'
import { harmless } from './terminal.ts'

/** Fewer digits than this are taken for a name only. */
const digitsMin = 4

export const findGroup = (
  speech: Speech,
  app: AppView,
  wanted: string,
): Result<GroupSummary, Failure> => {
  const { t, petrel } = speech
  const name = wanted.normalize('NFC').trim()
  const named = app.groups.filter(({ title }) => title === name)
  const isDigits = name.length >= digitsMin && /^[0-9a-f]+$/i.test(name)
  const found =
    named.length > 0 || !isDigits
      ? named
      : app.groups.filter(({ group }) => group.startsWith(name.toLowerCase()))
  const [only, ...others] = found
  if (only === undefined) {
    if (app.groups.length === 0) {
      return { ok: false, error: failed('not-found', exitCodes.notFound, t.said.noGroup(petrel)) }
    }
    const said = t.said.groupUnknown(harmless(wanted), petrel)
    const meant = app.groups.find(({ title }) => name !== '' && title.includes(name))?.title
    const next = meant === undefined ? said.next : t.said.groupMeant(harmless(meant))
    const unknown = { ...said, ...(next !== undefined && { next }) }
    return { ok: false, error: failed('not-found', exitCodes.notFound, unknown) }
  }
  if (others.length === 0) return { ok: true, value: only }
  const candidates = found.map(({ group, title }) => `${shortId(group)} ${harmless(title)}`)
  const said = t.said.groupAmbiguous(harmless(wanted), candidates.join(', '))
  return { ok: false, error: failed('ambiguous', exitCodes.usage, said) }
}

/** Enough of an id to tell groups of one device apart. */
export const shortId = (id: string): string => id.slice(0, 8)

/** A peer id begins the same for everybody; its end tells it apart. */
export const shortPeer = (peer: string): string =>
  peer.length > 16 ? `${peer.slice(0, 6)}…${peer.slice(-6)}` : peer

export const titleOf = (speech: Pick<Speech, 't'>, { title }: { readonly title: string }): string =>
  title === '' ? speech.t.unnamed : harmless(title)
