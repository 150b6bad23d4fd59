/** Two defects of the pinned @libp2p/webrtc, mended in its source as it is loaded (research/libp2p.md 1.10 and 6):
 *  a WebRTC-direct connection was given up at the first short silence, though `disconnected` is a passing state; and a
 *  browser-to-browser dial hung when the `init` channel had closed before it was waited for. For Vite and for Node. */

type Patch = {
  readonly file: string
  readonly find: RegExp
  readonly replace: string
}

/** Each pattern matches its file exactly once; a test holds this against the installed version. */
export const webrtcPatches: readonly Patch[] = [
  {
    file: 'private-to-public/utils/connect.js',
    find: /case 'disconnected':\s*\n/g,
    replace: '',
  },
  {
    file: 'private-to-private/initiate-connection.js',
    find: /if \(channel\.readyState !== 'open'\) \{/g,
    replace: "if (channel.readyState === 'connecting') {",
  },
  {
    file: 'private-to-private/initiate-connection.js',
    find: /await pEvent\(channel, 'close', \{\s*signal\s*\}\);/g,
    replace: "if (channel.readyState !== 'closed') await pEvent(channel, 'close', { signal });",
  },
]

/** The mended source, or undefined when the file needs no mending. `id` is a path or URL. */
export const patchWebrtc = (id: string, code: string): string | undefined => {
  const path = id.replaceAll('\\', '/')
  if (!path.includes('@libp2p/webrtc/')) return undefined
  const patches = webrtcPatches.filter(({ file }) => path.includes(file))
  if (patches.length === 0) return undefined
  return patches.reduce((text, { find, replace }) => text.replace(find, replace), code)
}

/** The shape of a Vite plugin, without depending on Vite. */
export const webrtcPatchPlugin = (): {
  readonly name: string
  readonly enforce: 'pre'
  readonly transform: (code: string, id: string) => { code: string; map: null } | undefined
} => ({
  name: 'petrel-webrtc-patches',
  enforce: 'pre',
  transform: (code, id) => {
    const mended = patchWebrtc(id, code)
    return mended === undefined ? undefined : { code: mended, map: null }
  },
})
