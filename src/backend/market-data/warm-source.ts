// The data service's side of keeping the cache warm: what the cache service asks it to do.
import type { WarmSource } from '../cache/keep-warm.ts'
import type { TwoAgeCache } from '../cache/two-age-cache.ts'
import type { Queryable } from '../database/connect.ts'
import { asTicker, type Ticker } from '../pricing/units.ts'
import { ownContext } from '../server/call-context.ts'
import type { Clock } from '../server/uuidv7.ts'
import type { HotNames } from './hot-names.ts'
import { newYorkDate } from './new-york-time.ts'
import { readStoredObservations, readTickersAfter, type StoredObservations } from './stored-observations.ts'
import type { StoredReads } from './stored-reads.ts'

/** Names put into the cache by one question. */
const NAMES_PER_STEP = 500
/** Names that are kept from going stale. */
const HOT_NAMES = 200

export function warmSource(options: {
  readonly database: Queryable
  readonly cache: TwoAgeCache<StoredObservations>
  readonly reads: StoredReads
  readonly hot: HotNames
  readonly clock: Clock
  readonly newId: () => string
  /** Asks the feeds about what would soon be stale. @returns the names of which something was renewed */
  readonly renew: (tickers: readonly Ticker[]) => Promise<readonly Ticker[]>
}): WarmSource {
  const { database, cache, reads, hot, clock, newId, renew } = options
  return {
    async warm(after) {
      const tickers = await readTickersAfter(database, after as Ticker | null, NAMES_PER_STEP)
      const rows = tickers.length === 0 ? [] : await readStoredObservations(database, tickers, newYorkDate(clock()))
      await Promise.all(rows.filter((row) => row.known).map((row) => cache.put(row.ticker, row)))
      return { last: tickers.length < NAMES_PER_STEP ? null : (tickers.at(-1) ?? null), names: rows.length }
    },
    hottest: async () => hot.hottest(HOT_NAMES),
    async renew(names) {
      const tickers = names.map(asTicker).filter((ticker) => ticker !== null)
      return (await renew(tickers)).length
    },
    async feedsVersion() {
      const feeds = await reads.feeds(ownContext(newId()))
      return feeds.map((feed) => `${feed.feed} ${feed.provider} ${feed.lastSuccess?.getTime() ?? 0}`).join('\n')
    },
  }
}
