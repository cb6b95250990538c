// The published contract: sound in itself, and true. Every operation that it documents answers, and every answer is what it says.
import { Compile } from 'typebox/schema'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Deployment, startDeployment } from './deployment.ts'
import { type Answer, type Ask, ask } from './http.ts'
import { broker, list, pendingApproval } from './market.ts'
import { type Document, documentFaults, type Operation, operations } from './openapi-document.ts'

let deployed: Deployment
let document: Document
let asleep: string
let auditId: string
let holdId: string
let approvalId: string
const today = new Date().toISOString().slice(0, 10)
const cookies = { refresh: '', signOut: '' }

beforeAll(async () => {
  deployed = await startDeployment({
    prepare: async (database) => {
      await list(database, { ticker: 'ZNA', rate: null })
      await broker(database, 'asleep', { active: false })
      approvalId = await pendingApproval(database)
    },
  })
  asleep = await deployed.newKey('asleep', 'broker')
  document = JSON.parse((await ask(deployed, { path: '/openapi.json' })).text) as Document
  const quote = await ask(deployed, { path: QUOTE, key: deployed.keys.desk, body: BODY })
  auditId = quote.json.audit_id
  const hold = { ticker: 'ZZZZ', reason: 'Dispute' }
  holdId = (await ask(deployed, { path: '/api/v1/legal-holds', key: deployed.keys.auditor, body: hold })).json.hold_id
  for (const name of ['refresh', 'signOut'] as const) {
    const { headers } = await ask(deployed, { method: 'POST', path: '/api/v1/session', key: deployed.keys.desk })
    cookies[name] = headers['set-cookie']?.[0]?.split(';')[0] ?? ''
  }
})

const QUOTE = '/api/v1/calculate-locate'
const COMPARE = '/api/v1/convention-packs/compare'
const BODY = { ticker: 'GME', position_value: 50_000, loan_days: 30, client_id: 'demo-classic' }
const query = (fields: object) => new URLSearchParams(fields as Record<string, string>).toString()
const byQuery = (fields: object): Ask => ({ path: `${QUOTE}?${query({ ...BODY, ...fields })}` })

