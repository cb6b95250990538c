// The use case from request to answer, on a fixed day: what is looked up, what is priced, what is kept, in which order.
import { describe, expect, test } from 'vitest'
import type { Actor, QuoteRecord } from '../audit/quote-record.ts'
import { quoteRecordRow } from '../audit/quote-record.ts'
import type { MarketObservations } from '../market-data/market-data.ts'
import type { Observation } from '../market-data/observation.ts'
import { DESK_V1, STANDARD_V1 } from '../pricing/borrow-rate.ts'
import { decimal } from '../pricing/decimal.ts'
import { readPriceInputs } from '../pricing/price-inputs.ts'
import { price } from '../pricing/quote.ts'
import { US_SETTLEMENT_CALENDAR } from '../pricing/settlement-calendar.ts'
import { asIndexPoints, asPercentPoints, asRate, asTicker, asUsd, type IsoDate } from '../pricing/units.ts'
import type { Broker } from '../reference-data/broker-terms.ts'
import { ownContext } from '../server/call-context.ts'
import { writeJson } from '../server/json-writer.ts'
import { Problem } from '../server/problem.ts'
import { type QuoteRequest, quoteLocate } from './quote.ts'
import { quoteText } from './quote-text.ts'

const NOW = new Date('2026-11-24T15:00:00.000Z')
const GME = asTicker('GME')!

function observation<T>(value: T, source: Observation<T>['source'] = 'cached'): Observation<T> {
  const asOf = source === 'fallback' ? null : new Date(NOW.getTime() - 60_000)
  return {
    value,
    source,
    provider: 'desk',
    asOf,
    receivedAt: asOf,
    ageSeconds: asOf === null ? null : 60,
    fallbackReason: source === 'fallback' ? 'nothing was known' : null,
    demo: false,
  }
}

const MARKET: MarketObservations = {
  ticker: GME,
  lenderRate: observation(asRate(decimal('0.05'))),
  stockVolatility: null,
  volatilityIndex: observation(asIndexPoints(decimal('25'))),
  eventRisk: observation({ factor: 2, events: [] }),
  availability: observation({ shares: 1000, atLeast: false }),
  lastClose: null,
  benchmarkRate: asRate(decimal('0.0364')),
  borrowStatus: 'HARD',
  floorRate: asRate(decimal('0.0001')),
  stockName: 'GAMESTOP CORP',
}

const BROKER: Broker = {
  clientId: 'desk-one',
  name: null,
  terms: {
    markupPercentage: asPercentPoints(decimal('5')),
    markupTiers: null,
    transactionFeeType: 'FLAT',
    transactionAmount: decimal('25'),
    dayCount: 'ACT/365',
    conventionPack: 'notional',
    billing: 'term',
  },
  pricingModel: 'standard-v1',
  tier: 'standard',
  requestsPerMinute: null,
  active: true,
  version: 7,
}

const ACTOR: Actor = {
  actorType: 'broker',
  actorId: 'desk-one',
  keyId: 'k1',
  sourceIp: '127.0.0.1',
  userAgent: null,
  requestId: 'r1',
  idempotencyKey: null,
}

const REQUEST: QuoteRequest = {
  ticker: GME,
  clientId: 'desk-one',
  position: { kind: 'value', positionValue: asUsd(decimal('100000')) },
  stay: { kind: 'days', loanDays: 30 },
  location: 'body',
}

const CONTEXT = ownContext('r1')

function desk(
  changes: { market?: Partial<MarketObservations>; model?: typeof DESK_V1; keep?: () => Promise<void> } = {},
) {
  const kept: QuoteRecord[] = []
  const quote = quoteLocate({
    fetchPricingInputs: async () => ({
      broker: BROKER,
      model: changes.model ?? STANDARD_V1,
      market: { ...MARKET, ...changes.market },
    }),
    keepRecord: async (record) => {
      await changes.keep?.()
      kept.push(record)
    },
    calendar: US_SETTLEMENT_CALENDAR,
    clock: () => NOW,
    newYorkDate: () => '2026-11-24' as IsoDate,
    newAuditId: () => '0193577d-1c00-7000-8000-000000000001',
    engineBuild: 'test',
  })
  return { quote, kept }
}

const refused = async (work: Promise<unknown>): Promise<Problem> => {
  const error = await work.then(
    () => new Error('accepted'),
    (reason: unknown) => reason,
  )
  if (error instanceof Problem) return error
  throw error
}

