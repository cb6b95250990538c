import { once } from 'node:events'
import { connect } from 'node:net'
import { gunzipSync } from 'node:zlib'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { decimal } from '../pricing/decimal.ts'
import { createHealth, type Health } from './health.ts'
import { createLog } from './log.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import { type FAILURES, Problem } from './problem.ts'
import { BODY_BYTES_MAX, createServer } from './server.ts'
import { parseShape, shape, textField, tickerField } from './shape.ts'

let app: FastifyInstance
let port: number
let metrics: Metrics
let health: Health
const lines: string[] = []

const BODY = shape({ ticker: tickerField() })
const QUERY = shape({ note: textField({ description: 'Note.', example: 'x', minLength: 0, maxLength: 50 }) })

beforeAll(async () => {
  metrics = createMetrics({ service: 'test', processMetrics: false })
  health = createHealth({
    service: 'test',
    version: '1.2.3',
    components: {
      database: async () => Promise.reject(new Error('password=HIDDEN')),
      cache: async () => ({ keys: 3 }),
    },
    feeds: async () => ({ lender: { state: 'up', age_seconds: 3 } }),
  })
  let ids = 0
  app = await createServer({
    log: createLog({ service: 'test', level: 'debug', destination: { write: (line) => void lines.push(line) } }),
    metrics,
    health,
    newRequestId: () => {
      ids += 1
      return `made-${ids}`
    },
    publicHealth: true,
    corsOrigins: ['https://desk.example.com'],
  })
  app.post('/echo', (request) => ({ ticker: parseShape(BODY, request.body, 'body').ticker }))
  app.put('/echo', { bodyLimit: 2 * BODY_BYTES_MAX }, (request) => ({
    ticker: parseShape(BODY, request.body, 'body').ticker,
  }))
  app.get('/echo/:ticker', (request) => ({
    ...parseShape(BODY, request.params, 'path'),
    ...parseShape(QUERY, request.query, 'query'),
  }))
  app.get('/money', (request) => {
    request.clientId = 'demo-classic'
    request.keyId = 'key1'
    request.quoteId = 'quote1'
    return { fee: decimal('25.00') }
  })
  app.get('/long', () => ({ text: 'a'.repeat(5000) }))
  app.get('/bug', () => {
    throw new Error('select * from secret_table at /srv/app.ts')
  })
  app.get('/bug/framework', () => {
    throw Object.assign(new Error('HIDDEN'), { statusCode: 418, code: 'ODD' })
  })
  app.get('/unwritable', () => ({ rate: Number.NaN }))
  app.get('/away', () => {
    throw new Problem('AUDIT_UNAVAILABLE', 'The record cannot be kept now', { cause: new Error('HIDDEN') })
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  port = (app.server.address() as { port: number }).port
})
afterAll(() => app.close())
beforeEach(() => {
  lines.length = 0
})

/** Sends bytes over a socket and reads all that comes back until the server closes. */
async function raw(bytes: string | Buffer): Promise<{ status: number; head: string; body: string }> {
  const socket = connect(port, '127.0.0.1')
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.on('error', () => {})
  await once(socket, 'connect')
  socket.write(bytes)
  await once(socket, 'close')
  const text = Buffer.concat(chunks).toString()
  const [head = '', body = ''] = text.split(/\r\n\r\n(.*)/s)
  return { status: Number(head.slice(9, 12)), head: head.toLowerCase(), body }
}

const CLOSE = 'Host: test\r\nConnection: close\r\n'
const post = (
  body: string | Buffer,
  headers = 'Content-Type: application/json\r\n',
  length = Buffer.byteLength(body),
) =>
  Buffer.concat([
    Buffer.from(`POST /echo HTTP/1.1\r\n${CLOSE}${headers}Content-Length: ${length}\r\n\r\n`),
    Buffer.from(body),
  ])
const get = (path: string, headers = '') => `GET ${path} HTTP/1.1\r\n${CLOSE}${headers}\r\n`

function expectRefusal(
  answer: { status: number; head: string; body: string },
  status: number,
  code: keyof typeof FAILURES,
) {
  expect(answer.status).toBe(status)
  const body = JSON.parse(answer.body)
  expect(body).toMatchObject({ status: 'error', error: expect.any(String), error_code: code })
  for (const name of ['x-request-id', 'x-content-type-options', 'x-frame-options', 'content-security-policy']) {
    expect(answer.head).toContain(`\r\n${name}: `)
  }
  expect(Number(/max-age=(\d+)/.exec(answer.head)?.[1])).toBeGreaterThanOrEqual(15768000)
  expect(answer.head).toContain('content-type: application/json; charset=utf-8')
  expect(answer.head).not.toMatch(/\r\n(server|x-powered-by):/)
  return body
}

const MARK = 'ZQXMARK'

describe('hostile input, at the socket', () => {
  test.each<[string, string | Buffer, number, keyof typeof FAILURES]>([
    ['a repeated key', post(`{"ticker":"${MARK}","ticker":"A"}`), 400, 'INVALID_PARAMETER'],
    ['NaN', post('{"ticker":NaN}'), 400, 'INVALID_PARAMETER'],
    ['a prototype key', post(`{"__proto__":{"ticker":"A"},"constructor":"${MARK}"}`), 400, 'INVALID_PARAMETER'],
    ['deep nesting', post('['.repeat(200_000)), 400, 'INVALID_PARAMETER'],
    ['half a surrogate pair', post(`{"ticker":"\\ud800${MARK}"}`), 400, 'INVALID_PARAMETER'],
    ['U+0000', post(`{"ticker":"\\u0000${MARK}"}`), 400, 'INVALID_PARAMETER'],
    ['bad UTF-8', post(Buffer.from([0x22, 0xff, 0xfe, 0x22])), 400, 'INVALID_PARAMETER'],
    ['a byte order mark', post('\ufeff{"ticker":"A"}'), 400, 'INVALID_PARAMETER'],
    ['no JSON at all', post(MARK), 400, 'INVALID_PARAMETER'],
    ['an empty body', post(''), 400, 'INVALID_PARAMETER'],
    ['no body', `POST /echo HTTP/1.1\r\n${CLOSE}\r\n`, 400, 'INVALID_PARAMETER'],
    ['an array', post('[]'), 400, 'INVALID_PARAMETER'],
    ['another media type', post(`<a>${MARK}</a>`, 'Content-Type: text/xml\r\n'), 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['a form', post('ticker=A', 'Content-Type: application/x-www-form-urlencoded\r\n'), 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['no media type', post('{"ticker":"A"}', ''), 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['a media type that is none', post('{}', `Content-Type: ${MARK}\r\n`), 415, 'UNSUPPORTED_MEDIA_TYPE'],
    [
      'another charset',
      post('{}', 'Content-Type: application/json; charset=utf-16\r\n'),
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    ],
    [
      'a compressed body',
      post('{}', 'Content-Type: application/json\r\nContent-Encoding: gzip\r\n'),
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    ],
    ['10 MB announced', post('{}', undefined, 10_000_000), 413, 'PAYLOAD_TOO_LARGE'],
    ['a byte too many', post(`"${'a'.repeat(BODY_BYTES_MAX - 1)}"`), 413, 'PAYLOAD_TOO_LARGE'],
    ['a bad percent code in the path', get('/echo/%zz'), 400, 'INVALID_PARAMETER'],
    ['bad UTF-8 in the path', get('/echo/%ff'), 400, 'INVALID_PARAMETER'],
    ['a bad percent code in the query', get('/echo/A?note=%zz'), 400, 'INVALID_PARAMETER'],
    ['U+0000 in the query', get(`/echo/A?note=%00${MARK}`), 400, 'INVALID_PARAMETER'],
    ['a surrogate in the query', get('/echo/A?note=%ED%A0%80'), 400, 'INVALID_PARAMETER'],
    ['a parameter twice', get(`/echo/A?note=a&note=${MARK}`), 400, 'INVALID_PARAMETER'],
    ['a path parameter outside its pattern', get(`/echo/<script>${MARK}`), 400, 'INVALID_PARAMETER'],
    ['a path parameter beyond its length', get(`/echo/${'A'.repeat(500)}`), 400, 'INVALID_PARAMETER'],
    ['an unknown path', get(`/${MARK}?x=${MARK}`), 404, 'NOT_FOUND'],
    [
      'an unknown path with an odd body',
      `POST /${MARK} HTTP/1.1\r\n${CLOSE}Content-Type: a/b\r\nContent-Length: 1\r\n\r\nx`,
      404,
      'NOT_FOUND',
    ],
    ['a path that climbs', get('/../../etc/passwd'), 404, 'NOT_FOUND'],
    ['a method the path does not take', `DELETE /echo HTTP/1.1\r\n${CLOSE}\r\n`, 405, 'METHOD_NOT_ALLOWED'],
    ['TRACE', `TRACE /echo HTTP/1.1\r\n${CLOSE}\r\n`, 405, 'METHOD_NOT_ALLOWED'],
    ['a method that is none', `${MARK} /echo HTTP/1.1\r\n${CLOSE}\r\n`, 400, 'INVALID_PARAMETER'],
    ['no HTTP at all', `\x16\x03\x01${MARK}\r\n\r\n`, 400, 'INVALID_PARAMETER'],
    ['no Host', `GET /money HTTP/1.1\r\nConnection: close\r\n\r\n`, 400, 'INVALID_PARAMETER'],
    [
      'two lengths',
      `POST /echo HTTP/1.1\r\n${CLOSE}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      400,
      'INVALID_PARAMETER',
    ],
    [
      'a coding of the body that is none',
      `POST /echo HTTP/1.1\r\n${CLOSE}Content-Type: application/json\r\nTransfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n`,
      400,
      'INVALID_PARAMETER',
    ],
    ['gigantic headers', get('/money', `X-Big: ${'a'.repeat(200_000)}\r\n`), 431, 'PAYLOAD_TOO_LARGE'],
    ['a gigantic address', get(`/echo/A?note=${'a'.repeat(200_000)}`), 431, 'PAYLOAD_TOO_LARGE'],
    [
      'a line break in a header',
      get('/money', `X-Request-ID: good-one-1\r\n folded ${MARK}\r\n`),
      400,
      'INVALID_PARAMETER',
    ],
  ])('%s is refused in our shape, and repeated neither there nor in the log', async (_, bytes, status, code) => {
    const answer = await raw(bytes)
    expectRefusal(answer, status, code)
    expect(answer.body).not.toContain(MARK)
    expect(answer.body).not.toMatch(/fastify|FST_|node_modules|\.ts\b|\n +at /i)
    await expect.poll(() => lines.length).toBe(1)
    expect(lines[0]).not.toContain(MARK)
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ status, request_id: expect.stringMatching(/^made-/) })
  })

  test('a body of 10 MB that really comes is refused, and the server goes on', async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/echo`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: `"${'a'.repeat(10_000_000)}"`,
    }).catch((error: unknown) => error)
    // A client still writing may see the connection close before it reads the answer.
    if (answer instanceof Response) expect(answer.status).toBe(413)
    expect((await raw(get('/money'))).status).toBe(200)
  })

  test('the prototype of objects is what it was', () => {
    expect(({} as Record<string, unknown>).ticker).toBeUndefined()
  })
})

describe('an answer', () => {
  test('writes decimals exactly', async () => {
    const answer = await app.inject('/money')
    expect(answer.body).toBe('{"fee":25.00}')
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8')
  })

  test('carries a request id that was sane, and a new one otherwise', async () => {
    for (const id of ['abc.DEF_12-3', 'a'.repeat(64)]) {
      expect((await app.inject({ url: '/money', headers: { 'x-request-id': id } })).headers['x-request-id']).toBe(id)
    }
    for (const id of ['short', 'a'.repeat(65), 'has space', '<script>alert(1)</script>']) {
      expect((await app.inject({ url: '/money', headers: { 'x-request-id': id } })).headers['x-request-id']).toMatch(
        /^made-/,
      )
    }
  })

  test('is kept by no cache unless it says so', async () => {
    for (const url of ['/money', '/nothing', '/echo/%zz', '/bug']) {
      expect((await app.inject(url)).headers['cache-control']).toBe('no-store')
    }
  })

  test('is compressed from 1 kB on, when the client can', async () => {
    const answer = await app.inject({ url: '/long', headers: { 'accept-encoding': 'gzip' } })
    expect(answer.headers['content-encoding']).toBe('gzip')
    expect(answer.headers.vary).toContain('accept-encoding')
    expect(JSON.parse(gunzipSync(answer.rawPayload).toString()).text).toHaveLength(5000)
    expect((await app.inject('/long')).headers['content-encoding']).toBeUndefined()
    const small = await app.inject({ url: '/money', headers: { 'accept-encoding': 'gzip' } })
    expect(small.headers['content-encoding']).toBeUndefined()
  })

  test('to HEAD has the headers and no body', async () => {
    const answer = await app.inject({ method: 'HEAD', url: '/money' })
    expect(answer.statusCode).toBe(200)
    expect(answer.body).toBe('')
  })

  test('to GET does not depend on a body', async () => {
    const answer = await raw(`GET /money HTTP/1.1\r\n${CLOSE}Content-Type: text/xml\r\nContent-Length: 3\r\n\r\n<a>`)
    expect(answer.status).toBe(200)
  })

  test('does not depend on an expectation nobody knows', async () => {
    expect((await raw(get('/money', 'Expect: miracles\r\n'))).body).toBe('{"fee":25.00}')
  })

  test('that depends on origin and encoding says both to caches', async () => {
    const headers = { 'accept-encoding': 'br', origin: 'https://desk.example.com' }
    const answer = await app.inject({ url: '/long', headers })
    expect(answer.headers['content-encoding']).toBe('br')
    expect(String(answer.headers.vary).toLowerCase()).toMatch(/origin.*accept-encoding|accept-encoding.*origin/)
  })

  test('of a larger limit is the route’s own matter', async () => {
    const body = `{"ticker":"A","pad":"${'a'.repeat(BODY_BYTES_MAX)}"}`
    const headers = { 'content-type': 'application/json; charset=UTF-8' }
    expect((await app.inject({ method: 'PUT', url: '/echo', headers, body })).statusCode).toBe(200)
  })

  test('with 405 names the methods that the path takes', async () => {
    expect((await app.inject({ method: 'DELETE', url: '/echo?x=1' })).headers.allow).toBe('POST, PUT')
    expect((await app.inject({ method: 'POST', url: '/echo/AAPL' })).headers.allow).toBe('GET, HEAD')
  })
})

describe('a failure', () => {
  test.each(['/bug', '/bug/framework', '/unwritable'])(
    'at %s that nobody expected says nothing, and the log everything',
    async (url) => {
      const answer = await app.inject(url)
      expect(answer.statusCode).toBe(500)
      expect(answer.json()).toEqual({ status: 'error', error: 'Internal error', error_code: 'INTERNAL_ERROR' })
      const logged = lines.map((line) => JSON.parse(line)).find((line) => line.level === 'error')
      expect(logged).toMatchObject({
        route: url,
        err: { stack: expect.any(String) },
        request_id: answer.headers['x-request-id'],
      })
    },
  )

  test('that is temporary says when to come back', async () => {
    const answer = await app.inject('/away')
    expect(answer.statusCode).toBe(503)
    expect(answer.headers['retry-after']).toBe('2')
    expect(answer.body).not.toContain('HIDDEN')
    expect(lines.join('')).toContain('HIDDEN')
  })
})

describe('the log', () => {
  test('has one line a request, with the template of its route', async () => {
    await app.inject('/money?secret=HIDDEN')
    await app.inject({ url: '/echo/AAPL?note=HIDDEN', headers: { 'x-api-key': 'HIDDEN' } })
    expect(lines).toHaveLength(2)
    expect(lines.join('')).not.toContain('HIDDEN')
    const [money, echo] = lines.map((line) => JSON.parse(line))
    expect(money).toMatchObject({
      level: 'info',
      message: 'request',
      method: 'GET',
      route: '/money',
      status: 200,
      ms: expect.any(Number),
      request_id: expect.any(String),
      client_id: 'demo-classic',
      key_id: 'key1',
      quote_id: 'quote1',
    })
    expect(echo).toMatchObject({ route: '/echo/:ticker', status: 200 })
  })

  test('keeps probes out of sight', async () => {
    await app.inject('/health')
    await app.inject('/api/v1/health/readiness')
    expect(lines.map((line) => JSON.parse(line).level)).toEqual(['debug', 'debug'])
  })
})

describe('metrics', () => {
  test('count by route template, so that addresses cannot multiply series', async () => {
    for (const ticker of ['A', 'B', 'C']) await app.inject(`/echo/${ticker}?note=`)
    for (const path of ['/x1', '/x2', '/x3']) await app.inject(path)
    const answer = await app.inject('/metrics')
    expect(answer.headers['content-type']).toContain('text/plain')
    expect(answer.body).toMatch(
      /http_requests_total\{method="GET",route="\/echo\/:ticker",status="200",service="test"\} \d+/,
    )
    expect(answer.body).toMatch(/route="unknown",status="404"/)
    expect(answer.body).not.toMatch(/x1|\/echo\/A/)
  })

  test('switched off are not there, and requests go on', async () => {
    const off = createMetrics({ service: 'test', enabled: false })
    const silent = createLog({ service: 'test', level: 'fatal', destination: { write: () => {} } })
    const without = await createServer({ log: silent, metrics: off, health, newRequestId: () => 'made' })
    without.get('/text', () => 'text')
    expect((await without.inject('/text')).statusCode).toBe(200)
    expect((await without.inject('/metrics')).statusCode).toBe(404)
    await without.close()
  })
})

describe('calls from other origins', () => {
  test('are allowed to those in the list, with credentials, never to all', async () => {
    const answer = await app.inject({ url: '/money', headers: { origin: 'https://desk.example.com' } })
    expect(answer.headers['access-control-allow-origin']).toBe('https://desk.example.com')
    expect(answer.headers['access-control-allow-credentials']).toBe('true')
    for (const origin of ['https://evil.example.com', 'null', 'https://desk.example.com.evil.com']) {
      const refused = await app.inject({ url: '/money', headers: { origin } })
      expect(refused.headers['access-control-allow-origin']).toBeUndefined()
      expect(refused.headers.vary).toContain('Origin')
    }
  })

  test('may ask first', async () => {
    const headers = { origin: 'https://desk.example.com', 'access-control-request-method': 'POST' }
    const answer = await app.inject({ method: 'OPTIONS', url: '/echo', headers })
    expect(answer.statusCode).toBe(204)
    expect(answer.headers['access-control-allow-methods']).toContain('POST')
    expect(answer.headers['access-control-allow-headers']).toContain('X-API-Key')
  })

  test('of a page that may not are told nothing by asking first', async () => {
    for (const origin of [
      'https://evil.example.com',
      'null',
      '*',
      'https://DESK.example.com',
      'http://desk.example.com',
    ]) {
      const headers = { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-api-key' }
      const answer = await app.inject({ method: 'OPTIONS', url: '/echo', headers })
      expect(answer.statusCode).toBe(405)
      expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control-'))).toEqual([])
    }
  })

  test.each([
    ['a failure of a route', '/echo/%zz', 400],
    ['an address that is none', '/nothing', 404],
    ['a bad field', '/echo/a?note=x', 400],
    ['a bug', '/bug', 500],
  ])('may read %s as well', async (_, url, status) => {
    const answer = await app.inject({ url, headers: { origin: 'https://desk.example.com' } })
    expect(answer.statusCode).toBe(status)
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': 'https://desk.example.com',
      'access-control-allow-credentials': 'true',
      vary: 'Origin',
    })
  })
})

describe('health', () => {
  test('is good while the database is away, and details say what is', async () => {
    expect((await app.inject('/health')).json()).toMatchObject({ status: 'ok', service: 'test', version: '1.2.3' })
    const details = await app.inject('/health/details')
    expect(details.json()).toMatchObject({
      status: 'degraded',
      components: { database: { state: 'down', latency_ms: expect.any(Number) }, cache: { state: 'up', keys: 3 } },
    })
    expect(details.body).not.toContain('HIDDEN')
    expect((await app.inject('/health/external')).json()).toEqual({
      status: 'ok',
      feeds: { lender: { state: 'up', age_seconds: 3 } },
    })
  })

  test('turns 503 while draining, except that the process is alive', async () => {
    health.drain()
    for (const prefix of ['', '/api/v1']) {
      expect((await app.inject(`${prefix}/health`)).statusCode).toBe(503)
      expect((await app.inject(`${prefix}/health/readiness`)).statusCode).toBe(503)
      expect((await app.inject(`${prefix}/health/liveness`)).statusCode).toBe(200)
    }
  })
})
