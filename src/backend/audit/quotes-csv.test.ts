import { parse } from 'csv-parse/sync'
import { beforeAll, describe, expect, test } from 'vitest'
import { auditRow } from '../test/audit-rows.ts'
import { quoteRecords } from '../test/performance/quote-records.ts'
import { QUOTES_CSV_COLUMNS, quotesCsv } from './quotes-csv.ts'
import type { StoredAuditRow } from './read-record.ts'

let quotes: StoredAuditRow[]
beforeAll(async () => {
  quotes = (await quoteRecords()).map((row) => ({
    ...row,
    occurred_at: '2026-11-24T15:00:00.123000Z',
    recorded_at: '2026-11-24T15:00:00.125000Z',
  }))
})

const stored = (different: Partial<StoredAuditRow>): StoredAuditRow => ({ ...quotes[0]!, ...different })

async function* pagesOf(...pages: StoredAuditRow[][]) {
  yield* pages
}

async function textOf(...pages: StoredAuditRow[][]): Promise<string[]> {
  const texts: string[] = []
  for await (const text of quotesCsv(pagesOf(...pages))) texts.push(text)
  return texts
}

async function linesOf(...rows: StoredAuditRow[]): Promise<Record<string, string>[]> {
  return parse((await textOf(rows)).join(''), { columns: true })
}

describe('a quote is one line', () => {
  test('that says what was asked, what it was priced at and under which terms', async () => {
    expect((await linesOf(quotes[0]!))[0]).toEqual({
      date_utc: '2026-11-24',
      time_utc: '15:00:00.123',
      client_id: 'broker-0001',
      ticker: 'GME',
      status: 'indicative',
      shares: '',
      price: '',
      position_value: '100000',
      loan_days: '30',
      short_settles: '',
      cover_settles: '',
      borrow_rate: '0.0867825',
      day_count: 'ACT/365',
      convention_pack: 'notional',
      borrow_cost: '713.28',
      markup: '35.66',
      transaction_fees: '25.00',
      total_fee: '773.94',
      cost_per_day: '23.78',
      degraded: '',
      pricing_model: 'standard-v1',
      terms_version: '7',
      expires_at: '2026-11-24T15:01:00.000Z',
      key_id: 'k4Tz91xQ',
      request_id: quotes[0]!.request_id,
      audit_id: quotes[0]!.audit_id,
    })
  })

  test('with the shares and the price that was taken, and the settlement dates of a stay between dates', async () => {
    const [, atClose, betweenDates] = await linesOf(...quotes)
    expect(atClose).toMatchObject({ shares: '1500', price: '22.47', position_value: '33705.00' })
    expect(betweenDates).toMatchObject({
      shares: '20000',
      price: '22.5',
      position_value: '460000.00',
      loan_days: '7',
      short_settles: '2026-11-23',
      cover_settles: '2026-11-30',
      day_count: 'ACT/360',
      convention_pack: 'us-collateral-mark',
    })
  })

  test('that names the inputs that were guesses', async () => {
    const record = quotes[0]!.record.replace('"degraded":[]', '"degraded":["lender_rate_stale","volatility_fallback"]')
    expect((await linesOf(stored({ record })))[0]?.degraded).toBe('lender_rate_stale volatility_fallback')
  })

  test('that no spreadsheet takes for a formula', async () => {
    expect((await linesOf(stored({ client_id: '=1+1', request_id: '@SUM(A1)' })))[0]).toMatchObject({
      client_id: "'=1+1",
      request_id: "'@SUM(A1)",
    })
  })
})

describe('a record that cannot be read', () => {
  test.each([
    ['is no JSON', { record: '{"quote_type":"indicat' }],
    ['is JSON of another form', { record: '[1]' }],
    ['is null', { record: 'null' }],
    [
      'has other things where the quote should be',
      { record: '{"request":5,"price_inputs":null,"result":"x","degraded":{}}' },
    ],
    ['is of a version that comes after this program', { schema_version: 99 }],
  ])('because it %s has its line all the same, with what its columns say', async (_, different) => {
    const [line] = await linesOf(stored(different))
    expect(line).toMatchObject({
      status: 'unreadable',
      audit_id: quotes[0]!.audit_id,
      client_id: 'broker-0001',
      position_value: '100000',
      total_fee: '773.94',
      borrow_cost: '',
    })
  })
})

test('the heading comes first, and then a text for each page that holds a quote', async () => {
  const change = { ...auditRow({ record_type: 'broker_changed' }), recorded_at: '2026-11-24T15:00:00.125000Z' }
  const texts = await textOf([quotes[0]!, change, quotes[1]!], [change], [quotes[2]!])
  expect(texts.map((text) => text.split('\r\n').length - 1)).toEqual([1, 2, 1])
  expect(texts[0]).toBe(`${QUOTES_CSV_COLUMNS.join(',')}\r\n`)
})

test('a range without quotes is a heading', async () => {
  expect(await textOf()).toEqual([`${QUOTES_CSV_COLUMNS.join(',')}\r\n`])
})
