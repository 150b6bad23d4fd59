/** A member that keeps to no rule: its frames are well formed and lie. It repeats, swaps, withholds and bends what it sends,
 *  claims to hold what nobody wrote, acknowledges what it never got and asks for everything. The one file here that knows
 *  frames, since a lie must be well told. */
import type { GroupId } from '#protocol'
import { authorId, bytesToHex } from '../protocol/core/base.ts'
import { type SyncFrame, encodeSyncFrame } from '../protocol/core/message.ts'
import type { SentFrame, World } from './world.ts'

export type Liar = {
  /** Until then it keeps to the rules. */
  readonly begin: () => void
  /** What goes out in place of a frame. */
  readonly tamper: (frame: SentFrame) => readonly Uint8Array[]
  /** Says something untrue to a neighbour. */
  readonly lie: (world: World, to: string) => void
}

/** How many frames a liar remembers to send again. */
const rememberedMax = 64

export const createLiar = (
  name: string,
  random: { readonly draw: (bound: number) => number; readonly bytes: (n: number) => Uint8Array },
): Liar => {
  const remembered: Uint8Array[] = []
  const { draw } = random
  let isLying = false

  const bend = (bytes: Uint8Array): Uint8Array => {
    const bent = bytes.slice()
    const at = draw(bent.length)
    bent[at] = (bent[at] ?? 0) ^ (1 << draw(8))
    return bent
  }

  const tamper = ({ from, channel, bytes }: SentFrame): readonly Uint8Array[] => {
    if (!isLying || from.name !== name || channel !== 'sync') return [bytes]
    if (remembered.length < rememberedMax) remembered.push(bytes)
    else remembered[draw(rememberedMax)] = bytes
    switch (draw(12)) {
      case 0:
        return []
      case 1:
        return [bytes, bytes]
      case 2:
        return [bend(bytes)]
      case 3:
        return [remembered[draw(remembered.length)] ?? bytes, bytes]
      default:
        return [bytes]
    }
  }

  const untruth = (world: World, gid: GroupId | undefined): SyncFrame => {
    const group = gid === undefined ? undefined : world.host(name).peer.groups.get(gid)
    const known = [...(group?.log.authors.keys() ?? [])]
    const author = () =>
      draw(3) === 0 || known.length === 0
        ? authorId(bytesToHex(random.bytes(8)))
        : (known[draw(known.length)] ?? authorId('0000000000000000'))
    const seq = (): number => (draw(2) === 0 ? draw(30) : draw(60_000) * draw(60_000))
    const list = <T>(item: () => T): T[] => Array.from({ length: 1 + draw(8) }, item)
    const number = draw(4)
    switch (draw(9)) {
      case 0:
        return {
          type: 'ack',
          frames: draw(2) === 0 ? draw(40) : 2 ** 50,
          refused: list(() => draw(40)),
        }
      case 1:
      case 2: {
        const mode = draw(3) === 0 ? 'named' : 'changed'
        const entries = list(() => ({ author: author(), ranges: [{ from: 0, to: seq() }] }))
        return { type: 'have', group: number, setHash: random.bytes(8), vector: { mode, entries } }
      }
      case 3:
        return { type: 'done', group: number, setHash: random.bytes(8) }
      case 4: {
        const heads = list(() => ({ author: author(), seq: seq(), prefix: random.bytes(16) }))
        return { type: 'heads', group: number, heads }
      }
      case 5:
        return { type: 'want', group: number, refs: list(() => ({ author: author(), seq: seq() })) }
      case 6:
        return { type: 'carry', groups: [] }
      case 7:
        return { type: 'have', group: number, setHash: random.bytes(8), vector: { mode: 'equal' } }
      default:
        return { type: 'hello', features: draw(8), nonce: random.bytes(16), groups: [] }
    }
  }

  return {
    begin: () => {
      isLying = true
    },
    tamper,
    lie: (world, to) => {
      const groups = [...world.host(name).peer.groups.keys()]
      const gid = groups[draw(Math.max(1, groups.length))]
      world.inject(name, to, 'sync', encodeSyncFrame(untruth(world, gid)))
    },
  }
}
