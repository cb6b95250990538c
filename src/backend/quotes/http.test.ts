// One contract, held by the price desk itself and by the wire to it.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Actor } from '../audit/quote-record.ts'
import { decimal } from '../pricing/decimal.ts'
import { asIndexPoints, asUsd, type IsoDate, type Ticker } from '../pricing/units.ts'
import { ownContext } from '../server/call-context.ts'
import { invalidParameters, Problem } from '../server/problem.ts'
import { type Wire, wireTo } from '../test/both-ends.ts'
import type { BatchLine } from './batch.ts'
import { priceDeskClient, servePriceDesk } from './http.ts'
import type { PriceDesk } from './price-desk.ts'
import type { QuoteRequest } from './quote.ts'
import type { RateListAsk } from './rate-list.ts'

const CONTEXT = ownContext('request-1')
const GME = 'GME' as Ticker
const ACTOR: Actor = {
  actorType: 'broker',
  actorId: 'desk-one',
  keyId: 'k1',
  sourceIp: '127.0.0.1',
  userAgent: 'curl/8 "quoted", {"head":{},"answer":',
  requestId: 'request-1',
  idempotencyKey: null,
}

/** What came to the desk, and answers whose bytes can be told apart. */
const asked: unknown[] = []
const desk: PriceDesk = {
  async quote(ask) {
    asked.push(ask)
    if (ask.request.clientId === 'nobody') throw new Problem('CLIENT_NOT_FOUND', 'Client not found: nobody')
    return {
      auditId: 'a-1',
      answer: '{"total_fee":456.50,"note":",\\"answer\\":{}"}',
      replayed: ask.actor.idempotencyKey !== null,
    }
  },
  async *batch(ask) {
    asked.push(ask)
    for (const { line } of ask.lines) yield `{"line":${line}}\n`
    if (ask.batchId === 'broken') throw new Problem('AUDIT_UNAVAILABLE', 'The answer cannot be kept')
    yield '{"summary":{}}\n'
  },
  async rate(ask) {
    asked.push(ask)
    return {
      etag: '"abc"',
      lastModified: new Date('2026-11-24T15:00:00.000Z'),
      answer: '{"current_rate":0.0630}',
    }
  },
  async customRate(ask) {
    asked.push(ask)
    return '{"current_rate":1e-8}'
  },
  async ratesByStatus(ask) {
    asked.push(ask)
    return { total: 17_000, answer: '[{"a":1.10},{"b":[]}]' }
  },
  async *rateList(ask) {
    asked.push(ask)
    if (ask.clientId === 'nobody') throw new Problem('CLIENT_NOT_FOUND', 'Client not found: nobody')
    yield 'W/"standard-v1.csv.abc"\n'
    yield 'ticker,name\r\nGME,"two\nlines"\r\n'
  },
  async rateHistory(ask) {
    asked.push(ask)
    return '{"points":[{"borrow_rate":0.10}]}'
  },
  async rateHistories(ask) {
    asked.push(ask)
    return '{"series":[]}'
  },
  async comparePacks(ask) {
    asked.push(ask)
    return '{"packs":[{"total_fee":456.50}]}'
  },
}

let wire: Wire
beforeAll(async () => {
  wire = await wireTo(servePriceDesk(desk))
})
afterAll(() => wire.close())

const REQUESTS: [string, QuoteRequest][] = [
  [
    'of a value for days',
    {
      ticker: GME,
      clientId: 'desk-one',
      position: { kind: 'value', positionValue: asUsd(decimal('100000.10')) },
      stay: { kind: 'days', loanDays: 30 },
      location: 'body',
    },
  ],
  [
    'of shares at a price by dates',
    {
      ticker: GME,
      clientId: 'desk-one',
      position: { kind: 'shares', quantity: 100_000_000, price: asUsd(decimal('0.000001')) },
      stay: { kind: 'dates', startDate: '2026-10-08' as IsoDate, endDate: '2026-10-09' as IsoDate },
      location: 'query',
    },
  ],
  [
    'of shares without a price',
    {
      ticker: GME,
      clientId: 'desk-one',
      position: { kind: 'shares', quantity: 1, price: null },
      stay: { kind: 'days', loanDays: 365 },
      location: 'body',
    },
  ],
]

