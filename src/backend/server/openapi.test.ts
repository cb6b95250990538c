import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Rate, Usd } from '../pricing/units.ts'
import { createHealth } from './health.ts'
import { createLog } from './log.ts'
import { createMetrics } from './metrics.ts'
import { API_KEY_SECURITY, ERROR_SCHEMA, publishOpenApi } from './openapi.ts'
import { createServer } from './server.ts'
import { decimalField, integerField, optional, parseShape, shape, tickerField, withDefault } from './shape.ts'

const QUERY = shape({
  position_value: decimalField<Usd>({
    description: 'Value of the position.',
    unit: 'USD',
    minimum: '0.01',
    maximum: '1000000000',
    decimals: 2,
    example: 100000,
  }),
  limit: withDefault(integerField({ description: 'How many.', minimum: 1, maximum: 100, example: 20 }), 20),
  rate: optional(
    decimalField<Rate>({ description: 'Rate.', unit: 'fraction a year', minimum: '0', decimals: 8, example: 0.05 }),
  ),
})
const PATH = shape({ ticker: tickerField() })

let app: FastifyInstance
let document: { openapi: string; paths: Record<string, Record<string, unknown>>; components: Record<string, unknown> }

beforeAll(async () => {
  app = await createServer({
    log: createLog({ service: 'test', level: 'fatal' }),
    metrics: createMetrics({ service: 'test', processMetrics: false }),
    health: createHealth({ service: 'test', version: '1' }),
    newRequestId: () => 'request-1',
  })
  await publishOpenApi(app, {
    title: 'Test',
    version: '1.0.0',
    description: 'A test.',
    tags: [{ name: 'Rates', description: 'R' }],
  })
  app.get(
    '/rates/:ticker',
    {
      schema: {
        summary: 'A rate',
        tags: ['Rates'],
        security: API_KEY_SECURITY,
        params: PATH,
        querystring: QUERY,
        response: { 200: Type.Object({ ticker: Type.String() }, { description: 'The rate.' }), 400: ERROR_SCHEMA },
      },
    },
    (request) => ({ ...parseShape(PATH, request.params, 'path'), ...parseShape(QUERY, request.query, 'query') }),
  )
  app.post('/rates', { schema: { summary: 'Body', body: QUERY } }, (request) => parseShape(QUERY, request.body, 'body'))
  await app.ready()
  document = (await app.inject('/openapi.json')).json()
})
afterAll(() => app.close())

const operation = (path: string, method: string) => document.paths[path]?.[method]

describe('the document', () => {
  test('is OpenAPI 3.1 of the routes that are not hidden', () => {
    expect(document.openapi).toBe('3.1.0')
    expect(Object.keys(document.paths)).toEqual(['/rates/{ticker}', '/rates'])
  })

  test('shows a decimal parameter with bounds, unit, decimals, pattern and example', () => {
    const { parameters } = operation('/rates/{ticker}', 'get') as { parameters: Record<string, unknown>[] }
    expect(parameters).toContainEqual(
      expect.objectContaining({
        in: 'query',
        name: 'position_value',
        required: true,
        description: 'Value of the position. Unit: USD; at most 2 decimals.',
        schema: expect.objectContaining({
          type: ['number', 'string'],
          minimum: 0.01,
          maximum: 1000000000,
          pattern: expect.any(String),
          'x-unit': 'USD',
          'x-decimals': 2,
        }),
      }),
    )
    expect(parameters).toContainEqual(
      expect.objectContaining({
        in: 'query',
        name: 'limit',
        required: false,
        schema: expect.objectContaining({ default: 20 }),
      }),
    )
    expect(parameters).toContainEqual(expect.objectContaining({ in: 'path', name: 'ticker', required: true }))
    expect(JSON.stringify(parameters)).toContain('100000')
  })

  test('shows a body as the same schema', () => {
    const post = operation('/rates', 'post') as { requestBody: { content: Record<string, { schema: object }> } }
    expect(post.requestBody.content['application/json']?.schema).toMatchObject({
      type: 'object',
      required: ['position_value'],
      properties: { position_value: { examples: [100000], 'x-unit': 'USD' } },
    })
  })

  test('names every error code', () => {
    expect(JSON.stringify(document)).toContain('AUDIT_UNAVAILABLE')
  })

  test('holds nothing of the schema library', () => {
    expect(JSON.stringify(document)).not.toContain('~')
  })
})

test('schemas on routes check nothing: the shape does, in our words', async () => {
  const refused = await app.inject('/rates/AAPL?position_value=0')
  expect(refused.statusCode).toBe(400)
  expect(refused.json().error).toBe('Invalid parameter: position_value must be at least 0.01')
  const accepted = await app.inject('/rates/AAPL?position_value=100.50')
  expect(accepted.body).toBe('{"ticker":"AAPL","position_value":100.50,"limit":20}')
})

test('the contract is JSON by its type', async () => {
  const { headers } = await app.inject('/openapi.json')
  expect(headers['content-type']).toBe('application/json; charset=utf-8')
})

describe('the page', () => {
  test('loads scripts and styles from this server alone, under a policy that allows those', async () => {
    const page = await app.inject('/docs')
    const final = page.statusCode === 302 ? await app.inject(String(page.headers.location)) : page
    expect(final.statusCode).toBe(200)
    expect(final.headers['content-security-policy']).toContain("script-src 'self'")
    expect(final.headers['x-content-type-options']).toBe('nosniff')
    const addresses = [...final.body.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => String(match[1]))
    expect(addresses.length).toBeGreaterThan(4)
    for (const address of addresses) {
      expect(address).not.toMatch(/^https?:|^\/\//)
      const asset = await app.inject(new URL(address, 'http://test/docs').pathname)
      expect([address, asset.statusCode]).toEqual([address, 200])
    }
    expect(final.body).not.toMatch(/<script>|style=/)
  })

  test('reads the same document', async () => {
    expect((await app.inject('/docs/json')).json()).toEqual(document)
  })
})
