/** Tells the service manager that the node is up, and that it stops (systemd's sd_notify protocol). Node has no datagrams on unix
 *  sockets, so systemd's own `systemd-notify` carries the word; it comes with systemd, and where there is no systemd
 *  nobody waits for the word. The unit needs NotifyAccess=all, because the messenger is a process of its own. */
import { spawn } from 'node:child_process'
import type { Environment } from './paths.ts'

/** A messenger that hangs must not hold up the node. */
const tellMillis = 5_000

/** False when somebody waits for the word and it could not be given. */
export const tellServiceManager = (
  environment: Environment,
  ...words: readonly string[]
): Promise<boolean> => {
  const { NOTIFY_SOCKET: socket, PATH: path } = environment
  if (socket === undefined || socket === '') return Promise.resolve(true)
  return new Promise(resolve => {
    const messenger = spawn('systemd-notify', words, {
      stdio: 'ignore',
      env: { NOTIFY_SOCKET: socket, ...(path !== undefined && { PATH: path }) },
      timeout: tellMillis,
    })
    messenger.on('error', () => {
      resolve(false)
    })
    messenger.on('exit', code => {
      resolve(code === 0)
    })
  })
}
