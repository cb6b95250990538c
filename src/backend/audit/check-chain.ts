// Whether the chain is as it was sealed, and if not, what is wrong with which record. Pure, and the same for the database and for a
// file: what is found to be so is computed from the records themselves, from what was proven before them, and from the signed
// head behind them; no number that stands beside a record is believed.
//
// Forwards, a record is right when its hash follows from it and from the hash before it. That alone names the wrong record only while
// nobody recomputed hashes. The head tells the rest: it is signed, so its batch is also followed backwards from it, and what is
// linked to the head is genuine whatever stands before it.
import { type ChainRow, type Checkpoint, checkpointText, type Head, NO_HASH, recordHash } from './hash-chain.ts'
import { isGenuine, type SignedHead } from './heads.ts'
import type { TrustedKeys } from './signing-key.ts'

/** A record in its place, as it was found. */
export interface Link {
  readonly auditId: string
  readonly sequence: number
  readonly prevHash: Buffer
  readonly hash: Buffer
  /** ISO 8601, UTC, to the microsecond. */
  readonly sealedAt: string
  /** Null: there is a seal and no record. */
  readonly row: ChainRow | null
}

export interface SignedCheckpoint extends Checkpoint {
  readonly keyId: string
  readonly signature: Buffer
}

/** Up to where the chain is proven. */
export interface Anchor {
  readonly sequence: number
  readonly hash: Uint8Array
}

/** Before the first record of all. */
export const CHAIN_START: Anchor = { sequence: 0, hash: NO_HASH }

/**
 * altered: what a record says, or the seal beside it, is not what was sealed. missing: a record is gone, with its seal or without.
 * reordered: a record stands in the place of another. forged_head: a head or checkpoint that no trusted key signed, or records without
 * a head. cut_off: the end of the chain is gone, or is another than the one that was exported.
 */
export type Reason = 'altered' | 'missing' | 'reordered' | 'forged_head' | 'cut_off'

/** The first thing that is wrong. */
export interface Bad {
  /** Null: nobody can know it any more, or the fault lies in no single record. */
  readonly auditId: string | null
  /** Null: the fault lies in no single place. */
  readonly sequence: number | null
  readonly reason: Reason
  readonly sentence: string
}

export interface ChainCheck {
  /** The next record in the order in which they were found. @returns what is wrong; after that nothing more is taken */
  record(link: Link): Bad | null
  /** The next head, behind the last record of its batch. */
  head(head: SignedHead): Bad | null
  /** Nothing follows. */
  end(): Bad | null
  /** Records that are proven. */
  checked(): number
  /** The last head that is proven; null before the first. */
  lastHead(): SignedHead | null
}

/** Records that wait for their head, at most: twice as many as a batch has, for those that claim each other's places. */
const WAITING_MAX = 2_000

/**
 * Follows the chain from an anchor. At most one batch is held in memory.
 * @param known the newest head that is known from elsewhere, where nobody can rewrite it; null: none is
 */
export function chainCheck(anchor: Anchor, trusted: TrustedKeys, known: Head | null = null): ChainCheck {
  let proven = anchor
  let waiting: Link[] = []
  let checked = 0
  let lastHead: SignedHead | null = null
  return {
    record(link) {
      waiting.push(link)
      return waiting.length > WAITING_MAX ? withoutHead(waiting) : null
    },
    head(head) {
      const forged = checkHead(proven, head, trusted)
      if (forged !== null) return { ...forged, auditId: waiting.find(isAt(head.sequence))?.auditId ?? null }
      const bad = checkBatch(proven, waiting, head) ?? checkKnown(waiting, known)
      if (bad !== null) return bad
      checked += waiting.length
      waiting = []
      proven = head
      lastHead = head
      return null
    },
    end: () => (waiting.length > 0 ? withoutHead(waiting) : null),
    checked: () => checked,
    lastHead: () => lastHead,
  }
}

