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

/** How to make a mount namespace and how to enter it; who is not allowed brings users of its own. */
const ways = [
  { make: ['--mount'], enter: ['--mount'] },
  {
    make: ['--mount', '--user', '--map-root-user'],
    enter: ['--mount', '--user', '--preserve-credentials'],
  },
] as const

type Mounted = {
  readonly pid: string
  readonly enter: readonly string[]
  readonly release: () => Promise<void>
}

/** undefined: not allowed here in this way. */
const mountSmall = async (
  path: string,
  megabytes: number,
  { make, enter }: (typeof ways)[number],
): Promise<Mounted | undefined> => {
  const options = `size=${megabytes}m,mode=0700`
  const script = `mount -t tmpfs -o ${options} petrel "$0" && echo mounted && exec sleep 3600`
  const holder = spawn('unshare', [...make, 'sh', '-c', script, path], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let said = ''
  let isGone = false
  holder.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  holder.on('error', () => {
    isGone = true
  })
  holder.on('close', () => {
    isGone = true
  })
  await until(() => said.includes('mounted') || isGone, { that: 'a small tmpfs' })
  if (!said.includes('mounted')) return undefined
  const release = async (): Promise<void> => {
    holder.kill('SIGKILL')
    await until(() => isGone)
  }
  return { pid: String(holder.pid), enter, release }
}

/** `path` is an existing directory. */
export const smallDisk = async (path: string, megabytes: number): Promise<SmallDisk> => {
  let mounted: Mounted | undefined
  for (const way of ways) mounted ??= await mountSmall(path, megabytes, way)
  if (mounted === undefined) throw new Error('no tmpfs can be mounted here, not even as own users')
  const { release } = mounted
  const entering = [...mounted.enter, '--target', mounted.pid, '--']
  const through = ['nsenter', ...entering]
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
      const given = [...entering, 'sh', '-c', fillingScript, ballast]
      filler ??= spawn('nsenter', given, { stdio: 'ignore' })
      await until(() => Number(run('stat', '-f', '-c', '%f', path)) === 0)
    },
    free: async () => {
      await endFilling()
      run('rm', '-f', ballast)
    },
    remove: async () => {
      await endFilling()
      await release()
    },
  }
}

/** Whatever somebody gives up is taken at once. */
const fillingScript = 'while :; do dd if=/dev/zero bs=4096 >> "$0" 2>/dev/null; sleep 0.02; done'
