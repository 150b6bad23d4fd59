/** The one question that the command line asks, on a real terminal (`script` of util-linux gives one): answered, left with Ctrl-C,
 *  and left with Ctrl-D. */
import { spawn } from 'node:child_process'
import { afterEach, expect, test } from 'vitest'
import { createCleanup, repositoryRoot } from '../support/host.ts'
import { newHome } from './running.ts'

const cleanup = createCleanup()
afterEach(() => cleanup.run())

const answered = async (keys: string) => {
  const place = await newHome(cleanup)
  const command = `${process.execPath} node/main.ts join --data ${place}/d --lang en`
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    cwd: repositoryRoot,
    env: { PATH: process.env['PATH'], HOME: place, TERM: 'xterm', NO_COLOR: '1' },
  })
  cleanup.add(() => child.kill('SIGKILL'))
  let text = ''
  let isAnswered = false
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
    if (isAnswered || !text.includes('Paste the invite link')) return
    isAnswered = true
    child.stdin.write(keys)
  })
  const code = await new Promise<number | null>(resolve => {
    child.on('close', resolve)
  })
  return { code, text }
}

test('an answer is read as an invite', async () => {
  const { code, text } = await answered('hello\r')
  expect(code).toBe(2)
  expect(text).toContain('The invite is incomplete or mistyped')
})

test('Ctrl-C at the question ends with 130, and nothing is called a failure', async () => {
  const { code, text } = await answered('\u0003')
  expect(code).toBe(130)
  expect(text).not.toContain('Error')
})

test('Ctrl-D at the question says what else could be done', async () => {
  const { code, text } = await answered('\u0004')
  expect(code).toBe(2)
  expect(text).toContain('--from-file')
})
