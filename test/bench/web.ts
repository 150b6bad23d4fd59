/** What a person downloads before they can read and before they can talk, and how long a weak phone on a weak link shows
 *  nothing. The built app, served by a real Node peer, opened by a real Chromium with an empty cache. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { startBrowser, type Browser } from '../support/browser.ts'
import { repositoryRoot, temporaryDirectory } from '../support/host.ts'
import { startPetrel } from '../support/petrel-process.ts'
import { gzipSync } from 'node:zlib'
import { machine, percentile, round, type Figure } from './figure.ts'

const kilobitPerSecond = 100
const latencyMs = 300
const processorDivisor = 4
const openings = 3

const dist = join(repositoryRoot, 'web', 'dist')

const gzBytes = (file: string): number =>
  gzipSync(readFileSync(join(dist, file)), { level: 9 }).length

/** Files of this origin that the page asked for, in order, until the network has run for a moment. */
const filesOfFirstUse = async (link: string): Promise<readonly string[]> => {
  const browser = await startBrowser({ language: 'zh-CN' })
  try {
    const files: string[] = []
    browser.page.on('request', request => {
      const { pathname } = new URL(request.url())
      const file = pathname === '/' ? 'index.html' : pathname.slice(1)
      if (/\.(html|js|css|svg)$/.test(file) && !files.includes(file)) files.push(file)
    })
    await browser.page.goto(link)
    await browser.page
      .getByText(/Online|在线/)
      .first()
      .waitFor()
    return files
  } finally {
    await browser.close()
  }
}

type Opening = {
  readonly firstPaintMs: number
  /** The form that asks for a name is there. */
  readonly firstScreenMs: number
  /** Scripts that had arrived by then. */
  readonly scripts: readonly string[]
  readonly onlineMs: number
}

/** One cold opening of an invite link on the weak link. */
const openCold = async (browser: Browser, link: string): Promise<Opening> => {
  const { page } = browser
  const session = await browser.context.newCDPSession(page)
  await session.send('Network.enable')
  await session.send('Network.emulateNetworkConditions', {
    offline: false,
    latency: latencyMs,
    downloadThroughput: (kilobitPerSecond * 1_000) / 8,
    uploadThroughput: (kilobitPerSecond * 1_000) / 8,
  })
  await session.send('Emulation.setCPUThrottlingRate', { rate: processorDivisor })
  await page.goto(link, { waitUntil: 'commit', timeout: 60_000 })
  const elapsed = (): Promise<number> => page.evaluate(() => performance.now())
  await page.getByRole('textbox').first().waitFor({ timeout: 120_000 })
  const firstScreenMs = await elapsed()
  await page
    .getByText(/Online|在线/)
    .first()
    .waitFor({ timeout: 120_000 })
  const onlineMs = await elapsed()
  const scripts = await page.evaluate(
    at =>
      performance
        .getEntriesByType('resource')
        .filter(entry => entry.name.endsWith('.js') && entry.startTime + entry.duration <= at)
        .map(entry => new URL(entry.name).pathname.slice(1)),
    firstScreenMs,
  )
  const firstPaintMs = await page.evaluate(
    () => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Number.NaN,
  )
  return { firstPaintMs, firstScreenMs, scripts, onlineMs }
}

const openColdOften = async (link: string): Promise<readonly Opening[]> => {
  const opened: Opening[] = []
  for (let count = 0; count < openings; count++) {
    const browser = await startBrowser({ language: 'zh-CN' })
    try {
      opened.push(await openCold(browser, link))
    } finally {
      await browser.close()
    }
  }
  return opened
}

export const run = async function* (): AsyncIterable<Figure> {
  const vite = join(repositoryRoot, 'node_modules', 'vite', 'bin', 'vite.js')
  const built = spawnSync(process.execPath, [vite, 'build', 'web', '--logLevel', 'error'], {
    cwd: repositoryRoot,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  if (built.status !== 0) throw new Error('vite build web failed')
  const home = await temporaryDirectory('petrel-web')
  const node = startPetrel(
    ['up', '--http', '0', '--tcp', '0', '--ws', '0', '--webrtc', '0', '--no-mdns', '--show-link'],
    home.path,
  )
  try {
    const [link = ''] = await node.printed(/http:\/\/127\.0\.0\.1:\d+\/#\S+/)
    const files = await filesOfFirstUse(link)
    const scripts = files.filter(file => file.endsWith('.js'))
    const size = (some: readonly string[]): number =>
      round(some.reduce((sum, file) => sum + gzBytes(file), 0) / 1_000, 1)
    const opened = await openColdOften(link)
    const shell = [...new Set(opened[0]?.scripts)]
    yield {
      figure: 'shell_kb_gz',
      value: size(shell),
      unit: 'kB',
      bar: { atMost: 35 },
      conditions: `gzip -9 of the scripts that had arrived when the first screen (an invite, in Chinese) could be used: ${shell.join(' ')}`,
    }
    yield {
      figure: 'total_kb_gz',
      value: size(scripts),
      unit: 'kB',
      bar: { atMost: 290 },
      conditions: `gzip -9 of the ${scripts.length} scripts asked for until online`,
    }
    const others = files.filter(file => !scripts.includes(file))
    yield {
      figure: 'page_style_kb_gz',
      value: size(others),
      unit: 'kB',
      conditions: `gzip -9, beside the scripts: ${others.join(' ')}`,
    }
    const median = (value: (opening: Opening) => number): number =>
      round(percentile(opened.map(value), 0.5))
    const conditions = `invite link, median of ${openings} cold openings, Chromium throttled to ${kilobitPerSecond} kbit/s, ${latencyMs} ms, CPU/${processorDivisor}, compressed as the node serves it to localhost, ${machine()}`
    yield {
      figure: 'first_paint_ms',
      value: median(({ firstPaintMs }) => firstPaintMs),
      unit: 'ms',
      bar: { atMost: 4_000 },
      conditions: `first contentful paint, ${conditions}`,
    }
    yield {
      figure: 'first_screen_ms',
      value: median(({ firstScreenMs }) => firstScreenMs),
      unit: 'ms',
      conditions: `the form that asks for a name, ${conditions}`,
    }
    yield {
      figure: 'online_ms',
      value: median(({ onlineMs }) => onlineMs),
      unit: 'ms',
      conditions: `connected to the node, ${conditions}`,
    }
  } finally {
    await node.stop()
    await home.remove()
  }
}
