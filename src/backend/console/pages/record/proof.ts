// What the chain shows of one record, computed here and not believed: every hash of its batch again, from the texts, up to the signed
// head. docs/audit.md says what is hashed and what is signed. The browser's own SHA-256 and Ed25519 do the arithmetic.
import { COUNTS } from '../../../client/answers.ts'
import { type AuditRecordAnswer, parseExactJson } from '../../../client/index.ts'
import { grouped } from '../../ui/formats.ts'
import type { ChainLink, RecordRow, SignedHead, Stretch } from './chain-file.ts'

export const NO_HASH = '0'.repeat(64)

/** `unknown`: nothing that could show it is there. */
export type Found = 'good' | 'bad' | 'unknown'

export interface ProofStep {
  readonly name: 'shown' | 'hash' | 'before' | 'after' | 'head' | 'signature'
  readonly found: Found
  readonly title: string
  /** A hash, shortened where it is shown; or a few words. */
  readonly fact: string
  /** Whole texts, for who wants to compute it elsewhere. */
  readonly details: readonly { readonly label: string; readonly text: string }[]
}

/** The first record of the batch that is not as it was sealed. */
export interface FirstBad {
  readonly auditId: string
  readonly sequence: number
  readonly sentence: string
  readonly stored: string
  readonly computed: string
}

export interface Proof {
  readonly proved: boolean
  readonly steps: readonly ProofStep[]
  readonly firstBad: FirstBad | null
  readonly before: Place | null
  readonly after: Place | null
  readonly head: SignedHead | null
}

/** A neighbour in the chain. */
export interface Place {
  readonly sequence: number
  readonly hash: string
  /** Null: it is in another batch, of which only the signed end is known here. */
  readonly auditId: string | null
}

/** A public key, as an auditor was given it. */
export interface PublicKey {
  readonly keyId: string
  readonly key: CryptoKey
}

/** Whether this page may compute: browsers give the means to pages over TLS, and to those of this very machine. */
export function canCompute(): boolean {
  return (globalThis.crypto as Crypto | undefined)?.subtle !== undefined
}

/** The one text that a record makes, in which its own text stands by its digest. */
export async function hashedText(prevHash: string, sequence: number, row: RecordRow): Promise<string> {
  const columns = [
    row.audit_id,
    row.record_type,
    row.schema_version,
    row.occurred_at,
    row.recorded_at,
    row.client_id,
    row.ticker,
    row.position_value,
    row.borrow_rate,
    row.total_fee,
    row.request_id,
    row.actor_id,
    await sha256(row.record),
  ]
  return `borrow-rate-engine record 1\n${prevHash}\n${sequence}\n${JSON.stringify(columns)}`
}

export function signedText({ sequence, firstSequence, hash, signedAt }: SignedHead): string {
  return `borrow-rate-engine head 1\n${sequence}\n${firstSequence}\n${hash}\n${signedAt}`
}

