/** A process of the relay benchmark: real libp2p peers, each with its own drive and store, told what to do by messages from
 *  the parent process. One process is the relay and the group's host; the others hold 25 peers each. */
import { randomBytes } from 'node:crypto'
import { createNodeLibp2p } from '../../node/libp2p.ts'
import { createNodeCryptography } from '../../node/cryptography.ts'
import { openNodeStore } from '../../node/node-store.ts'
import { millis } from '../../protocol/core/base.ts'
import { multiaddr } from '@multiformats/multiaddr'
import { peerId, randomFrom, type GroupId } from '#protocol'
import { createTransport, startDrive, systemClock, type Drive, type Transport } from '#shell'
import { temporaryDirectory } from '../support/host.ts'
import { until } from '../support/until.ts'
import { createTexts } from './crowd.ts'

export type Order =
  | { readonly type: 'host' }
  | {
      readonly type: 'join'
      readonly count: number
      readonly first: number
      readonly token: string
      readonly relay: string
      readonly address: string
    }
  | { readonly type: 'settled' }
  | { readonly type: 'send'; readonly peer: number }
  | { readonly type: 'collect' }
  | { readonly type: 'stop' }

export type Report =
  | {
      readonly type: 'hosting'
      readonly token: string
      readonly relay: string
      readonly address: string
    }
  | { readonly type: 'joined' }
  | { readonly type: 'members'; readonly least: number }
  | { readonly type: 'sent'; readonly message: string; readonly savedAt: number }
  /** When each peer of this process was first told of each message of the others. */
  | {
      readonly type: 'collected'
      readonly seen: readonly (readonly [string, number, number])[]
      readonly refusals: Readonly<Record<string, number>>
      /** Processor time of this process so far. */
      readonly cpuMs: number
    }
  | { readonly type: 'stopped' }

type Seat = {
  readonly drive: Drive
  readonly transport: Transport
  readonly end: () => Promise<void>
}

const random = randomFrom(length => new Uint8Array(randomBytes(length)))
const seats: Seat[] = []
const seen: (readonly [string, number, number])[] = []
const nextText = createTexts(process.pid)
let group: GroupId | undefined

/** One clock for all processes of this machine. */
const clock = (): number => performance.timeOrigin + performance.now()

const sit = async (options: {
  readonly relay: boolean
  readonly number: number
}): Promise<Seat & { readonly addresses: () => readonly string[] }> => {
  const directory = await temporaryDirectory('petrel-relay')
  const libp2p = await createNodeLibp2p({
    identitySeed: randomBytes(32),
    listen: options.relay ? { host: '127.0.0.1', tcp: 0 } : { host: '127.0.0.1' },
    mdns: false,
    relay: options.relay,
  })
  const transport = createTransport(libp2p.node)
  const store = await openNodeStore(directory.path, randomBytes(32), random)
  const drive = await startDrive({
    store,
    transport,
    clock: systemClock,
    random,
    cryptography: createNodeCryptography(),
  })
  drive.subscribe(event => {
    if (event.type === 'notify') seen.push([event.message, options.number, clock()])
  })
  const seat = {
    drive,
    transport,
    addresses: () => libp2p.node.getMultiaddrs().map(address => address.toString()),
    end: async () => {
      await drive.stop()
      await libp2p.stop()
      await store.close()
      await directory.remove()
    },
  }
  seats.push(seat)
  return seat
}

const host = async (): Promise<Report> => {
  const seat = await sit({ relay: true, number: -1 })
  await seat.drive.dispatch({ type: 'set-profile', name: 'Relay', unit: '' })
  const created = await seat.drive.dispatch({
    type: 'create-group',
    name: 'bench',
    purpose: '',
    kind: 'daily',
  })
  if (!created.ok || created.value.type !== 'group-created') throw new Error('no group')
  group = created.value.group
  const invited = await seat.drive.dispatch({
    type: 'create-invite',
    group,
    maxUses: 500,
    validFor: millis(86_400_000),
    libp2pKey: seat.transport.publicKey,
    addresses: [],
  })
  if (!invited.ok || invited.value.type !== 'invited') throw new Error('no invite')
  const [address = ''] = seat.addresses()
  return {
    type: 'hosting',
    token: Buffer.from(invited.value.token).toString('base64'),
    relay: seat.transport.peer,
    address: address.replace(/\/p2p\/.*$/, ''),
  }
}

const isMember = (drive: Drive): boolean => {
  const [summary] = drive.app().groups
  group ??= summary?.group
  return summary?.state === 'member'
}

const join = async (order: Order & { readonly type: 'join' }): Promise<Report> => {
  const token = new Uint8Array(Buffer.from(order.token, 'base64'))
  for (let index = 0; index < order.count; index++) {
    const number = order.first + index
    const { drive, transport } = await sit({ relay: false, number })
    transport.connect(peerId(order.relay), [multiaddr(order.address).bytes])
    const answer = await drive.dispatch({ type: 'join', token, name: `Peer ${number}`, unit: '' })
    if (!answer.ok) throw new Error(answer.error.type)
    await until(() => isMember(drive), { within: 60_000, that: `peer ${number} to be let in` })
  }
  return { type: 'joined' }
}

const least = (): number =>
  Math.min(...seats.map(({ drive }) => drive.app().groups[0]?.members ?? 0))

const send = async (number: number): Promise<Report> => {
  const seat = seats[number]
  if (seat === undefined || group === undefined) throw new Error(`no peer ${number} here`)
  const answer = await seat.drive.dispatch({
    type: 'send-text',
    group,
    text: nextText(),
    priority: 'routine',
  })
  if (!answer.ok || answer.value.type !== 'saved') throw new Error('not saved')
  return { type: 'sent', message: answer.value.message, savedAt: clock() }
}

const obey = async (order: Order): Promise<Report> => {
  switch (order.type) {
    case 'host':
      return host()
    case 'join':
      return join(order)
    case 'settled':
      return { type: 'members', least: least() }
    case 'send':
      return send(order.peer)
    case 'collect': {
      const refusals: Record<string, number> = {}
      for (const { drive } of seats)
        for (const [type, count] of Object.entries(drive.app().refusals))
          refusals[type] = (refusals[type] ?? 0) + count
      const { user, system } = process.cpuUsage()
      return { type: 'collected', seen, refusals, cpuMs: (user + system) / 1_000 }
    }
    case 'stop':
      await Promise.all(seats.map(({ end }) => end()))
      return { type: 'stopped' }
  }
}

process.on('message', (asked: { readonly request: number; readonly order: Order }) => {
  obey(asked.order).then(
    report => process.send?.({ request: asked.request, report }),
    (cause: unknown) => process.send?.({ request: asked.request, error: String(cause) }),
  )
})
process.on('disconnect', () => process.exit(0))
