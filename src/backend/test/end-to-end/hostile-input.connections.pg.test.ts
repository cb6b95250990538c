// What arrives at the socket: addresses, headers, methods and bytes that no client would send, slowly or all at once.
import { beforeAll, describe, expect, test } from 'vitest'
import { expectFailure, expectOrdinaryHeaders, expectQuietLog } from './answers.ts'
import { type Deployment, startDeployment } from './deployment.ts'
import { ask, exchange, openSocket, type RawAnswer, rawRequest, wholeAnswer } from './http.ts'

const QUOTE = '/api/v1/calculate-locate'
const MARK = 'GARBAGE7f3a'
let deployed: Deployment

beforeAll(async () => {
  deployed = await startDeployment()
})

const soundText = JSON.stringify({ ticker: 'GME', position_value: 1000, loan_days: 30, client_id: 'demo-classic' })
const soundPost = () =>
  rawRequest(
    'POST',
    QUOTE,
    [`X-API-Key: ${deployed.keys.desk}`, 'Content-Type: application/json', `Content-Length: ${soundText.length}`],
    soundText,
  )
const raw = (method: string, path: string, lines: readonly string[] = []) =>
  exchange(deployed, [rawRequest(method, path, [`X-API-Key: ${deployed.keys.desk}`, ...lines])])

function expectRawFailure(answer: RawAnswer | undefined, code: Parameters<typeof expectFailure>[1]): void {
  expect(answer).toBeDefined()
  expectFailure({ status: answer?.status ?? 0, text: answer?.body ?? '' }, code, [MARK])
  expectOrdinaryHeaders(headersOf(answer))
}

const headersOf = (answer: RawAnswer | undefined) => (answer === undefined ? {} : wholeAnswer(answer).headers)

describe('an address', () => {
  test.each(['/api/v1/rates/%', '/api/v1/rates/%zz', '/api/v1/rates/%c3%28', '/api/v1/rates/%ff', `/%${MARK}`])(
    '%s is not percent-encoded UTF-8: 400',
    async (path) => {
      expectRawFailure((await raw('GET', path))[0], 'INVALID_PARAMETER')
    },
  )

  test.each(['ticker=%zz', 'ticker=%ff', 'ticker=%c3%28'])('a value %s is 400 and names its field', async (part) => {
    const [answer] = await raw('GET', `${QUOTE}?${part}&position_value=1&loan_days=1&client_id=demo-classic`)
    expectRawFailure(answer, 'INVALID_PARAMETER')
    expect(JSON.parse(answer?.body ?? '').validation_errors).toMatchObject([{ field: 'ticker', location: 'query' }])
  })

  test.each(['ticker', 'position_value', 'loan_days', 'client_id'])('%s twice is 400, equal or not', async (name) => {
    const query = 'ticker=GME&position_value=1&loan_days=1&client_id=demo-classic'
    const value = new URLSearchParams(query).get(name)
    for (const more of [`${name}=${value}`, `${name}=${MARK}`, `${name}=`, `${encodeURIComponent(name)}=${value}`]) {
      const [answer] = await raw('GET', `${QUOTE}?${query}&${more}`)
      expectRawFailure(answer, 'INVALID_PARAMETER')
      expect(JSON.parse(answer?.body ?? '').validation_errors).toMatchObject([{ field: name, location: 'query' }])
    }
  })

  test('with a thousand parameters is answered, and those that count still count', async () => {
    const many = Array.from({ length: 1000 }, (_, index) => `x${index}=1`).join('&')
    expectRawFailure((await raw('GET', `${QUOTE}?${many}`))[0], 'INVALID_PARAMETER')
    const first = 'ticker=GME&position_value=1&loan_days=1&client_id=demo-classic'
    expect((await raw('GET', `${QUOTE}?${first}&${many}`))[0]?.status).toBe(200)
  })

  test.each([
    '/docs/static/../../../../package.json',
    '/docs/static/..%2f..%2f..%2f..%2fpackage.json',
    '/docs/static/%2e%2e/%2e%2e/%2e%2e/package.json',
    '/docs/static/..%5c..%5cpackage.json',
    '/docs/static//etc/passwd',
    '/docs/..%00/package.json',
    '/api/v1/../../etc/passwd',
    '//etc/passwd',
    '/.env',
    '/api/v1/rates/..',
    `/api/v1/${MARK}`,
    '/api/v1/rates/GME/',
    '/API/V1/rates/GME',
  ])('%s leads to nothing', async (path) => {
    const [answer] = await raw('GET', path)
    expect([400, 404]).toContain(answer?.status)
    expectRawFailure(answer, answer?.status === 400 ? 'INVALID_PARAMETER' : 'NOT_FOUND')
  })

  test('with a part far longer than any identifier is refused', async () => {
    const [answer] = await raw('GET', `/api/v1/rates/${'A'.repeat(5000)}`)
    expect([400, 404]).toContain(answer?.status)
    expect(answer?.body).not.toContain('AAAAAA')
  })

  test.each(['GET /api v1 HTTP/1.1', 'GET /health\u0000 HTTP/1.1', 'GET /h\u0001 HTTP/1.1', 'GET health HTTP/1.1'])(
    'in the request line %j is no request',
    async (line) => {
      expectRawFailure((await exchange(deployed, [`${line}\r\nHost: engine\r\n\r\n`]))[0], 'INVALID_PARAMETER')
    },
  )
})

