/** Two tiers. `fast` (npm run check) has no sockets, no processes and no browser. `live` has all three: one file at a
 *  time, because two cores cannot tell a slow peer from a starved one. `npm test` runs both. */
import { defineConfig } from 'vitest/config'

/** Real libp2p, real processes or real Chromium: anything here may take seconds and needs ports. */
const liveFiles = [
  'test/live/**/*.test.ts',
  'test/web/**/*.test.{ts,tsx}',
  'test/**/*.live.test.{ts,tsx}',
]

export default defineConfig({
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'fast',
          include: ['test/**/*.test.{ts,tsx}'],
          exclude: liveFiles,
          testTimeout: 30_000,
          hookTimeout: 30_000,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'live',
          include: liveFiles,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          // Real radios, browsers and processes: a second try in CI, so that one starved second does not decide; both are printed.
          retry: process.env['CI'] === undefined ? 0 : 1,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
