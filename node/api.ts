/** What the terminal asks of a peer, as requests with JSON bodies: the same routes serve a daemon's unix socket and a store
 *  opened for one command. Everything that comes in is unknown until it is read here. Errors carry a code and no content. */
import { groupId, millis } from '#protocol'
import { inviteLink } from '#shell'
import type {
  AppView,
  GroupId,
  GroupView,
  Intent,
  IntentAnswer,
  Refusal,
  RefusalType,
} from '#protocol'
import type { Host } from './host.ts'
import { answerOf } from './answer.ts'
import { inviteAddresses, lanAddresses } from './invites.ts'
import { apiVersion } from './api-path.ts'
import { readFields } from './fields.ts'
import type { Fields } from './fields.ts'
import { followLedger, followMessages } from './follow.ts'
import type { LedgerNews, MessageNews } from './follow.ts'
import { verifyStore } from './verify.ts'
import type { VerifyReport } from './verify.ts'

/** What the process around the peer knows of itself. */
export type NodeStatus = {
  readonly version: string
  readonly pid: number
  readonly startedAt: string
  readonly dataDir: string
  readonly protection: 'file-permissions'
  readonly online: boolean
  readonly peer: string
  readonly addresses: readonly string[]
  readonly origins: readonly string[]
  /** When it was last noticed that the data directory is a copy, was restored or moved; RFC 3339. */
  readonly movedAt?: string
}

export type ApiRequest = {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body: unknown
  readonly signal: AbortSignal
}

/** Each route's answer by name, so that both ends agree. */
export type ApiAnswers = {
  readonly status: { readonly node: NodeStatus; readonly app: AppView }
  readonly group: GroupView
  readonly done: { readonly type: 'done' }
  readonly created: { readonly group: GroupId }
  readonly invited: {
    /** For other devices first, for this machine last. */
    readonly links: readonly string[]
    readonly notAfter: number
  }
  readonly joining: { readonly group: GroupId }
  readonly saved: { readonly message: string; readonly waiting: boolean }
  readonly verified: VerifyReport
}

export type ApiReply =
  | { readonly type: 'object'; readonly body: object }
  | { readonly type: 'stream'; readonly lines: AsyncIterable<MessageNews | LedgerNews> }
  | {
      readonly type: 'error'
      readonly status: number
      readonly code: string
      readonly detail?: string
    }

export type Api = (request: ApiRequest) => Promise<ApiReply>

const error = (status: number, code: string, detail?: string): ApiReply =>
  detail === undefined ? { type: 'error', status, code } : { type: 'error', status, code, detail }

const object = (body: ApiAnswers[keyof ApiAnswers]): ApiReply => ({
  type: 'object',
  body,
})

/** HTTP status by refusal (reliability-security.md 4.2); 409 for the rest. */
const statuses: Readonly<Partial<Record<RefusalType, number>>> = {
  'not-found': 404,
  'group-unknown': 404,
  'not-member': 403,
  'not-authorised': 403,
  locked: 423,
  'storage-failed': 507,
}

const refused = (refusal: Refusal): ApiReply =>
  error(statuses[refusal.type] ?? 409, refusal.type, refusal.detail)

