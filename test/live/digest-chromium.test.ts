/** Determinism across hosts: the same seed gives the same digest in Node with native cryptography and in Chromium with none
 *  but our own, so a failing seed of one is a failing seed of the other. */
import { build } from 'vite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createNodeCryptography } from '../../node/cryptography.ts'
import { randomRun } from '../../sim/random-run.ts'
import { type Browser, startBrowser } from '../support/browser.ts'

const seeds = [7, 11, 42]
let browser: Browser

beforeAll(async () => {
  browser = await startBrowser()
})
afterAll(async () => browser.close())

const bundle = async (): Promise<string> => {
  const built = await build({
    configFile: false,
    logLevel: 'error',
    build: {
      write: false,
      target: 'es2024',
      lib: { entry: 'sim/random-run.ts', formats: ['iife'], name: 'petrelSim' },
    },
  })
  const [output] = Array.isArray(built) ? built : [built]
  if (output === undefined || !('output' in output)) throw new Error('no bundle')
  return output.output[0].code
}

test('one seed does the same in Node and in Chromium', async () => {
  const inNode = seeds.map(seed => randomRun(seed, createNodeCryptography()).digest)
  await browser.page.addScriptTag({ content: await bundle() })
  const inChromium = await browser.page.evaluate(
    list =>
      list.map(seed => {
        const { petrelSim } = globalThis as unknown as {
          petrelSim: { randomRun: (seed: number) => { digest: string } }
        }
        return petrelSim.randomRun(seed).digest
      }),
    seeds,
  )
  expect(inChromium).toEqual(inNode)
})
