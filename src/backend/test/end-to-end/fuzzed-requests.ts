// Requests that nobody would send, made from the published document: good ones in which something was changed. What is changed is
// chosen by fast-check, so that a request that breaks something is found again by its seed, and made as small as it can be.
import fc from 'fast-check'
import type { Role } from '../../access/roles.ts'
import {
  askOf,
  bodySchema,
  JsonText,
  jsonOf,
  type Parts,
  parametersOf,
  type Schema,
  valuesFor,
} from './documented-requests.ts'
import type { Ask } from './http.ts'
import type { Operation } from './openapi-document.ts'

/** Stands in everything that must not come back. No pattern of the contract holds it. */
export const MARK = '<GARBAGE7f3a>'

export interface Fuzzed {
  readonly ask: Ask
  /** Whose answer it must be by the document; null: its address or method is no longer that of one. */
  readonly operation: Operation | null
}

/** As a report of fast-check shows it. */
export function shown({ key: _, ...request }: Ask): string {
  return JSON.stringify(request).slice(0, 3000)
}

function fuzzed(ask: Ask, operation: Operation | null): Fuzzed {
  return Object.assign({ ask, operation }, { [fc.toStringMethod]: () => shown(ask) })
}

/** An operation with a request that succeeds. */
export interface Known {
  readonly operation: Operation
  readonly parts: Parts
  /** Of what is drawn: how often, beside the others. */
  readonly weight: number
  /** Fields that stay as they are: what they may say would change the test itself. */
  readonly untouched: readonly string[]
}

/** Any request of any of them. */
export function fuzzedRequests(known: readonly Known[], keys: Readonly<Record<Role, string>>): fc.Arbitrary<Fuzzed> {
  const byOperation = known.map((one) => ({ arbitrary: changed(one, keys), weight: one.weight }))
  return fc.oneof(...byOperation, { arbitrary: elsewhere(known, keys), weight: Math.ceil(known.length / 2) })
}

// ---- what is put in

const repeated = (piece: string, max: number) => fc.nat(max).map((count) => piece.repeat(count))
const digits = fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength: 400 })

const HOSTILE_TEXTS = [
  ...[
    '',
    ' ',
    '.',
    '..',
    '../../etc/passwd',
    '%2e%2e%2f',
    '%252e',
    '%00',
    '%',
    '%zz',
    '__proto__',
    'constructor',
    'toString',
  ],
  ...[
    "' or '1'='1",
    '"; drop table brokers; --',
    '$(id)',
    '`id`',
    '{{7*7}}',
    `$\{7*7}`,
    '<script>alert(1)</script>',
    '%s%n%x',
  ],
  ...[
    'a\r\nSet-Cookie: a=b',
    '\u202egnp.exe',
    '\ufeff',
    '\u0000',
    '\ud800',
    '\udc00\ud800',
    'ＧＭＥ',
    'ﬁ',
    'İ',
    '😀',
    '\u2028',
  ],
  ...['null', 'undefined', 'NaN', 'Infinity', 'true', '[object Object]', '0x10', '1e400', '-0', '1_000', '1,000', '１'],
  ...[
    '2026-02-30',
    '0000-00-00',
    '9999-12-31',
    '+275760-09-13',
    '2026-11-24T25:61:61Z',
    '1970-01-01T00:00:00.000000001Z',
  ],
]
const hostileText = fc.oneof(
  fc.constantFrom(...HOSTILE_TEXTS),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ unit: 'grapheme', maxLength: 60 }),
  digits,
  repeated('x', 3000),
)
/** With the mark, so that it is seen when it comes back. */
const marked = hostileText.map((text) => `${MARK}${text}`)

const numberText = fc.oneof(
  fc.constantFrom(
    '0',
    '-0',
    '1',
    '-1',
    '1e400',
    '-1e400',
    '1e-400',
    '0.1e1',
    '1E+2',
    '1e2',
    '100.00',
    '1e999999999999',
    '1e-999999999999',
  ),
  fc.tuple(digits, digits).map(([whole, decimals]) => `${BigInt(whole)}.${decimals}`),
  digits.map((text) => String(BigInt(text))),
  fc.tuple(digits, fc.integer()).map(([text, exponent]) => `${BigInt(text)}e${exponent}`),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
)