/** Requests for each documented operation, as the desk unless a key stands there; the first must succeed. */
const REQUESTS: Record<string, () => Ask[]> = {
  calculateLocate: () => [
    { path: QUOTE, body: BODY },
    { path: QUOTE, body: { ...BODY, position_value: '999999999.99', loan_days: 365 } },
    { path: QUOTE, body: { ...BODY, ticker: 'ZNA' } },
    {
      path: QUOTE,
      body: { ticker: 'GME', quantity: 333, price: '22.123456', loan_days: 7, client_id: 'demo-collateral' },
    },
    {
      path: QUOTE,
      body: {
        ticker: 'ZNA',
        quantity: 1,
        price: 1,
        start_date: '2026-06-04',
        end_date: '2026-06-05',
        client_id: 'house',
      },
    },
    { path: QUOTE, body: { ...BODY, loan_days: 0, position_value: 'x' } },
    { path: QUOTE, body: '{' },
    { path: QUOTE, body: { ...BODY, ticker: 'ZZZZZ' } },
    { path: QUOTE, body: { ...BODY, client_id: 'nobody' } },
    { path: QUOTE, body: BODY, key: deployed.keys.auditor },
    { path: QUOTE, body: BODY, key: 'none' },
    { path: QUOTE, body: ' '.repeat(1_100_000) },
    { path: QUOTE, body: '<a/>', headers: { 'content-type': 'application/xml' } },
  ],
  calculateLocateByQuery: () => [
    byQuery({}),
    byQuery({ position_value: '0.01', loan_days: '1' }),
    byQuery({ loan_days: 'x' }),
    byQuery({ ticker: 'ZZZZZ' }),
    { ...byQuery({}), key: deployed.keys.admin },
    { ...byQuery({}), key: 'none' },
  ],
  rate: () => ratesAt('/api/v1/rates'),
  rateByTicker: () => ratesAt('/api/v1/rates/ticker'),
  customRate: () => [
    { path: '/api/v1/rates/GME/calculate' },
    { path: '/api/v1/rates/ZNA/calculate?volatility_index=99.9999&event_risk_factor=10&model=desk-v1' },
    { path: '/api/v1/rates/GME/calculate?model=unknown-model' },
    { path: '/api/v1/rates/ZZZZZ/calculate' },
    { path: '/api/v1/rates/GME/calculate', key: asleep },
    { path: '/api/v1/rates/GME/calculate', key: 'none' },
  ],
  ratesByStatus: () => [
    { path: '/api/v1/rates/status/HARD?limit=100' },
    { path: '/api/v1/rates/status/EASY?skip=1000000' },
    { path: '/api/v1/rates/status/NONE' },
    { path: '/api/v1/rates/status/HARD', key: asleep },
    { path: '/api/v1/rates/status/HARD', key: 'none' },
  ],
  rateList: () => [
    { path: '/api/v1/rates' },
    { path: '/api/v1/rates?status=HARD', headers: { accept: 'application/x-ndjson' } },
    { path: '/api/v1/rates?format=csv' },
    { path: '/api/v1/rates', headers: { 'if-none-match': '*' } },
    { path: '/api/v1/rates?format=xml' },
    { path: '/api/v1/rates', key: asleep },
    { path: '/api/v1/rates', key: 'none' },
  ],
  rateHistory: () => [
    { path: '/api/v1/rates/GME/history' },
    { path: '/api/v1/rates/GME/history?from=2025-12-01&to=2026-01-31&interval=1d' },
    { path: '/api/v1/rates/GME/history?from=2025-12-01&interval=1m' },
    { path: '/api/v1/rates/ZZZZZ/history' },
    { path: '/api/v1/rates/GME/history', key: asleep },
    { path: '/api/v1/rates/GME/history', key: 'none' },
  ],
  comparePacks: () => [
    { path: COMPARE, body: { ticker: 'GME', quantity: 333, price: '22.123456', loan_days: 7 } },
    { path: COMPARE, body: BODY },
    { path: COMPARE, body: { ticker: 'GME' } },
    { path: COMPARE, body: { ...BODY, ticker: 'ZZZZZ' } },
    { path: COMPARE, body: { ...BODY, client_id: 'nobody' } },
    { path: COMPARE, body: BODY, key: deployed.keys.auditor },
    { path: COMPARE, body: ' '.repeat(1_100_000) },
    { path: COMPARE, body: '<a/>', headers: { 'content-type': 'application/xml' } },
    { path: COMPARE, body: BODY, key: 'none' },
  ],
  signIn: () => [
    { method: 'POST', path: '/api/v1/session' },
    { method: 'POST', path: '/api/v1/session', key: 'none' },
  ],
  refreshSession: () => [
    { method: 'POST', path: '/api/v1/session/refresh', headers: { cookie: cookies.refresh } },
    { method: 'POST', path: '/api/v1/session/refresh', headers: { cookie: cookies.refresh } },
  ],
  signOut: () => [
    { method: 'DELETE', path: '/api/v1/session', headers: { cookie: cookies.signOut } },
    { method: 'DELETE', path: '/api/v1/session', headers: { cookie: cookies.signOut } },
  ],
  calculateLocateBatch: () => [
    { path: `${QUOTE}/batch`, body: { lines: [BODY, { ...BODY, ticker: 'ZNA' }, { ticker: 'x' }] } },
    { path: `${QUOTE}/batch?format=ndjson`, body: { lines: [BODY, {}] } },
    { path: `${QUOTE}/batch`, body: { lines: [BODY] }, headers: { accept: 'text/csv' } },
    { path: `${QUOTE}/batch`, body: { lines: [] } },
    { path: `${QUOTE}/batch`, body: { lines: Array(10_001).fill({}) } },
    { path: `${QUOTE}/batch`, body: '<a/>', headers: { 'content-type': 'application/xml' } },
    { path: `${QUOTE}/batch`, body: { lines: [BODY] }, key: deployed.keys.auditor },
    { path: `${QUOTE}/batch`, body: { lines: [BODY] }, key: 'none' },
  ],
  rateStream: () => [
    { path: '/api/v1/rates/stream?tickers=GME,ZZZZZ', leftAfter: 'event: rate' },
    { path: '/api/v1/rates/stream', headers: { 'last-event-id': 'hello' }, leftAfter: 'event: reset' },
    { path: '/api/v1/rates/stream?tickers=gme' },
    { path: '/api/v1/rates/stream', key: asleep },
    { path: '/api/v1/rates/stream', key: 'none' },
  ],
  operations: () => [
    { path: '/api/v1/operations' },
    { path: '/api/v1/operations', key: deployed.keys['demo-classic'] },
    { path: '/api/v1/operations', key: 'none' },
  ],
  putLogLevel: () => {
    const put = (body: object | string, more: Partial<Ask> = {}): Ask => ({
      method: 'PUT',
      path: '/api/v1/log-level',
      key: deployed.keys.admin,
      body,
      ...more,
    })
    const level = { service: 'cache-service', level: 'warn', minutes: 1 }
    return [
      put(level),
      put({ ...level, minutes: 0.5 }),
      put('<a/>', { headers: { 'content-type': 'application/xml' } }),
      put(' '.repeat(1_100_000)),
      put(level, { key: deployed.keys.desk }),
      put(level, { key: 'none' }),
    ]
  },
  ...recordRequests(),
  ...administrationRequests(),
  config: () => [{ path: '/api/v1/config' }, { path: '/api/v1/config', key: 'none' }],
  auditRecord: () => [
    { path: `/api/v1/audit/${auditId}`, key: deployed.keys.auditor },
    { path: '/api/v1/audit/01900000-0000-7000-8000-000000000000', key: deployed.keys.admin },
    { path: '/api/v1/audit/1', key: deployed.keys.auditor },
    { path: `/api/v1/audit/${auditId}` },
    { path: `/api/v1/audit/${auditId}`, key: 'none' },
  ],
}