/** @returns null when a trusted key signed it */
export function checkCheckpoint(checkpoint: SignedCheckpoint, trusted: TrustedKeys): Bad | null {
  const { sequence, keyId, signature } = checkpoint
  return trusted.verify(keyId, checkpointText(checkpoint), signature)
    ? null
    : forgedHead(sequence, `the checkpoint at ${sequence} does not bear the signature of a trusted key`)
}

/** @returns null when a record of a detached month that was kept is whole in itself */
export function checkKept(link: Link): Bad | null {
  if (link.row === null) return withoutRecord(link)
  const isWhole = recordHash(link.prevHash, link.sequence, link.row).equals(link.hash)
  return isWhole ? null : altered(link, 'its columns or its text are not what was sealed')
}

/** @returns null when a trusted key signed it */
export function checkSignature(head: SignedHead, trusted: TrustedKeys): Bad | null {
  const { sequence, keyId } = head
  if (!trusted.has(keyId)) {
    return forgedHead(sequence, `the head at ${sequence} is signed by key ${keyId}, which is not trusted`)
  }
  return isGenuine(head, trusted)
    ? null
    : forgedHead(sequence, `the head at ${sequence} does not bear the signature of key ${keyId}`)
}

function checkHead(anchor: Anchor, head: SignedHead, trusted: TrustedKeys): Bad | null {
  const bad = checkSignature(head, trusted)
  if (bad !== null) return bad
  const { sequence, firstSequence } = head
  if (firstSequence <= anchor.sequence) {
    return forgedHead(
      sequence,
      `the head at ${sequence} begins at ${firstSequence}, which another head has signed already`,
    )
  }
  return null
}

function forgedHead(sequence: number, sentence: string): Bad {
  return { auditId: null, sequence, reason: 'forged_head', sentence }
}

function withoutHead(links: readonly Link[], before = Number.POSITIVE_INFINITY): Bad {
  const { auditId, sequence } = links[0] as Link
  const last = Math.min(links.at(-1)?.sequence ?? sequence, before)
  const sentence = `the records ${sequence} to ${last} are sealed, and no signed head stands over them`
  return { auditId, sequence, reason: 'forged_head', sentence }
}

/** @param links of one batch, in the order in which they were found */
function checkBatch(anchor: Anchor, links: readonly Link[], head: SignedHead): Bad | null {
  let expected = anchor.sequence + 1
  let last = anchor.hash
  if (head.firstSequence > expected && links[0]?.sequence === expected)
    return withoutHead(links, head.firstSequence - 1)
  for (const [index, link] of links.entries()) {
    const outOfPlace = checkPlace(links, index, expected)
    if (outOfPlace !== null) return outOfPlace
    if (link.row === null) return withoutRecord(link)
    const hash = recordHash(last, link.sequence, link.row)
    if (!hash.equals(link.hash) || !link.prevHash.equals(last)) return diagnose(last, links, index, head)
    last = hash
    expected += 1
  }
  if (expected <= head.sequence) return gone(expected)
  if (!Buffer.from(last).equals(head.hash)) {
    const sentence = `the records ${head.firstSequence} to ${head.sequence} were chained anew: they do not lead to the head that was signed`
    return { auditId: links[0]?.auditId ?? null, sequence: head.firstSequence, reason: 'altered', sentence }
  }
  // It is under no hash, but the head says the same under its signature.
  const redated = links.find(({ sealedAt }) => Date.parse(sealedAt) !== head.signedAt.getTime())
  return redated === undefined ? null : altered(redated, 'the time beside it is not when its batch was signed')
}

function checkPlace(links: readonly Link[], index: number, expected: number): Bad | null {
  const { sequence, auditId } = links[index] as Link
  if (sequence === expected) return null
  if (sequence < expected) {
    const sentence = `record ${auditId} claims the place ${sequence}, which another has`
    return { auditId, sequence, reason: 'reordered', sentence }
  }
  if (links.slice(index).some((later) => later.sequence === expected)) {
    const sentence = `record ${auditId} of the place ${sequence} stands in the place ${expected}`
    return { auditId, sequence: expected, reason: 'reordered', sentence }
  }
  return gone(expected)
}