/** Text of JSON, or of what looks like it. */
const jsonText: fc.Arbitrary<JsonText> = fc
  .oneof(
    { weight: 3, arbitrary: numberText },
    { weight: 3, arbitrary: marked.map((text) => JSON.stringify(text)) },
    { weight: 2, arbitrary: hostileText.map((text) => JSON.stringify(text)) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        'null',
        'true',
        'false',
        '[]',
        '{}',
        '""',
        'NaN',
        'undefined',
        '01',
        '+1',
        '.5',
        '1.',
        "'x'",
        '"\\x41"',
        '"\\ud800"',
        '"\\u0000"',
      ),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        '{"a":1,"a":2}',
        '{"__proto__":{"role":"admin"}}',
        '{"constructor":{"prototype":{"x":1}}}',
        '{"toJSON":1,"then":1}',
        '{"":{"":[]}}',
      ),
    },
    { weight: 1, arbitrary: fc.nat(200).map((depth) => `${'['.repeat(depth)}${']'.repeat(depth)}`) },
    { weight: 1, arbitrary: fc.nat(200).map((depth) => `${'{"a":'.repeat(depth)}0${'}'.repeat(depth)}`) },
    { weight: 1, arbitrary: fc.nat(3000).map((length) => `[${Array(length).fill('0').join(',')}]`) },
    { weight: 1, arbitrary: fc.json({ maxDepth: 3 }) },
  )
  .map((text) => new JsonText(text))

// ---- what is changed

type Change = (parts: Parts) => Parts

const wellFormed = (text: string) => text.replaceAll(/\p{Surrogate}/gu, '\ufffd')

/** What a schema names, at its bounds and beyond, as the text of a query. */
const textOf = (schema: Schema) =>
  fc.oneof(
    {
      weight: 2,
      arbitrary: fc.constantFrom(
        ...valuesFor(schema).map((value) => (value instanceof JsonText ? value.text : String(value))),
      ),
    },
    { weight: 1, arbitrary: numberText },
    { weight: 2, arbitrary: fc.oneof(marked, hostileText) },
  )

function queryChange(operation: Operation, untouched: readonly string[]): fc.Arbitrary<Change> {
  const documented = parametersOf(operation, 'query').filter(({ name }) => !untouched.includes(name))
  const one = documented.map((parameter) =>
    textOf(parameter.schema as Schema).map((value) => [parameter.name, wellFormed(value)] as const),
  )
  const pair = fc.oneof(...one.map((arbitrary) => ({ arbitrary, weight: 3 })), {
    weight: 1,
    arbitrary: fc.tuple(fc.oneof(marked, hostileText).map(wellFormed), marked.map(wellFormed)),
  })
  return fc.oneof(
    {
      weight: 4,
      arbitrary: pair.map(
        ([name, value]): Change =>
          (parts) => ({ ...parts, query: [...parts.query.filter(([other]) => other !== name), [name, value]] }),
      ),
    },
    {
      weight: 1,
      arbitrary: pair.map(
        (added): Change =>
          (parts) => ({ ...parts, query: [...parts.query, added] }),
      ),
    },
    {
      weight: 1,
      arbitrary: fc.nat(10).map(
        (at): Change =>
          (parts) => ({ ...parts, query: parts.query.filter((_, index) => index !== at) }),
      ),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(pair, fc.nat(150)).map(
        ([added, count]): Change =>
          (parts) => ({ ...parts, query: [...parts.query, ...Array(count).fill(added)] }),
      ),
    },
  )
}

/** A longer part is refused before it is known whose it is. */
const PATH_PART_LENGTH_MAX = 200

function pathChange(operation: Operation): fc.Arbitrary<Change> | null {
  const names = parametersOf(operation, 'path').map(({ name }) => name)
  if (names.length === 0) return null
  const value = fc
    .oneof(
      marked,
      hostileText.map((text) => `${text}${MARK}`),
    )
    .map(wellFormed)
    .filter((text) => encodeURIComponent(text).length <= PATH_PART_LENGTH_MAX)
  return fc.tuple(fc.constantFrom(...names), value).map(
    ([name, text]): Change =>
      (parts) => ({ ...parts, path: { ...parts.path, [name]: text } }),
  )
}