describe('a method', () => {
  test.each([
    ['DELETE', QUOTE, ['GET', 'POST']],
    ['PUT', QUOTE, ['GET', 'POST']],
    ['PATCH', QUOTE, ['GET', 'POST']],
    ['POST', '/api/v1/rates/GME', ['GET']],
    ['DELETE', '/api/v1/rates/status/HARD', ['GET']],
    ['POST', '/api/v1/config', ['GET']],
    ['PUT', '/api/v1/audit/01900000-0000-7000-8000-000000000000', ['GET']],
    ['POST', '/health', ['GET']],
  ])('%s that %s does not take is 405 and names those it takes', async (method, path, methods) => {
    const [answer] = await raw(method, path, ['Content-Length: 0'])
    expectRawFailure(answer, 'METHOD_NOT_ALLOWED')
    expect(String(headersOf(answer).allow).split(', ')).toEqual(expect.arrayContaining(methods))
  })

  test.each(['TRACE', 'PROPFIND', 'OPTIONS', 'QUERY', 'LOCK'])('%s is refused and echoes nothing', async (method) => {
    const [answer] = await raw(method, QUOTE, [`X-Note: ${MARK}`])
    expect([400, 404, 405]).toContain(answer?.status)
    expect(answer?.head).not.toContain(MARK)
    expect(answer?.body).not.toContain(MARK)
  })

  test.each([MARK, 'get', 'GETT', 'G E T', '\u0000'])('%j is no method', async (method) => {
    expectRawFailure(
      (await exchange(deployed, [`${method} /health HTTP/1.1\r\nHost: engine\r\n\r\n`]))[0],
      'INVALID_PARAMETER',
    )
  })

  test('CONNECT opens no tunnel', async () => {
    const answers = await exchange(deployed, ['CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n'], {
      waitMs: 1000,
    })
    expect(answers.filter(({ status }) => status < 400)).toEqual([])
  })

  test('HEAD says what GET would, without a body', async () => {
    const socketText = await exchange(
      deployed,
      [rawRequest('HEAD', '/api/v1/rates/GME', [`X-API-Key: ${deployed.keys.desk}`, 'Connection: close'])],
      { waitMs: 500 },
    )
    // Its Content-Length counts a body that does not come, so a reader of bodies finds no whole answer.
    expect(socketText).toEqual([])
    const { status, text } = await ask(deployed, { method: 'HEAD', path: '/api/v1/rates/GME', key: deployed.keys.desk })
    expect([status, text]).toEqual([200, ''])
  })
})

