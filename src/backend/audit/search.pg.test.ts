import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compare, decimal } from '../pricing/decimal.ts'
import { Problem } from '../server/problem.ts'
import { auditId, auditRow, insertHeldRows, insertRows } from '../test/audit-rows.ts'
import { type TestDatabase, testDatabase } from '../test/database.ts'
import { goTogether, searchFor } from '../test/performance/filled-log.ts'
import type { AuditRow } from './quote-record.ts'
import { lowestIdOf } from './record-time.ts'
import { EXACT_TOTAL_MAX, type RecordPage, type RecordSearch, searchRecords } from './search.ts'

const NOW = new Date('2026-11-24T15:00:00Z')
const MINUTE_MS = 60_000
const RECORDS = 1_200
const CLIENTS = ['broker-one', 'broker-two', 'broker-three']
const TICKERS = ['AAPL', 'GME', 'BRK.B', 'TSLA']
const minutesBefore = (minutes: number) => new Date(NOW.getTime() - minutes * MINUTE_MS)

let database: TestDatabase
let search: (different: Partial<RecordSearch>) => Promise<RecordPage>
/** What is in the log, newest first. */
let kept: AuditRow[]

beforeAll(async () => {
  database = await testDatabase()
  const find = searchRecords(database.pool, () => NOW)
  search = (different) => find(searchFor({ pageSize: 100, ...different }))
  // An hour apart, so that they lie in three months; and as many kinds of each column as to make every combination.
  const rows = Array.from({ length: RECORDS }, (_, n) => someRow(n, minutesBefore(60 * n + 1)))
  await insertRows(database.pool, rows)
  kept = rows.sort((a, b) => (a.audit_id < b.audit_id ? 1 : -1))
})
afterAll(() => database.drop())

function someRow(n: number, at: Date): AuditRow {
  const isQuote = n % 10 !== 7
  return auditRow({
    audit_id: auditId(at),
    record_type: isQuote ? 'quote' : 'broker_changed',
    occurred_at: at.toISOString(),
    client_id: CLIENTS[n % 3]!,
    ticker: isQuote ? TICKERS[n % 4]! : null,
    position_value: isQuote ? `${100 + (n % 50) * 10}.${n % 2 === 0 ? '50' : '5'}` : null,
    borrow_rate: isQuote ? `0.${String(1 + (n % 30)).padStart(3, '0')}` : null,
    total_fee: isQuote ? '25.00' : null,
  })
}

/** What should be found, looked for one by one. */
function fitting(asked: Partial<RecordSearch>): string[] {
  const { from, to, clientId, ticker, recordType } = asked
  const least = (bound: string | null | undefined, of: string | null) =>
    bound == null || (of !== null && compare(decimal(of), decimal(bound)) >= 0)
  const most = (bound: string | null | undefined, of: string | null) =>
    bound == null || (of !== null && compare(decimal(of), decimal(bound)) <= 0)
  return kept
    .filter(
      (row) =>
        (clientId == null || row.client_id === clientId) &&
        (ticker == null || row.ticker === ticker) &&
        (recordType == null || row.record_type === recordType) &&
        (from == null || row.occurred_at >= from.toISOString()) &&
        (to == null || row.occurred_at < to.toISOString()) &&
        least(asked.minPositionValue, row.position_value) &&
        most(asked.maxPositionValue, row.position_value) &&
        least(asked.minBorrowRate, row.borrow_rate) &&
        most(asked.maxBorrowRate, row.borrow_rate),
    )
    .map((row) => row.audit_id)
}

const idsOf = (page: RecordPage) => page.items.map((item) => item.audit_id)

/** Everything that a search finds, followed from cursor to cursor. */
async function followed(asked: Partial<RecordSearch>): Promise<string[]> {
  const ids: string[] = []
  let cursor: string | null = null
  do {
    const page: RecordPage = await search({ ...asked, cursor })
    ids.push(...idsOf(page))
    cursor = page.nextCursor
  } while (cursor !== null)
  return ids
}

async function refusal(asked: Partial<RecordSearch>): Promise<{ code: string; faults: string[] }> {
  const error = await search(asked).then(
    () => new Error('found'),
    (reason: unknown) => reason,
  )
  if (!(error instanceof Problem)) throw error
  return {
    code: error.code,
    faults: (error.validationErrors ?? []).map(({ field, message }) => `${field}: ${message}`),
  }
}

