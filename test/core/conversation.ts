/** One small conversation from the first key to the last frame, with every secret given: what somebody who implements Petrel
 *  in another language replays (protocol/vectors/conversation.json). Ann creates a group, Bo joins with her link, both write,
 *  and in a later contact Ann brings Bo up to date. */
import { type AuthorId, idBytes, utf8ToBytes } from '../../protocol/core/base.ts'
import { encodeBody } from '../../protocol/core/body.ts'
import { encodeCbor } from '../../protocol/core/cbor.ts'
import { type ControlBody, encodeControl, policyHash } from '../../protocol/core/control.ts'
import { authorKey, epochKeys, sealWelcome } from '../../protocol/core/epoch.ts'
import { type Fact, encodeFact } from '../../protocol/core/fact.ts'
import {
  authorOf,
  deviceMessage,
  encodeGenesisBody,
  encodeGenesisClear,
  groupOf,
  writeMessage,
} from '../../protocol/core/genesis.ts'
import { encodeInvite, peerIdOf } from '../../protocol/core/invite.ts'
import {
  encodeJoinRequest,
  inviteSecretFromSeed,
  joinRequestMessage,
} from '../../protocol/core/join.ts'
import { encodeJoinFrame, encodeSyncFrame } from '../../protocol/core/message.ts'
import {
  type Op,
  type OpHeader,
  assembleOp,
  encodeOp,
  firstPrev,
  idPrefix,
  kinds,
  sealPayload,
  signOp,
} from '../../protocol/core/op.ts'
import { type Random, seededRandom } from '../../protocol/core/random.ts'
import { createSlot, encodeSlot } from '../../protocol/core/slot.ts'
import { createStateDocument } from '../../protocol/core/state-document.ts'
import { inviteLink } from '../../protocol/shell/link.ts'
import { framesOfContact } from './contact.ts'
import { cryptography, device, policy, wall } from './people.ts'

/** One line of the vectors. */
type Step = { readonly name: string; readonly given: object; readonly bytes: Uint8Array }

const secretOf = (name: string): Uint8Array => seededRandom(`conversation ${name}`).bytes(32)
const seed = secretOf('invite').slice(0, 16)
const epoch = epochKeys(secretOf('epoch'), cryptography)
const person = (name: string) => {
  const authorSecret = secretOf(`author of ${name}`)
  const libp2pKey = cryptography.publicKey(secretOf(`libp2p of ${name}`))
  const authorPublic = cryptography.publicKey(authorSecret)
  return { ...device(name), authorSecret, authorPublic, libp2pKey, peer: peerIdOf(libp2pKey) }
}
type Person = ReturnType<typeof person>
export const ann = person('Ann')
export const bo = person('Bo')

const root = {
  writeKey: epoch.writePublic,
  policyHash: policyHash(policy),
  random: secretOf('group').slice(0, 16),
}
export const gid = groupOf(ann.authorPublic, root)
const inviteSecret = inviteSecretFromSeed(seed)
const invitePublic = cryptography.publicKey(inviteSecret)
export const texts = { bo: '收到，我们十分钟后出发。', ann: 'Take the north road.' } as const
export const title = '防汛一组（北线）'

/** A log and what it wrote; each write is one step. */
const createLog = (writer: Person, steps: Step[]) => {
  const author = authorOf(gid, writer.authorPublic)
  const ops: Op[] = []
  const write = (
    name: string,
    kind: number,
    priority: OpHeader['priority'],
    payload: (header: OpHeader) => Uint8Array,
    given: object,
  ): Op => {
    const last = ops.at(-1)
    const header: OpHeader = {
      kind,
      priority,
      author,
      seq: ops.length,
      hlc: wall + steps.length * 1_000,
      prev: last === undefined ? firstPrev : idPrefix(last).slice(),
      keyId: epoch.keyId,
    }
    const bare = assembleOp(gid, header, payload(header), undefined)
    const op = signOp(bare, message => cryptography.sign(writer.authorSecret, message))
    ops.push(op)
    steps.push({ name, given: { ...header, ...given, id: op.id }, bytes: encodeOp(op) })
    return op
  }
  const sealed = (key: Uint8Array, body: Uint8Array, clear?: Uint8Array) => (header: OpHeader) =>
    sealPayload(authorKey(key, author), header, body, clear)
  return {
    author,
    ops,
    genesis: (name: string, isRoot: boolean): Op => {
      const clear = encodeGenesisClear({
        authorKey: writer.authorPublic,
        epoch: epoch.id,
        writeSignature: cryptography.sign(
          epoch.writeSecret,
          writeMessage(gid, writer.authorPublic),
        ),
        root: isRoot ? root : undefined,
      })
      const body = encodeGenesisBody({
        incarnation: 0,
        certificate: writer.certificate,
        deviceSignature: cryptography.sign(
          writer.secret,
          deviceMessage(gid, writer.authorPublic, 0),
        ),
      })
      return write(name, kinds.genesis, 'routine', sealed(epoch.control, body, clear), {
        clear,
        body,
      })
    },
    control: (name: string, body: ControlBody): Op => {
      const bytes = encodeControl(body)
      return write(name, kinds.control, 'urgent', sealed(epoch.control, bytes), { body: bytes })
    },
    open: (name: string, payload: Uint8Array, given: object): Op =>
      write(name, kinds.epoch, 'urgent', () => payload, given),
    fact: (
      name: string,
      fact: Fact,
      deps: readonly { readonly author: AuthorId; readonly seq: number }[],
      priority: OpHeader['priority'] = 'routine',
    ): Op => {
      const body = encodeBody({ deps, cbor: encodeFact(fact) })
      const given = { fact, deps, body }
      return write(name, kinds.fact, priority, sealed(epoch.content, body), given)
    },
    state: (name: string, update: Uint8Array): Op =>
      write(name, kinds.state, 'routine', sealed(epoch.content, update), { body: update }),
  }
}

