/** A group's logs are a set: whatever way the same operations arrive, the same is held, told and remembered. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { authorId, bytesToHex } from '../../protocol/core/base.ts'
import { limits } from '../../protocol/core/limits.ts'
import {
  type GroupLog,
  authorLog,
  authorTable,
  createGroupLog,
  encodeAuthorLog,
  endsRun,
  headOf,
  heldOp,
  heldRun,
  insertOp,
  isHeld,
  restoreAuthorLog,
  setHashOf,
  tableHashOf,
  trimHeld,
  vectorOf,
} from '../../protocol/core/log.ts'
import { type Op, decodeRun, encodeRun, kinds } from '../../protocol/core/op.ts'
import { seededRandom } from '../../protocol/core/random.ts'
import { createNodeCryptography } from '../../node/cryptography.ts'
import { type TestLog, testGroup, testLog, unsigned } from './writer.ts'

const cryptography = createNodeCryptography()
const group = testGroup('log')
const { gid } = group
const body = (text: string): Uint8Array => new TextEncoder().encode(text)
const authorOf = (name: string): TestLog =>
  testLog(group, seededRandom(`author ${name}`).bytes(32), cryptography)

const writeSome = (name: string, count: number): readonly Op[] => {
  const log = authorOf(name)
  return Array.from({ length: count }, (_, index) =>
    index === 0 ? log.genesis() : log.write(body(`${name} ${index}`)),
  )
}
const all = ['a', 'b', 'c'].flatMap(name => writeSome(name, 12))

const logOf = (ops: readonly Op[]): GroupLog => {
  const log = createGroupLog(gid)
  for (const op of ops) insertOp(log, op)
  return log
}
/** Everything the log knows but the operations in memory. */
const stateOf = (log: GroupLog) => ({
  setHash: bytesToHex(setHashOf(log)),
  tableHash: bytesToHex(tableHashOf(log)),
  vector: [...vectorOf(log)].toSorted(([a], [b]) => (a < b ? -1 : 1)),
  rows: authorTable(log).map(author => bytesToHex(encodeAuthorLog(authorLog(log, author)))),
  bytes: log.bytes,
})
const shuffled = <T>(items: readonly T[]) =>
  fc.shuffledSubarray([...items], { minLength: items.length, maxLength: items.length })

describe('the same operations', () => {
  test('in any order, any of them twice, with any holes, make the same log', () => {
    const arrival = fc
      .subarray([...all], { minLength: 1 })
      .chain(subset =>
        fc.tuple(
          fc.constant(subset),
          shuffled(subset),
          fc.array(fc.constantFrom(...subset), { maxLength: 10 }),
        ),
      )
    fc.assert(
      fc.property(arrival, ([subset, order, twice]) => {
        const expected = stateOf(logOf(subset))
        const log = logOf(order)
        for (const op of twice) expect(insertOp(log, op)).toBe('duplicate')
        expect(stateOf(log)).toEqual(expected)
        for (const op of all) expect(isHeld(log, op.author, op.seq)).toBe(subset.includes(op))
        expect([...log.authors.values()].every(({ forkAt }) => forkAt === undefined)).toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  test('one more or one less makes another set hash', () => {
    const hashes = new Set([bytesToHex(setHashOf(logOf(all)))])
    for (const missing of all) {
      hashes.add(bytesToHex(setHashOf(logOf(all.filter(op => op !== missing)))))
    }
    expect(hashes.size).toBe(all.length + 1)
  })

  test('written as rows and read back, make the same log without the operations', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...all], { minLength: 1 }), subset => {
        const log = logOf(subset)
        const again = createGroupLog(gid)
        for (const author of authorTable(log)) {
          const row = encodeAuthorLog(authorLog(log, author))
          expect(restoreAuthorLog(again, author, row)).toBe(true)
        }
        expect(stateOf(again)).toEqual(stateOf(log))
        for (const op of all) {
          expect(isHeld(again, op.author, op.seq)).toBe(isHeld(log, op.author, op.seq))
          expect(heldOp(again, op.author, op.seq)).toBeUndefined()
        }
        for (const author of authorTable(log)) {
          expect(headOf(authorLog(again, author))).toEqual(headOf(authorLog(log, author)))
        }
      }),
    )
  })

  test('go on after a restart as if there had been none', () => {
    fc.assert(
      fc.property(shuffled(all), fc.nat({ max: all.length }), (order, cut) => {
        const before = logOf(order.slice(0, cut))
        const again = createGroupLog(gid)
        for (const author of authorTable(before)) {
          restoreAuthorLog(again, author, encodeAuthorLog(authorLog(before, author)))
        }
        for (const op of order.slice(cut)) expect(insertOp(again, op)).toBe('new')
        expect(stateOf(again)).toEqual(stateOf(logOf(all)))
      }),
    )
  })

  test('a damaged row is noticed or reads as some log, and never throws', () => {
    const [first] = all
    const row = encodeAuthorLog(authorLog(logOf(all), first?.author ?? authorOf('a').author))
    const author = first?.author ?? authorOf('a').author
    for (let length = 0; length < row.length; length++) {
      expect(restoreAuthorLog(createGroupLog(gid), author, row.subarray(0, length))).toBe(false)
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
        restoreAuthorLog(createGroupLog(gid), author, bytes)
      }),
    )
  })
})

