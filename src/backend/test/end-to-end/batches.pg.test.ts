// Batches: many shorts against one snapshot, in JSON or CSV, each line a quote with its own record.
import { parse } from 'csv-parse/sync'
import { beforeAll, describe, expect, test } from 'vitest'
import { parseExactJson } from '../../client/exact-json.ts'
import type { ErrorCode } from '../../server/problem.ts'
import { expectFailure } from './answers.ts'
import { type Deployment, startDeployment } from './deployment.ts'
import { type Answer, ask } from './http.ts'
import { broker, listPlain } from './market.ts'

const BATCH = '/api/v1/calculate-locate/batch'
const NDJSON = 'application/x-ndjson'
let deployed: Deployment

beforeAll(async () => {
  deployed = await startDeployment({
    prepare: async (database) => {
      await listPlain(database, 'ZZA', '0.05')
      await broker(database, 'narrow', { requests_per_minute: '7' })
    },
  })
})

const send = (body: object | string, headers: Record<string, string> = {}, key = deployed.keys.desk): Promise<Answer> =>
  ask(deployed, { path: BATCH, key, body, headers })
const csv = (body: string, headers: Record<string, string> = {}) =>
  send(body, { 'content-type': 'text/csv', ...headers })
const line = (fields: object = {}) => ({ ticker: 'ZZA', position_value: 100_000, loan_days: 30, ...fields })
const lines = (count: number) => Array.from({ length: count }, (_, index) => line({ position_value: 1000 + index }))
const recorded = async (auditId: string) =>
  (await ask(deployed, { path: `/api/v1/audit/${auditId}`, key: deployed.keys.auditor })).json.record

