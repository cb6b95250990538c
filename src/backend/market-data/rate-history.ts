// What a name's lender said over time, one row a change. Rates under a model are computed when they are read, not kept.
// The writer is the lender import, which adds a row only for a name whose rate, tier or availability changed.
import type { Queryable } from '../database/connect.ts'
import { decimal } from '../pricing/decimal.ts'
import { asRate, type Rate, type Ticker } from '../pricing/units.ts'
import type { BorrowStatus } from '../reference-data/stocks.ts'
import type { Availability } from './observation.ts'

export interface RecordedRate {
  readonly asOf: Date
  /** A fraction a year; null: from here on the lender gave none, or listed the name no more. */
  readonly rate: Rate | null
  readonly borrowStatus: BorrowStatus | null
  readonly availability: Availability
  readonly provider: string
  readonly demo: boolean
}

/** The most changes one read returns. */
export const RATE_HISTORY_LIMIT_MAX = 10_000

/**
 * The changes in `[from, to)`, oldest first, led by the one that was in force at `from`, so that a chart begins at its left
 * edge. At most {@link RATE_HISTORY_LIMIT_MAX}.
 */
export async function readRateHistory(
  database: Queryable,
  ticker: Ticker,
  range: { readonly from: Date; readonly to: Date },
): Promise<RecordedRate[]> {
  const { rows } = await database.query<HistoryRow>(
    `(select ${COLUMNS} from lender_rate_history where ticker = $1 and as_of < $2 order by as_of desc limit 1)
     union all
     (select ${COLUMNS} from lender_rate_history where ticker = $1 and as_of >= $2 and as_of < $3
       order by as_of limit $4)
     order by as_of`,
    [ticker, range.from, range.to, RATE_HISTORY_LIMIT_MAX - 1],
  )
  return rows.map((row) => ({
    asOf: row.as_of,
    rate: row.rate === null ? null : asRate(decimal(row.rate)),
    borrowStatus: row.borrow_status,
    availability: { shares: row.available === null ? null : Number(row.available), atLeast: row.available_at_least },
    provider: row.provider,
    demo: row.demo,
  }))
}

const COLUMNS = 'as_of, rate, borrow_status, available, available_at_least, provider, demo'

interface HistoryRow {
  as_of: Date
  rate: string | null
  borrow_status: BorrowStatus | null
  available: string | null
  available_at_least: boolean
  provider: string
  demo: boolean
}
