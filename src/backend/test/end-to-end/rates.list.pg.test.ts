// The rates of all names in one answer, as a screen or a spreadsheet loads them.
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { parse } from 'csv-parse/sync'
import { beforeAll, describe, expect, test } from 'vitest'
import { parseExactJson } from '../../client/exact-json.ts'
import { expectFailure } from './answers.ts'
import { type Deployment, sleep, startDeployment } from './deployment.ts'
import { type Answer, ask } from './http.ts'
import { broker, list, listPlain, stock } from './market.ts'

const NDJSON = 'application/x-ndjson'
let deployed: Deployment

beforeAll(async () => {
  deployed = await startDeployment({
    prepare: async (database) => {
      await listPlain(database, 'ZZA', '0.05')
      await list(database, { ticker: 'ZNA', rate: null })
      await listPlain(database, 'ZWAS', '0.05')
      await database.query(
        `insert into lender_rate_history (ticker, as_of, rate, provider, received_at)
         values ('ZWAS', now() - interval '10 days', 0.04, 'test lender', now())`,
      )
      await stock(database, { ticker: 'ZOUT', status: 'HARD', active: false })
      await broker(database, 'deskmodel', { pricing_model: 'desk-v1' })
      // Enough for several pages, and for compression to pay.
      await database.query(
        `insert into lender_rates (ticker, rate, available, provider, as_of, received_at)
         select 'Q' || chr(65 + n / 26 % 26) || chr(65 + n % 26) || chr(65 + n / 676), 0.001 + n * 0.0001, n, 'test lender', now(), now()
           from generate_series(0, 1199) as n`,
      )
    },
  })
})

const get = (path = '', headers: Record<string, string> = {}, key = deployed.keys.desk): Promise<Answer> =>
  ask(deployed, { path: `/api/v1/rates${path}`, key, headers })
const lines = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => parseExactJson(line) as Record<string, unknown>)

