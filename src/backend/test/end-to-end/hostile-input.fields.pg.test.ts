// Every bound of a quote's fields from both sides, in the body and in the query.
import { beforeAll, describe, expect, test } from 'vitest'
import { expectFailure, expectQuietLog } from './answers.ts'
import { type Deployment, startDeployment } from './deployment.ts'
import { type Answer, ask } from './http.ts'
import { listPlain } from './market.ts'

const QUOTE = '/api/v1/calculate-locate'
let deployed: Deployment

beforeAll(async () => {
  deployed = await startDeployment({ prepare: (database) => listPlain(database, 'ZZA', '0.05') })
})

/** A sound request of JSON tokens; a test replaces one. */
const BY_VALUE = { ticker: '"ZZA"', position_value: '1000', loan_days: '30', client_id: '"demo-classic"' }
const BY_SHARES = { ticker: '"ZZA"', quantity: '1', price: '1', loan_days: '30', client_id: '"demo-classic"' }
const BY_DATES = {
  ticker: '"ZZA"',
  position_value: '1000',
  start_date: '"2026-06-04"',
  end_date: '"2026-06-05"',
  client_id: '"demo-classic"',
}

/** The field is put into the request that has it. */
function around(field: string, token: string): Record<string, string> {
  const base = [BY_VALUE, BY_SHARES, BY_DATES].find((one) => field in one) as Record<string, string>
  return { ...base, [field]: token }
}

function post(tokens: Record<string, string>): Promise<Answer> {
  const body = `{${Object.entries(tokens)
    .map(([name, token]) => `"${name}":${token}`)
    .join(',')}}`
  return ask(deployed, { path: QUOTE, key: deployed.keys.desk, body })
}

/** The query's texts are the tokens without their quotes. */
function get(tokens: Record<string, string>): Promise<Answer> {
  const text = (token: string) => (token.startsWith('"') ? (JSON.parse(token) as string) : token)
  const query = Object.entries(tokens).map(([name, token]) => `${name}=${encodeURIComponent(text(token))}`)
  return ask(deployed, { path: `${QUOTE}?${query.join('&')}`, key: deployed.keys.desk })
}

function expectRefused(answer: Answer, field: string, location: 'body' | 'query', token: string): void {
  expectFailure(answer, 'INVALID_PARAMETER', token.length > 6 ? [token.replaceAll('"', '')] : [])
  expect(answer.json.validation_errors.map((fault: { field: string }) => fault.field)).toContain(field)
  expect(answer.json.validation_errors[0].location).toBe(location)
  expect(answer.json.valid_params).toContain(field)
}

const s = (text: string) => JSON.stringify(text)

/** Good in body and query. A ticker or client that does not exist is known not to only past its pattern. */
const GOOD: readonly (readonly [field: string, tokens: readonly string[]])[] = [
  ['ticker', ['"A"', '"ABCDE"', '"ZZA"', '"BRK.B"', '"ABCDE.FG"']],
  [
    'position_value',
    ['0.01', '1e-2', '0.010', '1000000000', '1000000000.00', '1e9', '1.0E+9', '"0.01"', '"1000000000"', '100.100'],
  ],
  ['quantity', ['1', '100000000', '1e2', '100.0', '1E8']],
  ['price', ['0.000001', '1e-6', '"0.000001"', '1000000000', '22.1234560']],
  ['loan_days', ['1', '365', '3e1', '30.0', '3650e-1']],
  ['client_id', ['"demo-classic"', '"abc"', s('x'.repeat(50)), '"A_b-9"']],
  ['end_date', ['"2026-06-04"', '"2026-06-05"', '"2027-06-03"']],
]

