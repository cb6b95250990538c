// What is the same on every answer, whatever was asked: id, security headers, compression, origins, one line in the log.
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { beforeAll, describe, expect, test } from 'vitest'
import { expectFailure, expectOrdinaryHeaders } from './answers.ts'
import { type Deployment, startDeployment } from './deployment.ts'
import { type Ask, ask, exchange } from './http.ts'
import { type Document, operations } from './openapi-document.ts'

let deployed: Deployment

beforeAll(async () => {
  deployed = await startDeployment({ environment: { CORS_ORIGINS: 'https://desk.example.com' } })
})

/** A line is written when its answer has left, and read by another process: it is waited for. */
async function linesOf(part: string, count: number): Promise<readonly string[]> {
  const found = () => deployed.logLines().filter((line) => line.includes(part))
  await expect.poll(() => found().length, { timeout: 10_000, interval: 10 }).toBeGreaterThanOrEqual(count)
  return found()
}

const quoteBody = { ticker: 'GME', position_value: 50_000, loan_days: 30, client_id: 'demo-classic' }
const QUOTE = '/api/v1/calculate-locate'

/** One request for each way an answer is made: [what, request, status]. */
const KINDS: readonly [string, (keys: Deployment['keys']) => Ask, number][] = [
  ['a quote', (keys) => ({ path: QUOTE, key: keys.desk, body: quoteBody }), 200],
  ['a rate', (keys) => ({ path: '/api/v1/rates/GME', key: keys.desk }), 200],
  [
    'a rate that is known',
    (keys) => ({ path: '/api/v1/rates/GME', key: keys.desk, headers: { 'if-none-match': '*' } }),
    304,
  ],
  ['health', () => ({ path: '/health' }), 200],
  ['metrics', () => ({ path: '/metrics' }), 200],
  ['the contract', () => ({ path: '/openapi.json' }), 200],
  ['its page', () => ({ path: '/docs/' }), 200],
  ['a bad field', (keys) => ({ path: QUOTE, key: keys.desk, body: { ...quoteBody, loan_days: 0 } }), 400],
  ['bad JSON', (keys) => ({ path: QUOTE, key: keys.desk, body: '{' }), 400],
  ['a bad address', () => ({ path: '/api/v1/rates/%zz' }), 400],
  ['no key', () => ({ path: QUOTE, body: quoteBody }), 401],
  ['a role that may not', (keys) => ({ path: QUOTE, key: keys.auditor, body: quoteBody }), 403],
  ['an unknown ticker', (keys) => ({ path: '/api/v1/rates/ZZZZZ', key: keys.desk }), 404],
  ['an unknown address', () => ({ path: '/nothing/here' }), 404],
  ['another method', () => ({ path: QUOTE, method: 'DELETE' }), 405],
  ['too large a body', (keys) => ({ path: QUOTE, key: keys.desk, body: ' '.repeat(1_100_000) }), 413],
  [
    'another media type',
    (keys) => ({ path: QUOTE, key: keys.desk, body: 'a', headers: { 'content-type': 'text/plain' } }),
    415,
  ],
]

test.each(KINDS)('%s carries an id and the security headers, and names no server', async (_, request, status) => {
  const answer = await ask(deployed, request(deployed.keys))
  expect(answer.status).toBe(status)
  expectOrdinaryHeaders(answer.headers)
})

test('what is no request at all is answered in the same shape with the same headers', async () => {
  const [answer] = await exchange(deployed, ['utter garbage\r\n\r\n'])
  expect(answer?.status).toBe(400)
  const lines =
    answer?.head
      .split('\r\n')
      .slice(1)
      .map((line) => line.split(/: (.*)/s)) ?? []
  expectOrdinaryHeaders(Object.fromEntries(lines.map(([name, value]) => [name?.toLowerCase(), value])))
  expectFailure({ status: 400, text: answer?.body ?? '' }, 'INVALID_PARAMETER', ['garbage'])
})

describe('the id of a request', () => {
  test.each(['order-7_A.b-0123', 'x'.repeat(8), 'y'.repeat(64)])('%s is taken over', async (id) => {
    const { headers } = await ask(deployed, { path: '/health', headers: { 'x-request-id': id } })
    expect(headers['x-request-id']).toBe(id)
  })

  test.each([
    ['short', 'abc'],
    ['long', 'z'.repeat(65)],
    ['with blanks', 'one two three'],
    ['of markup', '<script>alert(1)</script>'],
  ])('one that is %s is replaced', async (_, id) => {
    const { headers } = await ask(deployed, { path: '/health', headers: { 'x-request-id': id } })
    expect(headers['x-request-id']).not.toBe(id)
    expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/)
  })

  test('stands in the log line and on the record', async () => {
    const id = 'trace-me-0001'
    const quote = await ask(deployed, {
      path: QUOTE,
      key: deployed.keys.desk,
      body: quoteBody,
      headers: { 'x-request-id': id },
    })
    const record = await ask(deployed, { path: `/api/v1/audit/${quote.json.audit_id}`, key: deployed.keys.auditor })
    expect(record.json.record.actor.request_id).toBe(id)
    const lines = await linesOf(id, 1)
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { method: 'POST', route: QUOTE, status: 200, client_id: 'house', quote_id: quote.json.audit_id },
    ])
  })
})

