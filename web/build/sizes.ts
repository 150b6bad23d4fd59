/** Writes down what the build weighs and compresses it beforehand: the budgets are the product's promise on a slow link
 *  (research/ux.md 2.2), and a node on a LAN has no time to compress. */
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import type { Plugin } from 'vite'

type Size = {
  readonly file: string
  /** `soon` follows the shell by itself; `lazy` only when somebody asks for it. */
  readonly part: 'page' | 'style' | 'shell' | 'network' | 'soon' | 'lazy'
  readonly raw: number
  readonly gz: number
  readonly br: number
}

const gzip = (bytes: Uint8Array): Buffer => gzipSync(bytes, { level: 9 })
const brotli = (bytes: Uint8Array): Buffer =>
  brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } })

/** Which budget a chunk counts against: the shell is what the page names, the network is the chunk of
 *  engine/network.ts and what it adds; QR codes, the other language and the like stay outside first use. */
const partsByFile = (bundle: Readonly<Record<string, Chunk>>): Map<string, Size['part']> => {
  const parts = new Map<string, Size['part']>()
  const mark = (file: string, part: Size['part']): void => {
    const chunk = bundle[file]
    if (chunk === undefined || chunk.type !== 'chunk' || parts.has(file)) return
    parts.set(file, part)
    for (const next of chunk.imports) mark(next, part)
  }
  const page = bundle['index.html']
  const html = page?.type === 'asset' ? String(page.source) : ''
  const chunks = Object.values(bundle).filter(chunk => chunk.type === 'chunk')
  const named = (names: readonly string[]): readonly string[] =>
    chunks.filter(chunk => names.includes(chunk.name)).map(chunk => chunk.fileName)
  for (const { fileName } of chunks) if (html.includes(`="./${fileName}"`)) mark(fileName, 'shell')
  for (const file of named(['network'])) mark(file, 'network')
  const soon = ['group-screens', 'join', 'more-screens', 'invite-token', 'worker']
  for (const file of named(soon)) mark(file, 'soon')
  for (const chunk of chunks) mark(chunk.fileName, 'lazy')
  return parts
}

type Chunk =
  | {
      readonly type: 'chunk'
      readonly fileName: string
      readonly name: string
      readonly imports: readonly string[]
      code: string
    }
  | { readonly type: 'asset'; readonly fileName: string; readonly source: string | Uint8Array }

const bytesOf = (chunk: Chunk): Buffer =>
  Buffer.from(chunk.type === 'chunk' ? chunk.code : chunk.source)

/** As `integrity` wants it. */
const integrityOf = (bytes: Uint8Array): string =>
  `sha256-${createHash('sha256').update(bytes).digest('base64')}`

/** Tells the worker every file that it is to keep. */
const listFiles = (bundle: Readonly<Record<string, Chunk>>, fingerprint: string): void => {
  const worker = bundle['worker.js']
  if (worker?.type !== 'chunk') return
  const files = Object.keys(bundle)
    .toSorted()
    .flatMap(file => {
      const chunk = bundle[file]
      if (chunk === undefined || chunk === worker) return []
      return [[file === 'index.html' ? './' : file, integrityOf(bytesOf(chunk))]]
    })
  worker.code = worker.code
    .replaceAll('PETREL_FILES', JSON.stringify(files))
    .replaceAll('PETREL_CACHE', JSON.stringify(`petrel ${fingerprint}`))
}

/** Tells the shell, in the page itself, how many bytes the network chunk has (for its progress line), and under which
 *  fingerprint this program goes; tells the worker what to keep. */
export const describeBundle = (): Plugin => ({
  name: 'petrel-describe',
  enforce: 'post',
  generateBundle: {
    order: 'post',
    handler(_, bundle) {
      const page = bundle['index.html']
      if (page?.type !== 'asset') return
      const parts = partsByFile(bundle)
      const network: string[] = []
      const hash = createHash('sha256').update(String(page.source))
      for (const file of Object.keys(bundle).toSorted()) {
        const chunk = bundle[file]
        if (chunk === undefined || file === 'index.html') continue
        const bytes = bytesOf(chunk)
        hash.update(file).update(createHash('sha256').update(bytes).digest())
        if (parts.get(file) === 'network') network.push(`${file} ${bytes.length}`)
      }
      const fingerprint = hash
        .digest('hex')
        .slice(0, 8)
        .toUpperCase()
        .replace(/^(.{4})/, '$1-')
      page.source = String(page.source)
        .replace('%petrel-network%', network.join(','))
        .replace('%petrel-fingerprint%', fingerprint)
      listFiles(bundle, fingerprint)
    },
  },
})

/** Writes FILE.gz and FILE.br beside each file (a node on a LAN has no time to compress), and sizes.json. */
export const compress = (): Plugin => ({
  name: 'petrel-compress',
  enforce: 'post',
  writeBundle(options, bundle) {
    const folder = options.dir ?? 'dist'
    const parts = partsByFile(bundle)
    const sizes: Size[] = []
    for (const chunk of Object.values(bundle)) {
      const path = join(folder, chunk.fileName)
      const bytes = readFileSync(path)
      const [gz, br] = [gzip(bytes), brotli(bytes)]
      writeFileSync(`${path}.gz`, gz)
      writeFileSync(`${path}.br`, br)
      const file = chunk.fileName
      const part =
        parts.get(file) ??
        (file.endsWith('.css') ? 'style' : file.endsWith('.html') ? 'page' : 'lazy')
      sizes.push({ file, part, raw: bytes.length, gz: gz.length, br: br.length })
    }
    const total = (wanted: readonly Size['part'][]): number =>
      sizes.filter(size => wanted.includes(size.part)).reduce((sum, size) => sum + size.gz, 0)
    const report = {
      shellBytesGz: total(['shell']),
      styleBytesGz: total(['style', 'page']),
      networkBytesGz: total(['network']),
      soonBytesGz: total(['soon']),
      firstUseBytesGz: total(['page', 'style', 'shell', 'soon', 'network']),
      files: sizes.toSorted((a, b) => b.gz - a.gz),
    }
    writeFileSync(join(folder, 'sizes.json'), `${JSON.stringify(report, undefined, 2)}\n`)
  },
})
