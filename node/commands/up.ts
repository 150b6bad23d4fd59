/** `petrel up`: starts the peer, says how to join it, tells what happens, and ends cleanly at Ctrl-C. */
import { setTimeout as wait } from 'node:timers/promises'
import { described } from '../help.ts'
import type { Program } from '../cli.ts'
import type { Context } from '../context.ts'
import type { Daemon, FreshInvite } from '../daemon.ts'
import { exitCodes } from '../failure.ts'
import type { ExitCode } from '../failure.ts'
import { accessFailure, thrownFailure } from '../faults.ts'
import { greetingText } from '../greeting.ts'
import { openOwnDataDir } from '../identity.ts'
import { inviteFile, writeInviteFile } from '../secret-output.ts'
import { tellServiceManager } from '../service-manager.ts'
import { watchNews } from '../news.ts'
import { rfc3339 } from '../times.ts'
import { version } from '../version.ts'

type UpFlags = {
  readonly http?: string
  readonly httpHost?: string
  readonly tcp?: string
  readonly ws?: string
  readonly webrtc?: string
  readonly mdns: boolean
  readonly name?: string
  readonly unit?: string
  readonly groupTitle?: string
  readonly groupKind?: string
  readonly firstGroup: boolean
  readonly uses?: string
  readonly expires?: string
  readonly showLink?: boolean
}

export const addUp = ({ program, speech, run }: Program): void => {
  const { help } = speech.t
  program
    .command('up')
    .summary(help.up)
    .description(described(speech, help.up, 'up'))
    .option('--http <port>', help.http)
    .option('--http-host <address>', help.httpHost)
    .option('--tcp <port>', help.tcp)
    .option('--ws <port>', help.ws)
    .option('--webrtc <port>', help.webrtc)
    .option('--no-mdns', help.noMdns)
    .option('--name <name>', help.name)
    .option('--unit <unit>', help.unit)
    .option('--group-title <title>', help.groupTitle)
    .option('--group-kind <kind>', help.groupKind)
    .option('--no-first-group', help.noFirstGroup)
    .option('--uses <count>', help.uses)
    .option('--expires <time>', help.expires)
    .option('--show-link', help.showLink)
    .action((flags: UpFlags) =>
      run(
        context => up(context, flags.showLink === true),
        {
          'http.port': flags.http,
          'http.host': flags.httpHost,
          'peer.tcp': flags.tcp,
          'peer.ws': flags.ws,
          'peer.webrtc': flags.webrtc,
          'peer.mdns': flags.mdns ? undefined : 'false',
          name: flags.name,
          unit: flags.unit,
          'first-group.title': flags.groupTitle,
          'first-group.kind': flags.groupKind,
          'first-group.create': flags.firstGroup ? undefined : 'false',
          'invite.uses': flags.uses,
          'invite.expires': flags.expires,
        },
        { signals: true },
      ),
    )
}

/** How long a broken node may take to make the last batch durable and close its store. */
const brokenEndMillisMax = 10_000

const up = async (context: Context, showLink: boolean): Promise<ExitCode> => {
  const { settings, t } = context
  process.umask(0o077)
  const own = openOwnDataDir(settings.dataDir)
  if (!own.ok) return context.fail(accessFailure(context, own.error))
  if (context.isTerminal) context.talk(context.style.dim(t.up.starting))
  const ending = watchEnd(context)
  const { freshInvite, settleFirstGroup, startDaemon } = await import('../daemon.ts')
  const troubled = (reason: unknown): void => {
    context.talk(thrownFailure(context, reason).what)
    if (context.flags.verbose && reason instanceof Error) context.talk(reason.stack ?? '')
  }
  // A promise that some connection left behind must not end the conversation of everybody else. The core has its own way to
  // stop this peer: drive.finished.
  process.on('unhandledRejection', troubled)
  let broken: unknown
  const end = (reason: unknown): void => {
    broken ??= reason ?? new Error('unknown')
    ending.end()
  }
  // What was thrown where nobody catches may have left anything half done: an end in order, or after a while without it.
  process.on('uncaughtException', reason => {
    end(reason)
    setTimeout(() => process.exit(exitCodes.internal), brokenEndMillisMax).unref()
  })
  const daemon = await startDaemon({ settings, own: own.value, speech: context, troubled })
  if (!daemon.ok) return context.fail(daemon.error)
  const { host, stop } = daemon.value
  host.drive.finished.catch(end)
  await settleFirstGroup(host.drive, settings, t)
  const made = await freshInvite(daemon.value, settings)
  greet(context, daemon.value, made, showLink)
  const news = watchNews(context, host.drive)
  const { environment } = settings
  const isTold = await tellServiceManager(
    environment,
    'READY=1',
    `STATUS=${daemon.value.status().origins.join(' ')}`,
  )
  if (!isTold) context.talk(t.up.serviceNotTold)
  await ending.came
  news.stop()
  context.talk(`\n${t.up.stopping}`)
  await tellServiceManager(environment, 'STOPPING=1')
  await stop()
  ending.release()
  if (broken !== undefined) return context.fail(thrownFailure(context, broken))
  context.talk(t.up.stopped)
  context.record('stopped', {})
  return exitCodes.done
}

