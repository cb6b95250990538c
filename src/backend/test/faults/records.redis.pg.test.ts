// What an answered price is worth: its record outlives whatever dies. Under steady quotes the calculation service, the audit service,
// PostgreSQL and single processes of it are killed with -9, many times in one run, also into each other; then every record is counted.
// The order of the kills comes from a seed that the run prints; TEST_SEED repeats it.
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { exportedHead } from '../../audit/head-export.ts'
import { readSigningKey, readTrustedKeys } from '../../audit/signing-key.ts'
import { storageAt } from '../../audit/storage-at.ts'
import { type VerifyStep, verifyChain } from '../../audit/verify.ts'
import { until } from '../until.ts'
import { type Crash, crashed, crashReport, failuresWithoutCause, plannedCrashes, VICTIMS } from './crashes.ts'
import { type Received, startOtherClients } from './other-clients.ts'
import { chainCounts, chainFaults, headsAt, recordsWithoutSeal, replayed } from './sealed-records.ts'
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
/** From when everything is there again to when the last record has its place in the chain. */
const SEALED_MS_MAX = 10_000

let stage: Stage
let crashes: readonly Crash[]
let quotes: readonly SentQuote[]
let received: Received
beforeAll(async () => {
  stage = await startStage({ quotesPerSecond: QUOTES_PER_SECOND, env: { AUDIT_HEAD_EXPORT_SECONDS: '5' } })
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
    const others = startOtherClients({ url: stage.services.url, apiKey: stage.apiKey })
    await stage.traffic.during(async () => {
      crashes = await crashed(stage, plan)
      await sleep(CALM_MS)
    })
    quotes = await stage.traffic.stop()
    received = await others.stop()
    report('under kill -9', quotes)
    console.log(`  ${summaryOf(received)}`)
    for (const line of crashReport(crashes, quotes, await headsAt(stage.database))) console.log(`  ${line}`)

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

test('who asks under an Idempotency-Key until there is an answer has one price, and one record', async () => {
  const { insisted } = received
  expect(insisted.length).toBeGreaterThan(100)
  expect(insisted.filter(({ auditIds: [first, again] }) => first === null || first !== again)).toEqual([])
  const { rows } = await stage.database.query<{ request_id: string; audit_ids: string[] }>(
    'select request_id, array_agg(audit_id::text) as audit_ids from audit_records where request_id = any($1) group by request_id',
    [insisted.map(({ requestId }) => requestId)],
  )
  const recorded = new Map(rows.map(({ request_id, audit_ids }) => [request_id, audit_ids]))
  const astray = insisted.filter(({ requestId, auditIds }) => String(recorded.get(requestId)) !== auditIds[0])
  expect(astray).toEqual([])
})

test('no quote is on the record twice', async () => {
  const { rows } = await stage.database.query<{ request_id: string; records: string }>(
    `select request_id, count(*) as records from audit_records where request_id = any($1)
      group by request_id having count(*) > 1`,
    [quotes.map(({ requestId }) => requestId)],
  )
  expect(rows).toEqual([])
})

test('of all the audit_ids that clients were given, by GET and for lines of batches that broke off too, each is on the record once', async () => {
  const { byGet, ofLines, insisted } = received
  const given = [
    ...quotes.filter(({ status }) => status === 200).map(({ text }) => /"audit_id":"([^"]+)"/.exec(text)?.[1] ?? ''),
    ...byGet,
    ...ofLines,
    ...insisted.map(({ auditIds }) => auditIds[0] ?? ''),
  ]
  const { rows } = await stage.database.query<{ audit_id: string; records: string }>(
    'select audit_id, count(*) as records from audit_records where audit_id = any($1) group by audit_id',
    [given],
  )
  const twice = rows.filter(({ records }) => records !== '1')
  const missing = given.length - rows.length
  console.log(
    `  ${given.length} audit_ids were given to clients under ${crashes.length} kills: ${missing} lost, ${twice.length} duplicated`,
  )
  expect(byGet.length + ofLines.length).toBeGreaterThan(200)
  expect(new Set(given).size).toBe(given.length)
  expect({ missing, twice }).toEqual({ missing: 0, twice: [] })
})

test('a record that nobody was answered for is of a quote that was cut off under way', async () => {
  const unanswered = await unansweredRecords(stage.database, quotes)
  report('on the record without an answer', unanswered)
  for (const quote of unanswered) expect(['503 SERVICE_UNAVAILABLE', '503 AUDIT_UNAVAILABLE']).toContain(kindOf(quote))
})

describe('the chain', () => {
  test('every record is sealed within seconds', async () => {
    const from = performance.now()
    await until('every record is sealed', SEALED_MS_MAX, async () => (await recordsWithoutSeal(stage.database)) === 0)
    const { records, heads, sealedAfterMs } = await chainCounts(stage.database)
    const [median, max] = [sealedAfterMs.median, sealedAfterMs.max].map((ms) => ms.toFixed(0))
    console.log(
      `  ${records} records sealed under ${heads} heads, ${median} ms after they were written, at most ${max} ms`,
    )
    console.log(`  the last of them within ${(performance.now() - from).toFixed(0)} ms of the end`)
  }, 30_000)

  test('it is of one piece: one place for each record, no gap, no place without a record, no head astray', async () => {
    expect(await chainFaults(stage.database)).toEqual([])
  }, 30_000)

  test('it verifies from its first record to its last, and against the heads that were exported meanwhile', async () => {
    const folder = dirname(stage.services.services['audit-service'].logFile)
    const trusted = readTrustedKeys([], [readSigningKey(join(folder, 'audit-signing-key.pem'))])
    const exported = exportedHead(storageAt({ kind: 'folder', folder: join(folder, 'audit-exports') }), trusted)
    expect(await exported()).not.toBeNull()
    const verify = verifyChain({ database: stage.database, trusted, exportedHead: exported })
    let last: VerifyStep | null = null
    for await (const step of verify({ from: null, to: null }, AbortSignal.timeout(30_000))) last = step
    const { records } = await chainCounts(stage.database)
    expect(last).toMatchObject({ kind: 'result', valid: true, checked: records, unsealed: 0, firstBad: null })
    expect(last).toHaveProperty('head.sequence', records)
  }, 40_000)
})

test('every record prices again to the same digits', async () => {
  const { quotes: replays, faults } = await replayed(stage.database)
  console.log(`  ${replays} records priced again`)
  expect(faults).toEqual([])
  expect(replays).toBeGreaterThanOrEqual(quotes.filter(({ status }) => status === 200).length)
}, 40_000)

function summaryOf({ byGet, ofLines, batches, unfinishedBatches, insisted }: Received): string {
  const tries = insisted.reduce((sum, quote) => sum + quote.tries, 0)
  return (
    `${byGet.length} prices by GET, ${ofLines.length} in ${batches} batches of which ${unfinishedBatches} were refused or broke off, ` +
    `${insisted.length} under Idempotency-Keys, each answered twice, in ${tries} tries`
  )
}
