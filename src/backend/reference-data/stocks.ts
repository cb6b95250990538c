// What the desk and the feeds know about a stock apart from the market: its name, the tier and the floor the desk set.
import type { Queryable } from '../database/connect.ts'
import { decimal, trim } from '../pricing/decimal.ts'
import { asRate, type Rate, type Ticker } from '../pricing/units.ts'

/** How hard a stock is to borrow. */
export type BorrowStatus = 'EASY' | 'MEDIUM' | 'HARD'

export interface Stock {
  readonly ticker: Ticker
  readonly name: string | null
  /** The desk's tier; null leaves it to the lender. */
  readonly borrowStatus: BorrowStatus | null
  /** The lowest borrow rate, a fraction a year; null when the stock has none of its own. */
  readonly floorRate: Rate | null
  readonly lenderId: string | null
  readonly active: boolean
  /** Counts up with every change. */
  readonly version: number
}

interface StockRow {
  ticker: Ticker
  name: string | null
  borrow_status: BorrowStatus | null
  floor_rate: string | null
  lender_id: string | null
  active: boolean
  version: number
}

const COLUMNS = 'ticker, name, borrow_status, floor_rate, lender_id, active, version'

/** @returns the stock, active or not; null when there is no such row. */
export async function readStock(database: Queryable, ticker: Ticker): Promise<Stock | null> {
  const { rows } = await database.query<StockRow>(`select ${COLUMNS} from stocks where ticker = $1`, [ticker])
  return rows[0] === undefined ? null : stockOf(rows[0])
}

/** A page of the stocks by ticker, active or not, with the number there are in all. */
export async function readStocks(
  database: Queryable,
  page: { readonly skip: number; readonly limit: number },
): Promise<{ total: number; items: Stock[] }> {
  const { rows } = await database.query<{ total: number } & { [K in keyof StockRow]: StockRow[K] | null }>(
    `select counted.total, page.*
       from (select count(*)::int as total from stocks) as counted
       left join (select ${COLUMNS} from stocks order by ticker collate "C" offset $1 limit $2) as page on true
      order by page.ticker collate "C"`,
    [page.skip, page.limit],
  )
  const items = rows.filter((row) => row.ticker !== null).map((row) => stockOf(row as StockRow))
  return { total: rows[0]?.total ?? 0, items }
}

function stockOf(row: StockRow): Stock {
  return {
    ticker: row.ticker,
    name: row.name,
    borrowStatus: row.borrow_status,
    floorRate: row.floor_rate === null ? null : asRate(trim(decimal(row.floor_rate))),
    lenderId: row.lender_id,
    active: row.active,
    version: row.version,
  }
}
