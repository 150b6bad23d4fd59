/** Runs the command line in this process, on streams that are a terminal of a given width, or none. Nothing here touches the
 *  signals or the end of this process. */
import { PassThrough } from 'node:stream'
import { main } from '../../node/cli.ts'

export type Screen = {
  /** Left out: a pipe. */
  readonly columns?: number
  readonly environment?: Readonly<Record<string, string>>
  readonly input?: string | Uint8Array
}

const collected = (columns: number | undefined) => {
  const stream = new PassThrough()
  let text = ''
  stream.on('data', (chunk: Buffer) => {
    text += chunk.toString('utf8')
  })
  const terminal = { isTTY: true, columns, rows: 50, getColorDepth: () => 4 }
  if (columns !== undefined) Object.assign(stream, terminal)
  return { stream: stream as unknown as NodeJS.WriteStream, text: () => text }
}

export const runCli = async (args: readonly string[], home: string, screen: Screen = {}) => {
  const [stdout, stderr] = [collected(screen.columns), collected(screen.columns)]
  const stdin = new PassThrough()
  stdin.end(screen.input ?? '')
  const environment = {
    HOME: home,
    XDG_DATA_HOME: `${home}/data`,
    XDG_CONFIG_HOME: `${home}/config`,
    XDG_RUNTIME_DIR: `${home}/run`,
    LANG: 'en_US.UTF-8',
    ...screen.environment,
  }
  const umask = process.umask()
  try {
    const code = await main(args, environment, {
      stdin: stdin as unknown as NodeJS.ReadStream,
      stdout: stdout.stream,
      stderr: stderr.stream,
    })
    return { code, stdout: stdout.text(), stderr: stderr.text() }
  } finally {
    process.umask(umask)
  }
}
