/** A real file system of a few megabytes that a test may fill: a tmpfs in a mount namespace of its own, which is gone with the
 *  process that holds it. Programs see it when they are started `through` it. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { until } from './until.ts'

export type SmallDisk = {
  readonly path: string
  /** What to start programs through. */
  readonly through: readonly string[]
  /** Writes until nothing more fits, once. */
  readonly fill: () => void
  /** From now on takes every byte that is free, as soon as it is. */
  readonly keepFull: () => Promise<void>
  /** Takes away what these wrote. */
  readonly free: () => Promise<void>
  readonly remove: () => Promise<void>
}

/** `path` is an existing directory. Without being root the namespace brings its own users. */
export const smallDisk = async (path: string, megabytes: number): Promise<SmallDisk> => {
  const isRoot = process.getuid?.() === 0
  const [unshare, enter] = isRoot
    ? [['--mount'], ['--mount']]
    : [
        ['--mount', '--user', '--map-root-user'],
        ['--mount', '--user', '--preserve-credentials'],
      ]
  const script = `mount -t tmpfs -o size=${megabytes}m,mode=0700 petrel "$0" && echo mounted && exec sleep 3600`
  const holder = spawn('unshare', [...unshare, 'sh', '-c', script, path], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  let isGone = false
  for (const stream of [holder.stdout, holder.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
  }
  holder.on('close', () => {
    isGone = true
  })
  await until(() => said.includes('mounted') || isGone, { that: 'a small tmpfs' })
  if (isGone) throw new Error(`no tmpfs could be mounted here: ${said}`)
  const through = ['nsenter', ...enter, '--target', String(holder.pid), '--']
  const run = (...command: readonly string[]): string => {
    const [program = '', ...given] = [...through, ...command]
    return execFileSync(program, given, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  }
  const ballast = join(path, 'ballast')
  let filler: ChildProcess | undefined
  const endFilling = async (): Promise<void> => {
    if (filler === undefined) return
    const ended = once(filler, 'close')
    filler.kill('SIGKILL')
    filler = undefined
    await ended
  }
  return {
    path,
    through,
    fill: () => {
      run('sh', '-c', 'dd if=/dev/zero bs=4096 >> "$0" 2>/dev/null || true', ballast)
    },
    keepFull: async () => {
      const given = [...enter, '--target', String(holder.pid), '--', 'sh', '-c', fillingScript]
      filler ??= spawn('nsenter', [...given, ballast], { stdio: 'ignore' })
      await until(() => Number(run('stat', '-f', '-c', '%f', path)) === 0)
    },
    free: async () => {
      await endFilling()
      run('rm', '-f', ballast)
    },
    remove: async () => {
      await endFilling()
      holder.kill('SIGKILL')
      await until(() => isGone)
    },
  }
}

/** Whatever somebody gives up is taken at once. */
const fillingScript = 'while :; do dd if=/dev/zero bs=4096 >> "$0" 2>/dev/null; sleep 0.02; done'