describe('a quote', () => {
  test('prices the inputs that were fetched and answers in the exact text of its decimals', async () => {
    const { quote } = desk()
    const text = quoteText(await quote(REQUEST, ACTOR, CONTEXT))
    expect(text).toMatch(
      /^\{"status":"success","total_fee":568\.70,"breakdown":\{"borrow_cost":517\.81,"markup":25\.89,"transaction_fees":25\.00\},"borrow_rate_used":0\.063,/,
    )
    expect(text).toContain('"cost_per_day":17.26')
    expect(text).toContain('"expires_at":"2026-11-24T15:01:00.000Z"')
    expect(text).not.toContain('sufficient')
  })

  test('is on the record before it is answered, with what price() took: the record gives the same price again', async () => {
    const { quote, kept } = desk()
    const answered = await quote(REQUEST, ACTOR, CONTEXT)
    expect(kept).toHaveLength(1)
    const row = quoteRecordRow(kept[0]!)
    expect(row.audit_id).toBe(answered.auditId)
    const body = JSON.parse(row.record)
    expect(body.terms_version).toBe(7)
    expect(writeJson(price(readPriceInputs(body.price_inputs)))).toBe(writeJson(answered.priced))
  })

  test('does not leave when its record cannot be kept', async () => {
    const { quote } = desk({
      keep: () => Promise.reject(new Problem('AUDIT_UNAVAILABLE', 'The record cannot be kept.')),
    })
    expect((await refused(quote(REQUEST, ACTOR, CONTEXT))).code).toBe('AUDIT_UNAVAILABLE')
  })

  test('that its inputs do not give is no number, and on no record', async () => {
    const { quote, kept } = desk({ model: { ...STANDARD_V1, maxMultiplier: null as never } })
    const problem = await refused(quote(REQUEST, ACTOR, CONTEXT))
    expect([problem.code, problem.status, problem.cause]).toEqual(['CALCULATION_ERROR', 500, expect.any(TypeError)])
    expect(kept).toEqual([])
  })

  test('of shares charges them at the price given and says whether the lender has them', async () => {
    const { quote } = desk()
    const position = { kind: 'shares', quantity: 1500, price: asUsd(decimal('22.5')) } as const
    const text = quoteText(await quote({ ...REQUEST, position }, ACTOR, CONTEXT))
    expect(text).toContain('"sufficient":false')
    expect(text).toContain('"charged_value":33750.00,"mark":22.50,"charged_shares":1500')
  })

  test('of shares without a price takes the last close, names it, and refuses when none is known', async () => {
    const position = { kind: 'shares', quantity: 10, price: null } as const
    const lastClose = observation({ close: asUsd(decimal('22.5')), priceDate: '2026-11-23' as IsoDate }, 'stale')
    const { quote } = desk({ market: { lastClose } })
    const answered = await quote({ ...REQUEST, position }, ACTOR, CONTEXT)
    expect(answered.degraded).toEqual(['last_close_stale'])
    expect(quoteText(answered)).toContain('"price":{"value":22.50,"source":"stale"')

    const problem = await refused(desk().quote({ ...REQUEST, position }, ACTOR, CONTEXT))
    expect(problem.validationErrors?.[0]?.field).toBe('price')
  })

  test('of shares is refused above the largest position, and not at it', async () => {
    const { quote } = desk()
    const at = { kind: 'shares', quantity: 100_000_000, price: asUsd(decimal('10')) } as const
    const above = { kind: 'shares', quantity: 100_000_000, price: asUsd(decimal('10.000001')) } as const
    await quote({ ...REQUEST, position: at }, ACTOR, CONTEXT)
    expect((await refused(quote({ ...REQUEST, position: above }, ACTOR, CONTEXT))).validationErrors?.[0]?.field).toBe(
      'quantity',
    )
  })

  test('by trade dates lists the settlement days, which foot to the borrow cost', async () => {
    const { quote } = desk()
    const stay = { kind: 'dates', startDate: '2026-10-08' as IsoDate, endDate: '2026-10-09' as IsoDate } as const
    const answer = JSON.parse(quoteText(await quote({ ...REQUEST, stay }, ACTOR, CONTEXT)))
    expect(answer.accrual).toEqual({
      short_settles: '2026-10-09',
      cover_settles: '2026-10-13',
      days: 4,
      schedule: [{ value_date: '2026-10-09', days: 4, amount: 69.04 }],
    })
  })

  test('of a stay without accrual costs the transaction fee only', async () => {
    const { quote } = desk()
    const stay = { kind: 'dates', startDate: '2026-10-09' as IsoDate, endDate: '2026-10-12' as IsoDate } as const
    const { priced } = await quote({ ...REQUEST, stay }, ACTOR, CONTEXT)
    expect(String(priced.fee.totalFee)).toBe('25.00')
    expect(String(priced.fee.costPerDay)).toBe('17.26')
  })

  test('by dates that the calendar refuses names the date', async () => {
    const stay = { kind: 'dates', startDate: '2026-11-26' as IsoDate, endDate: '2026-11-27' as IsoDate } as const
    const problem = await refused(desk().quote({ ...REQUEST, stay }, ACTOR, CONTEXT))
    expect(problem.validationErrors?.[0]).toMatchObject({ field: 'start_date', location: 'body' })
    expect(problem.message).toMatch(/^Invalid parameter: start_date must be a trading day/)
  })
})

describe('what was guessed is named', () => {
  test.each<[string, Partial<MarketObservations>, typeof DESK_V1, string[]]>([
    ['nothing, when all is fresh', {}, STANDARD_V1, []],
    [
      'a stale lender rate',
      { lenderRate: observation(asRate(decimal('0.05')), 'stale') },
      STANDARD_V1,
      ['lender_rate_stale'],
    ],
    [
      'an index that stands in',
      { volatilityIndex: observation(asIndexPoints(decimal('20')), 'fallback') },
      STANDARD_V1,
      ['volatility_fallback'],
    ],
    [
      'not the index, when the model took the stock’s own volatility',
      {
        stockVolatility: observation(asIndexPoints(decimal('60'))),
        volatilityIndex: observation(asIndexPoints(decimal('20')), 'fallback'),
      },
      STANDARD_V1,
      [],
    ],
    [
      'not the stock’s own volatility, when the model takes the index',
      { stockVolatility: observation(asIndexPoints(decimal('60')), 'stale') },
      DESK_V1,
      [],
    ],
    ['demo data', { eventRisk: { ...observation({ factor: 2, events: [] }), demo: true } }, STANDARD_V1, ['demo_data']],
    [
      'not an availability, which prices nothing',
      { availability: observation({ shares: null, atLeast: false }, 'stale') },
      STANDARD_V1,
      [],
    ],
  ])('%s', async (_title, market, model, degraded) => {
    const { quote } = desk({ market, model })
    expect((await quote(REQUEST, ACTOR, CONTEXT)).degraded).toEqual(degraded)
  })
})
