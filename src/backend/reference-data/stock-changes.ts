// Changes of what the desk keeps about a stock: its tier, its floor, its lender's id. A change and its record are one transaction.
import type pg from 'pg'
import { changeRecordRow, insertRecord, type RecordedState } from '../audit/change-record.ts'
import { inTransaction } from '../database/transaction.ts'
import type { Ticker } from '../pricing/units.ts'
import { Problem } from '../server/problem.ts'
import { type ChangedBy, type Expected, requireExpected } from './changing.ts'
import { readStock, type Stock } from './stocks.ts'

/** All that can be said of a stock but its ticker. */
export type StockFields = Omit<Stock, 'ticker' | 'version'>

export interface StockChange {
  readonly kind: 'created' | 'changed' | 'unchanged'
  readonly stock: Stock
}

export interface StockChanges {
  /**
   * Rejects with PRECONDITION_REQUIRED or PRECONDITION_FAILED as {@link requireExpected}, with CONFLICT when somebody makes the same
   * stock at this moment.
   */
  put(ask: {
    readonly ticker: Ticker
    readonly fields: StockFields
    readonly expected: Expected
    readonly by: ChangedBy
  }): Promise<StockChange>
}

export function stockChanges(options: {
  readonly database: pg.Pool
  readonly newId: () => string
  /** Told after the commit. */
  readonly onChange: (ticker: Ticker) => void
}): StockChanges {
  const { database, newId, onChange } = options
  return {
    async put({ ticker, fields, expected, by }) {
      const change = await inTransaction(database, async (client): Promise<StockChange> => {
        await client.query('select from stocks where ticker = $1 for update', [ticker])
        const before = await readStock(client, ticker)
        requireExpected(before?.version ?? null, expected, 'The stock')
        const stock: Stock = { ticker, ...fields, version: (before?.version ?? 0) + 1 }
        if (before !== null && sameFields(before, stock)) return { kind: 'unchanged', stock: before }
        const values = [
          ticker,
          stock.name,
          stock.borrowStatus,
          stock.floorRate?.toString() ?? null,
          stock.lenderId,
          stock.active,
          stock.version,
          by.at,
        ]
        const { rowCount } = await client.query(before === null ? INSERT : UPDATE, values)
        if (rowCount !== 1) throw new Problem('CONFLICT', 'The stock was made by somebody else at this moment')
        await insertRecord(
          client,
          changeRecordRow({
            auditId: newId(),
            occurredAt: by.at,
            actor: by.actor,
            change: 'stock_changed',
            subject: { kind: 'stock', id: ticker },
            clientId: null,
            before: before === null ? null : stockState(before),
            after: stockState(stock),
          }),
        )
        return { kind: before === null ? 'created' : 'changed', stock }
      })
      if (change.kind !== 'unchanged') onChange(ticker)
      return change
    },
  }
}

const INSERT = `
insert into stocks (ticker, name, borrow_status, floor_rate, lender_id, active, version, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict do nothing`

const UPDATE = `
update stocks
   set name = $2, borrow_status = $3, floor_rate = $4, lender_id = $5, active = $6, version = $7, updated_at = $8
 where ticker = $1 and version = $7 - 1`

function sameFields(one: Stock, other: Stock): boolean {
  return JSON.stringify({ ...stockState(one), version: 0 }) === JSON.stringify({ ...stockState(other), version: 0 })
}

/** A stock as it is recorded: the fields of the API, decimals as text. */
function stockState(stock: Stock) {
  return {
    ticker: stock.ticker,
    name: stock.name,
    borrow_status: stock.borrowStatus,
    floor_rate: stock.floorRate?.toString() ?? null,
    lender_id: stock.lenderId,
    active: stock.active,
    version: stock.version,
  } satisfies RecordedState
}
