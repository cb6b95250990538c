// Stored observations that are asked for anew at the feeds when they have aged. What is kept is answered at once and renewed behind
// the caller's back: a quote never waits for a feed that it can do without. Only a name whose lender was never heard of waits, a
// little; and who asks past every copy waits for the feed itself.
import type { Ticker } from '../pricing/units.ts'
import type { Clock } from '../server/uuidv7.ts'
import type { FeedInput, Refresher, RefreshOptions } from './refresh.ts'
import type { StoredObservations } from './stored-observations.ts'
import type { StoredReads } from './stored-reads.ts'

/** What a first quote on a cold name waits for a healthy feed. */
const COLD_NAME_WAIT_MS = 200

export function refreshingReads(options: {
  readonly reads: StoredReads
  readonly refresher: Refresher
  readonly clock: Clock
  readonly coldNameWaitMs?: number
}): StoredReads {
  const { reads, refresher, clock, coldNameWaitMs = COLD_NAME_WAIT_MS } = options

  /** Asks, waits as long as said, and reads again what was renewed. */
  async function renewed(
    row: StoredObservations,
    inputs: readonly FeedInput[],
    how: RefreshOptions,
    readAgain: (ticker: Ticker) => Promise<StoredObservations>,
  ): Promise<StoredObservations> {
    const outcomes = await refresher.refresh(row.ticker, inputs, how)
    const live = inputs.filter((input) => outcomes[input] === 'renewed')
    const latest = live.length === 0 ? row : await readAgain(row.ticker)
    if (latest.known || outcomes.lender === undefined) return { ...latest, live }
    // Nobody knows the name: whether that means anything depends on whether the lender could be asked.
    return { ...latest, lenderAsked: outcomes.lender === 'absent' }
  }

  return {
    async one(ticker, read) {
      const row = await reads.one(ticker, read)
      const due = refresher.needs(row, clock())
      if (due.length === 0) return row
      const readAgain = () => reads.one(ticker, { ...read, fresh: true })
      if (read.fresh) return renewed(row, due, { retries: false, force: true }, readAgain)
      if (due.includes('lender') && row.listing === null) {
        return renewed(row, due, { waitMs: coldNameWaitMs, retries: true }, readAgain)
      }
      void refresher.refresh(ticker, due, { waitMs: 0, retries: true })
      return row
    },
    byStatus: reads.byStatus,
    feeds: reads.feeds,
  }
}
