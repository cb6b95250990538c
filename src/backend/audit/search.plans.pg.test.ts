// How a search is carried out, on a log large enough for the planner to care: 200 000 records over three months. What a search reads is
// counted, for that is what grows with the log; a plan that walks through a whole month in search of a few records shows here first.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connectDatabase } from '../database/connect.ts'
import { type TestDatabase, testDatabase } from '../test/database.ts'
import { conditions, fillLog, pairs, searchFor } from '../test/performance/filled-log.ts'
import { EXACT_TOTAL_MAX, type RecordSearch, searchRecords, searchStatement } from './search.ts'

const UNTIL = new Date('2026-11-24T12:00:00Z')
const RECORDS = 200_000
const DAYS = 90
const PAGE_SIZE = 50
/** A total is counted to one beyond what is exact; the rest is the page, and what does not fit on the way. */
const ROWS_READ_MAX = 40_000
/** The deepest page has as many before it as a total is exact to, and to come there one in ten may fit. */
const ROWS_READ_DEEP_MAX = 130_000
const FILL_MS_MAX = 120_000

const ALONE = conditions(UNTIL)
const TOGETHER = pairs(ALONE)

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
  // As long as it takes: it is no statement of the engine's.
  const filling = connectDatabase(database.url, { applicationName: 'fill', connectionsMax: 1, statementTimeoutMs: 0 })
  try {
    await fillLog(filling, { records: RECORDS, until: UNTIL, days: DAYS, trueTexts: false })
    // What is not on the disk yet cannot be marked as visible to all, and then no index answers alone: commits of this server do not wait.
    await filling.query('checkpoint')
    await filling.query('vacuum analyze audit_records, audit_seals')
  } finally {
    await filling.end()
  }
}, FILL_MS_MAX)
afterAll(() => database.drop())

interface Plan {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Actual Rows': number
  readonly 'Actual Loops': number
  readonly 'Rows Removed by Filter'?: number
  readonly Plans?: readonly Plan[]
}

function scansOf(plan: Plan): Plan[] {
  const inside = (plan.Plans ?? []).flatMap(scansOf)
  return /^audit_(records|seals)/.test(plan['Relation Name'] ?? '') ? [plan, ...inside] : inside
}

async function scansFor(asked: Partial<RecordSearch>): Promise<Plan[]> {
  const { text, values } = searchStatement(searchFor({ pageSize: PAGE_SIZE, ...asked }), UNTIL)
  const { rows } = await database.pool.query(`explain (analyze, timing off, format json) ${text}`, [...values])
  return scansOf((JSON.parse(rows[0]['QUERY PLAN']) as { Plan: Plan }[])[0]!.Plan)
}

/** Rows of the log and its seals that are looked at, those that do not fit included. */
async function rowsReadFor(asked: Partial<RecordSearch>): Promise<number> {
  const rowsOf = (scan: Plan) => (scan['Actual Rows'] + (scan['Rows Removed by Filter'] ?? 0)) * scan['Actual Loops']
  return (await scansFor(asked)).reduce((sum, scan) => sum + rowsOf(scan), 0)
}

test.each(Object.entries({ everything: {}, ...ALONE, ...TOGETHER }))(
  'a search for %s reads a bounded part of the log, on its first page, a deep page and from a cursor',
  async (_, asked) => {
    const first = await searchRecords(database.pool, () => UNTIL)(searchFor({ pageSize: PAGE_SIZE, ...asked }))
    expect(await rowsReadFor(asked)).toBeLessThan(ROWS_READ_MAX)
    expect(await rowsReadFor({ ...asked, page: EXACT_TOTAL_MAX / PAGE_SIZE })).toBeLessThan(ROWS_READ_DEEP_MAX)
    expect(await rowsReadFor({ ...asked, cursor: first.nextCursor })).toBeLessThan(ROWS_READ_MAX)
  },
)

test('months outside of the time range are not in the plan, nor those that lie ahead', async () => {
  const scans = await scansFor({ from: new Date('2026-10-31T00:00:00Z') })
  const months = new Set(scans.map((scan) => scan['Relation Name']?.replace(/^audit_(records|seals)_/, '')))
  expect([...months].sort()).toEqual(['2026_10', '2026_11'])
})