describe('a batch', () => {
  test('prices each line like a quote of its own, as of one moment, and says what failed with its number', async () => {
    const { status, headers, json } = await send({
      client_id: 'demo-classic',
      lines: [
        line(),
        line({ ticker: 'zz' }),
        line({ ticker: 'ZNONE' }),
        line({ client_id: 'nobody' }),
        line({ loan_days: 60 }),
      ],
    })
    expect(status).toBe(200)
    expect(headers['content-type']).toBe('application/json; charset=utf-8')
    expect(json.summary).toEqual({ lines: '5', priced: '2', failed: '3', total_fee: '1344.53' })
    const [first, second, third, fourth, fifth] = json.lines
    expect(first).toMatchObject({ line: '1', status: 'success', total_fee: '456.51', borrow_rate_used: '0.05' })
    expect(second).toMatchObject({
      line: '2',
      status: 'error',
      error_code: 'INVALID_PARAMETER',
      client_id: 'demo-classic',
    })
    expect(second.validation_errors[0]).toMatchObject({ field: 'ticker', location: 'body' })
    expect(third).toMatchObject({
      line: '3',
      error_code: 'TICKER_NOT_FOUND',
      error: 'Ticker not found: ZNONE',
      ticker: 'ZNONE',
    })
    expect(fourth).toMatchObject({ line: '4', error_code: 'CLIENT_NOT_FOUND' })
    expect(fifth).toMatchObject({ line: '5', total_fee: '888.02', loan_days: '60' })
    expect([first.quoted_at, fifth.quoted_at]).toEqual([json.snapshot_at, json.snapshot_at])

    const alone = await ask(deployed, {
      path: '/api/v1/calculate-locate',
      key: deployed.keys.desk,
      body: line({ client_id: 'demo-classic' }),
    })
    for (const field of ['waterfall', 'breakdown', 'terms', 'cost_per_day', 'degraded']) {
      expect(first[field]).toEqual(alone.json[field])
    }
  })

  test('leaves a record for each priced line, which says whose line it was', async () => {
    const { json } = await send({ client_id: 'demo-classic', lines: lines(300) })
    expect(json.summary).toMatchObject({ priced: '300', failed: '0' })
    expect(new Set(json.lines.map((priced: { audit_id: string }) => priced.audit_id)).size).toBe(300)
    expect(json.lines.map((priced: { line: string }) => Number(priced.line))).toEqual(lines(300).map((_, at) => at + 1))
    const record = await recorded(json.lines[299].audit_id)
    expect(record).toMatchObject({
      batch: { batch_id: json.batch_id, line: '300' },
      result: { total_fee: json.lines[299].total_fee },
    })
    const { rows } = await deployed.database.query(
      `select count(*)::int as records from audit_records where record like '%"batch_id":"' || $1 || '"%'`,
      [json.batch_id],
    )
    expect(rows[0].records).toBe(300)
  })

  test('prices every line when others are priced at the same time: none is refused because the record is busy with them', async () => {
    const together = Array.from({ length: 8 }, () => send({ client_id: 'demo-classic', lines: lines(700) }))
    const alone = ask(deployed, {
      path: '/api/v1/calculate-locate',
      key: deployed.keys.desk,
      body: line({ client_id: 'demo-classic' }),
    })
    expect((await alone).status).toBe(200)
    for (const { json } of await Promise.all(together)) {
      expect(json.summary).toMatchObject({ lines: '700', priced: '700', failed: '0' })
    }
  })

  test('is streamed as NDJSON, whose last line is the summary, and as CSV, each with the same numbers', async () => {
    const body = { client_id: 'demo-percentage', lines: [line(), line({ ticker: 'zz' })] }
    const ndjson = await send(body, { accept: NDJSON })
    expect(ndjson.headers['content-type']).toBe(NDJSON)
    const told = ndjson.text
      .trimEnd()
      .split('\n')
      .map((text) => parseExactJson(text) as Record<string, unknown>)
    expect(told).toHaveLength(3)
    expect(told[2]).toMatchObject({ status: 'success', summary: { lines: '2', priced: '1', failed: '1' } })

    const table = await send(body, { accept: 'text/csv' })
    expect(table.headers['content-type']).toBe('text/csv; charset=utf-8')
    const [priced, failed] = parse(table.text, { columns: true }) as Record<string, string>[]
    expect(priced).toMatchObject({
      line: '1',
      status: 'success',
      ticker: 'ZZA',
      client_id: 'demo-percentage',
      position_value: '100000',
      loan_days: '30',
      borrow_rate_used: told[0]?.borrow_rate_used,
      total_fee: told[0]?.total_fee,
      error: '',
    })
    expect(failed).toMatchObject({
      line: '2',
      status: 'error',
      ticker: '',
      total_fee: '',
      error_code: 'INVALID_PARAMETER',
    })
  })

  test('comes as CSV too: what one system exports the other reads', async () => {
    const { status, json } = await csv(
      'loan_days,ticker,position_value,client_id\r\n30,ZZA,100000.00,demo-classic\r\n60,ZZA,100000,demo-classic\r\n',
    )
    expect(status).toBe(200)
    expect(json.lines.map((priced: { total_fee: string }) => priced.total_fee)).toEqual(['456.51', '888.02'])
  })

  test('of a broker prices for that broker alone', async () => {
    const body = { lines: [line(), line({ client_id: 'demo-percentage' })] }
    const { json } = await send(body, {}, deployed.keys['demo-classic'])
    expect(json.lines[0]).toMatchObject({ client_id: 'demo-classic', status: 'success' })
    expect(json.lines[1]).toMatchObject({ error_code: 'FORBIDDEN', client_id: 'demo-percentage' })
  })

  test('counts one request for each 100 lines begun; what does not fit now is 429 whole, what never could is 400', async () => {
    const key = await deployed.newKey('narrow', 'broker')
    const first = await send({ lines: lines(301) }, {}, key)
    expect([first.status, first.headers['x-ratelimit-remaining']]).toEqual([200, '3'])
    const second = await send({ lines: lines(400) }, {}, key)
    expectFailure(second, 'RATE_LIMIT_EXCEEDED')
    expect(second.headers['x-ratelimit-remaining']).toBe('3')
    const never = await send({ lines: lines(701) }, {}, key)
    expectFailure(never, 'INVALID_PARAMETER')
    expect(never.json.error).toContain('send at most 700')
  })

  test.each<[string, object, ErrorCode]>([
    ['no lines', { lines: [] }, 'INVALID_PARAMETER'],
    ['something else', { ticker: 'ZZA' }, 'INVALID_PARAMETER'],
    ['10 001 lines', { lines: Array(10_001).fill({}) }, 'PAYLOAD_TOO_LARGE'],
  ])('with %s is refused whole', async (_name, body, code) => {
    expectFailure(await send(body), code)
  })

  test('takes no other content, and other routes take no CSV', async () => {
    expectFailure(await send('<x/>', { 'content-type': 'text/xml' }), 'UNSUPPORTED_MEDIA_TYPE')
    const elsewhere = await ask(deployed, {
      path: '/api/v1/calculate-locate',
      key: deployed.keys.desk,
      body: 'ticker\nZZA\n',
      headers: { 'content-type': 'text/csv' },
    })
    expectFailure(elsewhere, 'UNSUPPORTED_MEDIA_TYPE')
  })
})