describe('what is found', () => {
  const conditions: Partial<RecordSearch>[] = [
    {},
    { clientId: 'broker-two' },
    { clientId: 'nobody' },
    { ticker: 'GME' },
    { recordType: 'quote' },
    { recordType: 'broker_changed' },
    { from: minutesBefore(60 * 300), to: minutesBefore(60 * 100) },
    { from: minutesBefore(60 * 5) },
    { minPositionValue: '300.5' },
    { maxPositionValue: '300.50' },
    { minPositionValue: '2e2', maxPositionValue: '250.5' },
    { minBorrowRate: '0.02' },
    { maxBorrowRate: '0.0100' },
    { minBorrowRate: '0.005', maxBorrowRate: '0.0050000' },
  ]
  test.each(conditions.map((condition) => [JSON.stringify(condition), condition] as const))(
    '%s alone and with each other condition is what fits, newest first, on pages and from cursor to cursor',
    async (_, condition) => {
      const goWithIt = conditions.filter((other) => other === condition || goTogether(condition, other))
      for (const other of goWithIt) {
        const asked = { ...condition, ...other, pageSize: 70 }
        const wanted = fitting(asked)
        const first = await search(asked)
        expect(first).toMatchObject({ total: wanted.length, totalIsExact: true })
        expect(idsOf(first)).toEqual(wanted.slice(0, 70))
        const third = await search({ ...asked, page: 3 })
        expect(idsOf(third)).toEqual(wanted.slice(140, 210))
        expect(third.total).toBe(wanted.length)
        if (third.nextCursor !== null) {
          const fourth = await search({ ...asked, cursor: third.nextCursor })
          expect(idsOf(fourth)).toEqual(wanted.slice(210, 280))
          expect(fourth.total).toBe(wanted.length)
        } else expect(wanted.length).toBeLessThanOrEqual(210)
      }
      expect(await followed(condition)).toEqual(fitting(condition))
    },
  )

  test('is shown with its columns as they were kept, and its place in the chain once it is sealed', async () => {
    const [newest, next] = kept as [AuditRow, AuditRow]
    await database.pool.query('insert into audit_seals values ($1, 7, $2, $2, now())', [
      next.audit_id,
      createHash('sha256').digest(),
    ])
    const { record: _, ...columns } = next
    const page = await search({ pageSize: 2 })
    expect(page.items[0]).toMatchObject({ audit_id: newest.audit_id, sequence: null })
    expect(page.items[1]).toEqual({
      ...columns,
      occurred_at: next.occurred_at.replace('Z', '000Z'),
      recorded_at: next.occurred_at.replace('Z', '000Z'),
      sequence: 7,
    })
  })

  test('from is inclusive and to is not; both to the millisecond', async () => {
    const time = new Date(kept[500]!.occurred_at)
    const after = new Date(time.getTime() + 1)
    expect(idsOf(await search({ from: time, to: after }))).toEqual([kept[500]!.audit_id])
    expect((await search({ from: new Date(time.getTime() - 1), to: time })).total).toBe(0)
  })

  test('until now includes what a service made whose clock is ahead', async () => {
    const ahead = someRow(0, new Date(NOW.getTime() + 2 * MINUTE_MS))
    await insertRows(database.pool, [{ ...ahead, client_id: 'broker-ahead' }])
    expect(idsOf(await search({ clientId: 'broker-ahead' }))).toEqual([ahead.audit_id])
    expect((await search({ clientId: 'broker-ahead', to: NOW })).total).toBe(0)
  })

  test('needs no more rights than the audit service has, and any time range does', async () => {
    const client = await database.pool.connect()
    await client.query('set role audit_service')
    const page = await searchRecords(client)(
      searchFor({ from: new Date(-8.64e15), to: new Date(8.64e15), clientId: 'broker-one' }),
    )
    expect(page.total).toBe(fitting({ clientId: 'broker-one' }).length)
    await client.query('reset role')
    client.release()
  })
})

describe('records under a legal hold whose month has left the log', () => {
  test('are found where they belong: behind everything that is in the log', async () => {
    // More than a page of them, older than every record of the log, in no order.
    const rows = Array.from({ length: 150 }, (_, n) => ({
      ...someRow(0, new Date(Date.parse('2019-05-01T00:00:00Z') + ((n * 7) % 150) * MINUTE_MS)),
      client_id: 'broker-held',
    }))
    const recent = [1, 2, 3].map((n) => ({ ...someRow(0, minutesBefore(n)), client_id: 'broker-held' }))
    await insertRows(database.pool, recent)
    await insertHeldRows(database.pool, rows)
    const wanted = [...recent, ...rows].map((row) => row.audit_id).sort((a, b) => (a < b ? 1 : -1))
    const first = await search({ clientId: 'broker-held' })
    expect(first).toMatchObject({ total: 153, totalIsExact: true })
    expect(first.items.slice(2, 4).map((item) => item.sequence === null)).toEqual([true, false])
    expect(idsOf(await search({ clientId: 'broker-held', page: 2 }))).toEqual(wanted.slice(100))
    expect(await followed({ clientId: 'broker-held' })).toEqual(wanted)
    expect((await search({ clientId: 'broker-held', from: minutesBefore(100) })).total).toBe(3)
  })
})

