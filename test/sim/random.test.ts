/** A hundred seeds of trouble: partitions, crashes, wrong clocks, lossy gossip. After healing everybody agrees. */
import { describe, expect, test } from 'vitest'
import { randomRun } from '../../sim/random-run.ts'
import { createNodeCryptography } from '../../node/cryptography.ts'

const nodeCryptography = createNodeCryptography()

const first = Number(process.env['PETREL_SEED'] ?? 1)
const count = Number(process.env['PETREL_SEEDS'] ?? 100)

describe('after any trouble everybody agrees and nothing saved is lost', () => {
  for (let seed = first; seed < first + count; seed++) {
    test(`seed ${seed}`, () => {
      const { problems } = randomRun(seed, nodeCryptography)
      const replay = `PETREL_SEED=${seed} PETREL_SEEDS=1 npx vitest run test/sim/random.test.ts`
      expect(problems, `replay: ${replay}`).toEqual([])
    })
  }
})

test('two runs of one seed do the same things in the same order', () => {
  const [a, b] = [randomRun(7, nodeCryptography), randomRun(7, nodeCryptography)]
  expect(a.digest).toBe(b.digest)
  expect(randomRun(8, nodeCryptography).digest).not.toBe(a.digest)
})
