/** Real browsers for tests: one Chromium process and one user-data directory each, because two pages of one Chromium share
 *  too much to stand for two people. Kept quiet (no updates, no sync, no QUIC) and equal everywhere (fonts, colours). */
import { chromium, type BrowserContext, type Page } from 'playwright-core'
import { readFileSync, readdirSync } from 'node:fs'
import { findChromium } from './chromium-path.ts'
import { temporaryDirectory } from './host.ts'

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-background-timer-throttling',
  '--disable-renderer-backgrounding',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
  '--font-render-hinting=none',
  '--force-color-profile=srgb',
  '--disable-lcd-text',
  // WebRTC between two browsers of one machine without multicast: candidates with real addresses.
  '--disable-features=WebRtcHideLocalIpsWithMdns',
]

export type BrowserOptions = {
  readonly language?: 'zh-CN' | 'en'
  /** Host names that this browser finds at an address, such as `mesh.test` at 127.0.0.1 (a page without a secure origin). */
  readonly hosts?: Readonly<Record<string, string>>
  readonly width?: number
  readonly height?: number
}

export type Browser = {
  readonly context: BrowserContext
  readonly page: Page
  /** Page errors and console errors so far: a story ends with none. */
  readonly errors: () => readonly string[]
  /** Everything the console said; for the failure report. */
  readonly log: () => readonly string[]
  /** Pulls the plug: stops the one process of this Chromium that owns its sockets, WebRTC's included; the page lives on. */
  readonly unplug: () => void
  readonly plugIn: () => void
  readonly close: () => Promise<void>
}

/** The network process of the Chromium with this user-data directory. */
const networkProcessOf = (directory: string): number => {
  const found = readdirSync('/proc').find(name => {
    if (!/^\d+$/.test(name)) return false
    try {
      const line = readFileSync(`/proc/${name}/cmdline`, 'utf8')
      return line.includes('network.mojom.NetworkService') && line.includes(directory)
    } catch {
      return false
    }
  })
  if (found === undefined) throw new Error('this Chromium has no network process of its own')
  return Number(found)
}

const logLinesMax = 2_000

export const startBrowser = async (options: BrowserOptions = {}): Promise<Browser> => {
  const executablePath = findChromium()
  if (executablePath === undefined)
    throw new Error('no Chromium: node test/support/ensure-chromium.ts')
  const directory = await temporaryDirectory('petrel-chromium')
  const rules = Object.entries(options.hosts ?? {}).map(([name, to]) => `MAP ${name} ${to}`)
  const context = await chromium.launchPersistentContext(directory.path, {
    executablePath,
    headless: true,
    locale: options.language ?? 'en',
    viewport: { width: options.width ?? 1_000, height: options.height ?? 800 },
    args: rules.length === 0 ? flags : [...flags, `--host-resolver-rules=${rules.join(', ')}`],
  })
  const errors: string[] = []
  const log: string[] = []
  const note = (line: string): void => {
    log.push(line)
    if (log.length > logLinesMax) log.shift()
  }
  context.on('console', message => {
    note(`${message.type()}: ${message.text()}`)
    if (message.type() === 'error') errors.push(message.text())
  })
  context.on('weberror', error => {
    note(`uncaught: ${error.error().message}`)
    errors.push(error.error().message)
  })
  let stopped: number | undefined
  const plugIn = (): void => {
    if (stopped !== undefined) process.kill(stopped, 'SIGCONT')
    stopped = undefined
  }
  return {
    context,
    page: context.pages()[0] ?? (await context.newPage()),
    errors: () => errors,
    log: () => log,
    unplug: () => {
      const pid = networkProcessOf(directory.path)
      process.kill(pid, 'SIGSTOP')
      stopped = pid
    },
    plugIn,
    close: async () => {
      plugIn()
      await context.close()
      await directory.remove()
    },
  }
}
