#!/usr/bin/env node
/** The entry: a Node that can run this program, then the command line. An older Node cannot even read this file; for it
 *  petrel.js says so. */
import { enableCompileCache } from 'node:module'
import { env, argv, stdin, stdout, stderr } from 'node:process'

const major = Number(process.versions.node.split('.')[0])
if (major < 22) {
  stderr.write(
    `海燕需要 Node 22 或更高版本（现在是 ${process.version}）。请用 npm start，或更新 Node。\n` +
      `Petrel needs Node 22 or later (this is ${process.version}). Use npm start, or update Node.\n`,
  )
  process.exit(2)
}
enableCompileCache()
const { main } = await import('./cli.ts')
const exit = await main(argv.slice(2), env, { stdin, stdout, stderr })
// A WebRTC listener, once started, keeps the event loop alive: protocol/shell/source-patches.ts.
process.exit(exit)