/** Said for a day: the command that noticed may have been another one. */
const isRecent = (wall: number | undefined): boolean =>
  wall !== undefined && Date.now() - wall < 86_400_000

const greet = (
  context: Context,
  daemon: Daemon,
  made: FreshInvite | undefined,
  showLink: boolean,
): void => {
  const { settings, t } = context
  const { host, status, webPort } = daemon
  const isShown = showLink || (context.isTerminal && !context.flags.json)
  const file =
    made === undefined || isShown
      ? undefined
      : inviteFile(host.dataDir, made.group.group.slice(0, 8))
  if (file !== undefined) writeInviteFile(file, made?.links[0] ?? '')
  const { origins, peer, addresses } = status()
  const wanted = settings.number('http.port')
  const notes = [
    ...(wanted !== 0 && wanted !== webPort ? [t.up.portMoved('HTTP', wanted, webPort)] : []),
    ...host.taken.map(({ transport, wanted: port }) => t.up.portElsewhere(transport, port)),
    ...(isRecent(host.movedAt) ? [t.place.moved] : []),
  ]
  const { name } = host.drive.app()
  context.print(
    greetingText(context, {
      version,
      name,
      peer,
      dataDir: host.dataDir,
      ports: portsOf(addresses),
      origins,
      webMissing: daemon.webMissing,
      notes,
      invite: made === undefined ? undefined : { ...made, file },
    }),
  )
  context.record('up', {
    version,
    pid: process.pid,
    peer,
    addresses,
    origins,
    dataDir: host.dataDir,
    ...(made !== undefined && {
      group: made.group.group,
      title: made.group.title,
      uses: made.uses,
      notAfter: rfc3339(made.notAfter),
      ...(file === undefined ? { links: made.links } : { linkFile: file }),
    }),
  })
}

const portsOf = (addresses: readonly string[]): readonly string[] => {
  const port = (pattern: RegExp): string | undefined =>
    addresses.map(address => pattern.exec(address)?.[1]).find(text => text !== undefined)
  const found = [
    ['TCP', port(/\/tcp\/(\d+)$/)],
    ['WebSocket', port(/\/tcp\/(\d+)\/ws/)],
    ['WebRTC', port(/\/udp\/(\d+)\/webrtc-direct/)],
  ]
  return found.filter(([, number]) => number !== undefined).map(pair => pair.join(' '))
}

/** One press of Ctrl-C may reach us twice, from the terminal and from whoever started us. */
const samePressMillis = 400

const watchEnd = (context: Context) => {
  let end = (): void => undefined
  const came = new Promise<void>(resolve => {
    end = resolve
  })
  let firstAt: number | undefined
  const asked = (): void => {
    if (firstAt === undefined) firstAt = performance.now()
    else if (performance.now() - firstAt > samePressMillis) {
      context.talk(context.t.up.forced)
      process.exit(exitCodes.interrupted)
    }
    end()
  }
  process.on('SIGINT', asked)
  process.on('SIGTERM', asked)
  process.on('SIGHUP', asked)
  const { timeout } = context.flags
  const timer = new AbortController()
  if (timeout !== undefined) {
    wait(timeout, undefined, { signal: timer.signal }).then(end, () => undefined)
  }
  const release = (): void => {
    timer.abort()
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.off(name, asked)
  }
  return { came, end, release }
}
