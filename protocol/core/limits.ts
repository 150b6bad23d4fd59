/** Every bound of the system, with unit and reason. Nothing that arrives, waits or grows is without one. */
export const limits = {
  /** Ordinary operation, header to signature: fits one small frame; larger text becomes an attachment. */
  opBytesMax: 16_384,
  /** Control, epoch and checkpoint operations: boxes for 1,000 devices. */
  controlOpBytesMax: 65_536,
  /** One sync or join frame: the largest operation plus its envelope. */
  frameBytesMax: 70_000,
  /** One gossip message: bulk never goes through gossip. */
  gossipBytesMax: 16_384,
  /** Text of one message in UTF-8 bytes. */
  textBytesMax: 4_096,
  /** A person's, unit's or group's name in UTF-8 bytes (64 graphemes at most 4 bytes each, rounded up). */
  nameBytesMax: 256,
  /** Heads of other logs named by one operation. */
  depsMax: 8,
  /** Control heads named by a control operation. */
  controlHeadsMax: 64,
  /** CBOR nesting in a body. */
  cborDepthMax: 8,
  /** Bytes after inflation: a compressed body never grows beyond this. */
  inflatedBytesMax: 65_536,
  /** Operations in one run: 50 newest fit one window on a slow link. */
  runOpsMax: 512,
  /** Groups in one HELLO. */
  helloGroupsMax: 256,
  /** Authors in one group: 1,000 devices with a few incarnations each. */
  authorsMax: 4_096,
  /** Place in a log: far below the six bytes of a row key, out of reach at one operation a millisecond for 30 years. */
  seqMax: 2 ** 40,
  /** Ranges of one author's log in a state vector: more holes than this are not asked for one by one. */
  rangesMax: 256,
  /** Ranges of one log that are held: who is late gets the newest 2,000 by urgency, so that every other one may be missing for
   *  a while; an author who leaves holes on purpose gets no further. */
  rangesHeldMax: 1_536,
  /** Operations of one group looked up at a time because they may contradict a stored one. */
  forkChecksMax: 4,
  /** Epochs tried for one operation with the same key id prefix. */
  epochCandidatesMax: 4,
  /** Newest operations of a group kept in memory; older rows are read from the store. */
  heldOpsMax: 2_000,
  /** Messages in the view when a group is opened, and added by one `load-earlier`. */
  viewWindow: 50,
  /** Slot value: presence with two addresses. */
  slotBytesMax: 512,
  /** Slots of one author. */
  slotsPerAuthorMax: 4,
  /** Join request on the wire. */
  joinRequestBytesMax: 1_024,
  /** Join requests kept for others: a whole team may scan one link while nobody who may admit is near. In total, and of
   *  these brought by one neighbour. */
  joinRequestsMax: 256,
  joinRequestsPerNeighbourMax: 64,
  /** How long one is kept by the own clock; its joiner asks again while it is there. */
  joinRequestHours: 24,
  /** Unacknowledged sync bytes to one neighbour, least and most. */
  windowBytesMin: 2_048,
  windowBytesMax: 262_144,
  /** Frames named as refused in one ACK. */
  ackRefusedMax: 1_024,
  /** Stretches of one group that a neighbour did not take and may take later, and how often each is sent again. */
  refusedStretchesMax: 256,
  refusedTriesMax: 3,
  /** Operations that go before all older ones: the 50 messages of a first view and some receipts among them. */
  newestOps: 64,
  /** How far back in the queue to one neighbour operations of one author are looked for, to share a run and its signature. */
  runReach: 512,
  /** Target size of one RUN frame, so that something urgent never waits behind more. */
  runFrameBytes: 2_048,
  /** Carried for groups this device is not in. */
  carriedGroupsMax: 64,
  carriedBytesMax: 64 * 1_048_576,
  carriedBytesPerGroupMax: 8 * 1_048_576,
  carriedBytesPerAuthorMax: 1_048_576,
  /** Days a carried operation is kept: routine and flash. */
  carryDays: 14,
  carryFlashDays: 30,
  /** Outbox while waiting for admission. */
  outboxMax: 500,
  /** Own messages whose ledger is kept hot. */
  ledgerRowsMax: 512,
  /** Refusals charged to one neighbour before its links are closed for a while. */
  refusalsMax: 200,
  /** State document: one update, and all keys together. */
  stateUpdateBytesMax: 8_192,
  pinsMax: 50,
  /** Arrival times of a group kept in memory: those of the operations held there, and some that left it. */
  arrivalsMax: 4_000,
  /** Stored operations of a group that are read again at each start: a few milliseconds of checking. */
  sampleOps: 16,
  /** Operations of a group that wait in memory for a key. */
  lockedMax: 4_096,
  /** Purpose of a group in UTF-8 bytes. */
  purposeBytesMax: 1_024,
  /** A reason or note in UTF-8 bytes. */
  noteBytesMax: 1_024,
  /** One certificate or key bundle: two names of 256 bytes and the keys. */
  certificateBytesMax: 704,
  /** Logs named by the cut of one removal or dissolution. */
  cutsMax: 2_000,
  /** Offline approvals carried by one control operation. */
  approvalsMax: 8,
  /** Epoch secrets in one welcome: a year of weekly rotation. */
  welcomeSecretsMax: 64,
  /** Devices in one epoch operation: 60 bytes each fit one control operation. */
  epochBoxesMax: 1_000,
  /** Parents of one epoch: branches that one merge closes. */
  epochParentsMax: 8,
  /** Mentions in one message. */
  mentionsMax: 16,
  /** Ranges in one ack fact, delivered or displayed. */
  ackRangesMax: 512,
  /** Messages in one shard of the timeline: a Yjs transaction costs as much as its document has client ids. */
  shardMessagesMax: 512,
  /** Invite token. */
  inviteBytesMax: 150,
  inviteAddressesMax: 4,
} as const
