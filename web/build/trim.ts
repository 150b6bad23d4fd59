/** Keeps out of the page what it never runs: second copies of the same package, and schemes that no peer of ours uses. */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Plugin } from 'vite'

/** One copy of each version of a package. npm installs the same protobuf runtime nine times over, nested in the packages
 *  that use it; the first copy by path stands for all, so that the build stays the same everywhere. */
export const onlyOneCopy = (root: string): Plugin => {
  const modules = join(root, 'node_modules')
  const manifestOf = (folder: string): { name: string; version: string } | undefined => {
    const file = join(folder, 'package.json')
    return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined
  }
  const packagesIn = (folder: string): readonly string[] =>
    !existsSync(folder)
      ? []
      : readdirSync(folder)
          .toSorted()
          .flatMap(name =>
            name.startsWith('@')
              ? readdirSync(join(folder, name)).map(scoped => join(folder, name, scoped))
              : [join(folder, name)],
          )
  const firstByVersion = new Map<string, string>()
  const folders = packagesIn(modules)
  for (const folder of [...folders, ...folders.flatMap(f => packagesIn(join(f, 'node_modules')))]) {
    const manifest = manifestOf(folder)
    const key = `${manifest?.name}@${manifest?.version}`
    if (manifest !== undefined && !firstByVersion.has(key)) firstByVersion.set(key, folder)
  }
  return {
    name: 'petrel-one-copy',
    enforce: 'pre',
    async resolveId(source, importer, options) {
      if (source.startsWith('.') || importer === undefined) return undefined
      const found = await this.resolve(source, importer, { ...options, skipSelf: true })
      const nested = /^(.*\/node_modules\/.*\/node_modules\/(?:@[^/]+\/)?[^/]+)(\/.*)$/.exec(
        found?.id ?? '',
      )
      if (found === null || nested === null) return found
      const manifest = manifestOf(nested[1] ?? '')
      const first = firstByVersion.get(`${manifest?.name}@${manifest?.version}`)
      return first === undefined ? found : { ...found, id: `${first}${nested[2]}` }
    },
  }
}

/** Parts of libraries that a page never runs: signature schemes other than Ed25519 (every Petrel peer id is one; others
 *  are refused as soon as they are read), and gossip's metrics. Their names stay, with a function that throws behind. */
const unusedFiles =
  /@libp2p\/crypto\/dist\/src\/keys\/(?:secp256k1|rsa|ecdsa)\/[a-z0-9.]+\.js$|@libp2p\/gossipsub\/dist\/src\/metrics\.js$/

const exportedNames = (code: string): readonly string[] =>
  [
    ...[...code.matchAll(/^export (?:async )?(?:function|class|const|var) (\w+)/gm)].map(m => m[1]),
    ...[...code.matchAll(/^export \{ (?:\w+ as )?(\w+) \};/gm)].map(m => m[1]),
  ].filter(name => name !== undefined)

export const leaveOut = (): Plugin => ({
  name: 'petrel-leave-out',
  enforce: 'pre',
  transform(code, id) {
    if (!unusedFiles.test(id)) return undefined
    // the enumerations before the one large function are used
    const at = id.endsWith('metrics.js') ? code.indexOf('export function getMetrics') : 0
    if (at < 0) throw new Error(`nothing to leave out of ${id}`)
    const names = exportedNames(code.slice(at))
    const rest = `const unused = () => { throw new Error('left out of the web app') }
export { ${names.map(name => `unused as ${name}`).join(', ')} }`
    return { code: code.slice(0, at) + rest, map: null }
  },
})

type Tree = { readonly type: string; readonly start: number; readonly end: number }

const isTree = (value: unknown): value is Tree & Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && 'type' in value && 'start' in value

/** `log(…)`, `this.log(…)`, `stream.log.error(…)` as a statement of their own. */
const isLogLine = (tree: Readonly<Record<string, unknown>>, code: string): boolean => {
  if (tree['type'] !== 'ExpressionStatement' || !isTree(tree['expression'])) return false
  const { type, callee } = tree['expression']
  if (type !== 'CallExpression' || !isTree(callee)) return false
  return /^(?:[\w.]+\.)?log(?:\.(?:trace|error))?$/.test(code.slice(callee.start, callee.end))
}

const logLines = (value: unknown, code: string): readonly Tree[] => {
  if (Array.isArray(value)) return value.flatMap(part => logLines(part, code))
  if (!isTree(value)) return []
  if (isLogLine(value, code)) return [value]
  return Object.values(value).flatMap(part => logLines(part, code))
}

/** What libp2p writes into a debugging log that no page shows: 8 % of the network chunk. What it would say is computed from
 *  what is there anyway, so that leaving the line out changes nothing else. */
export const leaveOutLogs = (): Plugin => ({
  name: 'petrel-leave-out-logs',
  transform(code, id) {
    if (!/node_modules\/(?:@?libp2p|@chainsafe)\/.*\.js$/.test(id)) return undefined
    let rest = code
    for (const { start, end } of logLines(this.parse(code), code).toReversed())
      rest = `${rest.slice(0, start)};${rest.slice(end)}`
    return { code: rest, map: null }
  },
})
