/** `petrel up`: the peer with its links, the web app and the socket, from the first line to a clean end. */
import { join } from 'node:path'
import type { GroupSummary, Result } from '#protocol'
import { inviteLink } from '#shell'
import type { Drive } from '#shell'
import { createApi } from './api.ts'
import type { NodeStatus } from './api.ts'
import { startApiServer } from './api-server.ts'
import type { Failure } from './failure.ts'
import { exitCodes } from './failure.ts'
import { failed, refusalFailure } from './faults.ts'
import type { Speech } from './faults.ts'
import { systemCode } from './files.ts'
import { openHost } from './host.ts'
import type { Host } from './host.ts'
import { settleProfile } from './identity.ts'
import type { OwnDataDir } from './identity.ts'
import { inviteAddresses, lanAddresses, webOrigins } from './invites.ts'
import { socketCandidates } from './paths.ts'
import type { Settings } from './settings.ts'
import { parseSpan } from './span.ts'
import { rfc3339 } from './times.ts'
import { undoAll } from './undo.ts'
import type { Undo } from './undo.ts'
import { version } from './version.ts'
import { readWebFiles } from './web-files.ts'
import { startWebServer } from './web-server.ts'
import type { WebServer } from './web-server.ts'
import type { CliWords } from './words.ts'
import { millis } from '#protocol'

export type Daemon = {
  readonly host: Host
  readonly status: () => NodeStatus
  readonly webPort: number
  readonly webMissing: boolean
  readonly stop: () => Promise<void>
}

/** Further web ports that are tried one by one before any free one. */
const furtherPorts = 10

export const webDirectory = join(import.meta.dirname, '..', 'web', 'dist')

export type DaemonOptions = {
  readonly settings: Settings
  readonly own: OwnDataDir
  readonly speech: Speech
  /** Something behind the scenes failed; not the end. */
  readonly troubled: (reason: unknown) => void
}

export const startDaemon = async (options: DaemonOptions): Promise<Result<Daemon, Failure>> => {
  const { settings, own, speech } = options
  const { dataDir } = settings
  const undo: Undo[] = [own.lock.release]
  const stop = (): Promise<void> => undoAll(undo.splice(0))
  try {
    const host = await openHost({
      dataDir,
      keys: own.keys,
      network: {
        mdns: settings.flag('peer.mdns'),
        listen: {
          host: settings.text('peer.host'),
          tcp: settings.number('peer.tcp'),
          ws: settings.number('peer.ws'),
          webrtcDirect: settings.number('peer.webrtc'),
        },
      },
    })
    undo.unshift(host.stop)
    const refused = await settleProfile(host.drive, { settings, isNew: own.isNew })
    if (refused !== undefined) {
      await stop()
      return { ok: false, error: refusalFailure(options.speech, refused) }
    }
    const files = readWebFiles(webDirectory)
    const web = await openWeb(options, host, files)
    if (web === undefined) {
      await stop()
      const port = settings.number('http.port')
      return {
        ok: false,
        error: failed('port-taken', exitCodes.internal, speech.t.said.portTaken(port)),
      }
    }
    undo.unshift(web.stop)
    const startedAt = new Date().toISOString()
    const status = (): NodeStatus => ({
      version,
      pid: process.pid,
      startedAt,
      dataDir,
      protection: 'file-permissions',
      online: true,
      peer: host.peer,
      addresses: host.addresses(),
      origins: webOrigins(settings.text('http.host'), web.port),
      ...(host.movedAt !== undefined && { movedAt: rfc3339(host.movedAt) }),
    })
    const candidates = socketCandidates(dataDir, settings.environment)
    const server = await startApiServer(createApi(host, status), candidates, options.troubled)
    undo.unshift(server.stop)
    own.lock.announce(server.path)
    const webMissing = files.size === 0
    return { ok: true, value: { host, status, webPort: web.port, webMissing, stop } }
  } catch (reason) {
    await stop()
    throw reason
  }
}

const openWeb = async (
  { settings, speech }: DaemonOptions,
  host: Host,
  files: ReturnType<typeof readWebFiles>,
): Promise<WebServer | undefined> => {
  const port = settings.number('http.port')
  try {
    return await startWebServer({
      host: settings.text('http.host'),
      port,
      furtherPorts: port === 0 ? 0 : furtherPorts,
      files,
      missingText: speech.t.up.webMissing,
      card: () => ({
        v: 1,
        type: 'node',
        version,
        peer: host.peer,
        addresses: host.addresses().map(address => `${address}/p2p/${host.peer}`),
      }),
    })
  } catch (reason) {
    if (systemCode(reason) === undefined) throw reason
    return undefined
  }
}

/** The group that the first start makes, so that there is something to join. */
export const settleFirstGroup = async (
  drive: Drive,
  settings: Settings,
  t: CliWords,
): Promise<void> => {
  if (drive.app().groups.length > 0 || !settings.flag('first-group.create')) return
  const kind = settings.text('first-group.kind')
  await drive.dispatch({
    type: 'create-group',
    name: settings.text('first-group.title') || t.up.firstGroup,
    purpose: t.up.firstPurpose,
    kind: kind === 'special' || kind === 'temporary' || kind === 'daily' ? kind : 'emergency',
  })
}

export type FreshInvite = {
  readonly group: GroupSummary
  /** For other devices first, for this machine last. */
  readonly links: readonly string[]
  readonly uses: number
  readonly notAfter: number
}

/** A link that is valid now. Older ones stay valid until they expire. Undefined where this device may not invite. */
export const freshInvite = async (
  daemon: Daemon,
  settings: Settings,
): Promise<FreshInvite | undefined> => {
  const { host, status } = daemon
  const { drive } = host
  const uses = settings.number('invite.uses')
  for (const group of drive.app().groups) {
    if (group.state !== 'member') continue
    const answer = await drive.dispatch({
      type: 'create-invite',
      group: group.group,
      maxUses: uses,
      validFor: millis(parseSpan(settings.text('invite.expires')) ?? 86_400_000),
      libp2pKey: host.publicKey,
      addresses: inviteAddresses(host.addresses(), lanAddresses()),
    })
    if (!answer.ok || answer.value.type !== 'invited') continue
    const { token, notAfter } = answer.value
    const links = status().origins.map(origin => inviteLink(origin, token))
    return { group, links, uses, notAfter }
  }
  return undefined
}
