/** The rules of the house that no compiler and no linter knows: which folder may import which, that every file says what it
 *  is, that files stay readable, that the door stays narrow, that nothing is skipped, and that the tree stays small. */
import { readFileSync, readdirSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { expect, test } from 'vitest'
import { refusalTypes } from '../protocol/core/refusal.ts'
import { words } from '../protocol/shell/words/index.ts'
import { repositoryRoot } from './support/host.ts'

type SourceFile = { readonly path: string; readonly text: string }

const folders = ['node', 'web', 'protocol', 'sim', 'test']
const skippedFolders = new Set(['node_modules', 'dist', 'stubs', 'coverage'])

const filesUnder = (folder: string): readonly string[] =>
  readdirSync(folder, { withFileTypes: true }).flatMap(entry => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return skippedFolders.has(entry.name) ? [] : filesUnder(path)
    return /\.tsx?$/.test(entry.name) ? [path] : []
  })

const sources: readonly SourceFile[] = folders
  .flatMap(folder => filesUnder(join(repositoryRoot, folder)))
  .map(path => ({
    path: relative(repositoryRoot, path).split(sep).join('/'),
    text: readFileSync(path, 'utf8'),
  }))
const own = sources.filter(({ path }) => !path.startsWith('test/'))

/** The text without comments, so that prose about an import is not an import. Good enough for our own formatting. */
const codeOf = (text: string): string =>
  text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '')

const importsOf = ({ text }: SourceFile): readonly string[] =>
  [
    ...codeOf(text).matchAll(/(?:\bfrom\s+|\bimport\s+|\bimport\(\s*|new URL\(\s*)'([^'\n]+)'/g),
  ].flatMap(match => match[1] ?? [])

/** The repository path that an import means, or the bare specifier of a package. */
const targetOf = (file: SourceFile, specifier: string): string => {
  if (specifier === '#protocol') return 'protocol/core/index.ts'
  if (specifier === '#shell') return 'protocol/shell/index.ts'
  if (specifier === '#words') return 'protocol/shell/words/index.ts'
  if (!specifier.startsWith('.')) return specifier
  return join(file.path, '..', specifier.replace(/\?.*$/, '')).split(sep).join('/')
}

const corePackages =
  /^(yjs|lib0(\/.*)?|@noble\/(ciphers|curves|hashes)(\/.*)?|cborg(\/.*)?|fflate)$/
const layerOf = (path: string): string =>
  /^(protocol\/(core|shell)|node|web|sim|test)\//.exec(path)?.[1] ?? ''
const mayImport: Readonly<Record<string, readonly string[]>> = {
  'protocol/core': ['protocol/core'],
  'protocol/shell': ['protocol/shell', 'protocol/core'],
  node: ['node', 'protocol/core', 'protocol/shell'],
  web: ['web', 'protocol/core', 'protocol/shell'],
  sim: ['sim', 'protocol/core'],
}
/** Beside the doors: the word catalogues, which must stay free of the core's weight, and the ground (names of things,
 *  bounds, refusals), whose small helpers would only widen the door. */
const isGround = (path: string): boolean =>
  path.startsWith('protocol/shell/words/') ||
  /^protocol\/core\/(base|limits|refusal|row)\.ts$/.test(path)

/** Files that a web chunk or the build needs without the weight behind their door. */
const sideDoors = new Set([
  'protocol/core/invite.ts',
  'protocol/shell/link.ts',
  'protocol/shell/crypto.ts',
  'protocol/shell/source-patches.ts',
])

/** What a page loads before the peer: a door would bring the whole network chunk with it (and Vite's own configuration
 *  all of libp2p). Measured: 3 KB against 240. */
const isEarly = (from: string, to: string): boolean =>
  from.startsWith('web/') &&
  /^protocol\/(core\/invite|shell\/(link|crypto|source-patches))\.ts$/.test(to)

/** A simulated liar says what no honest peer would, so the door has no words for it. */
const isLie = (from: string, to: string): boolean =>
  from === 'sim/liar.ts' && to === 'protocol/core/message.ts'

/** What is wrong with one import, in words. */
const complaint = (file: SourceFile, specifier: string): string | undefined => {
  const from = layerOf(file.path)
  const target = targetOf(file, specifier)
  const to = layerOf(target)
  if (from === 'test') return undefined
  if (to === 'test') return 'nothing imports test/'
  if (to === '')
    return from === 'protocol/core' && !corePackages.test(target)
      ? 'the core imports only yjs, lib0, @noble/*, cborg and fflate'
      : undefined
  if (!(mayImport[from] ?? []).includes(to)) return `${from} may not import ${to}`
  if (from === to || isGround(file.path) || isGround(target)) return undefined
  if (isEarly(file.path, target) || isLie(file.path, target)) return undefined
  if (from === 'web' && sideDoors.has(target)) return undefined
  return specifier.startsWith('#') ? undefined : `enter ${to} through its door, not by path`
}

test('imports follow the arrows between the folders, and enter by the doors', () => {
  const wrong = own.flatMap(file =>
    importsOf(file).flatMap(specifier => {
      const why = complaint(file, specifier)
      return why === undefined ? [] : [`${file.path}: '${specifier}': ${why}`]
    }),
  )
  expect(wrong).toEqual([])
})

test('relative imports name the file with its ending', () => {
  const wrong = sources.flatMap(file =>
    importsOf(file)
      .filter(specifier => /^\.+\/.*\w/.test(specifier) && !/\.[a-z]+(\?.*)?$/.test(specifier))
      .map(specifier => `${file.path}: ${specifier}`),
  )
  expect(wrong).toEqual([])
})

test('every file says in its first lines what it is and why it exists', () => {
  const silent = sources.filter(({ text }) => !/^(#!.*\n)?\/\*\*\s+\S[\s\S]{15,}?\*\//.test(text))
  expect(silent.map(({ path }) => path)).toEqual([])
})

test('no source file is longer than 400 lines', () => {
  const long = sources
    .map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }))
    .filter(({ lines }) => lines > 400)
  expect(long).toEqual([])
})

