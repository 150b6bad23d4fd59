/** The shared words in English; the compiler holds this catalogue to the Chinese one. */
import type { RefusalType } from '../../core/refusal.ts'
import type { Messages, RefusalWords } from './zh-CN.ts'

const count = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`

const nothingLost = 'Everything already on this device is safe'
const nothingJoined = 'No group was joined and nothing here changed'
const draftKept = 'What you wrote is still in the box'
const othersUnaffected = 'Other messages are not affected'
const askNewInvite = 'Ask the inviter for a new invite'

const refusals: Readonly<Record<RefusalType, RefusalWords>> = {
  malformed: {
    what: 'Received data that does not have the right form',
    safe: othersUnaffected,
    next: 'If it repeats, ask the sender to update',
  },
  'too-large': {
    what: 'Received data above the size limit',
    safe: othersUnaffected,
    next: 'Ask the sender to split it',
  },
  'too-deep': {
    what: 'Received data nested too deeply',
    safe: othersUnaffected,
    next: 'If it repeats, ask the sender to update',
  },
  'non-canonical': {
    what: 'Received data not written in the one valid way',
    safe: othersUnaffected,
    next: 'If it repeats, ask the sender to update',
  },
  unsupported: {
    what: 'Received content made by a newer version',
    safe: 'It is stored here and passed on',
    next: 'Update this program to see it',
  },
  'bad-signature': {
    what: 'A message had an invalid signature and is not shown',
    safe: othersUnaffected,
    next: 'If it repeats, tell a group admin',
  },
  'bad-context': {
    what: 'A message was put where it does not belong and is not shown',
    safe: othersUnaffected,
    next: 'If it repeats, tell a group admin',
  },
  'author-unknown': {
    what: 'The author of this message is not known here yet',
    safe: 'The message is kept until that is settled',
    next: 'Neighbours were asked; nothing to do',
  },
  'group-unknown': {
    what: 'This group is not on this device',
    safe: nothingLost,
    next: 'Join it with an invite, or check the name',
  },
  equivocation: {
    what: 'One author wrote two different messages in one place',
    safe: 'Proof of both is kept',
    next: 'Ask the author whether the device was copied',
  },
  frozen: {
    what: "This author's log contradicts itself and is frozen",
    safe: 'Everything before that is kept',
    next: 'The author can join again from a fresh device',
  },
  'over-quota': {
    what: 'The share of carried storage is used up',
    safe: nothingLost,
    next: 'It is tried again by itself',
  },
  'bad-update': {
    what: 'A change to the group details broke the rules and was not applied',
    safe: 'The group details stay as they were',
    next: 'If it repeats, tell a group admin',
  },
  unexpected: {
    what: 'Received data that should not come at this point',
    safe: othersUnaffected,
    next: 'Nothing to do; if it repeats the link is closed for a while',
  },
  'invite-damaged': {
    what: 'The invite is incomplete or mistyped',
    safe: nothingJoined,
    next: 'Copy the whole link again, or scan the QR code',
  },
  'invite-newer-version': {
    what: 'The invite was made by a newer version',
    safe: nothingJoined,
    next: 'Update this program, then open it again',
  },
  'invite-expired': {
    what: 'The invite has expired',
    safe: nothingJoined,
    next: `${askNewInvite}, and check the clock of this device`,
  },
  'invite-used': {
    what: 'The invite has been used up',
    safe: nothingJoined,
    next: askNewInvite,
  },
  'invite-revoked': {
    what: 'The invite was revoked',
    safe: nothingJoined,
    next: 'Check with the inviter',
  },
  'invite-unknown': {
    what: 'The group has no record of this invite',
    safe: nothingJoined,
    next: askNewInvite,
  },
  'already-member': {
    what: 'You are already in this group',
    safe: nothingLost,
    next: 'Open the group',
  },
  'not-authorised': {
    what: 'You do not have that permission in this group',
    safe: nothingLost,
    next: 'Ask a group admin to do it',
  },
  'not-found': {
    what: 'Not found',
    safe: nothingLost,
    next: 'Check the name or id',
  },
  'not-member': {
    what: 'You are not in this group',
    safe: draftKept,
    next: 'Ask a group admin for a new invite',
  },
  'waiting-for-admission': {
    what: 'Still waiting to be let in',
    safe: 'What you wrote is stored here and will be sent then',
    next: 'Stay connected to any node of the group',
  },
  'text-empty': {
    what: 'There is nothing to send',
    safe: nothingLost,
    next: 'Write something first',
  },
  'text-too-long': {
    what: 'The text is too long',
    safe: draftKept,
    next: 'Send it in several parts',
  },
  'name-invalid': {
    what: 'That name cannot be used',
    safe: draftKept,
    next: 'Use 1 to 64 characters, no control characters',
  },
  'storage-failed': {
    what: 'Cannot write to the storage of this device',
    safe: 'What was saved is safe and can be read',
    next: 'Free some disk space; it goes on by itself',
  },
  locked: {
    what: 'This device is locked',
    safe: nothingLost,
    next: 'Unlock it first',
  },
  stopped: {
    what: 'The node on this device has stopped',
    safe: 'What was saved is safe',
    next: 'Start it again',
  },
}

export const en: Messages = {
  lang: 'en',
  appName: 'Petrel',
  errorLabel: 'Error',
  safeLabel: 'Safe',
  nextLabel: 'Try',
  refusals,
  ledger: {
    waiting: {
      short: 'Waiting to join',
      long: 'On this device only. Sends once you are in the group',
    },
    held: {
      short: 'On this device only',
      long: 'On this device only. Sends when any node is reached',
    },
    carried: {
      short: nodes => `With ${count(nodes, 'node')}`,
      long: nodes => `With ${count(nodes, 'node')}, not yet delivered`,
    },
    delivered: (n, m) => `Delivered to ${n} of ${m}`,
    displayed: (n, m) => `Read by ${n} of ${m}`,
    expired: {
      short: missing => `Not delivered to ${missing}`,
      long: missing => `Not delivered to ${missing}. Expired`,
    },
    refused: { short: 'Refused', long: 'Refused, not sent' },
  },
  net: {
    starting: (percent, seconds) => `Starting network ${percent}% (about ${seconds} s)`,
    alone: waiting =>
      waiting === 0
        ? 'Offline. Keep writing: it is sent once connected'
        : `Offline · ${waiting} waiting. Sent once connected`,
    relayOnly: 'Relay connected, no other nodes yet',
    syncing: (left, seconds) =>
      seconds === undefined
        ? `Catching up: ${left} left`
        : `Catching up: ${left} left (about ${seconds} s)`,
    ok: (nodes, waiting) =>
      waiting === 0
        ? `Online · ${count(nodes, 'node')}`
        : `Online · ${count(nodes, 'node')} · ${waiting} waiting`,
    weak: roundTrip => `Weak link · text only · ${Math.round(roundTrip)} ms`,
    split: people => `Network is split · ${count(people, 'person', 'people')} unreachable`,
    quality: { good: 'good', fair: 'fair', poor: 'poor', down: 'down' },
    linkKind: { direct: 'direct', relayed: 'relayed' },
  },
  storageFailing: 'Storage is failing: you can read, not send. Free some disk space',
  priority: { flash: 'Flash', urgent: 'Urgent', routine: 'Routine', bulk: 'Bulk' },
  groupKind: {
    emergency: 'Emergency',
    special: 'Special task',
    temporary: 'Temporary',
    daily: 'Daily',
  },
  groupState: {
    member: 'Member',
    'waiting-for-admission': 'Waiting to join',
    refused: 'Could not join',
    left: 'Left',
  },
  role: {
    owner: 'Owner',
    admin: 'Admin',
    member: 'Member',
    observer: 'Observer',
    records: 'Records',
  },
  reachable: { direct: 'Direct', carried: 'Carried', unknown: 'Not reachable' },
  page: { front: 'Looking', background: 'In background', none: 'Closed', unknown: 'Unknown' },
  availability: {
    available: 'Available',
    busy: 'Busy',
    field: 'In the field',
    'do-not-disturb': 'Do not disturb',
    unknown: 'Not stated',
  },
  message: {
    waitingForKey: 'Cannot open yet: group key requested',
    needsNewerVersion: 'Made by a newer version; update to see it',
    disputed: 'Disputed: the author wrote two in one place',
    clockSuspect: 'The sender’s clock may be wrong',
    late: 'Late',
    lateArrivals: n => `${count(n, 'earlier message')} just arrived`,
    gap: n => `${count(n, 'message')} missing; they come when another node is reached`,
    pinned: 'Pinned',
  },
  people: n => count(n, 'person', 'people'),
  nodes: n => count(n, 'node'),
  items: n => count(n, 'message'),
  seconds: n => `${n} s`,
  minutes: n => `${n} min`,
  hours: n => `${n} h`,
  days: n => count(n, 'day'),
}
