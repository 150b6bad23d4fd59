/** Invites that do not work, between real nodes: each is named for what it is, says what to do in both languages, ends with its
 *  code, and lets nobody in. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { createPeer, decodeInvite, encodeInvite, hotRange, peerId, step } from '#protocol'
import { inviteLink, parseInviteLink, systemClock } from '#shell'
import type { Effect } from '#protocol'
import { inviteSecretFromSeed } from '../../protocol/core/join.ts'
import { appendControl } from '../../protocol/core/write.ts'
import { randomFrom } from '../../protocol/core/random.ts'
import { words } from '../../protocol/shell/words/index.ts'
import { createNodeCryptography } from '../../node/cryptography.ts'
import { readKeys } from '../../node/keys.ts'
import { openNodeStore } from '../../node/node-store.ts'
import { createCleanup, freePort } from '../support/host.ts'
import { petrel } from '../support/petrel-process.ts'
import { untilValue } from '../support/until.ts'
import { dataOf, joinWith, json, newHome, up } from './running.ts'

const cleanup = createCleanup()
afterEach(() => cleanup.run())

const systemRandom = randomFrom(length => crypto.getRandomValues(new Uint8Array(length)))
const cryptography = createNodeCryptography()

/** Writes the revocation into the log of an office that is not running; there is no command for it yet. */
const revoke = async (place: string, link: string): Promise<void> => {
  const keys = readKeys(dataOf(place))
  const token = parseInviteLink(link)
  const invite = token.ok ? decodeInvite(token.value) : token
  if (!keys.ok || !invite.ok) throw new Error('the office has keys and an invite')
  const store = await openNodeStore(dataOf(place), keys.value.dataKey, systemRandom)
  const peer = createPeer({ peer: peerId('nobody'), random: systemRandom, cryptography })
  const rows = await store.read({ type: 'range', range: hotRange })
  const effects: Effect[] = [...step(peer, systemClock.now(), { type: 'started', rows }).effects]
  const group = peer.groups.get(invite.value.group)
  if (group === undefined) throw new Error('the office has the group')
  const invitePublic = cryptography.publicKey(inviteSecretFromSeed(invite.value.seed))
  appendControl(peer, group, { type: 'revoke-invite', invitePublic })
  effects.push(...step(peer, systemClock.now(), { type: 'woken' }).effects)
  await store.write(effects.flatMap(effect => (effect.type === 'persist' ? effect.rows : [])))
  await store.close()
}

/** A link to the same group and place with a seed that nobody ever gave. */
const guessed = (link: string): string => {
  const token = parseInviteLink(link)
  const invite = token.ok ? decodeInvite(token.value) : token
  if (!invite.ok) throw new Error('it was an invite')
  const seed = crypto.getRandomValues(new Uint8Array(16))
  return inviteLink('http://127.0.0.1:1', encodeInvite({ ...invite.value, seed }))
}

/** The office at ports that stay, so that its links do. */
const officeAt = async (place: string) => {
  const [tcp, ws] = [await freePort(), await freePort()]
  const args = ['--tcp', String(tcp), '--ws', String(ws), '--group-title', 'ops']
  return (environment: Readonly<Record<string, string>> = {}) =>
    up(cleanup, place, args, { environment })
}
const linkIn = (file: string): string => readFileSync(file, 'utf8').trim()

const newLink = async (place: string, ...terms: readonly string[]): Promise<string> => {
  const { lines } = await json(['invite', 'ops', '--show-link', ...terms], place)
  return String(lines[0]?.['link'])
}

/** Four days later by the clock of whoever loads this. */
const aheadOf = (place: string): string => {
  const file = join(place, 'ahead.mjs')
  writeFileSync(file, 'const now = Date.now\nDate.now = () => now() + 4 * 86_400_000\n')
  return `--import ${file}`
}

test('used, revoked, guessed, expired and own invites are each refused by name, in both languages', async () => {
  const [office, li, wang] = [
    await newHome(cleanup),
    await newHome(cleanup),
    await newHome(cleanup),
  ]
  const start = await officeAt(office)
  const first = await start()
  const once = await newLink(office)
  const revoked = await newLink(office)
  const late = await newLink(office, '--expires', '1h')

  await up(cleanup, li, ['--no-first-group'])
  writeFileSync(join(li, 'link'), once)
  await joinWith(li, join(li, 'link'), 'Li')
  await up(cleanup, wang, ['--no-first-group'])

  const refused = async (
    place: string,
    link: string,
    type: keyof ReturnType<typeof words>['refusals'],
    exit: number,
  ) => {
    for (const lang of ['en', 'zh-CN'] as const) {
      const said = words(lang).refusals[type]
      const options = { input: link }
      const shown = await petrel(['join', '-', '--lang', lang, '--timeout', '30s'], place, options)
      expect([type, lang, shown.code]).toEqual([type, lang, exit])
      expect(shown.stderr).toContain(said.what)
      expect(shown.stderr).toContain(said.next)
      expect(shown.stdout).toBe('')
    }
    const { lines } = await json(['join', '-'], place, { input: link })
    expect(lines.at(-1)).toMatchObject({ type: 'error', code: type, exit })
  }

  await refused(wang, once, 'invite-used', 4)
  await refused(wang, guessed(once), 'invite-unknown', 4)
  await refused(li, once, 'already-member', 4)
  await refused(office, revoked, 'already-member', 4)

  await first.running.stop()
  await revoke(office, revoked)
  const second = await start()
  await refused(wang, revoked, 'invite-revoked', 4)
  await second.running.stop()

  const third = await start({ NODE_OPTIONS: aheadOf(office) })
  await refused(wang, late, 'invite-expired', 4)
  expect((await json(['group', 'show', 'ops'], office)).lines[0]?.['members']).toHaveLength(2)
  await third.running.stop()

  // What went wrong leaves no trace: a good invite lets the same person in.
  const fourth = await start()
  await joinWith(wang, fourth.linkFile, 'Wang')
  expect(linkIn(fourth.linkFile)).toContain('#j=')
  await untilValue(
    async () => (await json(['group', 'show', 'ops'], office)).lines[0]?.['members'],
    members => Array.isArray(members) && members.length === 3,
    { within: 20_000, every: 300 },
  )
})
