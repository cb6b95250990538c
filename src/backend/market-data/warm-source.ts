// The data service's side of keeping the cache warm: what the cache service asks it to do.
import type { WarmSource } from '../cache/keep-warm.ts'
import type { TwoAgeCache } from '../cache/two-age-cache.ts'
import type { Queryable } from '../database/connect.ts'
import { asTicker, type Ticker } from '../pricing/units.ts'
import type { Clock } from '../server/uuidv7.ts'
import type { HotNames } from './hot-names.ts'
import { newYorkDate } from './new-york-time.ts'
import { readStoredObservations, readTickersAfter, type StoredObservations } from './stored-observations.ts'

/** Names put into the cache by one question. */
const NAMES_PER_STEP = 500
/** Names that are kept from going stale. */
const HOT_NAMES = 200

export function warmSource(options: {
  readonly database: Queryable
  /** null: nothing is shared, so there is nothing to warm. */
  readonly cache: TwoAgeCache<StoredObservations> | null
  readonly hot: HotNames
  readonly clock: Clock
  /** Asks the feeds about what would soon be stale. @returns the names of which something was renewed */
  readonly renew: (tickers: readonly Ticker[]) => Promise<readonly Ticker[]>
}): WarmSource {
  const { database, cache, hot, clock, renew } = options
  return {
    async warm(after) {
      if (cache === null) return { last: null, names: 0 }
      const tickers = await readTickersAfter(database, after as Ticker | null, NAMES_PER_STEP)
      const rows = tickers.length === 0 ? [] : await readStoredObservations(database, tickers, newYorkDate(clock()))
      // In one go: hundreds of single commands would keep each other, and whoever prices, waiting.
      await cache.putMany(rows.filter((row) => row.known).map((row) => ({ key: row.ticker, value: row })))
      return { last: tickers.length < NAMES_PER_STEP ? null : (tickers.at(-1) ?? null), names: rows.length }
    },
    hottest: async () => hot.hottest(HOT_NAMES),
    async renew(names) {
      const tickers = names.map(asTicker).filter((ticker) => ticker !== null)
      return (await renew(tickers)).length
    },
    async feedsVersion() {
      const { rows } = await database.query<{ version: string }>(VERSION)
      return rows[0]?.version ?? ''
    },
  }
}

/** How new each feed's data is, and the last index, which is part of every name's row and may come without a file. A file that is
 * fetched again unchanged is no news. */
const VERSION = `
  select concat_ws(' ',
    (select string_agg(concat_ws(' ', feed, provider, extract(epoch from as_of)), ' ' order by feed) from feed_states),
    (select extract(epoch from received_at) from volatility_index order by index_date desc, received_at desc limit 1)
  ) as version`