export const createApi = (host: Host, status: () => NodeStatus): Api => {
  const { drive } = host

  const dispatch = async <Type extends IntentAnswer['type']>(
    fields: Fields,
    intent: Intent,
    type: Type,
    shape: (answer: Extract<IntentAnswer, { type: Type }>) => ApiReply,
  ): Promise<ApiReply> => {
    const fault = fields.fault()
    if (fault !== undefined) return error(400, 'bad-field', fault)
    const answer = await answerOf(drive, intent)
    if (answer === undefined) return error(507, 'not-saved-yet')
    if (!answer.ok) return refused(answer.error)
    const isExpected = (value: IntentAnswer): value is Extract<IntentAnswer, { type: Type }> =>
      value.type === type
    return isExpected(answer.value) ? shape(answer.value) : error(500, 'internal')
  }

  const createInvite = (group: GroupId, fields: Fields): Promise<ApiReply> => {
    const intent: Intent = {
      type: 'create-invite',
      group,
      maxUses: fields.whole('uses', 1, 1_000),
      validFor: millis(fields.whole('validFor', 1, 3_650 * 86_400_000)),
      libp2pKey: host.publicKey,
      addresses: inviteAddresses(host.addresses(), lanAddresses()),
    }
    return dispatch(fields, intent, 'invited', ({ token, notAfter }) =>
      object({
        links: status().origins.map(origin => inviteLink(origin, token)),
        notAfter,
      }),
    )
  }

  const join = (fields: Fields): Promise<ApiReply> => {
    const token = new Uint8Array(Buffer.from(fields.text('token', 400), 'base64url'))
    const intent: Intent = {
      type: 'join',
      token,
      name: fields.text('name', 1_024),
      unit: fields.text('unit', 1_024),
    }
    return dispatch(fields, intent, 'joining', ({ group }) => object({ group }))
  }

  const send = (group: GroupId, fields: Fields): Promise<ApiReply> => {
    const priority = fields.choice('priority', ['flash', 'urgent', 'routine', 'bulk'])
    const intent: Intent = { type: 'send-text', group, text: fields.text('text', 65_536), priority }
    return dispatch(fields, intent, 'saved', ({ message, waiting }) => object({ message, waiting }))
  }

  const createGroup = (fields: Fields): Promise<ApiReply> => {
    const intent: Intent = {
      type: 'create-group',
      name: fields.text('name', 1_024),
      purpose: fields.text('purpose', 4_096),
      kind: fields.choice('kind', ['emergency', 'special', 'temporary', 'daily']),
    }
    return dispatch(fields, intent, 'group-created', ({ group }) => object({ group }))
  }

  const setProfile = (fields: Fields): Promise<ApiReply> => {
    const name = fields.text('name', 1_024)
    const intent: Intent = { type: 'set-profile', name, unit: fields.text('unit', 1_024) }
    return dispatch(fields, intent, 'done', () => object({ type: 'done' }))
  }

  const tail = (fields: Fields, signal: AbortSignal): ApiReply => {
    const wanted = {
      groups: fields.texts('groups', 256).map(groupId),
      since: fields.whole('since', 0, Number.MAX_SAFE_INTEGER),
      newest: fields.whole('newest', 0, 10_000),
      follow: fields.flag('follow'),
    }
    const fault = fields.fault()
    if (fault !== undefined) return error(400, 'bad-field', fault)
    return { type: 'stream', lines: followMessages(drive, wanted, signal) }
  }

  const get = async (path: readonly string[], request: ApiRequest): Promise<ApiReply> => {
    const [first, id, second, message, third] = path
    const { signal } = request
    if (first === 'status' && path.length === 1) {
      return object({ node: status(), app: drive.app() })
    }
    if (first !== 'groups' || id === undefined) return error(404, 'not-found')
    const view = drive.group(groupId(id))
    if (view === undefined) return error(404, 'not-found')
    if (path.length === 2) return object(view)
    if (second !== 'messages' || message === undefined || third !== 'ledger' || path.length !== 5) {
      return error(404, 'not-found')
    }
    return { type: 'stream', lines: followLedger(drive, groupId(id), message, signal) }
  }

  const post = async (path: readonly string[], request: ApiRequest): Promise<ApiReply> => {
    const fields = readFields(request.body)
    const [first, id = '', second] = path
    switch (path.length === 3 ? `${first}/:id/${second}` : path.join('/')) {
      case 'profile':
        return setProfile(fields)
      case 'groups':
        return createGroup(fields)
      case 'groups/:id/invites':
        return createInvite(groupId(id), fields)
      case 'groups/:id/messages':
        return send(groupId(id), fields)
      case 'joins':
        return join(fields)
      case 'tail':
        return tail(fields, request.signal)
      case 'verification':
        return object(await verifyStore(host))
      default:
        return error(404, 'not-found')
    }
  }

  return request => {
    const [root, version, ...path] = request.path.split('/').slice(1)
    if (root !== 'api' || version !== `v${apiVersion}`) {
      return Promise.resolve(error(404, 'not-found'))
    }
    return request.method === 'GET' ? get(path, request) : post(path, request)
  }
}
