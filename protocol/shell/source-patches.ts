/** Six defects of pinned libp2p packages, mended in their source as it is loaded; for Vite and for Node.
 *  A WebRTC-direct connection was given up at the first short silence, though `disconnected` is a passing state, and a
 *  browser-to-browser dial hung when the `init` channel had closed before it was waited for (research/libp2p.md 1.10, 6).
 *  An aborted WebSocket connection stayed open, because 1006 is a code that `close` refuses: the other side never knew.
 *  A stopped UDP listener of node-datachannel 0.33 stays registered with its memory freed, and the next STUN request kills
 *  the process (seen with two browsers that redialled): so it is never stopped, only ignored, and it keeps the event loop
 *  alive: a Node host ends with process.exit. And one UDP packet of anybody, from any claimed address, made it begin a
 *  connection that holds 100 KB for a minute: now at most 64 such beginnings at a time. A WebSocket listener waited for ever
 *  for sockets that say nothing, any number of them, took messages of 100 MB from anybody, and one malformed frame, whose
 *  error nobody listened to, ended the process. */

type Patch = {
  readonly file: string
  readonly find: RegExp
  readonly replace: string
}

/** Two rooms of browsers that all redial at once; whoever finds no place asks again within a second. */
const beginningsMax = 64

/** A message is one Noise frame, at most 64 KiB; leave room for other programs' habits. */
const webSocketMessageBytesMax = 1_048_576
/** The request follows the connection at once: five round trips of the slowest link. */
const webSocketUpgradeMillis = 20_000
/** Sockets of one listener, upgraded or not: three times the connections. */
const webSocketsMax = 1_024

/** Each pattern matches its file exactly once; a test holds this against the installed version. */
export const sourcePatches: readonly Patch[] = [
  {
    file: '@libp2p/webrtc/dist/src/private-to-public/utils/connect.js',
    find: /case 'disconnected':\s*\n/g,
    replace: '',
  },
  {
    file: '@libp2p/webrtc/dist/src/private-to-private/initiate-connection.js',
    find: /if \(channel\.readyState !== 'open'\) \{/g,
    replace: "if (channel.readyState === 'connecting') {",
  },
  {
    file: '@libp2p/webrtc/dist/src/private-to-private/initiate-connection.js',
    find: /await pEvent\(channel, 'close', \{\s*signal\s*\}\);/g,
    replace: "if (channel.readyState !== 'closed') await pEvent(channel, 'close', { signal });",
  },
  {
    file: '@libp2p/webrtc/dist/src/private-to-public/utils/stun-listener.js',
    find: /const listener = new IceUdpMuxListener\(port, host\);/g,
    replace:
      'const listener = new IceUdpMuxListener(port, host); let isClosed = false; kept.push(listener);',
  },
  {
    file: '@libp2p/webrtc/dist/src/private-to-public/utils/stun-listener.js',
    find: /handleStunRequest\(request, log, cb\);/g,
    replace: 'if (!isClosed) handleStunRequest(request, log, cb);',
  },
  {
    file: '@libp2p/webrtc/dist/src/private-to-public/utils/stun-listener.js',
    find: /listener\.stop\(\);/g,
    replace: 'isClosed = true;',
  },
  {
    file: '@libp2p/webrtc/dist/src/private-to-public/utils/stun-listener.js',
    find: /export async function stunListener/g,
    replace: 'const kept = []; export async function stunListener',
  },
  {
    file: '@libp2p/webrtc/dist/src/private-to-public/listener.js',
    find: /const signal = this\.components\.upgrader\.createInboundAbortSignal/g,
    replace: `if (beginnings >= ${beginningsMax}) return; beginnings += 1; const signal = this.components.upgrader.createInboundAbortSignal`,
  },
  {
    file: '@libp2p/webrtc/dist/src/private-to-public/listener.js',
    find: /(?<=\.finally\(\(\) => \{\s*)signal\.clear\(\);/g,
    replace: 'beginnings -= 1; signal.clear();',
  },
  {
    file: '@libp2p/webrtc/dist/src/private-to-public/listener.js',
    find: /let UDP_MUX_LISTENERS = \[\];/g,
    replace: 'let beginnings = 0; let UDP_MUX_LISTENERS = [];',
  },
  {
    file: '@libp2p/websockets/dist/src/listener.js',
    find: /noServer: true/g,
    replace: `noServer: true, maxPayload: ${webSocketMessageBytesMax}`,
  },
  {
    file: '@libp2p/websockets/dist/src/listener.js',
    find: /socket\.binaryType = 'arraybuffer';/g,
    replace: "socket.binaryType = 'arraybuffer'; socket.on('error', () => socket.terminate());",
  },
  {
    file: '@libp2p/websockets/dist/src/listener.js',
    find: /let buffer = socket\.read\(1\);/g,
    replace: `socket.late = setTimeout(() => socket.destroy(), ${webSocketUpgradeMillis}); socket.once('close', () => clearTimeout(socket.late)); let buffer = socket.read(1);`,
  },
  {
    file: '@libp2p/websockets/dist/src/listener.js',
    find: /this\.wsServer\.handleUpgrade\(/g,
    replace: 'clearTimeout(socket.late); this.wsServer.handleUpgrade(',
  },
  {
    file: '@libp2p/websockets/dist/src/listener.js',
    find: /components\.events\.addEventListener\('certificate:provision'/g,
    replace: `this.server.maxConnections = ${webSocketsMax}; components.events.addEventListener('certificate:provision'`,
  },
  {
    file: '@libp2p/websockets/dist/src/websocket-to-conn.js',
    find: /this\.websocket\.close\(1006\);/g,
    replace: 'this.websocket.close();',
  },
]

/** The mended source, or undefined when the file needs no mending. `id` is a path or URL. */
export const patchSource = (id: string, code: string): string | undefined => {
  const path = id.replaceAll('\\', '/')
  const patches = sourcePatches.filter(({ file }) => path.includes(file))
  if (patches.length === 0) return undefined
  return patches.reduce((text, { find, replace }) => text.replace(find, replace), code)
}

/** The shape of a Vite plugin, without depending on Vite. */
export const sourcePatchPlugin = (): {
  readonly name: string
  readonly enforce: 'pre'
  readonly transform: (code: string, id: string) => { code: string; map: null } | undefined
} => ({
  name: 'petrel-source-patches',
  enforce: 'pre',
  transform: (code, id) => {
    const mended = patchSource(id, code)
    return mended === undefined ? undefined : { code: mended, map: null }
  },
})