describe.each<[string, () => PriceDesk]>([
  ['the desk itself', () => desk],
  ['the wire to it', () => priceDeskClient(wire.client)],
])('%s', (_title, of) => {
  test.each(REQUESTS)(
    'is asked for a quote %s exactly as it was read, and its answer keeps every byte',
    async (_name, request) => {
      asked.length = 0
      const quote = await of().quote({ request, actor: ACTOR }, CONTEXT)
      expect(asked).toEqual([{ request, actor: ACTOR }])
      expect(quote).toEqual({
        auditId: 'a-1',
        answer: '{"total_fee":456.50,"note":",\\"answer\\":{}"}',
        replayed: false,
      })
    },
  )

  test('refuses with the same failure', async () => {
    const [[, request]] = REQUESTS as [[string, QuoteRequest]]
    await expect(
      of().quote({ request: { ...request, clientId: 'nobody' }, actor: ACTOR }, CONTEXT),
    ).rejects.toMatchObject({ code: 'CLIENT_NOT_FOUND', status: 404, message: 'Client not found: nobody' })
  })

  test('is asked for a batch, lines and failures as they were read, and streams its answer', async () => {
    asked.length = 0
    const lines: BatchLine[] = [
      ...REQUESTS.map(([, request], index) => ({ line: index + 1, kind: 'request' as const, request })),
      {
        line: 99,
        kind: 'refused',
        problem: invalidParameters([{ field: 'ticker', location: 'body', message: 'ticker is required' }]),
        ticker: null,
        clientId: 'desk-one',
      },
    ]
    const ask = { batchId: 'b-1', lines, actor: { ...ACTOR, idempotencyKey: 'k "1"' } }
    const never = new AbortController().signal
    let text = ''
    for await (const piece of of().batch(ask, CONTEXT, never)) text += piece
    expect(text).toBe(`${lines.map(({ line }) => `{"line":${line}}\n`).join('')}{"summary":{}}\n`)
    expect(asked).toEqual([ask])

    const broken = async () => {
      for await (const _piece of of().batch({ ...ask, batchId: 'broken' }, CONTEXT, never));
    }
    await expect(broken()).rejects.toMatchObject({ code: 'AUDIT_UNAVAILABLE' })
  })

  test('answers rates with their validators', async () => {
    asked.length = 0
    const ask = { ticker: GME, clientId: 'house', maxAgeSeconds: null }
    expect(await of().rate(ask, CONTEXT)).toEqual({
      etag: '"abc"',
      lastModified: new Date('2026-11-24T15:00:00.000Z'),
      answer: '{"current_rate":0.0630}',
    })
    await of().rate({ ...ask, maxAgeSeconds: 60 }, CONTEXT)
    expect(asked).toEqual([ask, { ...ask, maxAgeSeconds: 60 }])
  })

  test('streams the rates of all names as they are, and refuses with the same failure', async () => {
    asked.length = 0
    const ask = { clientId: 'house', status: 'HARD', format: 'csv' } as const
    const read = async (what: RateListAsk) => {
      let text = ''
      for await (const piece of of().rateList(what, CONTEXT, new AbortController().signal)) text += piece
      return text
    }
    expect(await read(ask)).toBe('W/"standard-v1.csv.abc"\nticker,name\r\nGME,"two\nlines"\r\n')
    await expect(read({ ...ask, status: null, clientId: 'nobody' })).rejects.toMatchObject({ code: 'CLIENT_NOT_FOUND' })
    expect(asked).toEqual([ask, { ...ask, status: null, clientId: 'nobody' }])
  })

  test('answers rates over time, and a short under every pack', async () => {
    asked.length = 0
    const range = { from: new Date('2026-11-23T00:00:00Z'), to: new Date('2026-11-24T00:00:00.001Z') }
    const history = { ticker: GME, clientId: 'house', interval: '15m', ...range } as const
    expect(await of().rateHistory(history, CONTEXT)).toBe('{"points":[{"borrow_rate":0.10}]}')
    const histories = { tickers: [GME, 'AMC' as Ticker], clientId: 'house', interval: '1h', ...range } as const
    expect(await of().rateHistories(histories, CONTEXT)).toBe('{"series":[]}')
    const [[, request]] = REQUESTS as [[string, QuoteRequest]]
    expect(await of().comparePacks({ request }, CONTEXT)).toBe('{"packs":[{"total_fee":456.50}]}')
    expect(asked).toEqual([history, histories, { request }])
  })

  test('answers rates under chosen conditions, and pages', async () => {
    asked.length = 0
    const conditions = { volatilityIndex: asIndexPoints(decimal('24.50')), eventRiskFactor: null, model: 'desk-v1' }
    expect(await of().customRate({ ticker: GME, clientId: 'house', conditions }, CONTEXT)).toBe('{"current_rate":1e-8}')
    const page = { status: 'HARD', clientId: 'house', skip: 0, limit: 100 } as const
    expect(await of().ratesByStatus(page, CONTEXT)).toEqual({ total: 17_000, answer: '[{"a":1.10},{"b":[]}]' })
    expect(asked).toEqual([{ ticker: GME, clientId: 'house', conditions }, page])
  })
})
