// Replay of a range: every quote of a day, or of years, priced again. One page of records is in memory at a time, and the service
// that does it goes on answering in between.
import type { AuditRow } from './quote-record.ts'
import type { Unreadable } from './recorded-quote.ts'
import { type Difference, replayRecord } from './replay.ts'
import { turns } from './turns.ts'

/** The records of a range in pages, oldest first. */
export type StreamRecords = (
  range: {
    readonly from: Date
    readonly to: Date
    readonly clientId?: string
    readonly ticker?: string
    readonly recordType?: string
  },
  pageSize: number,
) => AsyncIterable<readonly AuditRow[]>

export interface ReplayRangeAsk {
  readonly from: Date
  /** The first moment that is not asked for. */
  readonly to: Date
  /** Of one broker, or null for all; the records of one stock, or null for all. */
  readonly clientId: string | null
  readonly ticker: string | null
}

export type ReplayStep =
  | { readonly kind: 'progress'; readonly records: number; readonly at: string }
  | { readonly kind: 'difference'; readonly auditId: string; readonly differences: readonly Difference[] }
  | {
      readonly kind: 'not_replayable'
      readonly auditId: string
      readonly reason: Exclude<Unreadable['reason'], 'other_record'>
      readonly sentence: string
    }
  | ({ readonly kind: 'result' } & ReplayResult)

export interface ReplayResult {
  /** Quotes that were priced again: identical + different. */
  readonly replayed: number
  readonly identical: number
  readonly different: number
  /** Quotes that could not be priced again. */
  readonly notReplayable: number
  /** Records that hold no price. */
  readonly otherRecords: number
  /** Of the different and the not replayable ones, those beyond the bound, which were counted and not named. */
  readonly unnamed: number
  readonly elapsedMs: number
  /** Of all kinds, the reading of the database included. */
  readonly recordsPerSecond: number
}

/** Records that are named, at most, for being different or not replayable. */
export const NAMED_MAX = 1_000
const PAGE_SIZE = 1_000

export type ReplayRange = (ask: ReplayRangeAsk, signal: AbortSignal) => AsyncIterable<ReplayStep>

/**
 * Replays what a stream gives. After each page comes a progress step, and at the end the result.
 * The iteration throws what the stream throws, and the signal's reason when it is aborted; what stands in a record stops nothing.
 */
export function replayRange(stream: StreamRecords): ReplayRange {
  return async function* replayed({ from, to, clientId, ticker }, signal) {
    const start = performance.now()
    const turnOver = turns()
    let [identical, different, notReplayable, otherRecords, named] = [0, 0, 0, 0, 0]
    const range = { from, to, ...(clientId !== null && { clientId }), ...(ticker !== null && { ticker }) }
    for await (const page of stream(range, PAGE_SIZE)) {
      for (const row of page) {
        const replay = replayRecord(row)
        if (replay.identical) identical += 1
        else if (replay.notReplayable === null) different += 1
        else if (replay.notReplayable.reason === 'other_record') otherRecords += 1
        else notReplayable += 1
        const step = named < NAMED_MAX ? namingStep(row.audit_id, replay) : null
        if (step !== null) {
          named += 1
          yield step
        }
        const pause = turnOver()
        if (pause !== null) {
          await pause
          signal.throwIfAborted()
        }
      }
      signal.throwIfAborted()
      const last = page.at(-1)
      const records = identical + different + notReplayable + otherRecords
      if (last !== undefined) yield { kind: 'progress', records, at: last.occurred_at }
    }
    const elapsedMs = performance.now() - start
    const records = identical + different + notReplayable + otherRecords
    yield {
      kind: 'result',
      replayed: identical + different,
      identical,
      different,
      notReplayable,
      otherRecords,
      unnamed: different + notReplayable - named,
      elapsedMs: Math.round(elapsedMs),
      recordsPerSecond: Math.round(records / Math.max(elapsedMs / 1000, 0.001)),
    }
  }
}

/** The step that names a record which did not replay to what it was; null for the others. */
function namingStep(auditId: string, replay: ReturnType<typeof replayRecord>): ReplayStep | null {
  if (replay.identical) return null
  if (replay.notReplayable === null) return { kind: 'difference', auditId, differences: replay.differences }
  const { reason, sentence } = replay.notReplayable
  return reason === 'other_record' ? null : { kind: 'not_replayable', auditId, reason, sentence }
}
