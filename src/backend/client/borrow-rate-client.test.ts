// The client against a real socket: a small server that answers what each test tells it to.
import type { ServerResponse } from 'node:http'
import { describe, expect, test } from 'vitest'
import { answer, fakeEngine, type GiveAnswer } from '../test/fakes/fake-engine.ts'
import { BorrowRateClient } from './borrow-rate-client.ts'
import { BorrowRateError } from './borrow-rate-error.ts'
import { fraction, usd } from './units.ts'

async function engine(...answers: GiveAnswer[]) {
  const { asked, baseUrl } = await fakeEngine(...answers)
  return { asked, baseUrl, client: new BorrowRateClient({ baseUrl, apiKey: 'key-1' }) }
}

const QUOTE = '{"status":"success","total_fee":456.50,"borrow_rate_used":0.05,"loan_days":30}'
const ask = { ticker: 'AAPL', clientId: 'demo-classic', positionValue: usd('100000.00'), loanDays: 30 }

async function failure(call: Promise<unknown>): Promise<BorrowRateError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(BorrowRateError)
  return error as BorrowRateError
}

test('a quote sends exact text and the key, and gives back every digit', async () => {
  const { asked, client } = await engine(answer(200, QUOTE))
  const quote = await client.quotes.price(ask)
  expect(quote.total_fee).toBe('456.50')
  expect(quote.loan_days).toBe(30)
  expect(asked).toEqual([
    {
      method: 'POST',
      url: '/api/v1/calculate-locate',
      headers: expect.objectContaining({ 'x-api-key': 'key-1', accept: 'application/json' }),
      body: '{"ticker":"AAPL","client_id":"demo-classic","position_value":"100000.00","loan_days":30}',
    },
  ])
})

test('the other calls go where the contract says', async () => {
  const { asked, client } = await engine(answer(200, '[]'))
  await client.rates.current('BRK.B')
  await client.rates.byStatus('HARD', { limit: 5 })
  await client.rates.histories(['GME', 'BRK.B'], { from: '2026-11-16', interval: '1d' })
  await client.session.whoAmI()
  await client.config()
  await client.records.read('a/b')
  expect(asked.map((request) => `${request.method} ${request.url}`)).toEqual([
    'GET /api/v1/rates/BRK.B',
    'GET /api/v1/rates/status/HARD?limit=5',
    'GET /api/v1/rates/history?tickers=GME%2CBRK.B&from=2026-11-16&interval=1d',
    'GET /api/v1/session',
    'GET /api/v1/config',
    'GET /api/v1/audit/a%2Fb',
  ])
})

test("a refusal keeps the engine's sentence, code, faults and request id", async () => {
  const body = `{"status":"error","error":"Invalid parameter: loan_days must be 1 to 365","error_code":"INVALID_PARAMETER",
    "validation_errors":[{"field":"loan_days","location":"body","message":"must be 1 to 365"}]}`
  const { asked, client } = await engine(answer(400, body))
  const error = await failure(client.quotes.price(ask))
  expect(error).toMatchObject({
    status: 400,
    code: 'INVALID_PARAMETER',
    sentence: 'Invalid parameter: loan_days must be 1 to 365',
    validationErrors: [{ field: 'loan_days', location: 'body', message: 'must be 1 to 365' }],
    requestId: 'r-7',
  })
  expect(asked).toHaveLength(1)
})