describe('headers', () => {
  test.each([16_384, 100_000, 1_000_000])('of %i bytes are refused', async (size) => {
    const [answer] = await exchange(deployed, [rawRequest('GET', '/health', [`X-Note: ${'x'.repeat(size)}`])])
    expect(answer?.status).toBe(431)
    expect(JSON.parse(answer?.body ?? '')).toMatchObject({ status: 'error', error_code: 'PAYLOAD_TOO_LARGE' })
    expectOrdinaryHeaders(headersOf(answer))
  })

  test('by the thousand are answered or refused, and leave the others served', async () => {
    const many = Array.from({ length: 2500 }, (_, index) => `X${index}: 1`)
    const [answer] = await exchange(deployed, [rawRequest('GET', '/health', many)])
    expect([200, 431]).toContain(answer?.status)
    expect((await ask(deployed, { path: '/health' })).status).toBe(200)
  })

  test.each([
    ['a line without a colon', ['nonsense']],
    ['a name with a blank', ['X Note: 1']],
    ['a bare line feed in a value', ['X-Note: a\nb: c']],
    ['a NUL', ['X-Note: a\u0000b']],
    ['a length that is no number', ['Content-Length: ten']],
    ['a length below nothing', ['Content-Length: -1']],
    ['two lengths', ['Content-Length: 3', 'Content-Length: 5']],
    ['a length and chunks', ['Content-Length: 3', 'Transfer-Encoding: chunked']],
    ['chunks by another name', ['Transfer-Encoding: xchunked']],
    ['chunks twice removed', ['Transfer-Encoding: chunked, identity']],
  ])('with %s are no request', async (_, lines) => {
    const [answer] = await exchange(deployed, [
      rawRequest(
        'POST',
        QUOTE,
        [`X-API-Key: ${deployed.keys.desk}`, 'Content-Type: application/json', ...lines],
        'abc',
      ),
    ])
    expectRawFailure(answer, 'INVALID_PARAMETER')
  })

  test('without a Host are 400 in HTTP/1.1 and enough in HTTP/1.0', async () => {
    const [modern] = await exchange(deployed, ['GET /health HTTP/1.1\r\n\r\n'])
    expectRawFailure(modern, 'INVALID_PARAMETER')
    const [old] = await exchange(deployed, ['GET /health HTTP/1.0\r\n\r\n'])
    expect(old?.status).toBe(200)
    expectOrdinaryHeaders(headersOf(old))
  })

  test.each(['HTTP/9.9', 'HTTP/1.2', 'FTP/1.1', 'HTTP/1.', 'HTTP'])('of %s are no request', async (version) => {
    expectRawFailure(
      (await exchange(deployed, [`GET /health ${version}\r\nHost: engine\r\n\r\n`]))[0],
      'INVALID_PARAMETER',
    )
  })

  test('that ask for another protocol, or expect what nobody knows, change nothing', async () => {
    const [upgraded] = await raw('GET', '/health', ['Connection: Upgrade', 'Upgrade: websocket'])
    expect(upgraded?.status).toBe(200)
    const [expecting] = await raw('GET', '/health', [`Expect: ${MARK}`])
    expect(expecting?.status).toBe(200)
    expect(expecting?.body).not.toContain(MARK)
  })

  test('that claim another address are not believed', async () => {
    const body = { ...JSON.parse(soundText) }
    const headers = { 'x-forwarded-for': '203.0.113.9', forwarded: 'for=203.0.113.9', 'x-real-ip': '203.0.113.9' }
    const quote = await ask(deployed, { path: QUOTE, key: deployed.keys.desk, body, headers })
    const record = await ask(deployed, { path: `/api/v1/audit/${quote.json.audit_id}`, key: deployed.keys.auditor })
    expect(record.json.record.actor.source_ip).toBe('127.0.0.1')
  })

  test('a key with hostile characters is a bad key', async () => {
    for (const [index, key] of [`${MARK}'; drop table api_keys; --`, '\u00ff\u00fe', 'x'.repeat(8000), ' '].entries()) {
      const answer = await ask(deployed, { path: '/api/v1/config', key, from: `127.0.3.${index + 1}` })
      expectFailure(answer, 'UNAUTHORIZED', [MARK])
    }
  })
})