/** Requests about records, as an auditor. */
function recordRequests(): Record<string, () => Ask[]> {
  const key = () => deployed.keys.auditor
  const lines = { accept: 'application/x-ndjson' }
  const AUDIT = '/api/v1/audit'
  const HOLDS = '/api/v1/legal-holds'
  const NOBODYS = '01900000-0000-7000-8000-000000000000'
  const refused = (ask: Ask): Ask[] => [ask, { ...ask, key: 'none' }]
  return {
    searchRecords: () => [
      { path: AUDIT, key: key() },
      { path: `${AUDIT}?record_type=quote&ticker=GME&from=2026-01-01&page_size=1`, key: key() },
      { path: `${AUDIT}?page=0`, key: key() },
      ...refused({ path: AUDIT }),
    ],
    replayRecord: () => [
      { path: `${AUDIT}/${auditId}/replay`, key: key() },
      { path: `${AUDIT}/${NOBODYS}/replay`, key: key() },
      { path: `${AUDIT}/1/replay`, key: key() },
      ...refused({ path: `${AUDIT}/${auditId}/replay` }),
    ],
    verifyRecords: () => [
      { path: `${AUDIT}/verify`, key: key() },
      { path: `${AUDIT}/verify?to=2020-01-01`, key: key(), headers: lines },
      { path: `${AUDIT}/verify?from=x`, key: key() },
      ...refused({ path: `${AUDIT}/verify` }),
    ],
    exportRecords: () => [
      { path: `${AUDIT}/export?from=2026-01-01`, key: key() },
      { path: `${AUDIT}/export?from=2026-01-01&format=csv`, key: key() },
      { path: `${AUDIT}/export`, key: key() },
      ...refused({ path: `${AUDIT}/export?from=2026-01-01` }),
    ],
    replayRecords: () => [
      { path: `${AUDIT}/replay`, key: key(), body: { from: '2026-01-01' } },
      { path: `${AUDIT}/replay`, key: key(), body: { from: '2026-01-01' }, headers: lines },
      { path: `${AUDIT}/replay`, key: key(), body: {} },
      { path: `${AUDIT}/replay`, key: key(), body: '<a/>', headers: { 'content-type': 'application/xml' } },
      ...refused({ path: `${AUDIT}/replay`, body: { from: '2026-01-01' } }),
    ],
    legalHolds: () => [
      { path: HOLDS, key: key() },
      { path: `${HOLDS}?limit=0`, key: key() },
      ...refused({ path: HOLDS }),
    ],
    placeLegalHold: () => [
      { path: HOLDS, key: key(), body: { ticker: 'ZNA', from: '2026-01-01', to: '2026-01-31', reason: 'Dispute' } },
      { path: HOLDS, key: key(), body: { reason: 'Dispute' } },
      ...refused({ path: HOLDS, body: { ticker: 'ZNA', reason: 'Dispute' } }),
    ],
    releaseLegalHold: () => [
      { path: `${HOLDS}/${holdId}?reason=Settled`, key: key() },
      { path: `${HOLDS}/${holdId}?reason=Settled`, key: key() },
      { path: `${HOLDS}/${NOBODYS}?reason=Settled`, key: key() },
      { path: `${HOLDS}/${holdId}`, key: key() },
      ...refused({ path: `${HOLDS}/${holdId}?reason=Settled` }),
    ],
    whatIf: () => [
      { path: '/api/v1/what-if', body: { from: today, model: 'desk-v1' } },
      { path: '/api/v1/what-if', body: { from: today, terms: { markup_percentage: 1 } }, headers: lines },
      { path: '/api/v1/what-if?format=csv', body: { from: today, model: 'desk-v1' } },
      { path: '/api/v1/what-if', body: { from: today } },
      ...refused({ path: '/api/v1/what-if', body: { from: today, model: 'desk-v1' }, key: key() }),
    ],
  }
}

