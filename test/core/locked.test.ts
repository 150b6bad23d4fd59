/** Operations wait in memory for the keys that open them: as many as there is room for, and what decides membership and
 *  settings always. */
import { expect, test } from 'vitest'
import { groupId } from '#protocol'
import { authorId } from '../../protocol/core/base.ts'
import { createGroup } from '../../protocol/core/groups.ts'
import { lockCarried } from '../../protocol/core/ingest.ts'
import { limits } from '../../protocol/core/limits.ts'
import { hold, isHotKind } from '../../protocol/core/log.ts'
import { assembleOp, firstPrev, kinds } from '../../protocol/core/op.ts'

test('a carrier of a large group that is let in keeps members and settings, and lets messages go', () => {
  const gid = groupId('00'.repeat(16))
  const group = createGroup(gid, 'carrier')
  const hot = 3_000
  const total = hot + limits.heldOpsMax
  for (let seq = 0; seq < total; seq++) {
    const header = {
      kind: seq >= hot ? kinds.fact : seq % 2 === 0 ? kinds.control : kinds.state,
      priority: 'routine',
      author: authorId('00'.repeat(8)),
      seq,
      hlc: seq,
      prev: firstPrev,
      keyId: new Uint8Array(4),
    } as const
    hold(group.log, assembleOp(gid, header, new Uint8Array(8), undefined))
  }
  lockCarried(group)
  const waiting = [...group.locked.values()]
  expect(waiting).toHaveLength(limits.lockedMax)
  expect(waiting.filter(({ kind }) => isHotKind(kind))).toHaveLength(hot)
  expect(waiting.at(-1)?.seq).toBe(total - 1)
})