describe('compression', () => {
  const plain = async () => ask(deployed, { path: '/api/v1/rates/status/HARD', key: deployed.keys.desk })

  test.each([
    ['gzip', gunzipSync],
    ['br', brotliDecompressSync],
  ] as const)('%s is used for an answer above 1 kB when asked for', async (encoding, unpack) => {
    const answer = await ask(deployed, {
      path: '/api/v1/rates/status/HARD',
      key: deployed.keys.desk,
      headers: { 'accept-encoding': encoding },
    })
    expect(answer.headers['content-encoding']).toBe(encoding)
    expect(answer.headers.vary).toMatch(/accept-encoding/i)
    const text = unpack(answer.bytes).toString('utf8')
    expect(answer.bytes.length).toBeLessThan(text.length / 3)
    const tickers = (from: string) => (JSON.parse(from) as { ticker: string }[]).map(({ ticker }) => ticker)
    expect(tickers(text)).toEqual(tickers((await plain()).text))
    expectOrdinaryHeaders(answer.headers)
  })

  test('a short answer, and one to a client that asks for none, is sent as it is', async () => {
    const short = await ask(deployed, { path: '/health', headers: { 'accept-encoding': 'gzip, br' } })
    expect(short.headers).not.toHaveProperty('content-encoding')
    expect((await plain()).headers).not.toHaveProperty('content-encoding')
  })
})

describe('pages of other origins', () => {
  const from = (origin: string) =>
    ask(deployed, { path: '/api/v1/rates/GME', key: deployed.keys.desk, headers: { origin } })

  test('a listed origin may read the answer, with its credentials', async () => {
    const { headers } = await from('https://desk.example.com')
    expect(headers['access-control-allow-origin']).toBe('https://desk.example.com')
    expect(headers.vary).toMatch(/origin/i)
  })

  test.each(['https://evil.example.com', 'null', 'https://desk.example.com.evil.com'])('%s may not', async (origin) => {
    expect((await from(origin)).headers).not.toHaveProperty('access-control-allow-origin')
  })
})

describe('what pages are told when they ask first', () => {
  test('is every method and header of the contract, and every header of an answer that they may read', async () => {
    const all = operations(JSON.parse((await ask(deployed, { path: '/openapi.json' })).text) as Document)
    const headers = { origin: 'https://desk.example.com', 'access-control-request-method': 'PUT' }
    const preflight = await ask(deployed, { method: 'OPTIONS', path: QUOTE, headers })
    expect(preflight.status).toBe(204)
    const listed = (name: string) => String(preflight.headers[name]).toLowerCase().split(', ')
    const sent = all.flatMap(({ parameters = [] }) => parameters.filter((one) => one.in === 'header'))
    expect(
      sent.map(({ name }) => name).filter((name) => !listed('access-control-allow-headers').includes(name)),
    ).toEqual([])
    const methods = all.map(({ method }) => method)
    expect(methods.filter((method) => !listed('access-control-allow-methods').includes(method))).toEqual([])
    // Beside those that every page may read.
    const readable = [...listed('access-control-expose-headers'), ...['cache-control', 'content-type', 'last-modified']]
    const answered = all.flatMap(({ responses }) =>
      Object.values(responses).flatMap((one) => Object.keys(one.headers ?? {})),
    )
    expect([...new Set(answered)].filter((name) => !readable.includes(name.toLowerCase()))).toEqual([])
    expect(answered.length).toBeGreaterThan(10)
  })
})

describe('the log', () => {
  test('is one JSON line a request, without keys, bodies or addresses as they were sent', async () => {
    const ids = KINDS.map((_, index) => `kind-of-answer-${index}`)
    for (const [index, [, request]] of KINDS.entries()) {
      const asked = request(deployed.keys)
      await ask(deployed, { ...asked, headers: { ...asked.headers, 'x-request-id': ids[index] as string } })
    }
    // Health and metrics are asked every few seconds and leave none.
    const quiet = KINDS.flatMap(([what], index) => (['health', 'metrics'].includes(what) ? [ids[index]] : []))
    const lines = await linesOf('kind-of-answer-', ids.length - quiet.length)
    const parsed = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
    for (const line of parsed) expect(line).toMatchObject({ message: 'request', service: expect.any(String) })
    expect(parsed.map((line) => line.request_id)).toEqual(ids.filter((id) => !quiet.includes(id)))
    const text = lines.join('\n')
    for (const key of Object.values(deployed.keys)) expect(text).not.toContain(key.split('_')[2])
    for (const part of ['50000', '%zz', 'nothing/here', 'stack']) expect(text).not.toContain(part)
  })
})