describe('all names', () => {
  test('are there once each, by ticker, with the rate that each has alone', async () => {
    const { status, headers, json } = await get()
    expect(status).toBe(200)
    expect(headers['content-type']).toBe('application/json; charset=utf-8')
    expect(json).toMatchObject({ status: 'success', pricing_model: 'standard-v1' })
    const tickers = json.items.map(({ ticker }: { ticker: string }) => ticker)
    expect(tickers).toEqual([...new Set(tickers)].sort())
    expect(json.total).toBe(String(tickers.length))
    const { rows } = await deployed.database.query(
      `select count(*)::int as names from stocks full join lender_rates using (ticker) where coalesce(active, true)`,
    )
    expect(tickers).toHaveLength(rows[0].names)
    expect(tickers).not.toContain('ZOUT')
    for (const ticker of ['GME', 'ZZA', 'ZNA', 'QABB']) {
      const alone = (await get(`/${ticker}`)).json
      const row = json.items.find((each: { ticker: string }) => each.ticker === ticker)
      for (const name of [
        'current_rate',
        'borrow_status',
        'lender_rate',
        'volatility_index',
        'event_risk_factor',
        'availability',
        'rebate_rate',
        'last_updated',
        'degraded',
      ]) {
        expect(row[name], `${ticker} ${name}`).toEqual(alone[name])
      }
    }
  })

  test('have the rate of the last close beside them, which the history says too', async () => {
    const { json } = await get()
    expect(Date.parse(json.previous_close_at)).toBeLessThan(Date.now())
    expect(json.previous_close_at).toMatch(/T2[01]:00:00.000Z$/)
    const rows = new Map<string, Record<string, string | null>>(
      json.items.map((row: { ticker: string }) => [row.ticker, row]),
    )
    const minute = new Date(Date.parse(json.previous_close_at) - 60_000).toISOString()
    for (const ticker of ['GME', 'ZWAS', 'ZZA']) {
      const { points } = (await get(`/${ticker}/history?from=${minute}&to=${json.previous_close_at}&interval=1m`)).json
      expect(rows.get(ticker)?.previous_close_rate, ticker).toBe(points[0]?.borrow_rate ?? null)
    }
    expect(rows.get('ZWAS')?.previous_close_rate).not.toBeNull()
    expect(rows.get('ZZA')?.previous_close_rate).toBeNull()
    const last = lines((await get('', { accept: NDJSON })).text).at(-1)
    expect(last?.previous_close_at).toBe(json.previous_close_at)
  })

  test('of a status are those that the pages of the status have', async () => {
    const some = (await get('?status=MEDIUM')).json.items.map(({ ticker }: { ticker: string }) => ticker)
    const first = await get('/status/MEDIUM?limit=100')
    expect(some).toHaveLength(Number(first.headers['x-total-count']))
    expect(some.slice(0, 100)).toEqual(first.json.map(({ ticker }: { ticker: string }) => ticker))
  })

  test("are under the model of the key's broker", async () => {
    const key = await deployed.newKey('deskmodel', 'broker')
    const theirs = await get('', {}, key)
    expect(theirs.json.pricing_model).toBe('desk-v1')
    expect(theirs.headers.etag).toMatch(/^W\/"desk-v1\.json\./)
    const rate = (answer: Answer) =>
      answer.json.items.find((row: { ticker: string }) => row.ticker === 'GME').current_rate
    expect(rate(theirs)).toBe((await get('/GME', {}, key)).json.current_rate)
    expect(rate(theirs)).not.toBe(rate(await get()))
  })

  test.each(['auditor', 'admin', 'demo-classic'] as const)('are for %s too', async (name) => {
    expect((await get('?status=HARD', {}, deployed.keys[name])).status).toBe(200)
  })
})

describe('the forms', () => {
  test('are the same names, by Accept or by format, and an Accept that names none is JSON', async () => {
    const { items } = (await get()).json
    const ndjson = await get('', { accept: NDJSON })
    expect(ndjson.headers['content-type']).toBe(NDJSON)
    expect(lines(ndjson.text).slice(0, -1)).toEqual(items)
    expect(lines(ndjson.text).at(-1)).toMatchObject({ status: 'success', total: String(items.length) })
    expect((await get('?format=ndjson', { accept: 'text/csv' })).headers['content-type']).toBe(NDJSON)

    const csv = await get('?format=csv')
    expect(csv.headers['content-type']).toBe('text/csv; charset=utf-8')
    const rows = parse(csv.text, { columns: true }) as Record<string, string>[]
    expect(rows.map(({ ticker, current_rate }) => [ticker, current_rate])).toEqual(
      items.map(({ ticker, current_rate }: Record<string, string>) => [ticker, current_rate]),
    )
    expect((await get('', { accept: 'text/html, */*' })).json.total).toBe(String(items.length))
  })

  test.each([
    ['br', '', brotliDecompressSync],
    ['gzip', '', gunzipSync],
    ['gzip', '?format=csv', gunzipSync],
    ['gzip', '?format=ndjson', gunzipSync],
  ] as const)('come as %s%s in a fraction of their size', async (encoding, query, decompress) => {
    const plain = await get(query)
    const packed = await get(query, { 'accept-encoding': encoding })
    expect(packed.headers['content-encoding']).toBe(encoding)
    expect(String(packed.headers.vary).toLowerCase()).toContain('accept')
    expect(String(packed.headers.vary).toLowerCase()).toContain('accept-encoding')
    expect(packed.bytes.length).toBeLessThan(plain.bytes.length / 4)
    expect(decompress(packed.bytes).toString('utf8').length).toBe(plain.text.length)
  })
})

describe('the validator', () => {
  test('spares the answer while the rates are as they were, in each form by its own', async () => {
    const first = await get()
    expect(first.headers['cache-control']).toBe('private, no-cache')
    const tag = first.headers.etag as string
    expect(tag).toMatch(/^W\/"standard-v1\.json\.[\w-]{27}"$/)
    const again = await get('', { 'if-none-match': tag })
    expect(again.status).toBe(304)
    expect(again.text).toBe('')
    expect(again.headers.etag).toBe(tag)
    expect(again.headers['x-ratelimit-limit']).toBeDefined()
    expect((await get('?format=csv', { 'if-none-match': tag })).status).toBe(200)
    expect((await get('?status=HARD', { 'if-none-match': tag })).status).toBe(200)
  })

  test('is another one within a second of a change', async () => {
    const body = { borrow_status: null, floor_rate: '0.42' }
    const tag = (await get('?status=HARD')).headers.etag as string
    const put = {
      method: 'PUT',
      path: '/api/v1/stocks/ZZA',
      key: deployed.keys.admin,
      body,
      headers: { 'if-none-match': '*' },
    }
    expect((await ask(deployed, put)).status).toBe(201)
    const until = performance.now() + 3_000
    let answer = await get('?status=HARD', { 'if-none-match': tag })
    while (answer.status === 304 && performance.now() < until) {
      await sleep(100)
      answer = await get('?status=HARD', { 'if-none-match': tag })
    }
    expect(answer.status).toBe(200)
    expect(answer.json.items.find((row: { ticker: string }) => row.ticker === 'ZZA').current_rate).toBe('0.42')
  })
})

describe('what is refused', () => {
  test.each([
    ['?status=hard', 'status'],
    ['?status=', 'status'],
    ['?format=xml', 'format'],
    ['?format=csv&format=csv', 'format'],
  ])('%s is 400 that names the field', async (query, field) => {
    const answer = await get(query)
    expectFailure(answer, 'INVALID_PARAMETER', ['xml'])
    expect(answer.json.validation_errors).toMatchObject([{ field, location: 'query' }])
    expect(answer.json.valid_params).toEqual(['status', 'format'])
  })

  test('a bad key, or one of a broker that is not active', async () => {
    expectFailure(await get('', {}, 'none'), 'UNAUTHORIZED')
    await broker(deployed.database, 'sleeping', { active: false })
    expectFailure(await get('', {}, await deployed.newKey('sleeping', 'broker')), 'CLIENT_NOT_FOUND')
  })
})
