// What an answered price is worth: its record outlives whatever dies. Under steady quotes the calculation service, the audit service,
// PostgreSQL and single processes of it are killed with -9, many times in one run, also into each other; then every record is counted.
// The order of the kills comes from a seed that the run prints; TEST_SEED repeats it.
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Crash, crashed, crashReport, failuresWithoutCause, plannedCrashes, VICTIMS } from './crashes.ts'
import { everyPriceChecked, report, type Stage, startStage } from './stage.ts'
import { failures, kindOf, kinds, type SentQuote } from './traffic.ts'
import { unansweredRecords } from './wrong-prices.ts'

const SEED = Number(process.env.TEST_SEED ?? Date.now() % 1_000_000)
const TIMES = { 'calculation-service': 5, 'audit-service': 4, PostgreSQL: 5, 'a process of PostgreSQL': 4 } as const
/** Short enough that some are killed while another is away, long enough that prices are made in between. */
const PAUSE_MS = [400, 5_000] as const
const AWAY_MS = [50, 1_800] as const
const QUOTES_PER_SECOND = 100
/** From when everything is there again to when no quote fails any more. */
const RECOVERY_MS_MAX = 2_000
const CALM_MS = 3_000
const RUN_MS = 240_000

let stage: Stage
let crashes: readonly Crash[]
let quotes: readonly SentQuote[]
beforeAll(async () => {
  stage = await startStage({ quotesPerSecond: QUOTES_PER_SECOND })
}, 90_000)
afterAll(() => stage?.end(), 60_000)

test('what is committed is forced to the disk', async () => {
  const { rows } = await stage.database.query(
    `select current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit,
            current_setting('full_page_writes') as pages`,
  )
  expect(rows).toEqual([{ fsync: 'on', commit: 'on', pages: 'on' }])
})

test(
  'services and database are killed many times: quotes are refused only while one of them is away, and only as such',
  async () => {
    const plan = plannedCrashes(SEED, { times: TIMES, pauseMs: PAUSE_MS, awayMs: AWAY_MS })
    console.log(`  ${plan.length} kills in an order of seed ${SEED}`)
    await stage.traffic.during(async () => {
      crashes = await crashed(stage, plan)
      await sleep(CALM_MS)
    })
    quotes = await stage.traffic.stop()
    report('under kill -9', quotes)
    for (const line of crashReport(crashes, quotes)) console.log(`  ${line}`)

    expect(crashes).toHaveLength(VICTIMS.reduce((sum, victim) => sum + TIMES[victim], 0))
    const refusals = Object.keys(kinds(quotes)).filter((kind) => kind !== '200')
    expect(refusals.filter((kind) => !['503 AUDIT_UNAVAILABLE', '503 SERVICE_UNAVAILABLE'].includes(kind))).toEqual([])
    for (const { status, retryAfter } of quotes) {
      if (status !== 200) expect(Number(retryAfter)).toBeGreaterThan(0)
    }
    expect(failures(failuresWithoutCause(quotes, crashes, RECOVERY_MS_MAX))).toEqual({})
  },
  RUN_MS,
)

test('none of the prices that were answered is lost, and none is wrong', async () => {
  expect(quotes.filter(({ status }) => status === 200).length).toBeGreaterThan(1_000)
  expect(await everyPriceChecked(stage)).toEqual([])
}, 60_000)

test('no quote is on the record twice', async () => {
  const { rows } = await stage.database.query<{ request_id: string; records: string }>(
    `select request_id, count(*) as records from audit_records where request_id = any($1)
      group by request_id having count(*) > 1`,
    [quotes.map(({ requestId }) => requestId)],
  )
  expect(rows).toEqual([])
})

test('a record that nobody was answered for is of a quote that was cut off under way', async () => {
  const unanswered = await unansweredRecords(stage.database, quotes)
  report('on the record without an answer', unanswered)
  for (const quote of unanswered) expect(['503 SERVICE_UNAVAILABLE', '503 AUDIT_UNAVAILABLE']).toContain(kindOf(quote))
})