test('the core knows no clock and no chance', () => {
  const wrong = own
    .filter(({ path }) => path.startsWith('protocol/core/'))
    .filter(({ text }) =>
      /\bnew Date\b|\bDate\.|\bMath\.random\b|\bglobalThis\b/.test(codeOf(text)),
    )
  expect(wrong.map(({ path }) => path)).toEqual([])
})

test('the door #protocol has at most 25 names besides its types', async () => {
  const door = Object.keys(await import('#protocol'))
  expect(door.slice(25)).toEqual([])
})

test('casts stand only in base.ts and codec.ts, or carry their reason', () => {
  const free = new Set(['protocol/core/base.ts', 'protocol/core/codec.ts'])
  const withoutImports = (text: string): string =>
    text.replaceAll(/^(?:import|export)[^;'`]*? from '[^']+'$/gm, found =>
      found.replaceAll(/[^\n]/g, ''),
    )
  const unexplained = own.flatMap(({ path, text }) =>
    withoutImports(text)
      .split('\n')
      .flatMap((line, index, lines) => {
        const code = line.replaceAll(/'(?:[^'\\]|\\.)*'|`[^`]*`|\/\/.*$/g, "''")
        const casts =
          /[\w)\]'] as (?!const\b)(?:unknown\b|any\b|never\b|[A-Z{([]|readonly\b|string\b|number\b|typeof\b)/.test(
            code,
          ) && !/^\s*(import|export|\*|\/\*)/.test(line)
        const around = `${lines[index - 1] ?? ''}${lines[index - 2] ?? ''}${line}`
        return casts && !free.has(path) && !/oxlint-disable.* -- \S/.test(around)
          ? [`${path}:${index + 1}: ${line.trim()}`]
          : []
      }),
  )
  expect(unexplained).toEqual([])
})