/** What a client of HTTP lets through in a header. */
const headerText = fc.oneof(marked, hostileText).map((text) => text.replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, '').trim())
const HEADERS = [
  ...[
    'accept',
    'accept-encoding',
    'accept-language',
    'cache-control',
    'cookie',
    'expect',
    'forwarded',
    'from',
    'if-match',
    'if-modified-since',
  ],
  ...[
    'if-none-match',
    'if-range',
    'if-unmodified-since',
    'idempotency-key',
    'last-event-id',
    'origin',
    'pragma',
    'range',
    'referer',
    'te',
  ],
  ...[
    'traceparent',
    'tracestate',
    'upgrade-insecure-requests',
    'user-agent',
    'via',
    'x-api-version',
    'x-correlation-id',
    'x-csrf-token',
  ],
  ...[
    'x-forwarded-for',
    'x-forwarded-host',
    'x-forwarded-proto',
    'x-http-method-override',
    'x-original-url',
    'x-real-ip',
    'x-request-id',
  ],
  ...['x-rewrite-url', 'content-language', 'content-encoding'],
]
const SENSIBLE: Readonly<Record<string, readonly string[]>> = {
  accept: [
    '*/*',
    'text/csv',
    'application/x-ndjson',
    'application/json',
    'text/html',
    'application/json;q=0, text/csv',
  ],
  'accept-encoding': ['gzip', 'br', 'gzip;q=0', 'br;q=1.0, gzip;q=0.8, *;q=0.1', 'deflate', 'zstd', '*', ',,;q=x'],
  'if-match': ['*', '"1"', 'W/"1"', '"999"', '1', '""', '"1", "2"'],
  'if-none-match': ['*', '"1"', 'W/"x", "y"'],
  'if-modified-since': ['Thu, 01 Jan 1970 00:00:00 GMT', 'Tue, 24 Nov 2099 00:00:00 GMT', 'now'],
  range: ['bytes=0-5', 'bytes=-1', 'bytes=0-0,2-3', 'lines=1-2'],
  'x-http-method-override': ['DELETE', 'PUT'],
  expect: ['100-continue', '200-ok'],
  traceparent: ['00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', '00-0-0-0'],
  'content-encoding': ['gzip', 'identity', 'br'],
  origin: ['null', 'https://evil.example'],
}

const headerChange: fc.Arbitrary<Change> = fc
  .constantFrom(...HEADERS)
  .chain((name) => fc.tuple(fc.constant(name), fc.oneof(headerText, fc.constantFrom(...(SENSIBLE[name] ?? ['1'])))))
  .map(
    ([name, value]): Change =>
      (parts) => ({ ...parts, headers: { ...parts.headers, [name]: value } }),
  )

const MEDIA_TYPES = [
  ...[
    'application/json',
    'application/json; charset=utf-8',
    'application/json;charset="UTF-8"',
    'application/json; charset=utf-7',
  ],
  ...[
    'text/csv',
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/xml',
    ';',
    '/',
    MARK,
  ],
]
const mediaTypeChange = fc.constantFrom(...MEDIA_TYPES).map(
  (type): Change =>
    (parts) => ({ ...parts, headers: { ...parts.headers, 'content-type': type } }),
)

/** Changes one place of the body: which, is drawn by a number for each level. */
function bodyChange(schema: Schema, untouched: readonly string[]): fc.Arbitrary<Change> {
  const names = Object.keys(schema.properties ?? {}).filter((name) => !untouched.includes(name))
  const member = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...names) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('__proto__', 'constructor', 'toString', 'hasOwnProperty', '', MARK, 'x'.repeat(2000)),
    },
  )
  const value = (name: string) => {
    const inner = schema.properties?.[name]
    const own = inner === undefined ? [] : [{ weight: 2, arbitrary: fc.constantFrom(...valuesFor(inner)) }]
    return fc.oneof({ weight: 3, arbitrary: jsonText as fc.Arbitrary<unknown> }, ...own)
  }
  const set = member
    .chain((name) => fc.tuple(fc.constant(name), value(name), fc.array(fc.nat(20), { maxLength: 3 })))
    .map(
      ([name, put, deeper]): Change =>
        (parts) => ({ ...parts, body: withValue(parts.body, [name, ...deeper], put) }),
    )
  const left = member.map(
    (name): Change =>
      (parts) => ({ ...parts, body: withValue(parts.body, [name], undefined) }),
  )
  const other = jsonText.map(
    (body): Change =>
      (parts) => ({ ...parts, body }),
  )
  const twice = fc.tuple(member, jsonText).map(
    ([name, put]): Change =>
      (parts) => ({
        ...parts,
        body: new JsonText(jsonOf(parts.body).replace(/}$/, `,${JSON.stringify(name)}:${put.text}}`)),
      }),
  )
  return fc.oneof(
    { weight: 8, arbitrary: set },
    { weight: 2, arbitrary: left },
    { weight: 1, arbitrary: other },
    { weight: 1, arbitrary: twice },
  )
}

