// What it costs to list the rates of every name, and to look a rate back over a year: the data service and the calculation service in one
// process with the wire between them, over a database of its own. CPU is that of this process, both ends of the wire together.
import type pg from 'pg'
import { seedDemoData } from '../../database/seed.ts'
import { eventWindow } from '../../market-data/event-risk.ts'
import { DEFAULT_INPUT_LIMITS } from '../../market-data/fallback.ts'
import { serveStoredReads, storedReadsClient } from '../../market-data/http.ts'
import { importLenderFile } from '../../market-data/import.ts'
import { marketData } from '../../market-data/market-data.ts'
import { newYorkDate } from '../../market-data/new-york-time.ts'
import { databaseReads } from '../../market-data/stored-reads.ts'
import { STANDARD_V1 } from '../../pricing/borrow-rate.ts'
import { US_SETTLEMENT_CALENDAR } from '../../pricing/settlement-calendar.ts'
import type { Ticker } from '../../pricing/units.ts'
import { historiesAnswer, historyAnswer } from '../../quotes/answer.ts'
import { previousCloses } from '../../quotes/previous-closes.ts'
import { pricingInputs } from '../../quotes/pricing-inputs.ts'
import { rates } from '../../quotes/rate.ts'
import { type RateListFormat, rateLists } from '../../quotes/rate-list.ts'
import { INTERVAL_SECONDS, type Interval } from '../../quotes/rate-points.ts'
import { ownContext } from '../../server/call-context.ts'
import { writeJson } from '../../server/json-writer.ts'
import { wireTo } from '../both-ends.ts'
import { withBenchDatabase } from './bench-database.ts'
import { generatedLenderFile } from './generated-lender-file.ts'
import { interleaved, printed } from './rounds.ts'

const NAMES = 17_000
const ROUNDS = 5
const NOW = new Date('2026-11-24T15:30:00Z')
const NEVER = new AbortController().signal
const context = () => ownContext('benchmark')
/** Three letters, as the generated file has them: the name that a history is asked of. */
const LIVELY = 'AAA' as Ticker
const HUNDRED = Array.from({ length: 100 }, (_, index) => {
  const letter = (place: number) => String.fromCharCode(65 + (Math.floor(index / 26 ** place) % 26))
  return `A${letter(1)}${letter(0)}` as Ticker
})

