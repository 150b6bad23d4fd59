/** How the web app is built: one shell chunk that shows the conversation at once, one network chunk that arrives after it,
 *  both compressed beforehand, with their sizes written down. `--mode fixtures` builds the screens with made-up views
 *  for tests; it is never part of what a node serves. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig } from 'vite'
import { sourcePatchPlugin } from '../protocol/shell/source-patches.ts'
import { compress, describeBundle } from './build/sizes.ts'
import { leaveOut, leaveOutLogs, onlyOneCopy } from './build/trim.ts'

const root = import.meta.dirname

const version: unknown = JSON.parse(readFileSync(join(root, '../package.json'), 'utf8')).version

export default defineConfig(({ mode }) => ({
  root,
  base: './',
  appType: 'mpa',
  define: { PETREL_VERSION: JSON.stringify(version) },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  resolve: {
    alias: {
      events: 'events/',
      buffer: join(root, 'engine/no-buffer.ts'),
      '@libp2p/logger': join(root, 'engine/no-log.ts'),
      '@multiformats/dns': join(root, 'engine/no-dns.ts'),
      // the same library under its older name; WebRTC-direct brings the newer one anyway
      '@chainsafe/libp2p-noise': '@libp2p/noise',
    },
  },
  plugins: [
    onlyOneCopy(join(root, '..')),
    leaveOut(),
    leaveOutLogs(),
    sourcePatchPlugin(),
    ...(mode === 'fixtures' ? [] : [describeBundle(), compress()]),
  ],
  build: {
    target: 'es2022',
    outDir: mode === 'fixtures' ? '../node_modules/.cache/petrel-fixtures' : 'dist',
    emptyOutDir: true,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1_200,
    rolldownOptions: {
      input:
        mode === 'fixtures'
          ? join(root, 'fixtures.html')
          : { index: join(root, 'index.html'), worker: join(root, 'worker/worker.ts') },
      output: {
        // the shell in one file: no second round of requests before the first paint
        codeSplitting: {
          groups: [
            { name: 'english', test: /\/(?:words|i18n)\/en(?:glish)?\.ts$/, priority: 1 },
            { name: 'shell', test: /web\/(?:main\.ts|ui\/app\.tsx|engine\/start\.ts)$/ },
          ],
        },
        // a browser looks for a newer worker under the same name
        entryFileNames: ({ name }) => (name === 'worker' ? '[name].js' : 'assets/start-[hash].js'),
        chunkFileNames: 'assets/[name]-[hash].js',
        assetFileNames: 'assets/[name]-[hash][extname]',
      },
    },
  },
}))