describe('tries', () => {
  const busy = answer(503, '{"status":"error","error":"Busy.","error_code":"SERVICE_UNAVAILABLE"}', {
    'retry-after': '0',
  })

  test.each([429, 503])('a %i with a short Retry-After is tried again', async (status) => {
    const refused = answer(status, '{"status":"error","error":"Later.","error_code":"LATER"}', { 'retry-after': '0' })
    const { asked, client } = await engine(refused, answer(200, QUOTE))
    await client.quotes.price(ask)
    expect(asked).toHaveLength(2)
  })

  test('three tries are enough', async () => {
    const { asked, client } = await engine(busy)
    expect((await failure(client.config())).code).toBe('SERVICE_UNAVAILABLE')
    expect(asked).toHaveLength(3)
  })

  test('a long Retry-After is left to the caller', async () => {
    const { asked, client } = await engine(
      answer(429, '{"status":"error","error":"Later.","error_code":"RATE_LIMIT_EXCEEDED"}', { 'retry-after': '42' }),
    )
    expect((await failure(client.config())).retryAfterSeconds).toBe(42)
    expect(asked).toHaveLength(1)
  })

  const cut = (response: ServerResponse) => void response.destroy()

  test('a quote whose answer was lost is asked for again under the same key, so that there is one', async () => {
    const { asked, client } = await engine(cut, cut, answer(200, QUOTE))
    await client.quotes.price(ask)
    const keys = asked.map(({ headers }) => headers['idempotency-key'])
    expect(keys).toHaveLength(3)
    expect(new Set(keys).size).toBe(1)
    expect(keys[0]).toMatch(/^[0-9a-f]{32}$/)
    await client.quotes.price(ask)
    expect(asked[3]?.headers['idempotency-key']).not.toBe(keys[0])
  })

  test('the key can be the own one, and none: then a lost answer is lost', async () => {
    const { asked, client } = await engine(answer(200, QUOTE), cut)
    await client.quotes.price(ask, { idempotencyKey: 'order-4711' })
    expect(asked[0]?.headers['idempotency-key']).toBe('order-4711')
    expect((await failure(client.quotes.price(ask, { idempotencyKey: null }))).code).toBe('NO_ANSWER')
    expect(asked[1]?.headers).not.toHaveProperty('idempotency-key')
    expect(asked).toHaveLength(2)
  })

  test('a read is repeated, a change is not: it may have been made', async () => {
    const { asked, client } = await engine(cut)
    await failure(client.rates.current('GME'))
    expect(asked).toHaveLength(3)
    await failure(client.legalHolds.place({ ticker: 'GME', reason: 'Dispute' }))
    expect(asked).toHaveLength(4)
  })

  test('a change that the engine could not serve is repeated when it was turned away before, not when it may be half done', async () => {
    const { asked, client } = await engine(
      busy,
      answer(429, '{"status":"error","error":"Later.","error_code":"RATE_LIMIT_EXCEEDED"}', { 'retry-after': '0' }),
      answer(200, '{}'),
    )
    expect((await failure(client.legalHolds.release('h', 'Settled'))).status).toBe(503)
    expect(asked).toHaveLength(1)
    await client.legalHolds.release('h', 'Settled')
    expect(asked).toHaveLength(3)
  })

  test('who has enough waits no longer', async () => {
    const { asked, client } = await engine(
      answer(503, '{"status":"error","error":"Busy.","error_code":"SERVICE_UNAVAILABLE"}', { 'retry-after': '9' }),
    )
    const mine = new AbortController()
    const asking = client.config({ signal: mine.signal })
    asking.catch(() => {})
    while (asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    mine.abort()
    await expect(asking).rejects.toMatchObject({ name: 'AbortError' })
    expect(asked).toHaveLength(1)
    await expect(client.config({ signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' })
    expect(asked).toHaveLength(1)
  })
})

describe('an answer that comes while the work goes on', () => {
  const STEPS = [
    '{"type":"progress","checked":1,"of":2}',
    '{"type":"result","status":"success","valid":true,"checked":2}',
  ]

  async function all<T>(steps: AsyncIterable<T>): Promise<T[]> {
    const seen: T[] = []
    for await (const step of steps) seen.push(step)
    return seen
  }

  test('is its steps, however it is cut on the way', async () => {
    const { asked, client } = await engine((response) => {
      const text = `${STEPS.join('\n')}\n`
      for (let at = 0; at < text.length; at += 7) response.write(text.slice(at, at + 7))
      response.end()
    })
    expect(await all(client.records.verify({ from: '2026-11-01' }))).toMatchObject([
      { type: 'progress', checked: 1, of: 2 },
      { type: 'result', valid: true, checked: 2 },
    ])
    expect(asked[0]?.url).toBe('/api/v1/audit/verify?from=2026-11-01')
  })

  test.each([
    ['without a result', (response: ServerResponse) => void response.end(`${STEPS[0]}\n`)],
    [
      'whose connection breaks',
      (response: ServerResponse) => {
        response.write(`${STEPS[0]}\n`)
        setTimeout(() => response.destroy(), 20)
      },
    ],
    ['that is not JSON', (response: ServerResponse) => void response.end('<html>\n')],
  ])('one %s is cut off, never taken for a whole one', async (_, give) => {
    const { client } = await engine(give)
    expect((await failure(all(client.records.verify()))).code).toBe('ANSWER_CUT')
  })

  test('one that failed on the way says what the engine said', async () => {
    const { client } = await engine((response) =>
      response.end(
        `${STEPS[0]}\n{"type":"error","status":"error","error":"Something is away","error_code":"SERVICE_UNAVAILABLE"}\n`,
      ),
    )
    expect(await failure(all(client.records.replayRange({ from: '2026-11-01' })))).toMatchObject({
      code: 'SERVICE_UNAVAILABLE',
      sentence: 'Something is away',
    })
  })

  test('one that is refused is a refusal like any other', async () => {
    const { client } = await engine(
      answer(400, '{"status":"error","error":"Invalid parameter: to","error_code":"INVALID_PARAMETER"}'),
    )
    expect((await failure(all(client.whatIf({ from: '2026-11-01' })))).code).toBe('INVALID_PARAMETER')
  })

  test('a file comes as its text, whole or with an error', async () => {
    const { client } = await engine(
      (response) => void response.end('a\u00e9\nb\n'),
      (response) => {
        response.write('a\n')
        setTimeout(() => response.destroy(), 20)
      },
    )
    const pieces = () => all(client.records.export({ from: '2026-11-01' }, 'csv'))
    expect((await pieces()).join('')).toBe('aé\nb\n')
    expect((await failure(pieces())).code).toBe('ANSWER_CUT')
  })

  test('silence ends it, and so does the caller', async () => {
    const { baseUrl, client } = await engine((response) => void response.write(`${STEPS[0]}\n`))
    const impatient = new BorrowRateClient({ baseUrl, apiKey: 'key-1', silenceMs: 1_000, triesMax: 1 })
    expect((await failure(all(impatient.records.verify()))).code).toBe('ANSWER_CUT')
    const mine = new AbortController()
    const reading = all(client.records.verify({}, { signal: mine.signal }))
    setTimeout(() => mine.abort(), 30)
    await expect(reading).rejects.toMatchObject({ name: 'AbortError' })
  })

  test('the request ends when nobody reads on', async () => {
    let gone = false
    const { client } = await engine((response) => {
      response.on('close', () => {
        gone = true
      })
      response.write(`${STEPS[0]}\n`)
    })
    for await (const _ of client.records.verify()) break
    while (!gone) await new Promise((resolve) => setTimeout(resolve, 5))
  })
})

test('records are asked for under the names of the contract', async () => {
  const { asked, client } = await engine(answer(200, '{}'))
  await client.records.search({ clientId: 'demo-classic', minBorrowRate: fraction('0.05'), pageSize: 10 })
  await client.records.replay('a/b')
  await client.legalHolds.list({ inForce: false })
  await client.legalHolds.place({ ticker: 'GME', from: '2026-03-01', reason: 'Dispute' })
  await client.legalHolds.release('h', 'Settled')
  expect(asked.map((request) => `${request.method} ${request.url} ${request.body}`)).toEqual([
    'GET /api/v1/audit?client_id=demo-classic&min_borrow_rate=0.05&page_size=10 ',
    'POST /api/v1/audit/a%2Fb/replay ',
    'GET /api/v1/legal-holds?in_force=false ',
    'POST /api/v1/legal-holds {"from":"2026-03-01","ticker":"GME","reason":"Dispute"}',
    'DELETE /api/v1/legal-holds/h?reason=Settled ',
  ])
})

test('an engine that is silent is given up after the timeout, and the sentence says so', async () => {
  const { baseUrl } = await engine(() => {})
  const client = new BorrowRateClient({ baseUrl, apiKey: 'key-1', timeoutMs: 50, triesMax: 1 })
  const error = await failure(client.config())
  expect(error.message).toBe(`The engine at ${baseUrl} did not answer within 0.05 s.`)
  expect(error.status).toBe(0)
})

test('an answer that is not the engine speaking is said to be so', async () => {
  const { client } = await engine(answer(502, '<html>502 Bad Gateway</html>', { 'content-type': 'text/html' }))
  expect(await failure(client.config())).toMatchObject({ status: 502, code: 'UNREADABLE_ANSWER' })
})
