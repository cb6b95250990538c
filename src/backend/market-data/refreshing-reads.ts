// Stored observations that are asked for anew at the feeds when they have aged. What is kept is answered at once and renewed behind
// the caller's back: a quote never waits for a feed that it can do without. Only a name whose lender was never heard of waits, a
// little; and who wants nothing older than so many seconds waits for the feed itself.
import { inSpan, type Tracer } from '../server/tracing.ts'
import type { Clock } from '../server/uuidv7.ts'
import { FEED_INPUTS, type FeedInput, type Refresher, type RefreshOptions, type RefreshOutcomes } from './refresh.ts'
import type { StoredObservations } from './stored-observations.ts'
import type { StoredReads } from './stored-reads.ts'

/** What a first quote on a cold name waits for a healthy feed. */
const COLD_NAME_WAIT_MS = 200
/** Left of a caller's time when it stops waiting for feeds, for the answer to travel. */
const ANSWER_MARGIN_MS = 100

export function refreshingReads(options: {
  readonly reads: StoredReads
  readonly refresher: Refresher
  readonly clock: Clock
  readonly coldNameWaitMs?: number
  readonly tracer?: Tracer | null
}): StoredReads {
  const { reads, refresher, clock, coldNameWaitMs = COLD_NAME_WAIT_MS, tracer = null } = options

  /** Asks, waits as long as said, and reads again what was renewed. Of a name that nobody knows only its lender is asked at first. */
  async function renewed(
    row: StoredObservations,
    inputs: readonly FeedInput[],
    how: RefreshOptions & { readonly waitMs: number },
    readAgain: () => Promise<StoredObservations>,
  ): Promise<StoredObservations> {
    const untilMs = performance.now() + how.waitMs
    let outcomes: RefreshOutcomes = {}
    let latest = row
    const ask = async (wanted: readonly FeedInput[]) => {
      const waitMs = Math.max(0, untilMs - performance.now())
      const came = await refresher.refresh(row.ticker, wanted, { ...how, waitMs })
      if (Object.values(came).includes('renewed')) latest = await readAgain()
      outcomes = { ...outcomes, ...came }
    }
    await ask(inputs)
    if (!row.known && latest.known) await ask(refresher.needs(latest, clock()))
    const live = FEED_INPUTS.filter((input) => outcomes[input] === 'renewed')
    if (latest.known || outcomes.lender === undefined) return { ...latest, live }
    // Nobody knows the name: whether that means anything depends on whether the lender could be asked.
    return { ...latest, live, lenderAsked: outcomes.lender !== 'failed' && outcomes.lender !== 'late' }
  }

  return {
    async one(ticker, read) {
      const row = await reads.one(ticker, read)
      const { maxAgeSeconds } = read
      const readAgain = () => reads.one(ticker, { ...read, maxAgeSeconds: 0 })
      const waiting = (due: readonly FeedInput[], how: RefreshOptions & { readonly waitMs: number }) =>
        inSpan(tracer, 'feeds', 'client', read.context, () => renewed(row, due, how, readAgain), { inputs: due.join() })
      if (maxAgeSeconds !== null) {
        const tooOld = refresher.needs(row, clock(), () => maxAgeSeconds)
        const waitMs = read.context.deadlineMs - Date.now() - ANSWER_MARGIN_MS
        if (tooOld.length > 0) return waiting(tooOld, { waitMs, retries: false, force: true })
      }
      const due = refresher.needs(row, clock())
      if (due.length === 0) return row
      if (due.includes('lender') && nothingToFallBackTo(row)) {
        return waiting(due, { waitMs: coldNameWaitMs, retries: true })
      }
      void refresher.refresh(ticker, due, { waitMs: 0, retries: true })
      return row
    },
    many: reads.many,
    tickersAfter: reads.tickersAfter,
    byStatus: reads.byStatus,
    universe: reads.universe,
    overTime: reads.overTime,
    manyOverTime: reads.manyOverTime,
    feeds: reads.feeds,
  }
}

/** Neither a rate nor a floor is known: without its lender the name has the price of a tier, or none. */
function nothingToFallBackTo({ listing, lastRecorded, stockFloorRate }: StoredObservations): boolean {
  return listing === null && lastRecorded === null && stockFloorRate === null
}