describe('a total beyond what is exact', () => {
  const COUNT = EXACT_TOTAL_MAX + 60
  const most = { clientId: 'broker-many', pageSize: 100 }
  let ids: string[]
  beforeAll(async () => {
    const rows = Array.from({ length: COUNT }, (_, n) => ({
      ...someRow(n % 7, minutesBefore(n)),
      client_id: 'broker-many',
    }))
    await insertRows(database.pool, rows)
    await database.pool.query('analyze audit_records')
    ids = rows.map((row) => row.audit_id)
  })

  test('says so, and pages reach as far as it is exact', async () => {
    const first = await search(most)
    expect(first).toMatchObject({ total: EXACT_TOTAL_MAX, totalIsExact: false })
    const last = await search({ ...most, page: EXACT_TOTAL_MAX / 100 })
    expect(idsOf(last)).toEqual(ids.slice(EXACT_TOTAL_MAX - 100, EXACT_TOTAL_MAX))
  })

  test('the cursor of the last page goes on where pages end', async () => {
    const last = await search({ ...most, page: EXACT_TOTAL_MAX / 100 })
    const beyond = await search({ ...most, cursor: last.nextCursor })
    expect(idsOf(beyond)).toEqual(ids.slice(EXACT_TOTAL_MAX))
    expect(beyond).toMatchObject({ total: EXACT_TOTAL_MAX, totalIsExact: false, nextCursor: null })
  })

  test('from cursor to cursor every record comes once', async () => {
    expect(await followed(most)).toEqual(ids)
  })

  test('a page beyond is refused, with the rule', async () => {
    const rule = 'page: page times page_size must be at most 10000: beyond, go on with next_cursor'
    expect(await refusal({ ...most, page: EXACT_TOTAL_MAX / 100 + 1 })).toEqual({
      code: 'INVALID_PARAMETER',
      faults: [rule],
    })
  })
})

describe('a cursor', () => {
  const asked = { clientId: 'broker-one', minPositionValue: '110.50', pageSize: 10 }
  const notOurs = { code: 'INVALID_PARAMETER', faults: ['cursor: cursor must be the next_cursor of the same search'] }
  let cursor: string
  beforeAll(async () => {
    cursor = (await search(asked)).nextCursor!
  })

  test('is a short word that an address can carry', () => {
    expect(cursor).toMatch(/^[A-Za-z0-9_-]{32}$/)
  })

  test('goes on in another time range, on pages of another size, and with bounds that are written otherwise', async () => {
    const page = await search({
      ...asked,
      minPositionValue: '1.105e2',
      from: minutesBefore(60 * 400),
      pageSize: 5,
      cursor,
    })
    expect(idsOf(page)).toEqual(fitting(asked).slice(10, 15))
  })

  test('is not disturbed by what is recorded meanwhile', async () => {
    const newer = { ...someRow(0, minutesBefore(0)), client_id: 'broker-one', position_value: '500' }
    await insertRows(database.pool, [newer])
    kept.unshift(newer)
    expect(idsOf(await search({ ...asked, cursor }))).toEqual(fitting(asked).slice(11, 21))
  })

  test.each<[string, () => Partial<RecordSearch>]>([
    ['of another client', () => ({ clientId: 'broker-two', cursor })],
    ['of another bound', () => ({ minPositionValue: '110.51', cursor })],
    ['of a search for one condition more', () => ({ ticker: 'GME', cursor })],
    ['that was cut', () => ({ cursor: cursor.slice(0, -1) })],
    ['that was lengthened', () => ({ cursor: `${cursor}A` })],
    ['whose place was moved', () => ({ cursor: `${cursor[0] === 'A' ? 'B' : 'A'}${cursor.slice(1)}` })],
    ['that was made up', () => ({ cursor: Buffer.alloc(24).toString('base64url') })],
    ['that is no such word', () => ({ cursor: `' or true --` })],
    ['that is nothing', () => ({ cursor: '' })],
  ])('%s is refused by its name', async (_, different) => {
    expect(await refusal({ ...asked, ...different() })).toEqual(notOurs)
  })

  test('does not go with a page', async () => {
    expect(await refusal({ ...asked, cursor, page: 2 })).toEqual({
      code: 'INVALID_PARAMETER',
      faults: ['page: page and cursor cannot both be given'],
    })
  })
})

test('bounds that leave nothing between them are refused, all at once', async () => {
  expect(
    await refusal({
      from: NOW,
      to: NOW,
      minPositionValue: '10.01',
      maxPositionValue: '10',
      minBorrowRate: '0.02',
      maxBorrowRate: '0.019',
    }),
  ).toEqual({
    code: 'INVALID_PARAMETER',
    faults: [
      'to: to must be after from',
      'max_position_value: max_position_value must not be below min_position_value',
      'max_borrow_rate: max_borrow_rate must not be below min_borrow_rate',
    ],
  })
})

test.each(['1970-01-01T00:00:00Z', '2026-11-24T15:00:00.123Z', '9999-12-31T23:59:59.999Z'])(
  'the lowest id of %s is what the database says',
  async (time) => {
    const { rows } = await database.pool.query('select uuid7_lower_bound($1) as id', [time])
    expect(lowestIdOf(new Date(time))).toBe(rows[0].id)
  },
)
