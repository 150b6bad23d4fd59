#!/usr/bin/env node
/** The `petrel` command for whatever Node the system has: runs main.ts with the Node that came with this project, or with the
 *  system's when it is new enough; says so in a sentence when neither is. Plain old JavaScript on purpose. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('./main.ts', import.meta.url))
const ownNode = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url))
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
/** From here on Node runs TypeScript as it is. */
const isNewEnough = major > 22 || (major === 22 && minor >= 18)

if (isNewEnough) await import('./main.ts')
else if (existsSync(ownNode)) runWith(ownNode)
else {
  process.stderr.write(
    `海燕需要 Node 22.18 或更高版本（现在是 ${process.version}）。请在程序目录执行 npm ci，它会带来合适的版本。\n` +
      `Petrel needs Node 22.18 or later (this is ${process.version}). Run npm ci in the program directory; it brings one.\n`,
  )
  process.exit(2)
}

function runWith(node) {
  const child = spawn(node, [main, ...process.argv.slice(2)], { stdio: 'inherit' })
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  for (const signal of signals) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 1)
  })
  child.on('error', reason => {
    process.stderr.write(`${reason.message}\n`)
    process.exitCode = 1
  })
}
