/** Operations for tests, written as the core writes them: one log of one author from a seed, sealed and signed. */
import { type GroupId, bytesToHex } from '../../protocol/core/base.ts'
import { type Fact, encodeFact } from '../../protocol/core/fact.ts'
import { type Cryptography, nobleCryptography } from '../../protocol/core/crypto.ts'
import { encodeBody } from '../../protocol/core/body.ts'
import {
  type GenesisClear,
  type RootFields,
  authorOf,
  encodeGenesisClear,
  groupOf,
  writeMessage,
} from '../../protocol/core/genesis.ts'
import { type EpochKeys, epochKeys } from '../../protocol/core/epoch.ts'
import {
  type Op,
  type OpHeader,
  assembleOp,
  firstPrev,
  idPrefix,
  kinds,
  sealPayload,
  signOp,
} from '../../protocol/core/op.ts'
import { seededRandom } from '../../protocol/core/random.ts'

export const firstHlc = 1_790_000_000_000

export type TestGroup = {
  readonly gid: GroupId
  readonly epoch: EpochKeys
  readonly root: RootFields
  readonly creatorSecret: Uint8Array
}

/** A group of its own for a seed: its creator's key, its first epoch and the id they make. */
export const testGroup = (seed: string, cryptography: Cryptography = nobleCryptography) => {
  const random = seededRandom(`group ${seed}`)
  const creatorSecret = random.bytes(32)
  const epoch = epochKeys(random.bytes(32), cryptography)
  const policyHash = random.bytes(32)
  const root = { writeKey: epoch.writePublic, policyHash, random: random.bytes(16) }
  const gid = groupOf(cryptography.publicKey(creatorSecret), root)
  return { gid, epoch, root, creatorSecret }
}

export type TestLog = {
  readonly group: TestGroup
  readonly author: Op['author']
  readonly publicKey: Uint8Array
  /** The next operation of the log; `change` replaces parts of its header. */
  readonly write: (payload: Uint8Array, change?: Partial<OpHeader>) => Op
  readonly say: (text: string, change?: Partial<OpHeader>) => Op
  readonly genesis: (change?: Partial<GenesisClear>) => Op
  /** Signs whatever it is given. */
  readonly sign: (op: Op) => Op
  readonly header: (change?: Partial<OpHeader>) => OpHeader
}

/** `secret`: the author's seed; the creator's when left out. */
export const testLog = (
  group: TestGroup,
  secret: Uint8Array = group.creatorSecret,
  cryptography: Cryptography = nobleCryptography,
): TestLog => {
  const { gid, epoch } = group
  const publicKey = cryptography.publicKey(secret)
  const author = authorOf(gid, publicKey)
  const isCreator = bytesToHex(secret) === bytesToHex(group.creatorSecret)
  let seq = 0
  let hlc = firstHlc
  let prev: Uint8Array = firstPrev
  const header = (change: Partial<OpHeader> = {}): OpHeader => ({
    kind: kinds.fact,
    priority: 'routine',
    author,
    seq,
    hlc,
    prev,
    keyId: epoch.keyId,
    ...change,
  })
  const sign = (op: Op): Op => signOp(op, message => cryptography.sign(secret, message))
  const append = (op: Op): Op => {
    seq = op.seq + 1
    hlc = op.hlc + 60_000
    prev = idPrefix(op).slice()
    return op
  }
  const write = (payload: Uint8Array, change: Partial<OpHeader> = {}): Op =>
    append(sign(assembleOp(gid, header(change), payload, undefined)))
  const say = (text: string, change: Partial<OpHeader> = {}): Op => {
    const fact: Fact = { type: 'message', text }
    const body = encodeBody({ deps: [], cbor: encodeFact(fact) })
    return write(sealPayload(epoch.content, header(change), body), change)
  }
  const genesis = (change: Partial<GenesisClear> = {}): Op => {
    const clear = encodeGenesisClear({
      authorKey: publicKey,
      epoch: epoch.id,
      writeSignature: cryptography.sign(epoch.writeSecret, writeMessage(gid, publicKey)),
      root: isCreator ? group.root : undefined,
      ...change,
    })
    const first = header({ kind: kinds.genesis })
    const sealed = sealPayload(epoch.control, first, Uint8Array.of(1, 2, 3), clear)
    return append(sign(assembleOp(gid, first, sealed, undefined)))
  }
  return { group, author, publicKey, write, say, genesis, sign, header }
}

/** The same operation as it stands inside a run. */
export const unsigned = (op: Op): Op => ({ ...op, signature: undefined })
