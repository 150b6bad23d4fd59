/** `npm run -s bench -- NAME… [--json]`: runs benchmarks by name (or `all`) and prints what they measured: a table for
 *  people, one JSON object per line with --json. The exit code says whether everything ran, not whether every bar was met. */
import { parseArgs } from 'node:util'
import { barText, isMet, round, type Bench, type Figure } from './figure.ts'

const benches: Readonly<Record<string, () => Promise<Bench>>> = {
  wire: () => import('./wire.ts'),
  sync: () => import('./sync.ts'),
  ingest: () => import('./ingest.ts'),
  group100k: () => import('./group100k.ts'),
  durable: () => import('./durable.ts'),
  relay: () => import('./relay.ts'),
  web: () => import('./web.ts'),
}

const print = (bench: string, figure: Figure, json: boolean): void => {
  const { figure: name, value, unit, bar, conditions } = figure
  if (json) {
    const judged = bar === undefined ? {} : { met: isMet(figure) }
    const line = {
      bench,
      figure: name,
      value,
      unit,
      bar: barText(bar) || null,
      ...judged,
      conditions,
    }
    process.stdout.write(`${JSON.stringify(line)}\n`)
    return
  }
  const verdict =
    bar === undefined ? '' : isMet(figure) ? `met ${barText(bar)}` : `MISSED ${barText(bar)}`
  const shown = `${round(value, 3)} ${unit}`
  process.stdout.write(
    `${`${bench} ${name}`.padEnd(28)}${shown.padEnd(22)}${verdict.padEnd(18)}${conditions}\n`,
  )
}

const main = async (): Promise<number> => {
  const { values, positionals } = parseArgs({
    options: { json: { type: 'boolean', default: false } },
    allowPositionals: true,
  })
  const names = positionals.includes('all') ? Object.keys(benches) : positionals
  const unknown = names.filter(name => benches[name] === undefined)
  if (names.length === 0 || unknown.length > 0) {
    const known = Object.keys(benches).join(', ')
    if (unknown.length > 0) process.stderr.write(`no such benchmark: ${unknown.join(', ')}\n`)
    process.stderr.write(`usage: npm run -s bench -- NAME… [--json]\n  names: ${known}, all\n`)
    return 2
  }
  for (const name of names) {
    const bench = await benches[name]?.()
    if (bench === undefined) continue
    for await (const figure of bench.run()) print(name, figure, values.json)
  }
  return 0
}

// A reader that has seen enough (head) ends the run.
process.stdout.on('error', () => process.exit(0))
process.exitCode = await main()
