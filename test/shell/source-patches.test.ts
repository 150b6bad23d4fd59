/** The source patches still fit the installed versions: each pattern occurs exactly once. When an update fails here, read
 *  what changed there before the pattern is adapted. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { repositoryRoot } from '../support/host.ts'
import {
  patchSource,
  sourcePatchPlugin,
  sourcePatches,
} from '../../protocol/shell/source-patches.ts'

const pathOf = (file: string): string => join(repositoryRoot, 'node_modules', file)
const sourceOf = (file: string): string => readFileSync(pathOf(file), 'utf8')

test.each(sourcePatches)('$file holds its pattern once and is mended', patch => {
  const source = sourceOf(patch.file)
  expect(source.match(patch.find)).toHaveLength(1)
  const mended = patchSource(pathOf(patch.file), source)
  expect(mended).toBeDefined()
  if (patch.replace === '') expect(mended?.match(patch.find)).toBeNull()
  else expect(mended).toContain(patch.replace)
})

test('a passing `disconnected` no longer closes a WebRTC-direct connection; `failed` and `closed` do', () => {
  const file = '@libp2p/webrtc/dist/src/private-to-public/utils/connect.js'
  const mended = patchSource(pathOf(file), sourceOf(file)) ?? ''
  expect(mended).not.toContain("case 'disconnected'")
  expect(mended).toMatch(/case 'failed':\s*case 'closed':/)
})

test('nothing else is touched', () => {
  expect(
    patchSource(pathOf('@libp2p/webrtc/dist/src/stream.js'), "case 'disconnected':\n"),
  ).toBeUndefined()
  expect(patchSource('/src/private-to-public/utils/connect.js', '')).toBeUndefined()
})

test('the Vite plugin does the same, for ids with queries and Windows paths too', () => {
  const file = '@libp2p/webrtc/dist/src/private-to-private/initiate-connection.js'
  const { transform } = sourcePatchPlugin()
  const source = sourceOf(file)
  const expected = patchSource(pathOf(file), source)
  expect(transform(source, `${pathOf(file)}?v=123`)?.code).toBe(expected)
  expect(transform(source, `C:\\node_modules\\${file.replaceAll('/', '\\')}`)?.code).toBe(expected)
  expect(transform('', 'other.js')).toBeUndefined()
})
