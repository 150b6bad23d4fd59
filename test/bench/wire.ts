/** How many bytes one message of 100 characters costs on the wire: alone in gossip, and in runs during bulk sync. The text is
 *  letters drawn by chance, which no compression makes smaller: the worst case of a plain message. */
import { randomBytes } from 'node:crypto'
import { authorId, bytesToHex, groupId, idBytes } from '../../protocol/core/base.ts'
import { encodeBody, type Dep } from '../../protocol/core/body.ts'
import { encodeFact } from '../../protocol/core/fact.ts'
import {
  assembleOp,
  encodeOp,
  encodeRun,
  firstPrev,
  kinds,
  sealPayload,
  signOp,
  type Op,
  type OpHeader,
} from '../../protocol/core/op.ts'
import { createNodeCryptography } from '../../node/cryptography.ts'
import { round, type Figure } from './figure.ts'

const textLength = 100
const authors = 50
const opsPerAuthor = 20
/** A log in use for a while: its seq takes two bytes. */
const firstSeq = 1_000

const alphabet = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,'
const randomText = (): string =>
  [...randomBytes(textLength)].map(byte => alphabet[byte & 63] ?? ' ').join('')
const newAuthor = () => authorId(bytesToHex(randomBytes(8)))
const cryptography = createNodeCryptography()

type Log = { readonly write: (text: string, deps?: readonly Dep[]) => Op }

const createLog = (): Log => {
  const secret = randomBytes(32)
  const key = randomBytes(32)
  const author = newAuthor()
  const gid = groupId(bytesToHex(randomBytes(16)))
  const keyId = randomBytes(4)
  let seq = firstSeq
  let prev: Uint8Array = firstPrev
  let hlc = 1_795_000_000_000
  return {
    write: (text, deps = []) => {
      hlc += 60_000
      const header: OpHeader = {
        kind: kinds.fact,
        priority: 'routine',
        author,
        seq,
        hlc,
        prev,
        keyId,
      }
      const body = encodeBody({ deps, cbor: encodeFact({ type: 'message', text }) })
      const plain = assembleOp(gid, header, sealPayload(key, header, body), undefined)
      const op = signOp(plain, message => cryptography.sign(secret, message))
      seq += 1
      prev = idBytes(op.id).slice(0, 16)
      return op
    },
  }
}

export const run = async function* (): AsyncIterable<Figure> {
  const conditions = `${textLength} random letters (incompressible), seq from ${firstSeq}`
  const plain = encodeOp(createLog().write(randomText())).length
  yield { figure: 'gossip_bytes', value: plain, unit: 'B', bar: { atMost: 226 }, conditions }

  const deps = Array.from({ length: 8 }, () => ({ author: newAuthor(), seq: firstSeq }))
  const busy = encodeOp(createLog().write(randomText(), deps)).length
  yield { figure: 'gossip8_bytes', value: busy, unit: 'B', conditions: `${conditions}, 8 deps` }

  let bytes = 0
  for (let author = 0; author < authors; author++) {
    const log = createLog()
    const ops = Array.from({ length: opsPerAuthor }, () => log.write(randomText()))
    bytes += encodeRun(ops).length
  }
  yield {
    figure: 'run_bytes_per_op',
    value: round(bytes / authors / opsPerAuthor, 1),
    unit: 'B',
    bar: { atMost: 150 },
    conditions: `${conditions}, ${authors} authors × ${opsPerAuthor} ops, one run an author, signed at its end`,
  }

  const chinese = '请各组十五分钟内撤离到二号高地，清点人数后立即回报指挥部。'
  const sentence =
    'Bring the pumps to the east gate, the water has risen 40 cm since noon; call back when you are there.'
  for (const [figure, text] of [
    ['gossip_sentence_bytes', sentence.slice(0, textLength)],
    ['gossip_chinese_bytes', chinese],
  ] as const) {
    yield {
      figure,
      value: encodeOp(createLog().write(text)).length,
      unit: 'B',
      conditions: `${text.length} characters of ordinary text: «${text.slice(0, 20)}…»`,
    }
  }
}
