// What several people change, sessions, and batches, where it matters what the engine says and when.
import { describe, expect, test } from 'vitest'
import { answer, fakeEngine, type GiveAnswer, refusal } from '../test/fakes/fake-engine.ts'
import type { BatchStepAnswer } from './batches.ts'
import { BorrowRateClient } from './borrow-rate-client.ts'
import { percentPoints, usd } from './units.ts'

async function engine(...answers: GiveAnswer[]) {
  const { asked, baseUrl } = await fakeEngine(...answers)
  return { asked, baseUrl, client: new BorrowRateClient({ baseUrl, apiKey: 'key-1' }) }
}

const broker = (version: number, fields = {}) =>
  answer(
    200,
    {
      status: 'success',
      client_id: 'acme',
      markup_percentage: 5,
      transaction_fee_type: 'FLAT',
      transaction_amount: 25,
      version,
      ...fields,
    },
    { etag: `"${version}"` },
  )

describe('a change', () => {
  test('is made on the version that was read', async () => {
    const { asked, client } = await engine(broker(3), broker(4, { markup_percentage: 6 }))
    const changed = await client.brokers.update('acme', (read) => ({ ...read, markup_percentage: percentPoints(6) }))
    expect(changed).toMatchObject({ status: 'success', version: 4, etag: '"4"', markup_percentage: '6' })
    expect(asked[1]).toMatchObject({ method: 'PUT', url: '/api/v1/brokers/acme', headers: { 'if-match': '"3"' } })
    expect(JSON.parse(asked[1]?.body ?? '')).toMatchObject({ markup_percentage: '6', transaction_amount: '25' })
  })

  test('that somebody else was faster with is made again, on what they wrote', async () => {
    const { asked, client } = await engine(
      broker(3),
      refusal(412, 'PRECONDITION_FAILED'),
      broker(4, { name: 'Acme' }),
      broker(5),
    )
    const read: unknown[] = []
    await client.brokers.update('acme', (current) => {
      read.push(current.name)
      return { ...current, markup_percentage: percentPoints(6) }
    })
    expect(read).toEqual([undefined, 'Acme'])
    expect(asked[3]?.headers['if-match']).toBe('"4"')
    expect(JSON.parse(asked[3]?.body ?? '')).toMatchObject({ name: 'Acme', markup_percentage: '6' })
  })

  test('that never gets its turn is given up', async () => {
    const turns = Array.from({ length: 5 }, (_, at) => [broker(at + 1), refusal(412, 'PRECONDITION_FAILED')]).flat()
    const { asked, client } = await engine(...turns)
    await expect(client.brokers.update('acme', (read) => read)).rejects.toMatchObject({ code: 'PRECONDITION_FAILED' })
    expect(asked).toHaveLength(10)
  })

  test('that waits for a second person says for what', async () => {
    const { client } = await engine(broker(3), answer(202, { status: 'pending', approval_id: 'a-1', current: null }))
    expect(await client.brokers.update('acme', (read) => read)).toEqual({
      status: 'pending',
      approval_id: 'a-1',
      current: null,
    })
  })

  test('of nothing is made only where there is nothing', async () => {
    const { asked, client } = await engine(refusal(412, 'PRECONDITION_FAILED'))
    const creating = client.stocks.create('GME', { borrow_status: 'HARD', floor_rate: null })
    await expect(creating).rejects.toMatchObject({ code: 'PRECONDITION_FAILED' })
    expect(asked[0]).toMatchObject({ url: '/api/v1/stocks/GME', headers: { 'if-none-match': '*' } })
  })
})

test('a list is read page by page while it is read', async () => {
  const page = (client_id: string, has_more: boolean) =>
    answer(200, { status: 'success', items: [{ client_id }], pagination: { total: 2, skip: 0, limit: 100, has_more } })
  const { asked, client } = await engine(page('a', true), page('b', false))
  const seen: string[] = []
  for await (const { client_id } of client.brokers.all()) seen.push(client_id)
  expect(seen).toEqual(['a', 'b'])
  expect(asked.map(({ url }) => url)).toEqual([
    '/api/v1/brokers?skip=0&limit=100',
    '/api/v1/brokers?skip=100&limit=100',
  ])
})