const drawing = (bytes: Uint8Array): Random => ({ bytes: () => bytes.slice() })
const headOf = (op: Op): Uint8Array => idPrefix(op).slice()

const joinRequest = () => {
  const nonce = secretOf('join').slice(0, 16)
  const { certificate, keyBundle, secret } = bo
  const signed = joinRequestMessage(gid, invitePublic, certificate, keyBundle, nonce)
  const inviteSignature = cryptography.sign(inviteSecret, signed)
  const deviceSignature = cryptography.sign(secret, signed)
  const request = { invitePublic, certificate, keyBundle, nonce, inviteSignature, deviceSignature }
  return { signed, request, bytes: encodeJoinRequest({ gid, ...request }) }
}

type Conversation = {
  readonly steps: readonly Step[]
  readonly ops: readonly Op[]
  readonly token: Uint8Array
  readonly answer: Uint8Array
  /** What Ann sends in the second contact. */
  readonly frames: readonly Uint8Array[]
}

export const createConversation = (): Conversation => {
  const steps: Step[] = []
  const { secret: epochSecret, content, control, slot: slotSecret, writeSecret, topic } = epoch
  const people = [ann, bo].map(({ secret, prekeySecret, authorSecret, peer }) => {
    const author = authorOf(gid, cryptography.publicKey(authorSecret))
    return { deviceSecret: secret, prekeySecret, authorSecret, author, peer }
  })
  const derived = { content, control, slot: slotSecret, writeSecret, topic }
  steps.push({
    name: 'secrets',
    given: { ann: people[0], bo: people[1], epochSecret, seed, derived, inviteSecret },
    bytes: idBytes(gid),
  })
  const annLog = createLog(ann, steps)
  const boLog = createLog(bo, steps)
  const rootOp = annLog.genesis('Ann begins the root log', true)
  const create = annLog.control('Ann creates the group', {
    type: 'create',
    heads: [],
    policy,
    certificate: ann.certificate,
    keyBundle: ann.keyBundle,
  })
  const invite = annLog.control('Ann invites', {
    type: 'invite',
    heads: [headOf(create)],
    invitePublic,
    role: 'member',
    maxUses: 1,
    notAfter: wall + 86_400_000,
    needApproval: false,
  })
  const address = { transport: 'ws', host: '192.168.1.20', port: 8080 } as const
  const notAfter = wall
  const { libp2pKey } = ann
  const token = encodeInvite({ group: gid, seed, libp2pKey, notAfter, addresses: [address] })
  steps.push({ name: 'token', given: { libp2pKey, notAfter, address }, bytes: token })
  const link = inviteLink('http://192.168.1.20:8080', token)
  steps.push({ name: 'link', given: { text: link }, bytes: utf8ToBytes(link) })
  const { signed, request, bytes: requestBytes } = joinRequest()
  steps.push({
    name: 'Bo asks to be let in',
    given: { signed, ...request },
    bytes: encodeJoinFrame({ type: 'join-request', request: requestBytes }),
  })
  annLog.control('Ann admits Bo', {
    type: 'admit',
    heads: [headOf(invite)],
    ...request,
  })
  const ephemeralSecret = secretOf('ephemeral')
  const { id, prekey } = bo
  const secrets = [epochSecret]
  const random = drawing(ephemeralSecret)
  const welcome = sealWelcome({ gid, device: id, prekey, secrets, random })
  if (!welcome.ok) throw new Error(welcome.error.type)
  const given = { ephemeralSecret, secrets, payload: welcome.value }
  const welcomeOp = annLog.open('Ann seals the key to Bo', welcome.value, given)
  const opening = [rootOp, welcomeOp].map(encodeOp)
  const answer = encodeJoinFrame({ type: 'join-answer', gid, ops: opening })
  steps.push({ name: 'Ann answers Bo', given: {}, bytes: answer })
  boLog.genesis('Bo begins a log', false)
  boLog.fact('Bo writes', { type: 'message', text: texts.bo }, [])
  const dep = { author: boLog.author, seq: 1 }
  annLog.fact('Ann writes', { type: 'message', text: texts.ann, replyTo: dep }, [dep], 'flash')
  const annHead = { author: annLog.author, seq: 5 }
  const range = { author: annLog.author, from: 5, to: 5 }
  boLog.fact('Bo acknowledges', { type: 'ack', delivered: [range], displayed: [range] }, [annHead])
  const update = createStateDocument(gid).edit(annLog.author, { type: 'title', text: title })
  annLog.state('Ann renames the group', update)
  const presence = encodeCbor([0, 2, ann.peer, []])
  const head = { author: annLog.author, number: 0, hlc: wall, ttlSeconds: 1_800 }
  const slot = createSlot(gid, { ...head, keyId: epoch.keyId }, epoch.slot, presence, message =>
    cryptography.sign(ann.authorSecret, message),
  )
  steps.push({ name: 'Ann is in the field', given: { body: presence }, bytes: encodeSlot(slot) })
  const ops = [...annLog.ops, ...boLog.ops]
  const frames = framesOfContact({
    gid,
    ops,
    slot: encodeSlot(slot),
    nonce: secretOf('hello').slice(0, 16),
    sender: ann.peer,
    receiver: bo.peer,
  }).map((frame, index) => {
    const bytes = encodeSyncFrame(frame)
    steps.push({ name: `frame ${index + 1} ${frame.type}`, given: frame, bytes })
    return bytes
  })
  return { steps, ops, token, answer, frames }
}
