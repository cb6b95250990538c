// Two thousand requests put together at random from sound and hostile pieces: whatever comes, it is answered, never with a 5xx,
// in the one shape, and the process stays as it was.
import { beforeAll, expect, test } from 'vitest'
import { randomFrom } from '../random.ts'
import { expectOrdinaryHeaders, expectQuietLog } from './answers.ts'
import { type Deployment, startDeployment } from './deployment.ts'
import { type Answer, type Ask, ask, exchange } from './http.ts'

const REQUESTS = 2000
const AT_ONCE = 16
const MEMORY_GROWTH_BYTES_MAX = 150_000_000
/** The same requests each time; another number makes others. */
const SEED = Number(process.env.TEST_SEED ?? 20_261_124)
const MARK = 'GARBAGE7f3a'
let deployed: Deployment

beforeAll(async () => {
  deployed = await startDeployment()
})

const TOKENS = [
  ...[
    '0',
    '1',
    '-1',
    '-0',
    '30',
    '365',
    '366',
    '0.01',
    '1e400',
    '1e-400',
    '1e9',
    '100000000',
    '123456789012345678901234567890',
  ],
  ...[
    '"GME"',
    '"AAPL"',
    '"ZZZZZ"',
    '"aapl"',
    '"demo-classic"',
    '"demo-percentage"',
    '"house"',
    `"${MARK}"`,
    '"2026-06-04"',
    '"2026-06-05"',
  ],
  ...[
    '"2026-12-25"',
    '"1e5"',
    '"0.01"',
    '""',
    '" "',
    '"\\u0000"',
    '"\\ud800"',
    '"\\ud83d\\ude00"',
    '"<script>"',
    '"\' or 1=1 --"',
    '"../../etc"',
  ],
  ...[
    'null',
    'true',
    'false',
    '[]',
    '{}',
    '[1,2]',
    '{"a":{"b":[]}}',
    '{"__proto__":{"x":1}}',
    'NaN',
    'undefined',
    '01',
    '"',
    '\\',
    '\u0007',
  ],
]
const NAMES = [
  ...['ticker', 'position_value', 'quantity', 'price', 'loan_days', 'start_date', 'end_date', 'client_id'],
  ...[
    '__proto__',
    'constructor',
    'toString',
    'use_cache',
    'max_age',
    'skip',
    'limit',
    'volatility_index',
    'event_risk_factor',
    'model',
    '',
    'ä',
    MARK,
  ],
]
const SOUND: Record<string, string> = {
  ticker: '"GME"',
  position_value: '1000',
  loan_days: '30',
  client_id: '"demo-classic"',
}
const PATHS = [
  ...['/api/v1/calculate-locate', '/api/v1/calculate-locate', '/api/v1/calculate-locate'],
  ...[
    '/api/v1/rates/GME',
    '/api/v1/rates/GME/calculate',
    '/api/v1/rates/status/HARD',
    '/api/v1/rates/ticker/GME',
    '/api/v1/config',
  ],
  ...[
    '/api/v1/audit/01900000-0000-7000-8000-000000000000',
    '/health',
    '/health/details',
    '/metrics',
    '/openapi.json',
    '/docs/',
  ],
  ...[
    `/api/v1/rates/${MARK}`,
    '/api/v1/rates/%00',
    '/api/v1/rates/%ff',
    '/api/v1/rates/../config',
    '/api/v1/rates/status/',
    `/${MARK}`,
    '/*',
    '/api/v1/audit/%27',
  ],
]
const TYPES = [
  'application/json',
  'application/json',
  'application/json',
  'application/json; charset=utf-8',
  'text/plain',
  'application/json; charset=utf-7',
  MARK,
]
const EXTRA: Record<string, string>[] = [
  {},
  {},
  { accept: `text/${MARK}` },
  { 'accept-encoding': 'gzip;q=1, br;q=0.5, *;q=0' },
  { 'accept-encoding': ',,,;q=x' },
  { 'if-none-match': `"${MARK}", W/, *x` },
  { 'x-request-id': MARK.repeat(9) },
  { 'x-forwarded-for': `${MARK}, 1.2.3.4` },
  { range: 'bytes=0-5, -3' },
  { origin: `https://${MARK}.example.com` },
  { cookie: `a=${MARK}; b` },
  { 'x-http-method-override': 'DELETE' },
  { 'content-encoding': 'gzip' },
  { authorization: `Bearer ${MARK}.x.y` },
]