/** The body with a value at a place: names of members, then numbers that choose among what is there. */
function withValue(body: unknown, [at, ...deeper]: readonly (string | number)[], value: unknown): unknown {
  if (at === undefined) return value
  if (Array.isArray(body)) {
    if (body.length === 0) return [value]
    const chosen = Number(at) % body.length
    return body.map((item, index) => (index === chosen ? withValue(item, deeper, value) : item))
  }
  if (typeof body !== 'object' || body === null || body instanceof JsonText)
    return typeof at === 'number' ? value : body
  const names = Object.keys(body)
  const name = typeof at === 'string' ? at : names[at % Math.max(1, names.length)]
  if (name === undefined) return value
  const known = (body as Record<string, unknown>)[name]
  const inner =
    typeof at === 'string' && deeper.length > 0 && typeof known !== 'object' ? value : withValue(known, deeper, value)
  // A member of any name: an object literal would make a prototype of one.
  return Object.fromEntries([...Object.entries(body).filter(([other]) => other !== name), [name, inner]])
}

/** Changes of the bytes of a body, which no longer need be JSON. */
type Mangle = (body: string) => string | Buffer

const mangling: fc.Arbitrary<Mangle> = fc.oneof(
  fc.nat(2000).map(
    (at): Mangle =>
      (body) =>
        body.slice(0, at),
  ),
  fc.tuple(fc.nat(2000), fc.string({ unit: 'binary', maxLength: 5 })).map(
    ([at, text]): Mangle =>
      (body) =>
        body.slice(0, at) + text + body.slice(at),
  ),
  fc.tuple(fc.nat(2000), fc.uint8Array({ minLength: 1, maxLength: 5 })).map(
    ([at, bytes]): Mangle =>
      (body) => {
        const sound = Buffer.from(body)
        return Buffer.concat([sound.subarray(0, at), bytes, sound.subarray(at)])
      },
  ),
  fc.constantFrom<Mangle>(
    (body) => `\ufeff${body}`,
    (body) => `${body}${body}`,
    (body) => Buffer.from(body, 'utf16le'),
    () => '',
    () => ' ',
  ),
)

interface Sender {
  readonly key: string | null
  readonly bearer?: string
}

/** Nearly always the key that may. */
function sender(keys: Readonly<Record<Role, string>>): fc.Arbitrary<Sender | null> {
  return fc.oneof(
    { weight: 12, arbitrary: fc.constant(null) },
    { weight: 2, arbitrary: fc.constantFrom(...Object.values(keys)).map((key) => ({ key })) },
    { weight: 1, arbitrary: fc.constant({ key: null }) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('eyJhbGciOiJub25lIn0.e30.', 'a.b.c', MARK).map((bearer) => ({ key: null, bearer })),
    },
  )
}

const addresses = fc
  .tuple(fc.integer({ min: 100, max: 250 }), fc.nat(250), fc.integer({ min: 1, max: 250 }))
  .map((parts) => `127.${parts.join('.')}`)