export async function listingRates(): Promise<object> {
  return withBenchDatabase(async (pool) => {
    await fill(pool)
    const clock = () => NOW
    const reads = databaseReads({ database: pool, clock, limits: DEFAULT_INPUT_LIMITS })
    const wire = await wireTo(serveStoredReads(reads))
    try {
      const market = marketData({
        reads: storedReadsClient(wire.client),
        clock,
        limits: DEFAULT_INPUT_LIMITS,
        localCopySeconds: 60,
        awaySeconds: 300,
      })
      const terms = async () => ({ broker: { active: true }, model: STANDARD_V1 }) as never
      const newCloses = () =>
        previousCloses({
          namesOverTime: market.namesOverTime,
          volatilityLimit: DEFAULT_INPUT_LIMITS.volatility,
          calendar: US_SETTLEMENT_CALENDAR,
          clock,
          onFailure: (error) => console.error(error),
        })
      const closes = newCloses()
      const newLists = () =>
        rateLists({
          listAll: market.listAll,
          terms,
          previousCloses: closes,
          eventWindow: () => eventWindow(newYorkDate(NOW), null),
          clock,
          keptSeconds: 60,
        })
      const bytes: Partial<Record<RateListFormat, number>> = {}
      const list = (format: RateListFormat) => async () => {
        const made = newLists()
        bytes[format] = await read(made, format)
        return made
      }
      const kept = await list('json')()
      const cpu = await interleaved(ROUNDS, {
        json: () => cpuMs(list('json')),
        csv: () => cpuMs(list('csv')),
        json_again: () => cpuMs(() => read(kept, 'json')),
        closes: () => cpuMs(() => newCloses()(STANDARD_V1, context())),
      })
      const wall = await interleaved(ROUNDS, {
        json: () => wallMs(list('json')),
        closes: () => wallMs(() => newCloses()(STANDARD_V1, context())),
      })
      const grownMiB = await memoryWhile(async () => {
        for (let times = 0; times < 10; times += 1) await list('json')()
      })
      const past = rates({
        fetchPricingInputs: pricingInputs({ terms, observe: market.observe }),
        listByStatus: market.listByStatus,
        snapshot: market.snapshot,
        overTime: storedReadsClient(wire.client).overTime,
        namesOverTime: market.namesOverTime,
        volatilityLimit: DEFAULT_INPUT_LIMITS.volatility,
        terms,
        modelByName: async () => null,
        clock,
        newYorkDate,
      })
      const year = (interval: Interval) => async () => {
        const range = { from: new Date('2025-11-24T15:30:00Z'), to: NOW, intervalSeconds: INTERVAL_SECONDS[interval] }
        const history = await past.history({ ticker: LIVELY, clientId: 'house', range }, context())
        return writeJson(historyAnswer(LIVELY, interval, history)).length
      }
      const week = async () => {
        const range = { from: new Date('2026-11-17T15:30:00Z'), to: NOW, intervalSeconds: INTERVAL_SECONDS['1h'] }
        const histories = await past.histories({ tickers: HUNDRED, clientId: 'house', range }, context())
        return writeJson(historiesAnswer('1h', histories)).length
      }
      await year('1h')()
      const history = await interleaved(ROUNDS, {
        year_by_days: () => wallMs(year('1d')),
        year_by_hours: () => wallMs(year('1h')),
        week_of_a_hundred: () => wallMs(week),
      })
      console.log(`rates: all ${NAMES} names, median (spread) of ${ROUNDS} interleaved rounds`)
      console.log(`  CPU of a list made, JSON, ms            ${printed(cpu.json)}`)
      console.log(`  CPU of a list made, CSV, ms             ${printed(cpu.csv)}`)
      console.log(`  CPU of a list that is kept, ms          ${printed(cpu.json_again)}`)
      console.log(`  from the question to the end, ms        ${printed(wall.json)}`)
      console.log(
        `  rates of the last close, once a day, ms ${printed(cpu.closes)} CPU, ${printed(wall.closes)} to the end`,
      )
      console.log(`  text, bytes                             ${bytes.json} as JSON, ${bytes.csv} as CSV`)
      console.log(`  memory grown over ten lists, MiB        ${grownMiB.toFixed(1)}`)
      console.log(
        `  a year of a name that changes every 15 minutes, ms: by days ${printed(history.year_by_days)}, by hours ${printed(history.year_by_hours)}`,
      )
      console.log(`  a week of a hundred names by hours, ms  ${printed(history.week_of_a_hundred)}`)
      return {
        names: NAMES,
        cpu_ms: cpu,
        wall_ms: wall,
        text_bytes: bytes,
        memory_grown_mib: grownMiB,
        history_ms: history,
      }
    } finally {
      await wire.close()
    }
  })
}

async function fill(pool: pg.Pool): Promise<void> {
  await seedDemoData(pool, { now: NOW })
  const source = generatedLenderFile(NAMES, 0, 0)
  await importLenderFile(pool, { source, provider: 'benchmark', demo: false, receivedAt: NOW })
  await pool.query(
    `insert into lender_rate_history (ticker, as_of, rate, available, provider, received_at)
     select $1, moment, 0.01 + (extract(epoch from moment)::bigint / 900 % 97) * 0.001, 1000, 'lively', moment
       from generate_series(timestamptz '2025-11-01', $2::timestamptz, interval '15 minutes') as moment`,
    [LIVELY, NOW],
  )
  // Every name changed now and then within a week.
  await pool.query(
    `insert into lender_rate_history (ticker, as_of, rate, available, provider, received_at)
     select ticker, $1::timestamptz - (n * 11 + ascii(ticker) % 7) * interval '1 hour', 0.01 + n * 0.001, 1000, 'lively', $1
       from lender_rates cross join generate_series(1, 15) as n where ticker <> $2`,
    [NOW, LIVELY],
  )
  await pool.query(
    `insert into volatility_index_history (as_of, value, provider, received_at)
     select moment, 15 + (extract(epoch from moment)::bigint / 900 % 11), 'lively', moment
       from generate_series(timestamptz '2025-11-01', $1::timestamptz, interval '15 minutes') as moment`,
    [NOW],
  )
  await pool.query('vacuum analyze')
}

async function read(lists: ReturnType<typeof rateLists>, format: RateListFormat): Promise<number> {
  let bytes = 0
  for await (const piece of lists.text({ clientId: 'house', status: null, format }, context(), NEVER))
    bytes += piece.length
  return bytes
}

async function cpuMs(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000
}

async function wallMs(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

/** How far the resident memory rises above where it was, MiB. */
async function memoryWhile(work: () => Promise<void>): Promise<number> {
  const before = process.memoryUsage.rss()
  let highest = before
  const looking = setInterval(() => {
    highest = Math.max(highest, process.memoryUsage.rss())
  }, 10)
  try {
    await work()
  } finally {
    clearInterval(looking)
  }
  return (highest - before) / 1024 / 1024
}
