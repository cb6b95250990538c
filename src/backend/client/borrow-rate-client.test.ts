// The client against a real socket: a small server that answers what each test tells it to.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { BorrowRateClient } from './borrow-rate-client.ts'
import { BorrowRateError } from './borrow-rate-error.ts'

interface Asked {
  method: string | undefined
  url: string | undefined
  key: string | string[] | undefined
  body: string
}

let running: Server | undefined
afterEach(async () => {
  running?.closeAllConnections()
  await new Promise((resolve) => (running ? running.close(resolve) : resolve(undefined)))
  running = undefined
})

/** Answers the n-th request with the n-th answer, and the last one from then on. */
async function engine(...answers: ((response: ServerResponse) => void)[]) {
  const asked: Asked[] = []
  const server = createServer(async (request: IncomingMessage, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    asked.push({ method: request.method, url: request.url, key: request.headers['x-api-key'], body })
    const answer = answers[Math.min(asked.length, answers.length) - 1]
    answer?.(response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  running = server
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { asked, baseUrl, client: new BorrowRateClient({ baseUrl, apiKey: 'key-1' }) }
}

function answer(status: number, body: string, headers: Record<string, string> = {}) {
  return (response: ServerResponse) => {
    response.writeHead(status, { 'content-type': 'application/json', 'x-request-id': 'r-7', ...headers })
    response.end(body)
  }
}

const QUOTE = '{"status":"success","total_fee":456.50,"borrow_rate_used":0.05,"loan_days":30}'
const ask = { ticker: 'AAPL', clientId: 'demo-classic', positionValue: '100000.00', loanDays: 30 }

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
  const quote = await client.quoteLocate(ask)
  expect(quote.total_fee).toBe('456.50')
  expect(quote.loan_days).toBe(30)
  expect(asked).toEqual([
    {
      method: 'POST',
      url: '/api/v1/calculate-locate',
      key: 'key-1',
      body: '{"ticker":"AAPL","client_id":"demo-classic","position_value":"100000.00","loan_days":30}',
    },
  ])
})

test('the other calls go where the contract says', async () => {
  const { asked, client } = await engine(answer(200, '[]'))
  await client.rate('BRK.B')
  await client.ratesByStatus('HARD', { limit: 5 })
  await client.config()
  await client.auditRecord('a/b')
  expect(asked.map((request) => `${request.method} ${request.url}`)).toEqual([
    'GET /api/v1/rates/BRK.B',
    'GET /api/v1/rates/status/HARD?limit=5',
    'GET /api/v1/config',
    'GET /api/v1/audit/a%2Fb',
  ])
})

test("a refusal keeps the engine's sentence, code, faults and request id", async () => {
  const body = `{"status":"error","error":"Invalid parameter: loan_days must be 1 to 365","error_code":"INVALID_PARAMETER",
    "validation_errors":[{"field":"loan_days","location":"body","message":"must be 1 to 365"}]}`
  const { asked, client } = await engine(answer(400, body))
  const error = await failure(client.quoteLocate(ask))
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
    await client.quoteLocate(ask)
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

  test('a quote whose answer was lost is not repeated, a read is', async () => {
    const cut = (response: ServerResponse) => response.destroy()
    const { asked, client } = await engine(cut)
    expect((await failure(client.quoteLocate(ask))).code).toBe('NO_ANSWER')
    expect(asked).toHaveLength(1)
    await failure(client.rate('GME'))
    expect(asked).toHaveLength(4)
  })
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
