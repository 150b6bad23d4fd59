/** Every bound of the shell, with unit and reason. The core's own bounds are in ../core/limits.ts. */
export const bounds = {
  /** Arrivals stepped before one durable write: enough to share one fsync, few enough to keep a page responsive. */
  batchInputsMax: 256,
  /** Milliseconds of stepping before the batch is closed and the event loop gets its turn. */
  batchMillisMax: 30,
  /** Frames waiting to be stepped, all neighbours together. */
  queuedFramesMax: 4_096,
  queuedBytesMax: 8 * 1_048_576,
  /** Intents waiting to be stepped; a person is slower than that. */
  queuedIntentsMax: 1_024,
  /** Rounds of asynchronous verification of one batch; each round settles at least one frame. */
  verifyRoundsMax: 300,
  /** Back-off after a failed write, first and most. */
  storageRetryMillisMin: 100,
  storageRetryMillisMax: 30_000,
  /** Views kept to be shown while a write is under way. */
  shownGroupsMax: 8,
  /** Bytes waiting for one neighbour on one channel; the core's own window is far smaller. */
  sendQueueBytesMax: 1_048_576,
  /** Frames of one stream that wait to be stepped, in bytes, each counted as 2 KiB at least; then it is not read further. A
   *  hundred neighbours that all send at once fit the queue. */
  unreadBytesMax: 65_536,
  unreadFrameBytesMin: 2_048,
  /** Inbound streams of one channel on one connection: one in use, one replacing it. */
  streamsPerChannelMax: 2,
  /** Negotiation of one stream at 4 s round trip on a link with a queue. */
  streamOpenMillis: 60_000,
  /** Then the neighbour does not speak Petrel, unless identify says otherwise later. */
  streamOpenAttempts: 6,
  /** A neighbour told to go away is not let in again before this. */
  banMillis: 60_000,
  bannedPeersMax: 1_024,
  /** Silence on a link before it is asked for a sign of life, and how often the links are looked at. */
  idleMillis: 30_000,
  livenessTickMillis: 5_000,
  /** A sign of life may be late by this much beside two round trips before a second dial starts. */
  lateMillis: 5_000,
  pingMillis: 60_000,
  /** Without any sign of life for this long a connection is closed although nothing replaced it. */
  deadMillis: 180_000,
  /** A second connection to one neighbour is given this long before it counts as a spare. */
  spareMillis: 10_000,
  /** Longer between two looks than this: the machine slept. */
  wakeGapMillis: 30_000,
  /** One gossip message list from a neighbour; also the most that one read buffers. */
  gossipRpcBytesMax: 65_536,
  gossipOutboundBytesMax: 1_048_576,
  /** Topics of one neighbour: 128 groups with 4 epochs each. All of them stand in its first list. */
  gossipTopicsMax: 512,
  gossipTopicBytesMax: 512 * 1_100,
  /** Message ids in one IHAVE: 3,000 of 18 bytes fit the list above. */
  gossipIdsMax: 3_000,
  gossipRepairMillis: 3_000,
  /** Gossip messages of one neighbour: a second's allowance and how many seconds may be saved up. */
  gossipPerSecondMax: 500,
  gossipBurstSeconds: 10,
  /** Dial supervisor: peers and addresses remembered, dials at once, links after which nobody more is dialled. */
  wantedPeersMax: 256,
  addressesPerPeerMax: 8,
  parallelDialsMax: 4,
  /** Of these for peers that only named themselves; each may hold a dial for minutes. */
  strangerDialsMax: 2,
  linksWantedMax: 40,
  /** Pauses between dials of one peer; the long one after so many failures that it is probably away for hours. */
  dialBackoffMillisMin: 1_000,
  dialBackoffMillisMax: 60_000,
  /** Without any link there is nothing else to do; and whoever was met before should be met again within seconds. */
  dialBackoffMillisAlone: 5_000,
  dialPatience: 12,
  dialBackoffMillisLong: 300_000,
  /** Time for one address in the first, second and further rounds: WebRTC-direct takes 6 round trips. */
  dialMillis: [8_000, 20_000, 60_000],
  superviseTickMillis: 3_000,
  /** The peer with the larger id waits this long for the other one to dial. */
  courtesyMillis: 1_000,
  /** Circuits that one neighbour may open through us: forty links at once with some retries, then a few a minute. */
  circuitsBurst: 64,
  circuitsPerSecondMax: 0.1,
  /** Connections of one host that are not through the handshake yet, of a hundred places: a building comes back quickly enough,
   *  and leaves others a way in. */
  comingPerHostMax: 64,
  /** Connections of one neighbour: one of each transport, and the one that replaces it. */
  connectionsPerPeerMax: 6,
  /** Places kept free, so that a member still gets in where strangers hold all others. */
  spareConnections: 20,
  /** Own addresses told to others. */
  ownAddressesMax: 4,
} as const
