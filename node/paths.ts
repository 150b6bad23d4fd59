/** Where Petrel keeps things: the XDG directories, or one directory given with --data. Nothing is created here. */
import { createHash } from 'node:crypto'
import { tmpdir, userInfo } from 'node:os'
import { join, resolve } from 'node:path'

export type Environment = Readonly<Record<string, string | undefined>>

/** XDG says that relative paths in its variables are to be ignored. */
const absolute = (path: string | undefined): string | undefined =>
  path !== undefined && path.startsWith('/') ? path : undefined

/** A HOME that is empty or relative would put data wherever the command happened to be typed. */
const home = (environment: Environment): string => absolute(environment['HOME']) ?? ownHome()

/** As the system's list of users has it; thrown with code `no-home` where it has nothing. */
const ownHome = (): string => {
  try {
    const known = absolute(userInfo().homedir)
    if (known !== undefined) return known
  } catch (reason) {
    throw Object.assign(new Error('no home', { cause: reason }), { code: 'no-home' })
  }
  throw Object.assign(new Error('no home'), { code: 'no-home' })
}

export const defaultDataDir = (environment: Environment): string =>
  join(
    absolute(environment['XDG_DATA_HOME']) ?? join(home(environment), '.local', 'share'),
    'petrel',
  )

export const userConfigFile = (environment: Environment): string =>
  join(
    absolute(environment['XDG_CONFIG_HOME']) ?? join(home(environment), '.config'),
    'petrel',
    'config.toml',
  )

export const systemConfigFile = '/etc/petrel/config.toml'

/** Socket paths longer than this are cut by the kernel. */
const socketPathBytesMax = 100

/** Where a daemon of this data directory listens, best first. The lock file says which one it took. */
export const socketCandidates = (dataDir: string, environment: Environment): readonly string[] => {
  const runtime = absolute(environment['XDG_RUNTIME_DIR'])
  const inData = join(dataDir, 'petrel.sock')
  const isDefault = dataDir === defaultDataDir(environment)
  const inRuntime = runtime === undefined ? [] : [join(runtime, 'petrel.sock')]
  // A data directory deep in the tree still needs a place: private by its mode, told apart by owner and directory.
  const mark = createHash('sha256').update(dataDir).digest('hex').slice(0, 16)
  const inTemporary = join(tmpdir(), `petrel-${process.getuid?.() ?? 0}-${mark}.sock`)
  const wanted = [...(isDefault ? [...inRuntime, inData] : [inData, ...inRuntime]), inTemporary]
  return wanted.filter(path => Buffer.byteLength(path) <= socketPathBytesMax)
}

/** `~` and relative paths made absolute. */
export const expandPath = (path: string, base: string, environment: Environment): string =>
  path === '~' || path.startsWith('~/')
    ? join(home(environment), path.slice(1))
    : resolve(base, path)