/** Of a text's UTF-8, 64 hex digits. */
export async function sha256(text: string): Promise<string> {
  return hex(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
}

/** @param keys those that the person trusts; without the one that signed, the signature stays unknown */
export async function prove(
  auditId: string,
  shown: AuditRecordAnswer,
  stretch: Stretch,
  keys: readonly PublicKey[] = [],
): Promise<Proof> {
  const at = stretch.links.findIndex((link) => link.auditId === auditId)
  const link = stretch.links[at]
  if (link === undefined) throw new Error('The record is not in the stretch of the chain that was read.')
  const before = placeBefore(stretch, at)
  const { after, head } = stretch
  const batch = await followBatch(stretch)
  const steps = [
    stepShown(shown, link),
    await stepHash(link),
    stepBefore(link, before),
    stepAfter(link, after),
    stepHead(link, head, batch),
    await stepSignature(head, keys),
  ]
  return {
    proved: batch.firstBad === null && steps.every(({ found }) => found !== 'bad'),
    steps,
    firstBad: batch.firstBad,
    before,
    after: after === null ? null : { sequence: after.sequence, hash: after.hash, auditId: after.auditId },
    head,
  }
}

/** Whether the answer that the screen shows is the text that the chain holds. */
function stepShown(shown: AuditRecordAnswer, link: ChainLink): ProofStep {
  const { row } = link
  const same =
    row !== null &&
    shown.sequence === link.sequence &&
    shown.hash === link.hash &&
    shown.prev_hash === link.prevHash &&
    shown.recorded_at === row.recorded_at &&
    isText(row.record, shown.record)
  return {
    name: 'shown',
    found: same ? 'good' : 'bad',
    title: same ? 'What is shown is what is chained' : 'What is shown is not what is chained',
    fact: `place ${grouped(String(link.sequence))}`,
    details: [],
  }
}

function isText(text: string, read: unknown): boolean {
  try {
    return JSON.stringify(parseExactJson(text, COUNTS)) === JSON.stringify(read)
  } catch {
    return false // an altered text may be no JSON any more
  }
}

async function stepHash(link: ChainLink): Promise<ProofStep> {
  if (link.row === null) {
    const details = [{ label: 'Stored', text: link.hash }]
    return { name: 'hash', found: 'bad', title: 'The record is gone', fact: link.hash, details }
  }
  const text = await hashedText(link.prevHash, link.sequence, link.row)
  const computed = await sha256(text)
  const same = computed === link.hash
  return {
    name: 'hash',
    found: same ? 'good' : 'bad',
    title: same ? 'Hash of the record matches' : 'Hash of the record does not match',
    fact: computed,
    details: [
      { label: 'Stored', text: link.hash },
      { label: 'Computed here', text: computed },
      { label: 'Text that is hashed, UTF-8', text },
      { label: 'Text of the record, whose SHA-256 is the last in it', text: link.row.record },
    ],
  }
}

function stepBefore(link: ChainLink, before: Place | null): ProofStep {
  const hash = before?.hash ?? NO_HASH
  const same = link.prevHash === hash
  const title =
    before === null
      ? same
        ? 'It is the first of the chain'
        : 'It is not linked to the start of the chain'
      : same
        ? 'Its previous hash is the record before'
        : 'Its previous hash is not the record before'
  return {
    name: 'before',
    found: same ? 'good' : 'bad',
    title,
    fact: link.prevHash,
    details: [
      { label: before === null ? 'Before the first record' : `Hash at place ${before.sequence}`, text: hash },
      { label: 'Named by this record', text: link.prevHash },
    ],
  }
}

function stepAfter(link: ChainLink, after: ChainLink | null): ProofStep {
  if (after === null) {
    return { name: 'after', found: 'unknown', title: 'No record stands after it yet', fact: 'newest', details: [] }
  }
  const same = after.prevHash === link.hash && after.sequence === link.sequence + 1
  return {
    name: 'after',
    found: same ? 'good' : 'bad',
    title: same ? 'The record after names this hash' : 'The record after names another hash',
    fact: after.prevHash,
    details: [
      { label: 'Hash of this record', text: link.hash },
      { label: `Named at place ${after.sequence}`, text: after.prevHash },
    ],
  }
}

function stepHead(link: ChainLink, head: SignedHead | null, { firstBad, end }: Followed): ProofStep {
  if (head === null) {
    return { name: 'head', found: 'bad', title: 'No signed head stands over it', fact: 'none', details: [] }
  }
  const good = firstBad === null && end === head.hash
  const on = head.sequence - link.sequence
  return {
    name: 'head',
    found: good ? 'good' : 'bad',
    title: good ? 'No break from here to the signed head' : 'The batch does not lead to its signed head',
    fact: on === 0 ? 'is the head' : `${on} record${on === 1 ? '' : 's'} on`,
    details: [
      { label: `Head at place ${head.sequence}`, text: head.hash },
      { label: 'Reached from the head before', text: end ?? 'not reached' },
    ],
  }
}

async function stepSignature(head: SignedHead | null, keys: readonly PublicKey[]): Promise<ProofStep> {
  if (head === null) {
    return { name: 'signature', found: 'unknown', title: 'No signature to check', fact: 'none', details: [] }
  }
  const details = [
    { label: 'Text that is signed, UTF-8', text: signedText(head) },
    { label: `Signature of key ${head.keyId}, base64`, text: head.signature },
  ]
  const known = keys.find(({ keyId }) => keyId === head.keyId)
  if (known === undefined) {
    return { name: 'signature', found: 'unknown', title: 'Signature: give the public key', fact: head.keyId, details }
  }
  const signature = Uint8Array.from(atob(head.signature), (character) => character.charCodeAt(0))
  const text = new TextEncoder().encode(signedText(head))
  const good = await crypto.subtle.verify('Ed25519', known.key, signature, text)
  return {
    name: 'signature',
    found: good ? 'good' : 'bad',
    title: good ? 'The head is signed with the key' : 'The head is not signed with the key',
    fact: head.keyId,
    details,
  }
}

/** How far a batch holds together. */
interface Followed {
  readonly firstBad: FirstBad | null
  /** Hash of the last record; null when it broke before. */
  readonly end: string | null
}

/** Each record of the batch from the one before it, and the first that does not follow. */
async function followBatch({ anchor, links, head }: Stretch): Promise<Followed> {
  let last = anchor?.hash ?? NO_HASH
  let expected = (anchor?.sequence ?? 0) + 1
  for (const { auditId, sequence, prevHash, hash, row } of links) {
    const bad = (sentence: string, computed: string): Followed => ({
      firstBad: { auditId, sequence, sentence, stored: hash, computed },
      end: null,
    })
    if (row === null) return bad(`The record at place ${sequence} is gone; its seal is still there.`, 'none')
    if (sequence !== expected) return bad(`Place ${expected} of the chain is empty.`, 'none')
    const computed = await sha256(await hashedText(last, sequence, row))
    if (computed !== hash) return bad(`The record at place ${sequence} is not what was sealed there.`, computed)
    if (prevHash !== last) return bad(`The record at place ${sequence} does not name the record before it.`, computed)
    last = computed
    expected += 1
  }
  if (head === null || last === head.hash) return { firstBad: null, end: last }
  const first = links[0]
  if (first === undefined) return { firstBad: null, end: last }
  const sentence = `The records ${first.sequence} to ${head.sequence} were chained anew: they do not lead to the head that was signed.`
  return {
    firstBad: { auditId: first.auditId, sequence: first.sequence, sentence, stored: head.hash, computed: last },
    end: last,
  }
}

function placeBefore({ anchor, links }: Stretch, at: number): Place | null {
  const before = links[at - 1]
  if (before !== undefined) return { sequence: before.sequence, hash: before.hash, auditId: before.auditId }
  return anchor === null ? null : { sequence: anchor.sequence, hash: anchor.hash, auditId: null }
}

const PEM = /-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----/g

/**
 * Every public key in a text of PEM blocks.
 * @throws Error in a sentence when there is none, or one is no Ed25519 key
 */
export async function readPublicKeys(pem: string): Promise<PublicKey[]> {
  const blocks = [...pem.matchAll(PEM)]
  if (blocks.length === 0) {
    throw new Error('There is no public key in it: it begins with -----BEGIN PUBLIC KEY-----.')
  }
  return Promise.all(
    blocks.map(async ([, base64 = '']) => {
      const der = Uint8Array.from(atob(base64.replace(/\s/g, '')), (character) => character.charCodeAt(0))
      try {
        const key = await crypto.subtle.importKey('spki', der, 'Ed25519', false, ['verify'])
        return { keyId: hex(await crypto.subtle.digest('SHA-256', der)).slice(0, 16), key }
      } catch {
        throw new Error('It is no Ed25519 key that this browser can read.')
      }
    }),
  )
}

function hex(bytes: ArrayBuffer): string {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
