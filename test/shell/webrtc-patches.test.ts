/** The source patches of @libp2p/webrtc still fit the installed version: each pattern occurs exactly once. When an update
 *  fails here, read what changed there before the pattern is adapted. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { repositoryRoot } from '../support/host.ts'
import {
  patchWebrtc,
  webrtcPatchPlugin,
  webrtcPatches,
} from '../../protocol/shell/webrtc-patches.ts'

const folder = join(repositoryRoot, 'node_modules/@libp2p/webrtc/dist/src')
const sourceOf = (file: string): string => readFileSync(join(folder, file), 'utf8')

test.each(webrtcPatches)('$file holds its pattern once and is mended', patch => {
  const source = sourceOf(patch.file)
  expect(source.match(patch.find)).toHaveLength(1)
  const mended = patchWebrtc(join(folder, patch.file), source)
  expect(mended).toBeDefined()
  if (patch.replace === '') expect(mended?.match(patch.find)).toBeNull()
  else expect(mended).toContain(patch.replace)
})

test('a passing `disconnected` no longer closes a WebRTC-direct connection; `failed` and `closed` do', () => {
  const file = 'private-to-public/utils/connect.js'
  const mended = patchWebrtc(join(folder, file), sourceOf(file)) ?? ''
  expect(mended).not.toContain("case 'disconnected'")
  expect(mended).toMatch(/case 'failed':\s*case 'closed':/)
})

test('nothing else is touched', () => {
  expect(patchWebrtc(join(folder, 'stream.js'), "case 'disconnected':\n")).toBeUndefined()
  expect(patchWebrtc('/src/private-to-public/utils/connect.js', '')).toBeUndefined()
})

test('the Vite plugin does the same, for ids with queries and Windows paths too', () => {
  const file = 'private-to-private/initiate-connection.js'
  const { transform } = webrtcPatchPlugin()
  const source = sourceOf(file)
  const expected = patchWebrtc(join(folder, file), source)
  expect(transform(source, `${join(folder, file)}?v=123`)?.code).toBe(expected)
  expect(transform(source, `C:\\node_modules\\@libp2p\\webrtc\\dist\\src\\${file}`)?.code).toBe(
    expected,
  )
  expect(transform('', 'other.js')).toBeUndefined()
})
