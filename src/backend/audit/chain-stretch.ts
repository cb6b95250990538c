// Which stretch of the chain a range of times is. Records stand in the chain in the order in which they were sealed, so a range of times
// is widened: from the batch of its first record to the batch of its last, everything between them included. It then begins right
// behind a signed head and ends with one.
import type { Queryable } from '../database/connect.ts'
import { headBefore, headOver, placesOf, type TimeRange } from './chain-reads.ts'
import { type Anchor, CHAIN_START, type SignedCheckpoint } from './check-chain.ts'
import type { SignedHead } from './heads.ts'

/** The places behind an anchor up to a last one; none when that is the anchor's own. */
export interface Stretch {
  /** A head; or where the records of the database begin: a checkpoint, or the start of the chain. */
  readonly anchor: Anchor
  /** Null: the records begin there. */
  readonly anchorHead: SignedHead | null
  readonly upTo: number
  /** Whether nothing lies behind it. */
  readonly toEnd: boolean
}

/**
 * @param checkpoint the newest; nothing at or below it is part of a stretch
 * @param newest the end of the chain
 * @throws the signal's reason when it is aborted
 */
export async function stretchOf(
  database: Queryable,
  range: TimeRange,
  checkpoint: SignedCheckpoint | null,
  newest: SignedHead | null,
  signal: AbortSignal,
): Promise<Stretch> {
  const start: Anchor = checkpoint ?? CHAIN_START
  const end = newest?.sequence ?? 0
  if (range.from === null && range.to === null) return { anchor: start, anchorHead: null, upTo: end, toEnd: true }
  const places = await placesOf(database, range, signal)
  if (places === null || places.last <= start.sequence) {
    return { anchor: start, anchorHead: null, upTo: start.sequence, toEnd: range.to === null }
  }
  const before = await headBefore(database, places.first)
  const anchorHead = before !== null && before.sequence > start.sequence ? before : null
  const upTo = (await headOver(database, places.last))?.sequence ?? places.last
  return { anchor: anchorHead ?? start, anchorHead, upTo, toEnd: upTo >= end }
}
