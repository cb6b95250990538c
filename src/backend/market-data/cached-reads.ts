// Stored observations through the cache that all data services share: Redis in front of the database. What is kept are rows; how old
// their data is, is computed by whoever observes.
import type { TwoAgeCache } from '../cache/two-age-cache.ts'
import type { Ticker } from '../pricing/units.ts'
import { STORED_OBSERVATIONS } from './http.ts'
import type { StoredObservations } from './stored-observations.ts'
import type { StoredReads } from './stored-reads.ts'

/** How the cache keeps a row. */
export const STORED_OBSERVATIONS_CODEC = {
  write: (row: StoredObservations) => JSON.stringify(STORED_OBSERVATIONS.write(row)),
  read: (text: string) => STORED_OBSERVATIONS.read(JSON.parse(text), 'observations'),
}

/** Reads of one name go through the cache, those with an age of their own past it, into it. Lists and histories are read from the source. */
export function cachedReads(source: StoredReads, cache: TwoAgeCache<StoredObservations>): StoredReads {
  return {
    async one(ticker, options) {
      if (options.maxAgeSeconds !== null) {
        const row = await source.one(ticker, options)
        if (row.known) void cache.put(ticker, row)
        return row
      }
      let loaded: StoredObservations | null = null
      try {
        const kept = await cache.get(ticker, async () => {
          loaded = await source.one(ticker, options)
          if (!loaded.known && !loaded.lenderAsked) throw new NobodyAsked(loaded)
          return loaded.known ? loaded : null
        })
        return kept ?? loaded ?? nothingKnown(ticker)
      } catch (error) {
        if (error instanceof NobodyAsked) return error.row
        throw error
      }
    },
    async many(tickers, context) {
      // A name that left meanwhile is kept as one that nobody knows for some seconds, and answered as it was read.
      const unknown = new Map<string, StoredObservations>()
      const kept = await cache.getMany(tickers, async (missing) => {
        const rows = await source.many(missing as readonly Ticker[], context)
        for (const row of rows) if (!row.known) unknown.set(row.ticker, row)
        return rows.map((row) => (row.known ? row : null))
      })
      return tickers.map((ticker, index) => kept[index] ?? unknown.get(ticker) ?? nothingKnown(ticker))
    },
    tickersAfter: source.tickersAfter,
    byStatus: source.byStatus,
    universe: source.universe,
    overTime: source.overTime,
    manyOverTime: source.manyOverTime,
    feeds: source.feeds,
  }
}

/** A name is not known, and no lender has said so: whether it exists is an open question, which the cache must not answer. */
class NobodyAsked extends Error {
  readonly row: StoredObservations

  constructor(row: StoredObservations) {
    super('no lender was asked yet')
    this.row = row
  }
}

/** What the cache says of a name that it knows not to exist, because a lender was asked. */
function nothingKnown(ticker: Ticker): StoredObservations {
  return {
    ticker,
    known: false,
    stockName: null,
    stockStatus: null,
    stockFloorRate: null,
    listing: null,
    lastRecorded: null,
    volatilityIndex: null,
    stockVolatility: null,
    calendar: null,
    lastClose: null,
    lenderAsked: true,
    live: [],
  }
}
