/** The built web app in memory: every file of web/dist with its compressed twins, its type and its name for caches. Requests
 *  are looked up in this map, so no path of a request ever reaches the file system. */
import { createHash } from 'node:crypto'
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { extname, join, relative, sep } from 'node:path'

export type Encoding = 'br' | 'gzip'

export type WebFile = {
  readonly type: string
  readonly bytes: Buffer
  readonly compressed: ReadonlyMap<Encoding, Buffer>
  readonly etag: string
  /** Its name holds the hash of its bytes: it never changes. */
  readonly isHashed: boolean
}

export type WebFiles = ReadonlyMap<string, WebFile>

/** A build is below 2 MB; more than this is somebody else's directory. */
const totalBytesMax = 32 * 1_048_576
const filesMax = 512

const types = new Map([
  ['.html', 'text/html; charset=utf-8'],
  ['.js', 'text/javascript; charset=utf-8'],
  ['.css', 'text/css; charset=utf-8'],
  ['.json', 'application/json; charset=utf-8'],
  ['.webmanifest', 'application/manifest+json'],
  ['.svg', 'image/svg+xml'],
  ['.png', 'image/png'],
  ['.ico', 'image/x-icon'],
  ['.woff2', 'font/woff2'],
  ['.wasm', 'application/wasm'],
  ['.txt', 'text/plain; charset=utf-8'],
])

const twins: readonly (readonly [Encoding, string])[] = [
  ['br', '.br'],
  ['gzip', '.gz'],
]

/** Request path → file; empty when the web app was not built. */
export const readWebFiles = (directory: string): WebFiles => {
  const files = new Map<string, WebFile>()
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) return files
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true })
  let total = 0
  for (const entry of entries.slice(0, filesMax)) {
    const path = join(entry.parentPath, entry.name)
    const type = types.get(extname(entry.name))
    if (!entry.isFile() || type === undefined) continue
    const file = readWebFile(path, type)
    total += file.bytes.length
    if (total > totalBytesMax) break
    files.set(`/${relative(directory, path).split(sep).join('/')}`, file)
  }
  const page = files.get('/index.html')
  if (page !== undefined) files.set('/', page)
  return files
}

const readWebFile = (path: string, type: string): WebFile => {
  const bytes = readFileSync(path)
  const compressed = new Map<Encoding, Buffer>()
  for (const [encoding, ending] of twins) {
    const twin = path + ending
    if (statSync(twin, { throwIfNoEntry: false })?.isFile() === true) {
      compressed.set(encoding, readFileSync(twin))
    }
  }
  const hash = createHash('sha256').update(bytes).digest('base64url').slice(0, 22)
  const isHashed = /-[\w-]{8,}\.\w+$/.test(path) && path.includes(`${sep}assets${sep}`)
  return { type, bytes, compressed, etag: `"${hash}"`, isHashed }
}
