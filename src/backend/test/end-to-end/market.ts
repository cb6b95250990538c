// Puts names, brokers and observations in place, straight into the database: states of the market that a test is about.
import type pg from 'pg'
import { BROKER } from '../../reference-data/broker-codec.ts'
import { readBroker } from '../../reference-data/broker-terms.ts'
import { auditId } from '../audit-rows.ts'

const NOW = () => new Date()

export interface Listing {
  readonly ticker: string
  /** A fraction as text; null: the lender lists the name without one. */
  readonly rate: string | null
  readonly status?: 'EASY' | 'MEDIUM' | 'HARD'
  readonly available?: number
  readonly atLeast?: boolean
  readonly benchmark?: string
  /** Seconds that the figure is old. */
  readonly ageSeconds?: number
  readonly listed?: boolean
}

/** What the lender says about a name. */
export async function list(database: pg.Pool, listing: Listing): Promise<void> {
  const now = NOW()
  const asOf = new Date(now.getTime() - (listing.ageSeconds ?? 0) * 1000)
  await database.query(
    `insert into lender_rates (ticker, rate, borrow_status, available, available_at_least, benchmark_rate, provider, as_of,
                               received_at, listed)
     values ($1, $2, $3, $4, $5, $6, 'test lender', $7, $8, $9)`,
    [
      listing.ticker,
      listing.rate,
      listing.status ?? null,
      listing.available ?? null,
      listing.atLeast ?? false,
      listing.benchmark ?? null,
      asOf,
      now,
      listing.listed ?? true,
    ],
  )
}

/** A name with no surprises: its rate is the lender's, since its own volatility is 0 and no event is ahead. */
export async function listPlain(database: pg.Pool, ticker: string, rate: string): Promise<void> {
  await list(database, { ticker, rate, available: 250_000 })
  await ownVolatility(database, ticker, '0')
}

/** The volatility of the name itself, index points. */
export async function ownVolatility(
  database: pg.Pool,
  ticker: string,
  value: string,
  { ageSeconds = 0 } = {},
): Promise<void> {
  const now = NOW()
  await database.query(
    `insert into stock_volatility (ticker, value, provider, as_of, received_at) values ($1, $2, 'test volatility', $3, $4)`,
    [ticker, value, new Date(now.getTime() - ageSeconds * 1000), now],
  )
}

/** What the desk keeps about a name. */
export async function stock(
  database: pg.Pool,
  of: { readonly ticker: string; readonly floorRate?: string; readonly status?: string; readonly active?: boolean },
): Promise<void> {
  await database.query('insert into stocks (ticker, floor_rate, borrow_status, active) values ($1, $2, $3, $4)', [
    of.ticker,
    of.floorRate ?? null,
    of.status ?? null,
    of.active ?? true,
  ])
}

/** The last close, USD a share. */
export async function close(database: pg.Pool, ticker: string, usd: string, priceDate: string): Promise<void> {
  await database.query(
    `insert into last_closes (ticker, close, price_date, provider, received_at) values ($1, $2, $3, 'test closes', $4)`,
    [ticker, usd, priceDate, NOW()],
  )
}

/** A broker under the classic terms, with whatever the test wants to be different. */
export async function broker(
  database: pg.Pool,
  clientId: string,
  different: Readonly<Record<string, string | number | boolean | null>> = {},
): Promise<void> {
  const row = {
    client_id: clientId,
    markup_percentage: '5',
    transaction_fee_type: 'FLAT',
    transaction_amount: '25',
    day_count: 'ACT/365',
    convention_pack: 'notional',
    billing: 'term',
    pricing_model: 'standard-v1',
    tier: 'internal',
    ...different,
  }
  const names = Object.keys(row)
  const places = names.map((_, index) => `$${index + 1}`)
  await database.query(`insert into brokers (${names}) values (${places})`, Object.values(row))
}

/** A change of a broker that waits for a second person. @returns its id */
export async function pendingApproval(database: pg.Pool): Promise<string> {
  const broker = await readBroker(database, 'demo-classic')
  if (broker === null) throw new Error('the demonstration has no broker demo-classic')
  const approvalId = auditId(NOW())
  await database.query(
    `insert into approvals (approval_id, kind, subject, proposed, asked_by, asked_at) values ($1, 'broker', 'demo-classic', $2, 'somebody', now())`,
    [approvalId, JSON.stringify(BROKER.write({ ...broker, version: broker.version + 1 }))],
  )
  return approvalId
}
