/** People for the stories: somebody at a browser, and a Node peer somebody started. What they see is read from the page as
 *  a person would (roles, names, words), what they do is done by typing and clicking. */
import { startBrowser, type Browser, type BrowserOptions } from '../support/browser.ts'
import { freePort } from '../support/host.ts'
import { startPetrel, type RunningProcess } from '../support/petrel-process.ts'
import { untilValue } from '../support/until.ts'

export type ShownMessage = {
  readonly text: string
  readonly mine: boolean
  /** The ledger's state and words; own messages only. */
  readonly state: string | undefined
  readonly words: string | undefined
}

export type Person = {
  readonly name: string
  readonly browser: Browser
  /** Opens an invite link, gives the name, and is in the conversation. */
  readonly join: (link: string) => Promise<void>
  readonly write: (text: string) => Promise<void>
  /** The conversation from top to bottom. */
  readonly messages: () => Promise<readonly ShownMessage[]>
  readonly texts: () => Promise<readonly string[]>
  /** Waits until these texts are the whole conversation, in this order when `inOrder`. */
  readonly sees: (texts: readonly string[], within?: number) => Promise<void>
  readonly ledgerOf: (text: string) => Promise<string | undefined>
  /** What the bar on top says of the network. */
  readonly network: () => Promise<string>
  /** Names and kinds of the links, from the network screen; comes back to the conversation. */
  readonly links: () => Promise<readonly { readonly name: string; readonly kind: string }[]>
  readonly leave: () => Promise<void>
}

const words = {
  en: { name: 'Your name', join: 'Join', write: 'Write a message' },
  'zh-CN': { name: '你的姓名', join: '加入', write: '写消息' },
} as const

export const startPerson = async (name: string, options: BrowserOptions = {}): Promise<Person> => {
  const browser = await startBrowser(options)
  const { page } = browser
  const labels = words[options.language ?? 'en']
  const box = page.locator('form.composer textarea')

  const messages = (): Promise<readonly ShownMessage[]> =>
    page.evaluate(() =>
      [...document.querySelectorAll<HTMLElement>('ol.messages > li.message')].map(row => {
        const ledger = row.querySelector<HTMLElement>('.ledger')
        return {
          text: row.querySelector<HTMLElement>('.message-text')?.textContent ?? '',
          mine: row.dataset['mine'] === 'true',
          state: ledger?.dataset['state'],
          words: ledger?.textContent.trim(),
        }
      }),
    )
  const texts = async (): Promise<readonly string[]> => (await messages()).map(({ text }) => text)

  return {
    name,
    browser,
    messages,
    texts,
    join: async link => {
      await page.goto(link)
      await page.getByLabel(labels.name).fill(name)
      await page.getByRole('button', { name: labels.join, exact: true }).click()
      await box.waitFor({ timeout: 60_000 })
    },
    write: async text => {
      await box.fill(text)
      await box.press('Enter')
      await untilValue(texts, shown => shown.includes(text), {
        within: 10_000,
        that: `${name}'s own message on the screen`,
      })
    },
    sees: async (wanted, within = 20_000) => {
      await untilValue(texts, shown => JSON.stringify(shown) === JSON.stringify(wanted), {
        within,
        every: 100,
        that: `${name} to see ${JSON.stringify(wanted)}`,
      })
    },
    ledgerOf: async text =>
      (await messages()).find(message => message.text === text && message.mine)?.words,
    network: () => page.locator('.net-bar [role=status]').innerText(),
    links: async () => {
      const back = page.url()
      await page.evaluate(() => {
        location.hash = '#/mesh'
      })
      await page.locator('main h2').first().waitFor()
      const rows = await page.evaluate(() =>
        [...document.querySelectorAll<HTMLElement>('.link-row')].map(row => ({
          name: row.querySelector<HTMLElement>('.link-name')?.innerText.trim() ?? '',
          kind: row.dataset['kind'] ?? '',
        })),
      )
      await page.evaluate(url => {
        location.href = url
      }, back)
      await box.waitFor()
      return rows
    },
    leave: browser.close,
  }
}

export type StartedNode = {
  readonly running: RunningProcess
  readonly home: string
  /** The invite link for a browser on this machine. */
  readonly link: string
  /** The invite link with an address that other machines reach, if the node has one. */
  readonly lanLink: string
}

export type NodePorts = {
  readonly http: number
  readonly tcp: number
  readonly ws: number
  readonly webrtc: number
}

/** Ports that stay the same when the node is started again, as the default ones do. */
export const lastingPorts = async (): Promise<NodePorts> => ({
  http: await freePort(),
  tcp: await freePort(),
  ws: await freePort(),
  webrtc: await freePort(),
})

/** `petrel up` in its own home. Ports stay the same over a restart when they are given. */
export const startUp = (
  home: string,
  ports: NodePorts = { http: 0, tcp: 0, ws: 0, webrtc: 0 },
  more: readonly string[] = ['--no-mdns'],
): RunningProcess =>
  startPetrel(
    `up --http ${ports.http} --tcp ${ports.tcp} --ws ${ports.ws} --webrtc ${ports.webrtc} --show-link`
      .split(' ')
      .concat(more),
    home,
  )

/** The first start of a node, until it has printed its link. */
export const firstStart = async (
  home: string,
  ports?: NodePorts,
  more?: readonly string[],
): Promise<StartedNode> => {
  const running = startUp(home, ports, more)
  const [link] = await running.printed(/http:\/\/127\.0\.0\.1:\d+\/#\S+/)
  const [lanLink] = await running.printed(/http:\/\/\S+#\S+/)
  return { running, home, link, lanLink }
}
