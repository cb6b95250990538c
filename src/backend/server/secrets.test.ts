// Secrets of every kind, in every place where a log line can carry them: none is left, and what is no secret stays.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { generateApiKey } from '../access/api-keys.ts'
import { createLog } from './log.ts'
import { REFRESH_COOKIE } from './openapi.ts'
import { textWithoutSecrets } from './secrets.ts'

/** Begins as no other text of a line does. */
const letters = (characters: string, minLength: number, maxLength = minLength) =>
  fc.string({ unit: fc.constantFrom(...characters), minLength, maxLength }).map((text) => `Zq9${text}`)
const ALPHANUMERIC = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const BASE64URL = `${ALPHANUMERIC}-_`

/** A text that holds a secret of a form of its own, and the part of it that nobody may see. */
const FORMED: Readonly<Record<string, fc.Arbitrary<{ text: string; hidden: string }>>> = {
  key: letters(ALPHANUMERIC, 48).map((hidden) => ({ text: `bre_Yb3kQ0s9TzLm_${hidden}`, hidden })),
  'access token': fc
    .tuple(letters(BASE64URL, 20, 60), letters(BASE64URL, 43))
    .map(([claims, hidden]) => ({ text: `eyJhbGciOiJIUzI1NiJ9.${claims}.${hidden}`, hidden })),
  'token without a signature': letters(BASE64URL, 20, 60).map((hidden) => ({
    text: `eyJhbGciOiJub25lIn0.${hidden}.`,
    hidden,
  })),
  'opaque token': letters(`${BASE64URL}.~+/`, 24, 60).map((hidden) => ({ text: `Bearer ${hidden}`, hidden })),
  'user and password': letters(ALPHANUMERIC, 12, 40).map((hidden) => ({
    text: `Basic ${Buffer.from(`user:${hidden}`).toString('base64')}`,
    hidden: Buffer.from(`user:${hidden}`).toString('base64'),
  })),
  'cookie of a session': letters(BASE64URL, 43).map((hidden) => ({
    text: `a=1; ${REFRESH_COOKIE}=0193577d-1c00-7000-8000-000000000003.${hidden}; b=2`,
    hidden,
  })),
  'secret of a webhook': letters(`${ALPHANUMERIC}+/`, 43).map((hidden) => ({ text: `whsec_${hidden}=`, hidden })),
  'password in an address': fc
    .tuple(
      fc.constantFrom('postgres', 'redis', 'rediss', 'redis+cluster', 'https', 'ftp', 's3'),
      letters(`${ALPHANUMERIC}!$&'()*+,;=:._~-%`, 8, 40).filter((text) => !text.includes("'")),
    )
    .map(([scheme, hidden]) => ({ text: `${scheme}://user:${hidden}@host.example:5432/database?ssl=true`, hidden })),
  'key in an address': fc
    .tuple(
      fc.constantFrom('apikey', 'api_key', 'token', 'access_token', 'sig', 'X-Amz-Signature'),
      letters(ALPHANUMERIC, 8, 40),
    )
    .map(([name, hidden]) => ({
      text: `https://feed.example/csv?function=X&${name}=${hidden}&horizon=3month`,
      hidden,
    })),
  'private key': letters(`${ALPHANUMERIC}+/`, 64).map((hidden) => ({
    text: `-----BEGIN PRIVATE KEY-----\n${hidden}\n-----END PRIVATE KEY-----\n`,
    hidden,
  })),
}

/** Names under which anything is a secret. */
const NAMES = [
  ...['x-api-key', 'X-API-Key', 'authorization', 'Authorization', 'proxy-authorization', 'cookie', 'Set-Cookie'],
  ...['api_key', 'apiKey', 'access_token', 'accessToken', 'refreshToken', 'token', 'password', 'PGPASSWORD', 'secret'],
  ...[
    'webhookSecret',
    'WEBHOOK_SECRET_KEY',
    'jwt_secret',
    'client_secret',
    'privateKey',
    'credentials',
    'passwd',
    'pwd',
  ],
]
const ofAnyForm = fc.oneof(
  letters(ALPHANUMERIC, 5, 40),
  fc.string({ minLength: 5, maxLength: 40 }).map((text) => `Zq9${text}`),
)