test('whoever silences a tool says why', () => {
  const silent = sources.flatMap(({ path, text }) =>
    text
      .split('\n')
      .filter(line => /(oxlint|eslint)-disable/.test(line) && !/ -- \S/.test(line))
      .map(line => `${path}: ${line.trim()}`),
  )
  const forbidden = own.filter(({ text }) => /@ts-(ignore|nocheck|expect-error)/.test(text))
  expect([
    ...silent.filter(line => !line.startsWith('test/tidy')),
    ...forbidden.map(f => f.path),
  ]).toEqual([])
})

test('no test is skipped, narrowed or left for later', () => {
  const wrong = sources
    .filter(({ path }) => path.startsWith('test/') && path !== 'test/tidy.test.ts')
    .filter(({ text }) =>
      /\b(?:test|it|describe|suite)\.(?:skip|only|todo|skipIf|runIf|fails)\b|\b(?:xit|xtest|xdescribe|fit)\(/.test(
        codeOf(text),
      ),
    )
  expect(wrong.map(({ path }) => path)).toEqual([])
})

test('every refusal has words in both languages: what happened, what is safe, what next', () => {
  for (const language of ['zh-CN', 'en'] as const)
    for (const type of refusalTypes) {
      const said = words(language).refusals[type]
      const isComplete = [said.what, said.safe, said.next].every(part => part.trim() !== '')
      expect({ language, type, isComplete }).toEqual({ language, type, isComplete: true })
    }
})

test('the README twins and the specification have at most 300 lines', () => {
  for (const path of ['README.md', 'README.zh-CN.md', 'protocol/README.md']) {
    const lines = readFileSync(join(repositoryRoot, path), 'utf8').split('\n')
    expect(lines.slice(301)).toEqual([])
  }
})

type LockedPackage = {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly os?: readonly string[]
  readonly cpu?: readonly string[]
  readonly libc?: readonly string[]
  readonly link?: boolean
}

/** Packages reached from `names`, as npm resolves them, without those for other machines. */
const reached = (
  locked: Readonly<Record<string, LockedPackage>>,
  names: readonly string[],
): ReadonlySet<string> => {
  const found = new Set<string>()
  const resolve = (from: string, name: string): string | undefined => {
    for (let base = from; ; base = base.slice(0, Math.max(0, base.lastIndexOf('/node_modules/')))) {
      const path = base === '' ? `node_modules/${name}` : `${base}/node_modules/${name}`
      if (locked[path] !== undefined) return path
      if (base === '' || !base.includes('/node_modules/')) {
        const top = `node_modules/${name}`
        return locked[top] === undefined ? undefined : top
      }
    }
  }
  const visit = (path: string | undefined): void => {
    const entry = path === undefined ? undefined : locked[path]
    if (path === undefined || entry === undefined || found.has(path)) return
    const forHere = [entry.os, entry.cpu].every(
      (list, index) =>
        list === undefined || list.includes(index === 0 ? 'linux' : 'x64') || list.includes('any'),
    )
    if (!forHere || entry.libc?.includes('musl') === true) return
    found.add(path)
    for (const name of Object.keys({ ...entry.dependencies, ...entry.optionalDependencies }))
      visit(resolve(path, name))
  }
  for (const name of names) visit(resolve('', name))
  return found
}

test('a running peer needs at most 230 packages', () => {
  const lock: { packages: Record<string, LockedPackage> } = JSON.parse(
    readFileSync(join(repositoryRoot, 'package-lock.json'), 'utf8'),
  )
  const declared = Object.keys(lock.packages['']?.dependencies ?? {})
  // vite builds the web app at `npm start`; the peer itself never loads it.
  const running = reached(
    lock.packages,
    declared.filter(name => name !== 'vite'),
  )
  expect(running.size).toBeLessThanOrEqual(230)
  expect(running.has('node_modules/vite')).toBe(false)
})