describe('a batch', () => {
  const PRICED = '{"line":1,"status":"success","total_fee":25.00,"loan_days":1}\n'
  const FAILED = '{"line":2,"status":"error","error":"Ticker not found: X","error_code":"TICKER_NOT_FOUND"}\n'
  const SUMMARY =
    '{"status":"success","batch_id":"b","snapshot_at":"t","summary":{"lines":2,"priced":1,"failed":1,"total_fee":25.00}}\n'
  const lines = [
    { ticker: 'GME', positionValue: usd('1000.00'), loanDays: 1 },
    { ticker: 'X', positionValue: usd(1), loanDays: 1, clientId: 'acme' },
  ]

  async function steps(batch: AsyncIterable<BatchStepAnswer>): Promise<BatchStepAnswer[]> {
    const seen: BatchStepAnswer[] = []
    for await (const step of batch) seen.push(step)
    return seen
  }

  test('is its lines, each of its kind, and the summary', async () => {
    const { asked, client } = await engine(answer(200, PRICED + FAILED + SUMMARY))
    expect(await steps(client.batches.price({ lines, clientId: 'house' }))).toMatchObject([
      { type: 'priced', line: 1, total_fee: '25.00' },
      { type: 'failed', line: 2, error_code: 'TICKER_NOT_FOUND' },
      { type: 'summary', summary: { lines: 2, priced: 1, failed: 1, total_fee: '25.00' } },
    ])
    expect(asked[0]).toMatchObject({
      url: '/api/v1/calculate-locate/batch',
      headers: { accept: 'application/x-ndjson', 'idempotency-key': expect.stringMatching(/^[0-9a-f]{32}$/) },
    })
    expect(JSON.parse(asked[0]?.body ?? '')).toEqual({
      client_id: 'house',
      lines: [
        { ticker: 'GME', position_value: '1000.00', loan_days: 1 },
        { ticker: 'X', client_id: 'acme', position_value: '1', loan_days: 1 },
      ],
    })
  })

  test('from a table goes as it is', async () => {
    const { asked, client } = await engine(answer(200, PRICED + FAILED + SUMMARY))
    const { lines: seen, summary } = await client.batches.priceAll('ticker,position_value,loan_days\nGME,1000,1\n')
    expect([seen.length, summary.failed]).toEqual([2, 1])
    expect(asked[0]?.headers['content-type']).toBe('text/csv')
    expect(asked[0]?.body).toBe('ticker,position_value,loan_days\nGME,1000,1\n')
  })

  test('whose request was lost is sent again under its key', async () => {
    const { asked, client } = await engine((response) => response.destroy(), answer(200, PRICED + FAILED + SUMMARY))
    await client.batches.priceAll(lines)
    expect(asked[0]?.headers['idempotency-key']).toBe(asked[1]?.headers['idempotency-key'])
  })

  test.each([
    ['without its summary', PRICED + FAILED],
    ['cut in the middle of a line', PRICED + FAILED.slice(0, 20)],
    ['with something behind its summary', PRICED + FAILED + SUMMARY + PRICED],
  ])('%s is broken, never taken for a whole one', async (_, text) => {
    const { client } = await engine(answer(200, text))
    await expect(steps(client.batches.price(lines))).rejects.toMatchObject({ code: 'ANSWER_CUT', requestId: 'r-7' })
  })
})

describe('a session', () => {
  const signedIn = (access_token: string, expires_in = 900) =>
    answer(
      200,
      { status: 'success', access_token, token_type: 'Bearer', expires_in, client_id: 'house', role: 'admin' },
      { 'set-cookie': [`borrow_rate_refresh=for-${access_token}; Path=/api/v1/session; HttpOnly`] },
    )
  const open = async (...answers: GiveAnswer[]) => {
    const { asked, baseUrl } = await fakeEngine(...answers)
    return { asked, client: new BorrowRateClient({ baseUrl }) }
  }

  test('shows the key once, and its token from then on', async () => {
    const { asked, client } = await open(signedIn('t1'), answer(200, '{}'), answer(200, '{}'), answer(200, '{}'))
    await client.session.signIn('key-1')
    await client.config()
    await client.session.signOut()
    await client.config()
    expect(asked.map(({ method, url, headers }) => [method, url, headers['x-api-key'], headers.authorization])).toEqual(
      [
        ['POST', '/api/v1/session', 'key-1', undefined],
        ['GET', '/api/v1/config', undefined, 'Bearer t1'],
        ['DELETE', '/api/v1/session', undefined, 'Bearer t1'],
        ['GET', '/api/v1/config', undefined, undefined],
      ],
    )
    expect(asked[2]?.headers.cookie).toBe('borrow_rate_refresh=for-t1')
  })

  test('renews a token that runs out, once for all that wait for it', async () => {
    const { asked, client } = await open(signedIn('t1', 10), signedIn('t2'), answer(200, '{}'))
    await client.session.signIn('key-1')
    await Promise.all([client.config(), client.config(), client.config()])
    expect(asked.map(({ url }) => url)).toEqual([
      '/api/v1/session',
      '/api/v1/session/refresh',
      ...Array(3).fill('/api/v1/config'),
    ])
    expect(asked[1]?.headers.cookie).toBe('borrow_rate_refresh=for-t1')
    expect(asked[4]?.headers.authorization).toBe('Bearer t2')
  })

  test('that the engine refuses is renewed and asked for once more, and no more than once', async () => {
    const { asked, client } = await open(
      signedIn('t1'),
      refusal(401, 'UNAUTHORIZED'),
      signedIn('t2'),
      refusal(401, 'UNAUTHORIZED'),
    )
    await client.session.signIn('key-1')
    await expect(client.config()).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
    expect(asked.map(({ url }) => url)).toEqual([
      '/api/v1/session',
      '/api/v1/config',
      '/api/v1/session/refresh',
      '/api/v1/config',
    ])
  })

  test('of elsewhere is shown as it is', async () => {
    const { asked, baseUrl } = await fakeEngine(refusal(401, 'UNAUTHORIZED'))
    const client = new BorrowRateClient({ baseUrl, accessToken: 'theirs' })
    await expect(client.config()).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
    expect(asked.map(({ headers }) => headers.authorization)).toEqual(['Bearer theirs'])
  })
})