/** Bad in body and query. */
const BAD: readonly (readonly [field: string, tokens: readonly string[]])[] = [
  [
    'ticker',
    [
      ...['', 'a', 'aapl', 'ABCDEF', 'A1', 'A.', 'A.BCD', '.A', 'A B', ' A', 'A ', 'A\n', 'BRK-B', 'BRK/B', 'A.b'].map(
        s,
      ),
      ...['ÄBC', 'ＡＢＣ', 'A\u200b', 'Α', "A';--", '<b>GARBAGE</b>', '../GARBAGE', 'GARBAGE'.repeat(1000)].map(s),
    ],
  ],
  [
    'position_value',
    [
      ...[
        '0',
        '0.00',
        '-0',
        '-0.0',
        '0.009',
        '0.0100001',
        '-1',
        '1000000000.01',
        '1000000001',
        '100.005',
        '1e10',
        '1e400',
      ],
      ...['1e-400', '1e999999999999', `1${'0'.repeat(500)}`, `0.${'0'.repeat(500)}1`],
      ...[
        '',
        ' ',
        ' 1',
        '1 ',
        '+1',
        '.5',
        '5.',
        '1,000',
        '1_000',
        '0x10',
        '01',
        '1e',
        'NaN',
        'Infinity',
        '-Infinity',
      ].map(s),
      ...['１０', '1\n', 'one', 'null', 'true', 'GARBAGE'].map(s),
    ],
  ],
  ['quantity', ['0', '-1', '1.5', '100000001', '1e9', '1e400', '-0', ...['', 'x', '1 ', 'NaN', '0x1'].map(s)]],
  [
    'price',
    ['0', '-0', '-1', '1e-7', '0.0000001', '1000000000.000001', '1e400', ...['', 'x', 'NaN', '-Infinity'].map(s)],
  ],
  ['loan_days', ['0', '366', '-1', '1.5', '1e400', '-0', ...['', 'x', '30 ', '３０', 'Infinity'].map(s)]],
  [
    'client_id',
    ['', 'ab', 'x'.repeat(51), 'a b c', 'abc;', 'äbc', 'abc\n', '../etc', "' or '1'='1", 'abc\u0001', 'GARBAGE!'].map(
      s,
    ),
  ],
  [
    'start_date',
    [
      ...[
        '',
        '2026-6-4',
        '20260604',
        '2026-13-01',
        '2026-00-10',
        '2026-02-30',
        '2025-02-29',
        '0000-01-01',
        '04/06/2026',
      ],
      ...['2026-06-04T00:00:00Z', ' 2026-06-04', '2026-06-04\n', '+2026-06-04', '２０２６-06-04', 'today', 'GARBAGE'],
    ].map(s),
  ],
]

/** Bad in a body only, where the type counts: "30" is not 30. Amounts alone may be decimal strings. */
const BAD_TYPES: readonly (readonly [field: string, tokens: readonly string[]])[] = [
  ['ticker', ['null', '1', 'true', '["ZZA"]', '{"a":1}', '[]']],
  ['position_value', ['null', 'true', 'false', '[1000]', '{"value":1}', '[]', '{}']],
  ['quantity', ['"1"', '"100"', 'null', 'true', '[1]']],
  ['price', ['null', 'true', '[1]']],
  ['loan_days', ['"30"', '"1"', 'null', 'true', '[30]', '{}']],
  ['client_id', ['null', '123', 'true', '["demo-classic"]', '{"toString":1}']],
  ['start_date', ['null', '20260604', 'true', '["2026-06-04"]']],
]

const pairs = (of: typeof GOOD) => of.flatMap(([field, tokens]) => tokens.map((token) => [field, token] as const))
const shown = ([field, token]: readonly [string, string]) =>
  [field, token.length > 60 ? `${token.slice(0, 60)}...` : token, token] as const

describe('within its bounds', () => {
  test.each(pairs(GOOD).map(shown))('%s %s is read', async (field, _, token) => {
    // A name that nobody knows was read as well: that it is unknown comes after its pattern.
    const known = ['"ZZA"', '"BRK.B"', '"demo-classic"'].includes(token) || !['ticker', 'client_id'].includes(field)
    const expected = known ? [200] : [404]
    expect(expected).toContain((await post(around(field, token))).status)
    expect(expected).toContain((await get(around(field, token))).status)
  })
})