/** Requests about reference data, as an administrator. */
function administrationRequests(): Record<string, () => Ask[]> {
  const key = () => deployed.keys.admin
  const BROKER = {
    markup_percentage: 5,
    transaction_fee_type: 'PERCENTAGE',
    transaction_amount: 0.05,
    day_count: 'ACT/360',
    convention_pack: 'us-market-value',
    pricing_model: 'standard-v1',
    tier: 'standard',
    active: true,
  }
  const MODEL = {
    model: 'contract-v1',
    volatility_weight: 0.015,
    volatility_threshold: 18.25,
    event_weight: 0.5,
    max_multiplier: 4,
    volatility_source: 'index',
  }
  const NOBODYS = '01900000-0000-7000-8000-000000000000'
  const refused = (ask: Ask): Ask[] => [ask, { ...ask, key: 'none' }]
  const put = (path: string, body: object | string, headers: Record<string, string> = {}): Ask => ({
    method: 'PUT',
    path: `/api/v1${path}`,
    key: key(),
    body,
    headers,
  })
  return {
    brokers: () => [
      { path: '/api/v1/brokers', key: key() },
      { path: '/api/v1/brokers?limit=0', key: key() },
      ...refused({ path: '/api/v1/brokers' }),
    ],
    broker: () => [
      { path: '/api/v1/brokers/demo-percentage', key: key() },
      { path: '/api/v1/brokers/demo-classic', key: deployed.keys['demo-classic'] },
      { path: '/api/v1/brokers/demo-percentage', key: deployed.keys['demo-classic'] },
      { path: '/api/v1/brokers/a%20b', key: key() },
      ...refused({ path: '/api/v1/brokers/demo-classic' }),
    ],
    putBroker: () => [
      put('/brokers/contract', { ...BROKER, markup_tiers: [{ up_to: null, markup_percentage: 5 }] }),
      put('/brokers/contract', BROKER),
      put('/brokers/contract', BROKER, { 'if-match': '"1"' }),
      put('/brokers/contract', BROKER, { 'if-match': '"1"' }),
      put('/brokers/contract', {}),
      put('/brokers/contract', '<a/>', { 'content-type': 'application/xml' }),
      ...refused({ method: 'PUT', path: '/api/v1/brokers/contract', body: BROKER }),
    ],
    stocks: () => [
      { path: '/api/v1/stocks', key: key() },
      { path: '/api/v1/stocks?skip=x', key: key() },
      { path: '/api/v1/stocks', key: 'none' },
    ],
    stock: () => [
      { path: '/api/v1/stocks/GME', key: key() },
      { path: '/api/v1/stocks/ZZZZZ', key: key() },
      { path: '/api/v1/stocks/gme', key: key() },
      { path: '/api/v1/stocks/GME', key: 'none' },
    ],
    putStock: () => [
      put('/stocks/ZCON', { borrow_status: 'HARD', floor_rate: '0.0325' }),
      put('/stocks/ZCON', { borrow_status: 'HARD', floor_rate: null }),
      put('/stocks/ZCON', { borrow_status: null, floor_rate: null }, { 'if-match': '*' }),
      put('/stocks/ZCON', { borrow_status: null, floor_rate: null }, { 'if-match': '"9"' }),
      put('/stocks/ZCON', { borrow_status: 1 }),
      ...refused({ method: 'PUT', path: '/api/v1/stocks/ZCON', body: { borrow_status: null, floor_rate: null } }),
    ],
    pricingModels: () => [
      { path: '/api/v1/pricing-models', key: key() },
      ...refused({ path: '/api/v1/pricing-models' }),
    ],
    addPricingModel: () => [
      { path: '/api/v1/pricing-models', key: key(), body: MODEL },
      { path: '/api/v1/pricing-models', key: key(), body: MODEL },
      { path: '/api/v1/pricing-models', key: key(), body: { model: 'x' } },
      ...refused({ path: '/api/v1/pricing-models', body: MODEL }),
    ],
    approvals: () => [
      { path: '/api/v1/approvals', key: key() },
      { path: '/api/v1/approvals?state=lost', key: key() },
      ...refused({ path: '/api/v1/approvals' }),
    ],
    decideApproval: () => [
      { path: `/api/v1/approvals/${approvalId}`, key: key(), body: { decision: 'refuse' } },
      { path: `/api/v1/approvals/${approvalId}`, key: key(), body: { decision: 'refuse' } },
      { path: `/api/v1/approvals/${NOBODYS}`, key: key(), body: { decision: 'approve', reason: 'As agreed' } },
      { path: `/api/v1/approvals/${NOBODYS}`, key: key(), body: {} },
      ...refused({ path: `/api/v1/approvals/${NOBODYS}`, body: { decision: 'approve' } }),
    ],
  }
}

