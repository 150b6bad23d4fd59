/** Makes sure that the browser tests can run before they start: finds Chromium and a Chinese font, installs Debian's where
 *  it may, and otherwise says the one command and fails. It never lets the tests be skipped. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { findChromium } from './chromium-path.ts'

const packages = ['chromium', 'fonts-noto-cjk', 'fonts-noto-core']
const say = (line: string): void => {
  process.stderr.write(`${line}\n`)
}

/** True also where nobody can tell (no fontconfig outside Linux). */
const hasChineseFont = (): boolean => {
  if (process.platform !== 'linux') return true
  const listed = spawnSync('fc-list', [':lang=zh', 'family'], { encoding: 'utf8' })
  if (listed.error === undefined) return listed.stdout.trim() !== ''
  return existsSync('/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc')
}

const run = (command: string, ...arguments_: string[]): boolean => {
  say(`$ ${[command, ...arguments_].join(' ')}`)
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  return spawnSync(command, arguments_, { stdio: 'inherit', env: environment }).status === 0
}

const isComplete = (): boolean => findChromium() !== undefined && hasChineseFont()

if (!isComplete()) {
  const mayInstall = process.getuid?.() === 0 && existsSync('/etc/debian_version')
  if (mayInstall) {
    run('apt-get', 'update')
    run('apt-get', 'install', '-y', '--no-install-recommends', ...packages)
  }
  if (!isComplete()) {
    say('The browser tests need Chromium and a Chinese font. Install them with:')
    say(`  sudo apt-get update && sudo apt-get install -y ${packages.join(' ')}`)
    say('A Chromium elsewhere: CHROMIUM_PATH=/path/to/chromium npm test')
    process.exit(1)
  }
}