describe('outside its bounds', () => {
  test.each(pairs(BAD).map(shown))('%s %s is refused in body and query', async (field, _, token) => {
    expectRefused(await post(around(field, token)), field, 'body', token)
    expectRefused(await get(around(field, token)), field, 'query', token)
  })

  test.each(pairs(BAD_TYPES).map(shown))('%s %s is refused in a body', async (field, _, token) => {
    expectRefused(await post(around(field, token)), field, 'body', token)
  })

  test('every fault is named at once', async () => {
    const { json } = await post({ ticker: '"a"', position_value: '0', loan_days: '0', client_id: '"a"' })
    expect(json.validation_errors.map(({ field }: { field: string }) => field).sort()).toEqual([
      'client_id',
      'loan_days',
      'position_value',
      'ticker',
    ])
  })

  test.each([
    ['position_value', { ticker: BY_VALUE.ticker, loan_days: '30', client_id: '"abc"' }],
    ['position_value', { ...BY_VALUE, quantity: '1' }],
    ['price', { ...BY_VALUE, price: '1' }],
    ['loan_days', { ticker: '"ZZA"', position_value: '1', client_id: '"abc"' }],
    ['loan_days', { ...BY_DATES, loan_days: '30' }],
    ['end_date', { ticker: '"ZZA"', position_value: '1', client_id: '"abc"', start_date: '"2026-06-04"' }],
    ['ticker', { position_value: '1', loan_days: '30', client_id: '"abc"' }],
    ['client_id', { ticker: '"ZZA"', position_value: '1', loan_days: '30' }],
  ])('%s: both or neither is refused', async (field, tokens) => {
    expectRefused(await post(tokens), field, 'body', '')
    expectRefused(await get(tokens), field, 'query', '')
  })
})

describe('names that are not fields', () => {
  const HARMLESS = [
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'hasOwnProperty',
    'valueOf',
    'unknown',
    'toJSON',
    '',
  ]

  test.each(HARMLESS)('"%s" beside the fields is ignored, whatever it holds', async (name) => {
    const sound = (await post(BY_VALUE)).json.total_fee
    for (const token of ['{"ticker":"GARBAGE","loan_days":1,"role":"admin"}', '"x"', '1', 'null', '[]']) {
      const { status, json, text } = await post({ ...BY_VALUE, ...Object.fromEntries([[name, token]]) })
      expect([status, json.total_fee]).toEqual([200, sound])
      expect(text).not.toContain('GARBAGE')
    }
    expect((await get({ ...BY_VALUE, ...Object.fromEntries([[name, 'x']]) })).json.total_fee).toBe(sound)
  })

  test.each(['__proto__', 'constructor'])(
    'a field inside "%s" does not stand in for one that is missing',
    async (name) => {
      const { client_id: _, ...rest } = BY_VALUE
      const body = `{"${name}":{"client_id":"demo-classic"},${Object.entries(rest)
        .map(([field, token]) => `"${field}":${token}`)
        .join(',')}}`
      expectRefused(await ask(deployed, { path: QUOTE, key: deployed.keys.desk, body }), 'client_id', 'body', '')
      const query = `${name}[client_id]=demo-classic&${name}.client_id=demo-classic&ticker=ZZA&position_value=1&loan_days=1`
      expectRefused(
        await ask(deployed, { path: `${QUOTE}?${query}`, key: deployed.keys.desk }),
        'client_id',
        'query',
        '',
      )
    },
  )

  test('nothing that was sent changes what comes after', async () => {
    for (const token of ['{"status":"GARBAGE","toString":1}', '{"__proto__":{"polluted":1}}']) {
      for (const name of HARMLESS) await post({ ...BY_VALUE, ...Object.fromEntries([[name, token]]) })
    }
    const { text } = await ask(deployed, { path: '/health' })
    expect(text).not.toMatch(/polluted|GARBAGE/)
  })
})

// The last: about everything above.
test('of all this the log holds a line a request, no stack, no secret and nothing that was sent', () => {
  expectQuietLog(deployed, ['GARBAGE'])
})