describe('a connection', () => {
  test('may carry many requests at once, each answered in its turn', async () => {
    const answers = await exchange(
      deployed,
      [Buffer.concat([soundPost(), rawRequest('GET', '/health'), soundPost()])],
      { answers: 3 },
    )
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
    expect(answers[1]?.body).toContain('"ok"')
  })

  test('with garbage behind a request answers the request, then refuses the garbage and ends', async () => {
    const answers = await exchange(deployed, [Buffer.concat([soundPost(), Buffer.from(`${MARK}\r\n\r\n`)])], {
      answers: 2,
    })
    const statuses = answers.map(({ status }) => status)
    // What cannot be read may be noticed before the price is made; then there is no price.
    expect([[200, 400], [400]]).toContainEqual(statuses)
    expectRawFailure(answers.at(-1), 'INVALID_PARAMETER')
  })

  test.each([
    ['random bytes', Buffer.from(Array.from({ length: 2000 }, (_, index) => (index * 7919 + 13) % 256))],
    ['a TLS greeting', Buffer.from('160301020001000100010003030303', 'hex')],
    ['an HTTP/2 preface', Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')],
    ['line breaks', Buffer.from('\r\n'.repeat(5000))],
    ['another protocol', Buffer.from(`EHLO ${MARK}\r\n`)],
    [
      'a bad chunk',
      Buffer.concat([
        rawRequest('POST', QUOTE, ['Transfer-Encoding: chunked', 'Content-Type: application/json']),
        Buffer.from(`${MARK}\r\n`),
      ]),
    ],
  ])('of %s is refused and closed, and the next is served', async (_, bytes) => {
    const answers = await exchange(deployed, [bytes], { waitMs: 700 })
    for (const answer of answers) {
      expect(answer.status).toBeGreaterThanOrEqual(400)
      expect(answer.status).toBeLessThan(500)
      expect(answer.body).not.toContain(MARK)
    }
    expect((await ask(deployed, { path: '/health' })).status).toBe(200)
  })

  test('that ends in the middle of a body disturbs nobody', async () => {
    for (let i = 0; i < 20; i += 1) {
      const socket = await openSocket(deployed)
      socket.on('error', () => {})
      socket.write(soundPost().subarray(0, -10))
      if (i % 2 === 0) socket.resetAndDestroy()
      else socket.end()
    }
    expect((await ask(deployed, { path: '/health' })).status).toBe(200)
  })

  test('a hundred that say nothing, or a byte now and then, keep nobody waiting', async () => {
    const sockets = await Promise.all(Array.from({ length: 100 }, () => openSocket(deployed)))
    const beginnings = ['', 'GET /heal', soundPost().subarray(0, 60), soundPost().subarray(0, -20)]
    for (const [index, socket] of sockets.entries()) {
      socket.on('error', () => {})
      const beginning = beginnings[index % beginnings.length] ?? ''
      if (beginning.length > 0) socket.write(beginning)
    }
    const dripping = setInterval(() => {
      for (const socket of sockets) if (socket.writable) socket.write('x')
    }, 100)
    try {
      const start = performance.now()
      for (let i = 0; i < 20; i += 1) {
        const { status } = await ask(deployed, { path: QUOTE, key: deployed.keys.desk, body: soundText })
        expect(status).toBe(200)
      }
      expect(performance.now() - start).toBeLessThan(3000)
    } finally {
      clearInterval(dripping)
      for (const socket of sockets) socket.destroy()
    }
  })
})

// The last: about everything above.
test('of all this the log holds a line a request, no stack, no secret and nothing that was sent', () => {
  expectQuietLog(deployed, [MARK])
})
