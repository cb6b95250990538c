// Verifies the chain in the database: every record of a range, or of everything, against its place, its hash and the signed heads, and
// the end of the chain against the newest head that was exported to locked storage. It reads by pages, in bounded memory, and
// names the first record that is wrong and what is wrong with it. What it can and cannot find: docs/audit.md.
import type { Queryable } from '../database/connect.ts'
import {
  chainPages,
  keptPages,
  newestCheckpoint,
  placeBehindHeads,
  placesAround,
  recordAt,
  type TimeRange,
  unsealedIn,
} from './chain-reads.ts'
import { stretchOf } from './chain-stretch.ts'
import {
  type Bad,
  chainCheck,
  checkCheckpoint,
  checkExported,
  checkKept,
  checkSignature,
  placeOf,
  type SignedCheckpoint,
} from './check-chain.ts'
import { keptDigest } from './hash-chain.ts'
import { newestHead, type SignedHead } from './heads.ts'
import type { TrustedKeys } from './signing-key.ts'
import { turns } from './turns.ts'

/** Plain JSON, to be sent as it is. Progress comes with each page, and the result last. */
export type VerifyStep = VerifyProgress | VerifyResult

export interface VerifyProgress {
  readonly kind: 'progress'
  /** Records that are proven so far. */
  readonly checked: number
  /** Of how many; null: not known yet. */
  readonly of: number | null
}

export interface VerifyResult {
  readonly kind: 'result'
  readonly valid: boolean
  /** Records that are proven: all of the range when it is valid, else those before the first bad one. */
  readonly checked: number
  /** Records of the range that have no place in the chain, although they are older than a minute. */
  readonly unsealed: number
  readonly firstBad: Bad | null
  /** The last head that is proven; null: none. */
  readonly head: VerifiedHead | null
}

export interface VerifiedHead {
  readonly sequence: number
  /** 64 hex digits. */
  readonly hash: string
  /** ISO 8601, UTC, to the millisecond. */
  readonly signedAt: string
  readonly keyId: string
}

export interface VerifyOptions {
  /** The database itself, not a replica. */
  readonly database: Queryable
  readonly trusted: TrustedKeys
  /** The newest head in locked storage; null: none was exported yet. */
  readonly exportedHead: () => Promise<SignedHead | null>
}

export type VerifyChain = (range: TimeRange, signal: AbortSignal) => AsyncIterable<VerifyStep>

/** How far away the place of an exchanged record is looked for. */
const EXCHANGE_DISTANCE = 2_000

/**
 * The function that verifies. A range is one of the times in audit_ids, `from` inclusive and `to` exclusive; it is widened to whole
 * batches, so that it begins at a signed head and ends with one. Both null: everything that is in the database.
 * It throws the signal's reason when it is aborted, and what the database and the storage throw.
 */
export function verifyChain(options: VerifyOptions): VerifyChain {
  const { database } = options
  return async function* verify(range, signal) {
    for (;;) {
      const checkpoint = await newestCheckpoint(database)
      const found = yield* attempt(options, range, checkpoint, signal)
      // A month that left meanwhile looks as if it were gone.
      if (found.firstBad !== null && (await newestCheckpoint(database))?.sequence !== checkpoint?.sequence) continue
      yield { ...found, kind: 'result', unsealed: await unsealedIn(database, range, signal) }
      return
    }
  }
}

export function verifiedHead(head: SignedHead | null): VerifiedHead | null {
  if (head === null) return null
  const { sequence, hash, signedAt, keyId } = head
  return { sequence, hash: Buffer.from(hash).toString('hex'), signedAt: signedAt.toISOString(), keyId }
}

async function* attempt(
  { database, trusted, exportedHead }: VerifyOptions,
  range: TimeRange,
  checkpoint: SignedCheckpoint | null,
  signal: AbortSignal,
): AsyncGenerator<VerifyProgress, Omit<VerifyResult, 'kind' | 'unsealed'>> {
  yield { kind: 'progress', checked: 0, of: null }
  // In this order: a head is in the database before it is exported.
  const exported = await exportedHead()
  const newest = await newestHead(database)
  const { anchor, anchorHead, upTo, toEnd } = await stretchOf(database, range, checkpoint, newest, signal)
  const check = chainCheck(anchor, trusted, exported)
  let kept = 0

  async function* firstBad(): AsyncGenerator<VerifyProgress, Bad | null> {
    if (checkpoint !== null && anchorHead === null) {
      const bad = checkCheckpoint(checkpoint, trusted) ?? (yield* keptBad(checkpoint))
      if (bad !== null) return bad
    }
    const bad =
      (anchorHead && checkSignature(anchorHead, trusted)) ??
      (exported?.sequence === anchor.sequence ? checkExported(anchor, exported) : null) ??
      (yield* stretchBad()) ??
      check.end()
    if (bad !== null || !toEnd) return bad
    return (await endBad(database, newest, exported)) ?? null
  }

  async function* keptBad(at: SignedCheckpoint): AsyncGenerator<VerifyProgress, Bad | null> {
    const digest = keptDigest()
    const turn = turns()
    for await (const page of keptPages(database, at.sequence, signal)) {
      for (const link of page) {
        const bad = checkKept(link)
        if (bad !== null) return bad
        digest.add(link)
        const pause = turn()
        if (pause !== null) await pause
      }
      kept += page.length
      yield { kind: 'progress', checked: kept, of: null }
    }
    if (digest.digest().equals(at.keptDigest)) return null
    kept = 0
    const sentence = `of the records that were kept when months up to ${at.sequence} left the log, one is missing, added or exchanged`
    return { auditId: null, sequence: null, reason: 'missing', sentence }
  }

  async function* stretchBad(): AsyncGenerator<VerifyProgress, Bad | null> {
    const turn = turns()
    for await (const page of chainPages(database, anchor.sequence, upTo, signal)) {
      for (const item of page) {
        const bad = 'link' in item ? check.record(item.link) : check.head(item.head)
        if (bad !== null) return orExchanged(database, bad)
        const pause = turn()
        if (pause !== null) await pause
      }
      yield { kind: 'progress', checked: kept + check.checked(), of: kept + upTo - anchor.sequence }
    }
    return null
  }

  const bad = yield* firstBad()
  return {
    valid: bad === null,
    checked: kept + check.checked(),
    firstBad: bad,
    head: verifiedHead(check.lastHead()),
  }
}

/** What was exchanged with a record of another batch looks altered where only one batch is seen. */
async function orExchanged(database: Queryable, bad: Bad): Promise<Bad> {
  if (bad.reason !== 'altered' || bad.sequence === null) return bad
  const link = await recordAt(database, bad.sequence)
  if (link === null || link.row === null) return bad
  return placeOf(link, await placesAround(database, bad.sequence, EXCHANGE_DISTANCE)) ?? bad
}

/** What is wrong with the end of the chain, all heads up to which are right. */
async function endBad(
  database: Queryable,
  newest: SignedHead | null,
  exported: SignedHead | null,
): Promise<Bad | null> {
  const behind = await placeBehindHeads(database)
  if (behind !== null) {
    const sentence = `record ${behind.auditId} at ${behind.sequence} is sealed behind the last head: no signed head stands over it`
    return { ...behind, reason: 'forged_head', sentence }
  }
  const end = newest?.sequence ?? 0
  if (exported === null || exported.sequence <= end) return null
  const sentence = `the chain ends at ${end}, and the head at ${exported.sequence} was exported: what stood behind ${end} was cut off`
  return { auditId: null, sequence: end + 1, reason: 'cut_off', sentence }
}