function withoutRecord({ auditId, sequence }: Link): Bad {
  const sentence = `record ${auditId} at ${sequence} is gone; its seal is there`
  return { auditId, sequence, reason: 'missing', sentence }
}

function gone(sequence: number): Bad {
  return { auditId: null, sequence, reason: 'missing', sentence: `record ${sequence} is gone, and its seal with it` }
}

function altered({ auditId, sequence }: Link, what: string): Bad {
  return { auditId, sequence, reason: 'altered', sentence: `record ${auditId} at ${sequence} is altered: ${what}` }
}

/** What is wrong where forwards it no longer fits: at the link of that index, or just before it. */
function diagnose(last: Uint8Array, links: readonly Link[], index: number, head: SignedHead): Bad {
  const link = links[index] as Link
  const row = link.row as ChainRow
  const hash = recordHash(last, link.sequence, row)
  if (hash.equals(link.hash)) return altered(link, 'the prev_hash beside it is another')
  if (hash.equals(links[index + 1]?.prevHash ?? head.hash)) return altered(link, 'the hash beside it is another')
  if (recordHash(link.prevHash, link.sequence, row).equals(link.hash)) {
    const before = links[index - 1]
    // It is whole in itself and linked to the head: then the one before it is not what it was chained to.
    if (before !== undefined && isLinkedTo(head, links.slice(index))) {
      return altered(before, 'it was changed together with the hash beside it')
    }
    return altered(link, 'it is not chained to the record before it')
  }
  return placeOf(link, links) ?? altered(link, 'its columns or its text are not what was sealed')
}

/** Whether the links are a chain that ends in the head. */
function isLinkedTo(head: Head, links: readonly Link[]): boolean {
  let wanted = head.hash
  let expected = head.sequence
  for (const { row, prevHash, sequence } of links.toReversed()) {
    if (row === null || sequence !== expected || !recordHash(prevHash, sequence, row).equals(wanted)) return false
    wanted = prevHash
    expected -= 1
  }
  return true
}

/**
 * Where a record that does not fit its place belongs, if it is one of the places given: then it is not altered, but its seal was
 * exchanged with another's, or its content was.
 */
export function placeOf(link: Link, places: readonly Omit<Link, 'row'>[]): Bad | null {
  const row = link.row as ChainRow
  const home = places.find(
    (place) =>
      place.sequence !== link.sequence &&
      (recordHash(place.prevHash, place.sequence, row).equals(place.hash) ||
        recordHash(place.prevHash, place.sequence, { ...row, audit_id: place.auditId }).equals(place.hash) ||
        recordHash(link.prevHash, place.sequence, row).equals(link.hash)),
  )
  if (home === undefined) return null
  const { auditId, sequence } = link
  const sentence = `what stands at ${sequence} as record ${auditId} was sealed at ${home.sequence}`
  return { auditId, sequence, reason: 'reordered', sentence }
}

const isAt = (place: number) => (link: Link) => link.sequence === place

function checkKnown(links: readonly Link[], known: Head | null): Bad | null {
  const link = known === null ? undefined : links.find(isAt(known.sequence))
  return link === undefined || known === null ? null : checkExported(link, known)
}

/** @returns null when the chain has at the known head's place what the known head says */
export function checkExported(found: Anchor & { readonly auditId?: string }, known: Head): Bad | null {
  if (Buffer.from(known.hash).equals(found.hash)) return null
  return {
    auditId: found.auditId ?? null,
    sequence: known.sequence,
    reason: 'cut_off',
    sentence: `the chain is another at ${known.sequence} than the head that was exported: its end was cut off and written anew, or all of it was`,
  }
}