function changed({ operation, parts, untouched }: Known, keys: Readonly<Record<Role, string>>): fc.Arbitrary<Fuzzed> {
  const schema = bodySchema(operation)
  const path = pathChange(operation)
  const kinds: fc.WeightedArbitrary<Change>[] = [
    { weight: 4, arbitrary: queryChange(operation, untouched) },
    { weight: 1, arbitrary: headerChange },
    ...(path === null ? [] : [{ weight: 1, arbitrary: path }]),
    ...(schema === null ? [] : [{ weight: 10, arbitrary: bodyChange(schema, untouched) }]),
    ...(operation.method === 'get' ? [] : [{ weight: 1, arbitrary: mediaTypeChange }]),
  ]
  return fc
    .record({
      changes: fc.array(fc.oneof(...kinds), { maxLength: 3 }),
      mangle: fc.option(mangling, { freq: 12 }),
      as: sender(keys),
      from: addresses,
    })
    .map(({ changes, mangle, as, from }) => {
      const whole = askOf(
        sentBy(
          changes.reduce((sofar, change) => change(sofar), parts),
          as,
        ),
      )
      const mayMangle = mangle !== null && typeof whole.body === 'string'
      const ask = mayMangle ? { ...whole, body: mangle(whole.body as string) } : whole
      // Bad credentials are counted by address, and answers to too many are held back.
      const mayBeBad = as?.bearer !== undefined || parts.key === null
      return fuzzed(mayBeBad ? { ...ask, from } : ask, operation)
    })
}

function sentBy(parts: Parts, as: Sender | null): Parts {
  if (as === null) return parts
  return {
    ...parts,
    key: as.key,
    headers: { ...parts.headers, ...(as.bearer && { authorization: `Bearer ${as.bearer}` }) },
  }
}

// ---- where else

/** Ways of writing an address that are not its own. */
const ADDRESSES: readonly ((path: string) => string)[] = [
  (path) => `/${path}`,
  (path) => `${path}/`,
  (path) => path.replaceAll('/', '//'),
  (path) => path.replaceAll('/', '/./'),
  (path) => path.replace('/api', '/x/../api'),
  (path) => path.replace('/api', '/%2e%2e/api'),
  (path) => path.replace('/v1', '/v1%2f'),
  (path) => path.replace('/v1/', '/v1%2F'),
  (path) => path.replace('/v1/', '/v1\\'),
  (path) => path.replace('/v1', '/v1;a=b'),
  (path) => path.replace('/api', '/%61pi'),
  (path) => path.replace('/api', '/%2561pi'),
  (path) => path.toUpperCase(),
  (path) => `${path}%00`,
  (path) => `${path}%00.json`,
  (path) => `${path}.json`,
  (path) => `${path}%0d%0aSet-Cookie:a=b`,
  (path) => `${path}%ff`,
  (path) => `${path}%`,
  (path) => `${path}%c0%ae`,
  (path) => `${path}#${MARK}`,
  (path) => `${path}??${MARK}`,
  (path) => `http://engine${path}`,
  (path) => `//evil.example${path}`,
  (path) => `${path}/${'x'.repeat(5000)}`,
  () => '*',
  () => `/${encodeURIComponent(MARK)}`,
  () => '/docs/static/..%2f..%2fpackage.json',
  () => '/docs/%2e%2e/%2e%2e/etc/passwd',
  () => '/.git/config',
]
const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND', 'MKCOL', 'SEARCH']
const OTHER_PATHS = [
  '/health',
  '/health/details',
  '/health/external',
  '/metrics',
  '/openapi.json',
  '/docs',
  '/docs/',
  '/api/v1/health',
  '/',
]
/** Of what may be changed by any method, so that nothing of the test itself is. */
const SAFE = /^\/(health|metrics|openapi|docs|api\/v1\/(health|config|rates|calculate-locate))/

function elsewhere(known: readonly Known[], keys: Readonly<Record<Role, string>>): fc.Arbitrary<Fuzzed> {
  const addressesOf = [...known.map(({ parts }) => askOf(parts).path), ...OTHER_PATHS]
  return fc
    .record({
      path: fc.constantFrom(...addressesOf),
      write: fc.option(fc.constantFrom(...ADDRESSES), { freq: 4 }),
      method: fc.constantFrom(...METHODS),
      body: fc.option(jsonText, { freq: 2 }),
      headers: fc.array(headerChange, { maxLength: 3 }),
      key: fc.constantFrom(...Object.values(keys)),
      range: fc.boolean(),
    })
    .map(({ path, write, method, body, headers, key }) => {
      const written = write === null ? path : write(path)
      const sound = write !== null || SAFE.test(path) || method === 'GET' || method === 'HEAD'
      const parts = headers.reduce((sofar, change) => change(sofar), { headers: {} } as Parts)
      const asked = { method: sound ? method : 'GET', path: written, key, headers: parts.headers }
      return fuzzed(body === null ? asked : { ...asked, body: body.text }, null)
    })
}