describe('a fork', () => {
  /** Two histories of one author that part after `common` operations. */
  const branches = (common: number, left: number, right: number) => {
    const log = authorOf('forker')
    const stem = Array.from({ length: common }, (_, index) =>
      index === 0 ? log.genesis() : log.write(body(`stem ${index}`)),
    )
    const branch = (name: string, count: number): readonly Op[] => {
      const twin = authorOf('forker')
      for (let index = 0; index < common; index++) {
        if (index === 0) twin.genesis()
        else twin.write(body(`stem ${index}`))
      }
      return Array.from({ length: count }, (_, index) => twin.write(body(`${name} ${index}`)))
    }
    return { stem, left: branch('left', left), right: branch('right', right) }
  }
  const sizes = fc.tuple(
    fc.integer({ min: 1, max: 4 }),
    fc.integer({ min: 1, max: 4 }),
    fc.integer({ min: 1, max: 4 }),
  )

  test('is found at its place once both sides are known, in any order', () => {
    const arrival = sizes.chain(([common, left, right]) => {
      const parts = branches(common, left, right)
      return fc.tuple(fc.constant(common), shuffled([...parts.stem, ...parts.left, ...parts.right]))
    })
    fc.assert(
      fc.property(arrival, ([common, order]) => {
        const log = logOf(order)
        const [first] = order
        expect(log.authors.get(first?.author ?? authorOf('forker').author)?.forkAt).toBe(common)
      }),
      { numRuns: 200 },
    )
  })

  test('is found at an edge when only what follows it is known, whichever side came first', () => {
    for (const isReversed of [false, true]) {
      const parts = branches(3, 1, 3)
      // Here: 0, 1, 2, left 3. There: right 4, which names right 3.
      const later = parts.right.slice(1, 2)
      const held = [...parts.stem, ...parts.left]
      const log = logOf(isReversed ? [...later, ...held.toReversed()] : [...held, ...later])
      const [author] = log.authors.values()
      expect(author?.forkAt).toBe(3)
    }
  })

  test('is found after a restart at the ends of what is held', () => {
    const { stem, left, right } = branches(3, 2, 3)
    const before = logOf([...stem, ...left])
    const author = authorOf('forker').author
    for (const op of [right[1], right[2]]) {
      const again = createGroupLog(gid)
      restoreAuthorLog(again, author, encodeAuthorLog(authorLog(before, author)))
      if (op !== undefined) expect(insertOp(again, op)).toBe('fork')
      expect(authorLog(again, author).forkAt).toBe(4)
    }
  })

  test('keeps what was held, is remembered, and is told from no more', () => {
    const { stem, left, right } = branches(2, 1, 1)
    const author = authorOf('forker').author
    const mine = logOf([...stem, ...left])
    const before = stateOf(mine)
    expect(right.map(op => insertOp(mine, op))).toEqual(['fork'])
    expect(right.map(op => insertOp(mine, op))).toEqual(['disputed'])
    expect(authorLog(mine, author).ranges).toEqual([{ from: 0, to: 2 }])
    expect(stateOf(mine).vector).toEqual([[author, [{ from: 0, to: 1 }]]])
    expect(stateOf(mine).setHash).not.toBe(before.setHash)
    expect(stateOf(logOf([...stem, ...right])).setHash).not.toBe(before.setHash)
    const again = createGroupLog(gid)
    restoreAuthorLog(again, author, encodeAuthorLog(authorLog(mine, author)))
    expect(authorLog(again, author).forkAt).toBe(2)
  })

  test('leaves those who know of it level, whichever side they hold', () => {
    const arrival = sizes.chain(([common, left, right]) => {
      const parts = branches(common, left, right)
      const tail = [...parts.left, ...parts.right]
      return fc.tuple(fc.constant(parts.stem), shuffled(tail), shuffled(tail))
    })
    fc.assert(
      fc.property(arrival, ([stem, mine, theirs]) => {
        const [one, other] = [logOf([...stem, ...mine]), logOf([...stem, ...theirs])]
        expect(stateOf(one).vector).toEqual(stateOf(other).vector)
        expect(stateOf(one).setHash).toBe(stateOf(other).setHash)
      }),
      { numRuns: 200 },
    )
  })

  test('at a place that has left memory is for the store to tell', () => {
    const { stem, left, right } = branches(3, 2, 2)
    const author = authorOf('forker').author
    const log = createGroupLog(gid)
    const kept = encodeAuthorLog(authorLog(logOf([...stem, ...left]), author))
    restoreAuthorLog(log, author, kept)
    expect(right.slice(0, 1).map(op => insertOp(log, op))).toEqual(['unsure'])
    expect(left.slice(0, 1).map(op => insertOp(log, op))).toEqual(['unsure'])
    expect(left.slice(1).map(op => insertOp(log, op))).toEqual(['duplicate'])
  })
})

