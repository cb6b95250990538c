// Records as quotes leave them, for filling a log: made by the use case itself, so that their texts have their true size and form.
import type { Actor } from '../../audit/quote-record.ts'
import { type AuditRow, quoteRecordRow } from '../../audit/quote-record.ts'
import type { MarketObservations } from '../../market-data/market-data.ts'
import type { Observation } from '../../market-data/observation.ts'
import { DESK_V1, STANDARD_V1 } from '../../pricing/borrow-rate.ts'
import { decimal } from '../../pricing/decimal.ts'
import { US_SETTLEMENT_CALENDAR } from '../../pricing/settlement-calendar.ts'
import { asIndexPoints, asRate, asTicker, asUsd, type IsoDate } from '../../pricing/units.ts'
import { type QuoteRequest, quoteLocate } from '../../quotes/quote.ts'
import type { Broker } from '../../reference-data/broker-terms.ts'
import { ownContext } from '../../server/call-context.ts'
import { uuidv7Maker } from '../../server/uuidv7.ts'
import { PLAIN_INPUTS } from '../recorded-quotes.ts'

const NOW = new Date('2026-11-24T15:00:00.000Z')
const TICKER = asTicker('GME')!
const REQUEST_ID = '7f7f2a52-54f8-4f0e-9d5e-0d5f6f1f4b11'

const ACTOR: Actor = {
  actorType: 'broker',
  actorId: 'broker-0001',
  keyId: 'k4Tz91xQ',
  sourceIp: '203.0.113.57',
  userAgent: 'prime-desk/4.11 (linux; x64) undici',
  requestId: REQUEST_ID,
  idempotencyKey: null,
}

const BROKER: Broker = {
  clientId: 'broker-0001',
  name: null,
  terms: PLAIN_INPUTS.terms,
  pricingModel: 'standard-v1',
  tier: 'standard',
  requestsPerMinute: null,
  active: true,
  version: 7,
}

const MARKET: MarketObservations = {
  ticker: TICKER,
  lenderRate: observed(asRate(decimal('0.0525')), 'seclend', 42),
  stockVolatility: observed(asIndexPoints(decimal('61.8')), 'cboe', 880),
  volatilityIndex: observed(asIndexPoints(decimal('21.35')), 'cboe', 880),
  eventRisk: observed({ factor: 7, events: [] }, 'calendar', 3_000),
  availability: observed({ shares: 250_000, atLeast: false }, 'seclend', 42),
  lastClose: observed({ close: asUsd(decimal('22.47')), priceDate: '2026-11-23' as IsoDate }, 'closes', 64_800),
  benchmarkRate: asRate(decimal('0.0364')),
  borrowStatus: 'HARD',
  floorRate: asRate(decimal('0.0001')),
  stockName: 'GAMESTOP CORP',
}

function observed<T>(value: T, provider: string, ageSeconds: number): Observation<T> {
  const asOf = new Date(NOW.getTime() - ageSeconds * 1_000)
  return { value, source: 'cached', provider, asOf, receivedAt: asOf, ageSeconds, fallbackReason: null, demo: false }
}

/** One of each kind: a value for days, shares at the last close, shares between dates under a pack with a mark. */
export async function quoteRecords(): Promise<AuditRow[]> {
  const rows: AuditRow[] = []
  const quote = (broker: Broker) =>
    quoteLocate({
      fetchPricingInputs: async () => ({
        broker,
        model: broker.pricingModel === 'desk-v1' ? DESK_V1 : STANDARD_V1,
        market: MARKET,
      }),
      keepRecord: async (record) => {
        rows.push(quoteRecordRow(record))
      },
      calendar: US_SETTLEMENT_CALENDAR,
      clock: () => NOW,
      newYorkDate: () => '2026-11-24' as IsoDate,
      newAuditId: uuidv7Maker(() => NOW),
      engineBuild: '0.1.0+9f3c2ab',
    })
  const request = { ticker: TICKER, clientId: BROKER.clientId, location: 'body' } as const
  const asked: [QuoteRequest, Broker][] = [
    [
      {
        ...request,
        position: { kind: 'value', positionValue: asUsd(decimal('100000')) },
        stay: { kind: 'days', loanDays: 30 },
      },
      BROKER,
    ],
    [
      {
        ...request,
        position: { kind: 'shares', quantity: 1_500, price: null },
        stay: { kind: 'days', loanDays: 7 },
      },
      { ...BROKER, pricingModel: 'desk-v1' },
    ],
    [
      {
        ...request,
        position: { kind: 'shares', quantity: 20_000, price: asUsd(decimal('22.5')) },
        stay: { kind: 'dates', startDate: '2026-11-20' as IsoDate, endDate: '2026-11-27' as IsoDate },
      },
      { ...BROKER, terms: { ...BROKER.terms, dayCount: 'ACT/360', conventionPack: 'us-collateral-mark' } },
    ],
  ]
  for (const [ask, broker] of asked) await quote(broker)(ask, ACTOR, ownContext(REQUEST_ID))
  return rows
}
