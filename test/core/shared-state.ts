/** Three members who share a state document. */
import { expect } from 'vitest'
import { type AuthorId, authorId } from '../../protocol/core/base.ts'
import {
  type StateChange,
  type StateDocument,
  createStateDocument,
} from '../../protocol/core/state-document.ts'
import { stateClient } from '../../protocol/core/state-gate.ts'
import { gid } from './people.ts'

export const ada = authorId('aa'.repeat(8))
export const bo = authorId('bb'.repeat(8))
export const eve = authorId('ee'.repeat(8))
export const [clientA, clientB, clientE] = [ada, bo, eve].map(author => stateClient(gid, author))

export const newDocument = (): StateDocument => createStateDocument(gid)

/** One change by each author after the other, applied everywhere at once. */
export const write = (
  documents: readonly StateDocument[],
  by: { readonly author: AuthorId; readonly document: StateDocument },
  change: StateChange,
): Uint8Array => {
  const update = by.document.edit(by.author, change)
  for (const document of documents) {
    expect(document.apply(by.author, update)).toEqual({ ok: true, value: undefined })
  }
  return update
}

export const pin = (message: string, pinned = true): StateChange => ({
  type: 'pin',
  message,
  pinned,
})
export const title = (name: string): StateChange => ({ type: 'title', text: name })