function requests(): Ask[] {
  const random = randomFrom(SEED)
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
  const keys = Object.values(deployed.keys)
  const members = (): [string, string][] => {
    const chosen = Object.entries(random() < 0.8 ? SOUND : {})
    for (let more = Math.floor(random() * 4); more > 0; more -= 1) {
      const at = Math.floor(random() * (chosen.length + 1))
      chosen.splice(at, random() < 0.5 ? 1 : 0, [pick(NAMES), pick(TOKENS)])
    }
    return chosen
  }
  const cut = (text: string): string => {
    const at = Math.floor(random() * text.length)
    const chance = random()
    if (chance < 0.8) return text
    return chance < 0.9 ? text.slice(0, at) : text.slice(0, at) + pick(TOKENS) + text.slice(at)
  }
  return Array.from({ length: REQUESTS }, () => {
    const path = pick(PATHS)
    const headers = { ...pick(EXTRA) }
    const key = { ...(random() < 0.97 && { key: pick(keys) }) }
    if (random() < 0.5) {
      const body = cut(
        `{${members()
          .map(([name, token]) => `"${name}":${token}`)
          .join(random() < 0.95 ? ',' : ',,')}}`,
      )
      return {
        method: pick(['POST', 'POST', 'POST', 'PUT', 'DELETE', 'PATCH']),
        path,
        body,
        headers: { 'content-type': pick(TYPES), ...headers },
        ...key,
      }
    }
    const query = members().map(
      ([name, token]) =>
        `${encodeURIComponent(name)}=${random() < 0.9 ? encodeURIComponent(token.replaceAll('"', '')) : pick(['%', '%zz', '%00', '+', '='])}`,
    )
    return {
      method: pick(['GET', 'GET', 'GET', 'HEAD', 'OPTIONS']),
      path: `${path}?${query.join(pick(['&', '&', '&&', ';']))}`,
      headers,
      ...key,
    }
  })
}

test(`${REQUESTS} random requests are all answered, none with a 5xx, each failure in the one shape`, async () => {
  const all = requests()
  const warmUp = deployed.memoryBytes()
  const counts: Record<number, number> = {}
  let next = 0
  async function work(): Promise<void> {
    while (next < all.length) {
      const request = all[next++] as Ask
      const answer = await ask(deployed, request).catch((error) => {
        throw new Error(`${JSON.stringify(request)}: ${error}`)
      })
      counts[answer.status] = (counts[answer.status] ?? 0) + 1
      expectSoundAnswer(request, answer)
    }
  }
  const start = performance.now()
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  // Slower than a tenth of what it does would be a request that hangs.
  expect(performance.now() - start).toBeLessThan(30_000)
  // A mix that only ever fails at the door would show nothing.
  for (const status of [200, 400, 404, 405]) expect(counts[status] ?? 0, JSON.stringify(counts)).toBeGreaterThan(20)
  expect((await ask(deployed, { path: '/health' })).status).toBe(200)
  const after = deployed.memoryBytes()
  if (warmUp !== null && after !== null) expect(after - warmUp).toBeLessThan(MEMORY_GROWTH_BYTES_MAX)
}, 60_000)

function expectSoundAnswer(request: Ask, answer: Answer): void {
  const what = `${JSON.stringify(request)} was answered ${answer.status} ${answer.text.slice(0, 300)}`
  expect(answer.status, what).toBeLessThan(500)
  expectOrdinaryHeaders(answer.headers)
  expect(answer.text.includes(MARK), what).toBe(false)
  if (answer.status < 400 || answer.text === '') return
  expect(JSON.parse(answer.text), what).toMatchObject({
    status: 'error',
    error: expect.any(String),
    error_code: expect.any(String),
  })
}

test('300 random beginnings of bytes are refused or ignored, and the process serves on', async () => {
  const random = randomFrom(SEED + 1)
  const sound = `GET /health HTTP/1.1\r\nHost: engine\r\nX-Note: ${MARK}\r\nContent-Length: 2\r\n\r\n{}`
  const work = async () => {
    for (let i = 0; i < 300 / AT_ONCE; i += 1) {
      const bytes = Buffer.from(sound, 'latin1')
      for (let flips = 1 + Math.floor(random() * 6); flips > 0; flips -= 1) {
        bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256)
      }
      const answers = await exchange(deployed, [bytes], { waitMs: 60 })
      for (const { status, body } of answers) {
        expect(status).toBeLessThan(500)
        expect(body).not.toContain(MARK)
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  expect((await ask(deployed, { path: '/health' })).status).toBe(200)
}, 30_000)

// The last: about everything above.
test('of all this the log holds a line a request, no stack, no secret and nothing that was sent', () => {
  expectQuietLog(deployed, [MARK])
})
