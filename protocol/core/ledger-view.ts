/** How far an own message got, as it is shown: in words' numbers, and with the names behind them. Also for messages that
 *  scrolled out of the window long ago: whoever waits for one of them asks for it by its id. */
import type { DeviceId, GroupId } from './base.ts'
import { memberOf, messageId } from './groups.ts'
import type { MessageId } from './intent.ts'
import { heldOp } from './log.ts'
import type { Op } from './op.ts'
import type { LedgerView, MessageDetails, OwnMessageView } from './screen.ts'
import type { Group, LedgerEntry, Peer } from './state.ts'

/** Undefined: no message of the own log, or one whose ledger is kept no longer (`ledgerRowsMax`). */
export const ownMessageOf = (
  peer: Peer,
  gid: GroupId,
  message: MessageId,
): OwnMessageView | undefined => {
  const group = peer.groups.get(gid)
  const author = group?.own?.author
  if (group === undefined || author === undefined) return undefined
  const seq = Number(/\.(\d{1,15})$/.exec(message)?.[1])
  const entry = group.ledger.get(seq)
  if (entry === undefined || message !== messageId({ author, seq })) return undefined
  const details = ledgerDetailsOf(group, entry, heldOp(group.log, author, seq))
  return { ledger: ledgerOf(entry), details }
}

const countOf = (entry: LedgerEntry, devices: ReadonlySet<DeviceId>): number =>
  entry.recipients.filter(device => devices.has(device)).length

export const ledgerOf = (entry: LedgerEntry): LedgerView => {
  const delivered = countOf(entry, entry.delivered)
  const displayed = countOf(entry, entry.displayed)
  const carried = entry.carriedBy.size
  const counts = { carried, delivered, displayed, recipients: entry.recipients.length }
  if (displayed > 0) return { state: 'displayed', ...counts }
  if (delivered > 0) return { state: 'delivered', ...counts }
  return { state: carried > 0 ? 'carried' : 'held', ...counts }
}

export const ledgerDetailsOf = (
  group: Group,
  entry: LedgerEntry,
  op: Op | undefined,
): MessageDetails => {
  const names = (devices: readonly DeviceId[]): readonly string[] =>
    devices.map(device => memberOf(group, device)?.name ?? device.slice(0, 6))
  return {
    opId: op?.id ?? '',
    bytes: op === undefined ? 0 : op.header.length + op.payload.length + 64,
    carriedBy: [...entry.carriedBy],
    deliveredTo: names(entry.recipients.filter(device => entry.delivered.has(device))),
    displayedTo: names(entry.recipients.filter(device => entry.displayed.has(device))),
    waitingFor: names(entry.recipients.filter(device => !entry.delivered.has(device))),
  }
}