function ratesAt(base: string): Ask[] {
  return [
    { path: `${base}/GME` },
    { path: `${base}/ZNA?use_cache=false` },
    { path: `${base}/GME`, headers: { 'if-none-match': '*' } },
    { path: `${base}/GME?max_age=60`, headers: { 'if-modified-since': new Date(Date.now() + 60_000).toUTCString() } },
    { path: `${base}/GME?max_age=x` },
    { path: `${base}/ZZZZZ` },
    { path: `${base}/GME`, key: asleep },
    { path: `${base}/GME`, key: 'none' },
  ]
}

/** What the contract says about this answer, and what is wrong with it by that. */
function faultsOf(operation: Operation, answer: Answer): string[] {
  const documented = operation.responses[answer.status]
  if (documented === undefined) return [`status ${answer.status} is not documented`]
  if (answer.text === '') return []
  const type = String(answer.headers['content-type']).split(';')[0] ?? ''
  const schema = documented.content?.[type]?.schema
  if (schema === undefined) return [`${type} is not documented under ${answer.status}`]
  const check = Compile(schema)
  return valuesOf(type, answer.text).flatMap((value) => {
    const [sound, errors] = check.Errors(value)
    return sound ? [] : errors.map((error) => `${answer.status} ${error.instancePath}: ${error.message}`)
  })
}

/** What the schema of a media type describes: the answer, or each of its lines. */
function valuesOf(type: string, text: string): unknown[] {
  if (type === 'application/x-ndjson')
    return text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
  return [type.startsWith('text/') ? text : JSON.parse(text)]
}

function withParameter(parameter: object) {
  return (operation: Record<string, unknown>) => Object.assign(operation, { parameters: [parameter] })
}

