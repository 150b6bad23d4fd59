/** An office whose invites go wrong in every way: revoked, guessed, too old. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createPeer, decodeInvite, encodeInvite, hotRange, peerId, step } from '#protocol'
import { inviteLink, parseInviteLink, systemClock } from '#shell'
import type { Effect } from '#protocol'
import { inviteSecretFromSeed } from '../../protocol/core/join.ts'
import { appendControl } from '../../protocol/core/write.ts'
import { randomFrom } from '../../protocol/core/random.ts'
import { createNodeCryptography } from '../../node/cryptography.ts'
import { readKeys } from '../../node/keys.ts'
import { openNodeStore } from '../../node/node-store.ts'
import { freePort } from '../support/host.ts'
import { dataOf, json, up } from './running.ts'
import type { Cleanup, Up } from './running.ts'

const systemRandom = randomFrom(length => crypto.getRandomValues(new Uint8Array(length)))
const cryptography = createNodeCryptography()

/** Writes the revocation into the log of an office that is not running; there is no command for it yet. */
export const revoke = async (place: string, link: string): Promise<void> => {
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
export const guessed = (link: string): string => {
  const token = parseInviteLink(link)
  const invite = token.ok ? decodeInvite(token.value) : token
  if (!invite.ok) throw new Error('it was an invite')
  const seed = crypto.getRandomValues(new Uint8Array(16))
  return inviteLink('http://127.0.0.1:1', encodeInvite({ ...invite.value, seed }))
}

/** The office at ports that stay, so that its links do. */
export const officeAt = async (cleanup: Cleanup, place: string) => {
  const [tcp, ws, http] = [await freePort(), await freePort(), await freePort()]
  const ports = ['--tcp', String(tcp), '--ws', String(ws), '--http', String(http)]
  const args = [...ports, '--group-title', 'ops']
  return (environment: Readonly<Record<string, string>> = {}): Promise<Up> =>
    up(cleanup, place, args, { environment })
}
export const newLink = async (place: string, ...terms: readonly string[]): Promise<string> => {
  const { lines } = await json(['invite', 'ops', '--show-link', ...terms], place)
  return String(lines[0]?.['link'])
}

/** Four days later by the clock of whoever loads this. */
export const aheadOf = (place: string): string => {
  const file = join(place, 'ahead.mjs')
  writeFileSync(file, 'const now = Date.now\nDate.now = () => now() + 4 * 86_400_000\n')
  return `--import ${file}`
}