type Log = ReturnType<typeof createLog>

function written(act: (log: Log) => void): string {
  const lines: string[] = []
  act(createLog({ service: 'test', level: 'trace', destination: { write: (line) => void lines.push(line) } }))
  for (const line of lines) expect(() => JSON.parse(line), line).not.toThrow()
  expect(lines.length).toBeGreaterThan(0)
  return lines.join('')
}

/** The value at some depth of objects and arrays. */
function buried(value: unknown, path: readonly string[]): unknown {
  return path.reduceRight<unknown>(
    (inner, name) => (name === '[]' ? [1, inner, null] : { [name]: inner, beside: 1 }),
    value,
  )
}
const path = fc.array(fc.constantFrom('a', 'request', 'headers', '[]', 'rows', 'options'), { maxLength: 5 })

/** What may stand around a secret in a sentence. */
const before = fc.constantFrom('', 'failed: ', 'could not connect to ', '(', '["', '{"url":"', 'GET ', '\n', 'ä😀 ')
const after = fc.constantFrom('', ' refused', ')', '"]', '"}', '\r\nHost: x', ', and more', '\n    at somewhere')

/** Every way in which a text reaches a line. */
const PLACES: Readonly<Record<string, (log: Log, text: string, path: readonly string[]) => void>> = {
  'the message': (log, text) => log.info(text),
  'a message that is put together': (log, text) => log.warn('tried %s of %d', text, 2),
  'a value': (log, text, path) => log.info({ value: buried(text, path) }, 'x'),
  'a name': (log, text) => log.info({ [text]: 1 }, 'x'),
  'an error': (log, text) => log.error({ err: new Error(text) }, 'x'),
  'an error by itself': (log, text) => log.error(new Error(text)),
  'the cause of an error': (log, text) =>
    log.error({ err: new Error('outer', { cause: new Error('inner', { cause: new TypeError(text) }) }) }, 'x'),
  'one of several errors': (log, text) =>
    log.error({ err: new AggregateError([new Error('a'), new Error(text)], 'all failed') }),
  'a member of an error': (log, text, path) =>
    log.error({ err: Object.assign(new Error('x'), { config: buried(text, path) }) }),
  'an error within a value': (log, text, path) => log.error({ result: buried(new Error(text), path) }),
  'an address': (log, text) => log.info({ url: URL.canParse(text) ? new URL(text) : text }),
  'what all lines of a logger have': (log, text) => log.child({ about: text }).info('x'),
  'JSON within a text': (log, text) => log.info({ body: JSON.stringify({ note: text, list: [text] }) }),
  'JSON within JSON': (log, text) => log.info({ body: JSON.stringify({ inner: JSON.stringify({ note: text }) }) }),
}

describe.each(Object.keys(FORMED))('a %s', (kind) => {
  test.each(Object.keys(PLACES))('in %s is not written', (place) => {
    fc.assert(
      fc.property(FORMED[kind]!, before, after, path, ({ text, hidden }, ahead, behind, at) => {
        const line = written((log) => PLACES[place]!(log, `${ahead}${text}${behind}`, at))
        expect(line).not.toContain(hidden)
        expect(line).not.toContain(JSON.stringify(hidden).slice(1, -1))
      }),
      { numRuns: 40 },
    )
  })
})

