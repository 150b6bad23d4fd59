/** What a test borrows from this machine: a directory, a port. Both are its own and go away with it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const repositoryRoot = fileURLToPath(new URL('../..', import.meta.url))

/** A new empty directory; `remove` takes it away with everything in it. */
export const temporaryDirectory = async (
  name = 'petrel',
): Promise<{ readonly path: string; readonly remove: () => Promise<void> }> => {
  const path = await mkdtemp(join(tmpdir(), `${name}-`))
  return {
    path,
    remove: () => rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }),
  }
}

/** A TCP port that was free a moment ago. Prefer port 0 where the program can tell which one it got. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => {
        if (address === null || typeof address === 'string') reject(new Error('no port'))
        else resolve(address.port)
      })
    })
  })

/** Runs clean-ups in reverse order, all of them, and reports the first failure. */
export const createCleanup = (): {
  readonly add: (undo: () => unknown) => void
  readonly run: () => Promise<void>
} => {
  const undos: (() => unknown)[] = []
  return {
    add: undo => {
      undos.push(undo)
    },
    run: async () => {
      const failures: unknown[] = []
      for (let undo = undos.pop(); undo !== undefined; undo = undos.pop()) {
        try {
          await undo()
        } catch (cause) {
          failures.push(cause)
        }
      }
      if (failures.length > 0) throw failures[0]
    },
  }
}
