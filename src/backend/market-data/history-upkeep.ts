// Lets go of what rates were made of longer ago than they are asked for, once a night, in steps that nobody waits for. What was in force
// when the days begin stays, so that a chart of all of them begins at its left edge; and the last rate that a lender ever gave for a
// name stays for ever, since a price may rest on it.
import { Cron } from 'croner'
import type { Queryable } from '../database/connect.ts'
import type { Log } from '../server/log.ts'
import type { Clock } from '../server/uuidv7.ts'

export interface HistoryUpkeep {
  /** Runs by the clock from now on. */
  start(): void
  /** One run now. @returns rows that were let go */
  letGo(): Promise<number>
  stop(): Promise<void>
}

/** When New York sleeps. */
const SCHEDULE = '37 6 * * *'
const ROWS_PER_STEP = 5_000
const DAY_MS = 86_400_000

/** @param options.days how long rates can be looked back at */
export function historyUpkeep(options: {
  readonly database: Queryable
  readonly clock: Clock
  readonly days: number
  readonly log: Pick<Log, 'info' | 'warn'>
}): HistoryUpkeep {
  const { database, clock, days, log } = options
  let schedule: Cron | null = null
  let stopped = false
  let underWay: Promise<unknown> = Promise.resolve()

  async function letGo(): Promise<number> {
    const begin = new Date(clock().getTime() - days * DAY_MS)
    let all = 0
    for (const statement of STATEMENTS) {
      for (let rows = ROWS_PER_STEP; rows === ROWS_PER_STEP && !stopped; ) {
        rows = (await database.query(statement, [begin, ROWS_PER_STEP])).rowCount ?? 0
        all += rows
      }
    }
    return all
  }

  function run(): Promise<number> {
    const letting = letGo()
    underWay = letting.catch(() => {})
    return letting
  }

  return {
    start() {
      schedule = new Cron(SCHEDULE, { timezone: 'UTC', mode: '5-part', unref: true }, () => {
        run().then(
          (rows) => rows > 0 && log.info({ rows, days }, 'history that is past its days was let go'),
          (error: unknown) => log.warn({ err: error }, 'history that is past its days could not be let go'),
        )
      })
    },
    letGo: run,
    async stop() {
      stopped = true
      schedule?.stop()
      await underWay
    },
  }
}

/** Of replicas that come at once one does it; the others find nothing. */
const deleting = (table: string, past: string) => `
  delete from ${table}
   where ctid = any (array(
     select old.ctid from ${table} as old
      where (select pg_try_advisory_xact_lock(hashtextextended('history upkeep', 0))) and ${past}
      limit $2))`

/** Looked up row by row: as a join it would compare every row of a name with every other. */
const followed = (table: string, more = '') => `(
  select true from ${table} as later
   where later.ticker = old.ticker and later.as_of > old.as_of ${more} order by later.as_of limit 1)`

const STATEMENTS = [
  deleting(
    'lender_rate_history',
    `old.as_of < $1 and ${followed('lender_rate_history', 'and later.as_of <= $1')}
       and (old.rate is null or ${followed('lender_rate_history', 'and later.rate is not null')})`,
  ),
  deleting(
    'stock_volatility_history',
    `old.as_of < $1 and ${followed('stock_volatility_history', 'and later.as_of <= $1')}`,
  ),
  // The last one of each day is kept beside it, for good.
  deleting('volatility_index_history', 'old.as_of < $1'),
  // A day of New York's calendar may begin and end on either side of one in UTC.
  deleting('market_event_history', `(old.known_to < $1 or old.event_date < ($1 at time zone 'UTC')::date - 1)`),
]