describe('/openapi.json', () => {
  test('is a sound OpenAPI 3.1 document', () => {
    expect(documentFaults(document)).toEqual([])
  })

  test.each<[string, (operation: Record<string, unknown>) => unknown]>([
    ['a member that OpenAPI does not have', (operation) => Object.assign(operation, { subscribe: {} })],
    ['an answer without a description', (operation) => Object.assign(operation.responses as object, { 299: {} })],
    ['a parameter that the path does not have', withParameter({ name: 'x', in: 'path', required: true, schema: {} })],
    ['a keyword of another version', withParameter({ name: 'x', in: 'query', schema: { nullable: true } })],
    ['a tag that is not declared', (operation) => Object.assign(operation, { tags: ['else'] })],
    ['a name given twice', (operation) => Object.assign(operation, { operationId: 'rate' })],
  ])('with %s would be at fault', (_, spoil) => {
    const copy = structuredClone(document)
    spoil(copy.paths['/api/v1/config']?.get as never)
    expect(documentFaults(copy).length).toBeGreaterThan(0)
  })

  test('documents exactly the operations that are tried here', () => {
    expect(
      operations(document)
        .map(({ operationId }) => operationId)
        .sort(),
    ).toEqual(Object.keys(REQUESTS).sort())
  })

  test('asks for a key or a token in every operation but those of sessions', () => {
    const sessions: Record<string, object[]> = {
      signIn: [{ apiKey: [] }],
      refreshSession: [{ refreshCookie: [] }],
      signOut: [{ refreshCookie: [] }, { accessToken: [] }],
    }
    for (const { operationId, security } of operations(document))
      expect(security, operationId).toEqual(sessions[operationId] ?? [{ apiKey: [] }, { accessToken: [] }])
  })

  test.each(Object.keys(REQUESTS))('%s answers, and every answer is as documented', async (operationId) => {
    const operation = operations(document).find((one) => one.operationId === operationId)!
    const requests = REQUESTS[operationId]!()
    const template = new RegExp(`^${operation.path.replaceAll('.', '\\.').replaceAll(/\{[^}]+\}/g, '[^/]+')}$`)
    for (const [index, request] of requests.entries()) {
      expect(request.path.split('?')[0]).toMatch(template)
      const answer = await ask(deployed, {
        method: operation.method.toUpperCase(),
        key: deployed.keys.desk,
        ...request,
        // Each from an address of its own, so that no answer to a bad key is held back.
        ...(request.key === 'none' && { from: `127.0.4.${1 + Object.keys(REQUESTS).indexOf(operationId)}` }),
      })
      if (index === 0) expect([200, 201]).toContain(answer.status)
      expect(faultsOf(operation, answer), `${request.path} ${JSON.stringify(request.body)?.slice(0, 200)}`).toEqual([])
    }
  })

  test('takes the examples it gives: a request made of them alone is priced', async () => {
    const post = operations(document).find(({ operationId }) => operationId === 'calculateLocate')!
    const { properties } = post.requestBody!.content['application/json']!.schema as {
      properties: Record<string, { examples: unknown[] }>
    }
    const example = (names: string[]) => Object.fromEntries(names.map((name) => [name, properties[name]!.examples[0]]))
    for (const names of [
      ['position_value', 'loan_days'],
      ['quantity', 'price', 'start_date', 'end_date'],
    ]) {
      const body = example(['ticker', 'client_id', ...names])
      const { status, text } = await ask(deployed, { path: QUOTE, key: deployed.keys.desk, body })
      expect(status, text).toBe(200)
    }
  })
})

describe('/docs', () => {
  test('loads with assets of this server alone, which its policy allows and which are all there', async () => {
    const page = await ask(deployed, { path: '/docs/' })
    expect(page.headers['content-type']).toMatch(/^text\/html/)
    const assets = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1]!)
    expect(assets.length).toBeGreaterThan(3)
    for (const asset of assets) {
      expect(asset).not.toMatch(/^(https?:)?\/\//)
      const { pathname } = new URL(asset, `${deployed.url}/docs/`)
      expect((await ask(deployed, { path: pathname })).status, asset).toBe(200)
    }
    // Nothing stands in the page that its policy would keep from running.
    expect(page.text.match(/<script(?![^>]*\bsrc=)[^>]*>/g) ?? []).toEqual([])
    const policy = String(page.headers['content-security-policy'])
    expect(policy).toContain("default-src 'none'")
    expect(policy).not.toMatch(/https?:|\*|'unsafe-eval'|script-src[^;]*'unsafe-inline'/)
  })

  test('is found without the slash at its end', async () => {
    const { status, headers } = await ask(deployed, { path: '/docs' })
    expect(status === 200 || (status >= 301 && status <= 308 && /^(\.|\/docs)/.test(String(headers.location)))).toBe(
      true,
    )
  })
})