describe('an Idempotency-Key', () => {
  const quote = (fields: object, key: string) =>
    ask(deployed, {
      path: '/api/v1/calculate-locate',
      key: deployed.keys.desk,
      body: line({ client_id: 'demo-classic', ...fields }),
      headers: { 'idempotency-key': key },
    })

  test('gives the same answer to the same quote, byte by byte, and keeps one record', async () => {
    const answers = await Promise.all(Array.from({ length: 12 }, () => quote({}, 'order-1')))
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
    expect(answers.filter(({ headers }) => headers['idempotency-replayed'] === undefined)).toHaveLength(1)
    const record = await recorded(answers[0]?.json.audit_id)
    expect(record.actor.idempotency_key).toBe('order-1')
    const { rows } = await deployed.database.query(
      `select count(*)::int as records from audit_records where record like '%"idempotency_key":"order-1"%'`,
    )
    expect(rows[0].records).toBe(1)
  })

  test('is refused for another request, and belongs to one broker', async () => {
    await quote({}, 'order-2')
    expectFailure(await quote({ loan_days: 31 }, 'order-2'), 'IDEMPOTENCY_CONFLICT')
    const other = await ask(deployed, {
      path: '/api/v1/calculate-locate',
      key: deployed.keys['demo-classic'],
      body: line({ client_id: 'demo-classic', loan_days: 31 }),
      headers: { 'idempotency-key': 'order-2' },
    })
    expect(other.status).toBe(200)
  })

  test('keeps only prices: a refused request may be asked again under its key', async () => {
    expectFailure(await quote({ ticker: 'ZLATE' }, 'order-3'), 'TICKER_NOT_FOUND')
    await listPlain(deployed.database, 'ZLATE', '0.05')
    await expect.poll(async () => (await quote({ ticker: 'ZLATE' }, 'order-3')).status, { timeout: 10_000 }).toBe(200)
  })

  test('gives a batch the same answer in every form, with the same records', async () => {
    const body = { client_id: 'demo-classic', lines: lines(250) }
    const first = await send(body, { 'idempotency-key': 'basket-1' })
    const again = await send(body, { 'idempotency-key': 'basket-1' })
    expect(first.json.summary.priced).toBe('250')
    expect(again.text).toBe(first.text)
    const table = await send(body, { 'idempotency-key': 'basket-1', accept: 'text/csv' })
    expect(parse(table.text, { columns: true })[249]).toMatchObject({ audit_id: first.json.lines[249].audit_id })
    expectFailure(await send({ ...body, lines: lines(249) }, { 'idempotency-key': 'basket-1' }), 'IDEMPOTENCY_CONFLICT')
  })

  test.each(['', 'a b', 'ü', 'x'.repeat(256)])('that cannot be kept is a 400 that names it: %j', async (key) => {
    const answer = await quote({}, key)
    expectFailure(answer, 'INVALID_PARAMETER')
    expect(answer.json.validation_errors[0]).toMatchObject({ field: 'Idempotency-Key', location: 'header' })
  })
})
