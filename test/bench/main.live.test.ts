/** The benchmark command itself: one JSON object a line for programs, a refusal with the names for people, and the figures
 *  that depend on nothing but the formats within their bars. */
import { expect, test } from 'vitest'
import { startNode } from '../support/petrel-process.ts'

const bench = async (...names: readonly string[]) => {
  const running = startNode(['test/bench/main.ts', ...names])
  const { code } = await running.exited()
  return { code, stdout: running.stdout(), stderr: running.stderr() }
}

test('a benchmark prints one JSON object a line: figure, value, unit, bar, conditions', async () => {
  const { code, stdout } = await bench('wire', '--json')
  expect(code).toBe(0)
  const figures = stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  for (const figure of figures) {
    expect(figure).toMatchObject({
      bench: 'wire',
      figure: expect.any(String),
      value: expect.any(Number),
      unit: expect.any(String),
      conditions: expect.any(String),
    })
    expect(figure).toHaveProperty('bar')
  }
})

test('a message costs no more on the wire than was promised', async () => {
  const { stdout } = await bench('wire', '--json')
  const figures = stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  const barred = figures.filter(({ bar }) => bar !== null)
  expect(barred.map(({ figure }) => figure)).toEqual(['gossip_bytes', 'run_bytes_per_op'])
  expect(barred.filter(({ met }) => met !== true)).toEqual([])
})

test('an unknown benchmark is refused, with the names there are', async () => {
  const { code, stderr } = await bench('speed')
  expect(code).toBe(2)
  expect(stderr).toMatch(/no such benchmark: speed[\s\S]*wire, sync, ingest/)
})
