/** How an invite leaves this program: onto a terminal, or into a file that only its owner can read. Logs and pipes never get
 *  it unless somebody asks for that by name. */
import { join } from 'node:path'
import { writePrivate } from './files.ts'

export const inviteFile = (dataDir: string, name: string): string =>
  join(dataDir, `invite-${name}.txt`)

export const writeInviteFile = (path: string, link: string): void => {
  writePrivate(path, `${link}\n`)
}
