/** Opens the way to the peer for one command, and closes it whatever happens. */
import { openAccess } from './access.ts'
import type { Access, AccessFault } from './access.ts'
import type { ApiAnswers } from './api.ts'
import type { Context } from './context.ts'
import type { ExitCode } from './failure.ts'
import { accessFailure } from './faults.ts'
import type { Result } from '#protocol'

export const withAccess = async (
  context: Context,
  use: (access: Access) => Promise<ExitCode>,
): Promise<ExitCode> => {
  process.umask(0o077)
  const access = await openAccess(context.settings.dataDir)
  if (!access.ok) return context.fail(accessFailure(context, access.error))
  try {
    return await use(access.value)
  } finally {
    await access.value.close()
  }
}

export type Status = ApiAnswers['status']

export const readStatus = (access: Access): Promise<Result<Status, AccessFault>> =>
  access.get('status', 'status')