describe('whatever stands under a secret name', () => {
  const carriers: Readonly<Record<string, (log: Log, name: string, value: unknown, path: readonly string[]) => void>> =
    {
      'in a value': (log, name, value, at) => log.info(buried({ [name]: value, accept: 'text/csv' }, at) as object),
      'in a list': (log, name, value) => log.info({ all: [{ [name]: [value] }, { [name]: { deeper: value } }] }),
      'in an error': (log, name, value) =>
        log.error({ err: Object.assign(new Error('x'), { headers: { [name]: value } }) }),
      'in an error within a value': (log, name, value) =>
        log.error({ outcome: [Object.assign(new Error('x'), { [name]: value })] }),
      'in the cause of an error': (log, name, value) =>
        log.error({ err: new Error('x', { cause: Object.assign(new Error('y'), { request: { [name]: value } }) }) }),
      'in what writes itself': (log, name, value) => log.info({ thing: { toJSON: () => ({ [name]: value }) } }),
      'in bytes': (log, name, value) => log.info({ [name]: Buffer.from(String(value)) }),
    }
  test.each(Object.keys(carriers))('%s is not written', (carrier) => {
    fc.assert(
      fc.property(fc.constantFrom(...NAMES), ofAnyForm, path, (name, hidden, at) => {
        const line = written((log) => carriers[carrier]!(log, name, hidden, at))
        expect(line).not.toContain(hidden)
        expect(line).not.toContain(JSON.stringify(hidden).slice(1, -1))
        expect(line).not.toContain(Buffer.from(hidden).join(','))
      }),
      { numRuns: 60 },
    )
  })

  const texts: Readonly<Record<string, (name: string, value: string) => string>> = {
    'a header': (name, value) => `HTTP/1.1\r\n${name}: ${value}\r\nhost: x`,
    'a list of settings': (name, value) => `host=x ${name}=${value} port=5432`,
    'JSON in a text': (name, value) => `body was {"a":1,"${name}":"${value}"}`,
    'a value as the console shows it': (name, value) => `{ host: 'x', ${name}: '${value}', port: 1 }`,
    'an address': (name, value) => `https://feed.example/x?a=b&${name}=${value}`,
  }
  const plainNames = NAMES.filter(
    (name) => /^[a-z_]+$/i.test(name) && !['credentials', 'WEBHOOK_SECRET_KEY'].includes(name),
  )
  test.each(Object.keys(texts))('in %s is not written', (kind) => {
    fc.assert(
      fc.property(fc.constantFrom(...plainNames), letters(ALPHANUMERIC, 8, 40), (name, hidden) => {
        const text = texts[kind]!(name, hidden)
        for (const line of [
          written((log) => log.info(text)),
          written((log) => log.error({ err: new Error(text) })),
          textWithoutSecrets(text),
        ])
          expect(line).not.toContain(hidden)
      }),
      { numRuns: 40 },
    )
  })
})

describe('what is no secret stays', () => {
  test.each([
    'request',
    'connection refused',
    'no answer from https://feed.example:8443/borrows/GME?date=2026-01-02',
    'redis+cluster://one:6379,two:6379 does not answer',
    'at Object.<anonymous> (file:///srv/node_modules/@scope/name/index.js:1:2)',
    'desk@example.com wrote',
    'the API key is not valid',
    'The access token is not valid',
    'bad credentials keep coming from this address, and are slowed',
    'duplicate key value violates unique constraint "brokers_pkey"',
    'password authentication failed for user "engine"',
    'token_expired',
  ])('%s', (text) => {
    expect(textWithoutSecrets(text)).toBe(text)
    expect(JSON.parse(written((log) => log.info({ a: { b: [text] } }, text)))).toMatchObject({
      message: text,
      a: { b: [text] },
    })
  })

  test('the line of a request, the id of a key, dates and numbers', () => {
    const line = {
      method: 'POST',
      key_id: 'Yb3kQ0s9TzLm',
      client_id: 'demo-classic',
      ms: 1.25,
      at: new Date(0),
      key: 'rates:GME',
    }
    expect(JSON.parse(written((log) => log.info(line, 'request')))).toMatchObject({
      ...line,
      at: '1970-01-01T00:00:00.000Z',
    })
  })

  test('the id of a key whose secret is removed: who it was can be found', () => {
    const { apiKey, keyId } = generateApiKey()
    expect(textWithoutSecrets(`shown ${apiKey} twice`)).toBe(`shown bre_${keyId}_[removed] twice`)
  })
})
