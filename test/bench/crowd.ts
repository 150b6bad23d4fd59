/** A group with history for the benchmarks: a host, many authors who joined by one invite, and what they wrote while apart,
 *  brought together at the host. */
import type { GroupId, Millis } from '#protocol'
import { millis } from '../../protocol/core/base.ts'
import type { Desk, Room } from './room.ts'

export type Crowd = {
  readonly group: GroupId
  readonly host: Desk
  readonly authors: readonly Desk[]
  readonly invite: Uint8Array
}

const day: Millis = millis(86_400_000)

const alphabet = 'abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.'

/** 100 letters that no compression makes smaller, from a small generator: the same in every run. */
export const createTexts = (seed: number): (() => string) => {
  let state = seed | 1
  return () => {
    let text = ''
    while (text.length < 100) {
      state ^= state << 13
      state ^= state >>> 17
      state ^= state << 5
      text += alphabet[(state >>> 8) & 63] ?? ' '
    }
    return text
  }
}

/** Joins a new desk to the group through the host, and leaves it connected. */
export const joinHost = async (
  room: Room,
  crowd: Pick<Crowd, 'group' | 'host' | 'invite'>,
  desk: Desk,
): Promise<void> => {
  room.connect(crowd.host, desk)
  await room.ask(desk, { type: 'join', token: crowd.invite, name: desk.name, unit: '' })
  await room.until(() => room.view(desk, crowd.group).summary.state === 'member')
}

export const createHostedGroup = async (
  room: Room,
  host: Desk,
): Promise<Pick<Crowd, 'group' | 'host' | 'invite'>> => {
  await room.ask(host, { type: 'set-profile', name: host.name, unit: '' })
  const created = await room.ask(host, {
    type: 'create-group',
    name: 'bench',
    purpose: '',
    kind: 'daily',
  })
  if (created.type !== 'group-created') throw new Error(created.type)
  const { group } = created
  const invited = await room.ask(host, {
    type: 'create-invite',
    group,
    maxUses: 500,
    validFor: day,
    libp2pKey: new Uint8Array(32),
    addresses: [],
  })
  if (invited.type !== 'invited') throw new Error(invited.type)
  return { group, host, invite: invited.token }
}

/** Everybody writes in turn, one message a second of virtual time, with no links; `hearer` gets each by gossip. */
export const writeApart = async (
  room: Room,
  crowd: { readonly group: GroupId; readonly authors: readonly Desk[] },
  options: {
    readonly each: number
    readonly seed: number
    readonly hearer?: (author: number) => Desk
  },
): Promise<void> => {
  const nextText = createTexts(options.seed)
  for (let round = 0; round < options.each; round++)
    for (const [index, author] of crowd.authors.entries()) {
      room.hear(options.hearer === undefined ? [] : [options.hearer(index)])
      await room.ask(author, {
        type: 'send-text',
        group: crowd.group,
        text: nextText(),
        priority: 'routine',
      })
      await room.pass(1_000)
    }
  room.hear([])
}

export const createCrowd = async (
  room: Room,
  size: { readonly authors: number; readonly messagesEach: number },
  host: Desk,
): Promise<Crowd> => {
  const hosted = await createHostedGroup(room, host)
  const authors: Desk[] = []
  for (let index = 0; index < size.authors; index++) {
    const desk = await room.add(`author ${index}`)
    await joinHost(room, hosted, desk)
    // The host must hold the first operation of the new log, or it could not judge what comes by gossip.
    await room.until(() => host.peer.groups.get(hosted.group)?.log.authors.size === index + 2)
    room.disconnect(host, desk)
    await room.pass(100)
    authors.push(desk)
  }
  const crowd: Crowd = { ...hosted, authors }
  await writeApart(room, crowd, { each: size.messagesEach, seed: 7, hearer: () => host })
  return crowd
}
