/** What `petrel up` says once it runs: how to join, where things are, what to do next. At most 80 columns, so that it reads
 *  well on the smallest terminal; the link alone is longer and is never broken by us. */
import type { GroupSummary } from '#protocol'
import type { Context } from './context.ts'
import { shortPeer, titleOf } from './groups.ts'
import { qrText } from './qr.ts'
import { columnsOf, factsText, padTo } from './terminal.ts'
import type { Facts } from './terminal.ts'
import { clockTime } from './times.ts'

export type Greeting = {
  readonly version: string
  readonly name: string
  readonly peer: string
  readonly dataDir: string
  readonly ports: readonly string[]
  readonly origins: readonly string[]
  readonly webMissing: boolean
  readonly notes: readonly string[]
  readonly invite:
    | {
        readonly group: GroupSummary
        readonly links: readonly string[]
        readonly uses: number
        readonly notAfter: number
        /** Where the link was written when it must not be shown. */
        readonly file: string | undefined
      }
    | undefined
}

const indent = '  '

export const greetingText = (context: Context, greeting: Greeting): string => {
  const { t, style } = context
  const title = `${context.messages.appName}${context.lang === 'zh-CN' ? ' Petrel' : ''}`
  const blocks = [
    `${indent}${style.bold(title)} ${style.dim(greeting.version)}`,
    ...inviteBlocks(context, greeting.invite),
    placeBlock(context, greeting),
  ]
  if (greeting.notes.length > 0) {
    blocks.push(greeting.notes.map(note => `${indent}${style.yellow('!')} ${note}`).join('\n'))
  }
  if (greeting.invite !== undefined) blocks.push(nextBlock(context, greeting.invite.group))
  blocks.push(`${indent}${style.dim(t.up.stopHint)}`)
  return `\n${blocks.join('\n\n')}\n`
}

const inviteBlocks = (context: Context, invite: Greeting['invite']): readonly string[] => {
  if (invite === undefined) return []
  const { t, style, columns } = context
  const till = clockTime(context.lang, invite.notAfter, Date.now())
  const terms = `${t.up.validTill(invite.uses, till)} · ${t.up.linkIsKey}`
  if (invite.file !== undefined) {
    return [[t.up.linkInFile(invite.file), style.dim(terms)].map(line => indent + line).join('\n')]
  }
  const [best, ...others] = invite.links
  if (best === undefined) return []
  const code = qrText(best, context.hasColor, indent)
  const fits = code.columns <= columns
  const lines = [
    `${indent}${style.bold(t.up.scanOrOpen(titleOf(context, invite.group)))}`,
    style.cyan(best),
    ...others.map(link => `${indent}${style.dim(t.up.here)}\n${style.dim(link)}`),
    `${indent}${style.dim(terms)}`,
  ]
  return fits ? [code.text, lines.join('\n')] : [lines.join('\n')]
}

const placeBlock = (context: Context, greeting: Greeting): string => {
  const { t, style, columns } = context
  const facts: Facts = [
    [t.status.web, greeting.webMissing ? [t.up.webMissing] : greeting.origins],
    [t.up.node, [shortPeer(greeting.peer), ...greeting.ports]],
    [t.status.me, [greeting.name]],
    [t.up.storage, [greeting.dataDir, t.up.protection]],
  ]
  return factsText(facts, columns - indent.length, style.dim).replaceAll(/^/gm, indent)
}

const nextBlock = (context: Context, group: GroupSummary): string => {
  const { t, style, petrel } = context
  const name = shellWord(group.title)
  const rows = [
    [`${petrel} send ${name} ${shellWord(t.up.hello)}`, t.up.stepSend],
    [`${petrel} tail --follow`, t.up.stepTail],
    [`${petrel} invite ${name} --qr`, t.up.stepInvite],
    [`${petrel} doctor`, t.up.stepDoctor],
  ] as const
  const width = Math.max(...rows.map(([command]) => columnsOf(command)))
  const lines = rows.map(
    ([command, text]) => `${indent}${indent}${padTo(command, width)}  ${style.dim(text)}`,
  )
  return [`${indent}${style.bold(t.up.nextSteps)}`, ...lines].join('\n')
}

/** As it must be typed in a shell. */
export const shellWord = (text: string): string =>
  /^[\p{L}\p{N}_./:@-]+$/u.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
