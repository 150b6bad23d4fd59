/** Where Petrel keeps things: the XDG directories, or one directory given with --data. Nothing is created here. */
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

export type Environment = Readonly<Record<string, string | undefined>>

/** XDG says that relative paths in its variables are to be ignored. */
const absolute = (path: string | undefined): string | undefined =>
  path !== undefined && path.startsWith('/') ? path : undefined

const home = (environment: Environment): string => absolute(environment['HOME']) ?? homedir()

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
  const wanted = isDefault ? [...inRuntime, inData] : [inData, ...inRuntime]
  return wanted.filter(path => Buffer.byteLength(path) <= socketPathBytesMax)
}

/** `~` and relative paths made absolute. */
export const expandPath = (path: string, base: string, environment: Environment): string =>
  path === '~' || path.startsWith('~/')
    ? join(home(environment), path.slice(1))
    : resolve(base, path)
