/** What every command is given: settings, words, a careful way to write, a way to read, and the end of patience. Data goes to
 *  stdout, talk to stderr; with --json stdout holds nothing but JSON lines. */
import { createInterface } from 'node:readline/promises'
import type { Lang, Messages } from '#words'
import { harmless, harmlessJson, styleFor } from './terminal.ts'
import type { Style } from './terminal.ts'
import type { ExitCode, Failure } from './failure.ts'
import type { Settings } from './settings.ts'
import type { CliWords } from './words.ts'

export type GlobalFlags = {
  readonly json: boolean
  readonly quiet: boolean
  readonly verbose: boolean
  readonly color: boolean
  readonly input: boolean
  /** Milliseconds from --timeout. */
  readonly timeout: number | undefined
}

export type Streams = {
  readonly stdin: NodeJS.ReadStream
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
}

export type Context = {
  readonly settings: Settings
  readonly lang: Lang
  readonly t: CliWords
  readonly messages: Messages
  readonly petrel: string
  readonly flags: GlobalFlags
  /** For stdout. */
  readonly style: Style
  /** Of the terminal; a pipe has no end of line. */
  readonly columns: number
  readonly isTerminal: boolean
  /** Stdout takes colours: a terminal, and neither NO_COLOR nor TERM=dumb nor a flag says otherwise. */
  readonly hasColor: boolean
  /** Ends at Ctrl-C, and when nobody reads stdout any more. */
  readonly signal: AbortSignal
  /** A human line on stdout; nothing with --json. */
  readonly print: (text: string) => void
  /** The same screen again, for commands that watch: over the old one where the terminal can, below it elsewhere. */
  readonly repaint: (text: string) => void
  readonly canRepaint: boolean
  /** A JSON line on stdout; nothing without --json. */
  readonly record: (type: string, fields: object) => void
  /** A human line on stderr; nothing with --quiet. */
  readonly talk: (text: string) => void
  /** A step on the way, on stderr: for whoever watches a terminal, or asks for it with --verbose. */
  readonly progress: (text: string) => void
  readonly fail: (failure: Failure, fields?: object) => ExitCode
  /** Everything on stdin, at most `bytesMax` + 1 bytes. */
  readonly readInput: (bytesMax: number) => Promise<Buffer>
  /** One line from a person; undefined where nobody can be asked. */
  readonly ask: (question: string) => Promise<string | undefined>
}

export type ContextParts = Omit<
  Context,
  | 'style'
  | 'columns'
  | 'isTerminal'
  | 'hasColor'
  | 'print'
  | 'repaint'
  | 'canRepaint'
  | 'record'
  | 'talk'
  | 'progress'
  | 'fail'
  | 'readInput'
  | 'ask'
> & { readonly streams: Streams }

export const createContext = (parts: ContextParts): Context => {
  const { flags, messages, streams, signal, ...rest } = parts
  const { stdin, stdout, stderr } = streams
  const isTerminal = stdout.isTTY
  const style = styleFor(stdout, flags.color)
  const errorStyle = styleFor(stderr, flags.color)

  const canRepaint = isTerminal && !flags.json && rest.settings.environment['TERM'] !== 'dumb'

  const record = (type: string, fields: object): void => {
    if (flags.json) stdout.write(`${harmlessJson({ v: 1, type, ...fields })}\n`)
  }
  const fail = (failure: Failure, fields: object = {}): ExitCode => {
    record('error', { ...failure, ...fields })
    stderr.write(`${failureText(failure, messages, errorStyle)}\n`)
    return failure.exit
  }
  return {
    ...rest,
    flags,
    messages,
    signal,
    style,
    get columns() {
      return isTerminal ? Math.max(20, stdout.columns || 80) : Number.POSITIVE_INFINITY
    },
    canRepaint,
    repaint: text => {
      if (flags.json) return
      if (!canRepaint) stdout.write(`${text}\n\n`)
      else stdout.write(repainted(text, stdout.rows || 24))
    },
    isTerminal,
    hasColor: style.bold('x') !== 'x',
    print: text => {
      if (!flags.json) stdout.write(`${text}\n`)
    },
    record,
    talk: text => {
      if (!flags.quiet && !flags.json) stderr.write(`${text}\n`)
    },
    progress: text => {
      if (flags.quiet || flags.json) return
      if (stderr.isTTY || flags.verbose) stderr.write(`${errorStyle.dim(text)}\n`)
    },
    fail,
    readInput: bytesMax => readAll(stdin, bytesMax),
    ask: async question => {
      if (!flags.input || flags.json || !stdin.isTTY) return undefined
      const reader = createInterface({ input: stdin, output: stderr })
      // In a terminal readline itself gets Ctrl-C, and keeps it; Ctrl-D closes it without an answer.
      reader.on('SIGINT', () => process.kill(process.pid, 'SIGINT'))
      const closed = new Promise<undefined>(resolve => {
        reader.once('close', () => {
          resolve(undefined)
        })
      })
      try {
        return await Promise.race([reader.question(question, { signal }), closed])
      } finally {
        reader.close()
      }
    },
  }
}

/** From the top left corner, each line cleared to its end, and nothing left of a longer screen below. */
const repainted = (text: string, rows: number): string => {
  const lines = text.split('\n').slice(0, rows - 1)
  return `\u001b[H${lines.map(line => `${line}\u001b[K\n`).join('')}\u001b[J`
}

/** What happened, what is safe, what to do: one line each, whatever is in the names and paths that they quote. */
export const failureText = (failure: Failure, messages: Messages, style: Style): string => {
  const isZh = messages.lang === 'zh-CN'
  const line = (label: string, text: string): string =>
    `${label}${isZh ? '\uff1a' : ': '}${harmless(text)}`
  const lines = [style.red(line(messages.errorLabel, failure.what))]
  if (failure.safe !== undefined) lines.push(line(messages.safeLabel, failure.safe))
  if (failure.next !== undefined) lines.push(line(messages.nextLabel, failure.next))
  return lines.join('\n')
}

const readAll = async (stdin: NodeJS.ReadStream, bytesMax: number): Promise<Buffer> => {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of stdin) {
    const bytes = Buffer.from(chunk)
    chunks.push(bytes)
    length += bytes.length
    if (length > bytesMax) break
  }
  return Buffer.concat(chunks)
}
