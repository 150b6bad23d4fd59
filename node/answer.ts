/** The peer's answer to what was asked of it, without waiting for a disk: what was taken in while storage began to fail is
 *  answered when its rows are durable, which may be much later or never. Whoever asked is told so instead. */
import type { Intent } from '#protocol'
import type { Drive } from '#shell'

/** Giving up the reserve makes room within a fraction of this. */
const storageMillis = 2_000

type Answer = Awaited<ReturnType<Drive['dispatch']>>

/** undefined: storage fails; the peer holds it in memory and saves it as soon as it can. */
export const answerOf = (
  drive: Pick<Drive, 'dispatch' | 'subscribe' | 'app'>,
  intent: Intent,
): Promise<Answer | undefined> =>
  new Promise((resolve, reject) => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const giveUpSoon = (): void => {
      timer ??= setTimeout(() => end(() => resolve(undefined)), storageMillis)
    }
    const forget = drive.subscribe(event => {
      if (event.type !== 'storage') return
      if (event.state === 'failing') giveUpSoon()
      else {
        clearTimeout(timer)
        timer = undefined
      }
    })
    const end = (tell: () => void): void => {
      clearTimeout(timer)
      forget()
      tell()
    }
    drive.dispatch(intent).then(
      answer => end(() => resolve(answer)),
      (reason: unknown) => end(() => reject(reason)),
    )
    if (drive.app().storage === 'failing') giveUpSoon()
  })