describe('a run from memory', () => {
  test('covers what is asked, ends in a signature, and reads back', () => {
    const ops = writeSome('a', 30).map((op, index) =>
      index % 5 === 4 || index === 0 ? op : unsigned(op),
    )
    const log = logOf(ops)
    const author = authorOf('a').author
    fc.assert(
      fc.property(fc.nat({ max: 29 }), fc.nat({ max: 29 }), (one, other) => {
        const [from, to] = [Math.min(one, other), Math.max(one, other)]
        const run = heldRun(log, author, from, to) ?? []
        expect(run.map(({ seq }) => seq)).toEqual(run.map((_, at) => from + at))
        expect(run.at(-1)?.signature).toBeDefined()
        const end = run.at(-1)?.seq ?? 0
        if (from > 0) expect(end).toBe(Math.floor(to / 5) * 5 + 4)
        else expect(end).toBe(0)
        const decoded = decodeRun(gid, encodeRun(run))
        expect(decoded.ok && decoded.value.map(({ id }) => id)).toEqual(run.map(({ id }) => id))
      }),
    )
  })

  test('ends where time does not grow, so that it can be said at all', () => {
    const log = authorOf('slow clock')
    const ops = [
      log.genesis(),
      log.write(body('1')),
      log.write(body('2'), { hlc: 5 }),
      log.write(body('3'), { hlc: 5 }),
    ]
    const held = logOf(ops)
    for (const { author, seq } of ops) {
      const run = heldRun(held, author, seq, 3) ?? []
      expect(run.map(op => op.seq)).toEqual([seq])
      expect(decodeRun(gid, encodeRun(run)).ok).toBe(true)
    }
  })

  test('ends at a signature once it fills a frame', () => {
    const log = authorOf('large')
    const large = new Uint8Array(limits.opBytesMax - 200)
    const ops = [log.genesis(), ...Array.from({ length: 6 }, () => log.write(large))]
    const run = heldRun(logOf(ops), log.author, 1, 6) ?? []
    expect(run.length).toBe(1)
    expect(encodeRun(run).length).toBeLessThan(limits.frameBytesMax)
    expect(endsRun(ops.slice(0, 1), undefined)).toBe(true)
  })

  test('is not there when an operation is missing', () => {
    const ops = writeSome('a', 6)
    const log = logOf(ops.filter(({ seq }) => seq !== 3))
    expect(heldRun(log, authorOf('a').author, 1, 5)).toBeUndefined()
    expect(heldRun(log, authorOf('a').author, 4, 5)).toHaveLength(2)
  })
})

test('memory keeps the newest operations and everything that decides', () => {
  const log = createGroupLog(gid)
  const author = authorOf('much')
  insertOp(log, author.genesis())
  insertOp(log, author.write(body('control'), { kind: kinds.control }))
  insertOp(log, author.write(body('state'), { kind: kinds.state }))
  const count = Math.floor(limits.heldOpsMax * 1.125) + 1
  for (let index = 0; index < count; index++) {
    insertOp(log, unsigned(author.write(Uint8Array.of(1))))
    trimHeld(log)
  }
  expect(log.heldCold).toBe(limits.heldOpsMax)
  const held = [...(log.held.get(author.author)?.keys() ?? [])].toSorted((a, b) => a - b)
  expect(held.slice(0, 4)).toEqual([0, 1, 2, 3 + count - limits.heldOpsMax])
  expect(vectorOf(log).get(author.author)).toEqual([{ from: 0, to: count + 2 }])
})

test('authors beyond the bound of a group are refused, those known are not', () => {
  const log = createGroupLog(gid)
  const [first, second] = writeSome('a', 2)
  if (first === undefined || second === undefined) throw new Error('two operations')
  insertOp(log, first)
  for (let index = 1; index < limits.authorsMax; index++) {
    authorLog(log, authorId(index.toString(16).padStart(16, '0')))
  }
  const [other] = writeSome('b', 1)
  if (other !== undefined) expect(insertOp(log, other)).toBe('full')
  expect(insertOp(log, second)).toBe('new')
})
