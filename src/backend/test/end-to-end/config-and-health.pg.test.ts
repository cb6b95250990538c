// What a deployment says about itself: what it offers, and how it is.
import { beforeAll, describe, expect, test } from 'vitest'
import { FEATURE_NAMES, routeOf } from '../../gateway/features.ts'
import { expectFailure } from './answers.ts'
import { type Deployment, startDeployment } from './deployment.ts'
import { ask } from './http.ts'
import { type Document, operations } from './openapi-document.ts'

let deployed: Deployment

beforeAll(async () => {
  deployed = await startDeployment({
    environment: { RATE_LIMIT_STANDARD: '', RATE_LIMIT_PREMIUM: '', RATE_LIMIT_INTERNAL: '' },
  })
})

describe('/config', () => {
  test('names version, features, limits, models and packs to whoever has a key', async () => {
    for (const name of ['desk', 'auditor', 'admin', 'demo-classic'] as const) {
      const { status, json } = await ask(deployed, { path: '/api/v1/config', key: deployed.keys[name] })
      expect(status).toBe(200)
      expect(json).toMatchObject({
        status: 'success',
        api_version: 'v1',
        rate_limits: { standard: '60', premium: '300', internal: '1000' },
      })
      expect(json.supported_features).toEqual(expect.arrayContaining(['quote', 'rates']))
      const names = (of: string, key: string) => json[of].map((row: Record<string, unknown>) => row[key]).sort()
      expect(names('pricing_models', 'model')).toEqual(['desk-v1', 'standard-v1'])
      expect(names('convention_packs', 'convention_pack')).toEqual([
        'ca-market-value',
        'notional',
        'us-collateral-mark',
        'us-market-value',
      ])
    }
  })

  test('names as supported exactly what can be asked', async () => {
    const { json } = await ask(deployed, { path: '/api/v1/config', key: deployed.keys.desk })
    const document = JSON.parse((await ask(deployed, { path: '/openapi.json' })).text) as Document
    const documented = new Set(operations(document).map(({ method, path }) => `${method.toUpperCase()} ${path}`))
    const there = FEATURE_NAMES.filter((feature) => {
      const { method, path } = routeOf(feature)
      return documented.has(`${method} ${path}`)
    })
    // Five services have nothing to sign tokens with unless the settings say so.
    const { status } = await ask(deployed, { method: 'POST', path: '/api/v1/session', key: deployed.keys.desk })
    const off = status === 404 ? ['sessions'] : []
    const named = json.supported_features.filter((feature: string) => feature !== 'webhooks')
    expect(named).toEqual(there.filter((feature) => feature !== 'webhooks' && !off.includes(feature)))
    expect(named).toEqual(expect.arrayContaining(['batch', 'rate_list', 'rate_history', 'compare_packs']))
  })

  test('is for nobody without a key', async () => {
    expectFailure(await ask(deployed, { path: '/api/v1/config' }), 'UNAUTHORIZED')
  })

  test.each([
    ['demo-classic', '60'],
    ['demo-percentage', '300'],
    ['desk', '1000'],
  ] as const)('the limit it names holds: %s has %s', async (name, limit) => {
    const { headers } = await ask(deployed, { path: '/api/v1/config', key: deployed.keys[name] })
    expect(headers['x-ratelimit-limit']).toBe(limit)
  })
})

describe('health', () => {
  test.each([
    '/health',
    '/health/liveness',
    '/health/readiness',
    '/api/v1/health',
    '/api/v1/health/liveness',
    '/api/v1/health/readiness',
  ])('%s is 200 without a key, and nobody keeps it', async (path) => {
    const { status, headers, json } = await ask(deployed, { path })
    expect(status).toBe(200)
    expect(json).toMatchObject({ status: 'ok', version: expect.stringMatching(/^\d+\.\d+\.\d+/) })
    expect(headers['cache-control']).toBe('no-store')
  })

  test('in detail names each component with its state and latency', async () => {
    const { status, json } = await ask(deployed, { path: '/health/details' })
    expect(status).toBe(200)
    expect(json.status).toBe('ok')
    const { kind } = deployed
    const behind = kind === 'five-services' ? ['calculation_service', 'data_service', 'audit_service'] : ['audit_log']
    expect(Object.keys(json.components)).toEqual(expect.arrayContaining(['database', ...behind]))
    for (const component of Object.values(json.components) as { state: string; latency_ms: string }[]) {
      expect(component.state).toBe('up')
      expect(Number(component.latency_ms)).toBeGreaterThanOrEqual(0)
    }
  })

  test('of the feeds names provider, state, last success and age of each', async () => {
    const { status, json } = await ask(deployed, { path: '/health/external' })
    expect(status).toBe(200)
    for (const feed of ['lender', 'volatility', 'events']) {
      expect(json.feeds[feed]).toMatchObject({ provider: expect.any(String), state: 'up' })
      expect(Date.parse(json.feeds[feed].last_success)).not.toBeNaN()
      expect(Number(json.feeds[feed].age_seconds)).toBeGreaterThanOrEqual(0)
    }
  })

  test('every name in it is written the one way: small letters and underscores', async () => {
    const names = (value: unknown): string[] =>
      typeof value === 'object' && value !== null
        ? Object.entries(value).flatMap(([name, inner]) => [name, ...names(inner)])
        : []
    for (const path of ['/health', '/health/details', '/health/external']) {
      const { json } = await ask(deployed, { path })
      expect(names(json).filter((name) => !/^[a-z][a-z0-9_]*$/.test(name))).toEqual([])
    }
  })

  test('metrics count what was answered, under the template of the address alone', async () => {
    await ask(deployed, { path: '/api/v1/rates/GME', key: deployed.keys.desk })
    await ask(deployed, { path: '/secret/place?x=1' })
    const { headers, text } = await ask(deployed, { path: '/metrics' })
    expect(headers['content-type']).toMatch(/^text\/plain/)
    expect(text).toMatch(
      /^http_requests_total\{method="GET",route="\/api\/v1\/rates\/:ticker",status="200",.*\} [1-9]/m,
    )
    expect(text).toContain('route="unknown"')
    expect(text).not.toMatch(/GME|secret/)
  })
})
