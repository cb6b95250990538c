// Rows of quotes as the engine keeps them, made from price inputs, and streams of them.

import type { AuditRow } from '../audit/quote-record.ts'
import { quoteRecordRow } from '../audit/quote-record.ts'
import type { StreamRecords } from '../audit/replay-range.ts'
import { STANDARD_V1 } from '../pricing/borrow-rate.ts'
import { decimal } from '../pricing/decimal.ts'
import { type PriceInputs, price } from '../pricing/quote.ts'
import { asIndexPoints, asPercentPoints, asRate, asUsd, type Ticker } from '../pricing/units.ts'
import { auditId } from './audit-rows.ts'

/** 100 000 USD for 30 days at a lender's rate of 5 %, which nothing adds to: 410.96 + 20.55 + 25.00 = 456.51. */
export const PLAIN_INPUTS: PriceInputs = {
  position: { kind: 'value', positionValue: asUsd(decimal('100000')) },
  stay: { loanDays: 30, accrual: null },
  lenderRate: asRate(decimal('0.05')),
  stockVolatility: null,
  volatilityIndex: asIndexPoints(decimal('0')),
  eventRiskFactor: 0,
  floorRate: asRate(decimal('0.0001')),
  model: STANDARD_V1,
  terms: {
    markupPercentage: asPercentPoints(decimal('5')),
    markupTiers: null,
    transactionFeeType: 'FLAT',
    transactionAmount: decimal('25'),
    dayCount: 'ACT/365',
    conventionPack: 'notional',
    billing: 'term',
  },
}

/** The row of a quote with these inputs, as the engine keeps it. */
export function quoteRow(
  inputs: PriceInputs,
  clientId = 'demo-classic',
  at = new Date('2026-11-24T15:04:05.123Z'),
): AuditRow {
  return quoteRecordRow({
    auditId: auditId(at),
    occurredAt: at,
    expiresAt: new Date(at.getTime() + 60_000),
    actor: {
      actorType: 'broker',
      actorId: clientId,
      keyId: 'key-1',
      sourceIp: '192.0.2.7',
      userAgent: 'curl/8',
      requestId: 'request-1',
      idempotencyKey: null,
    },
    batch: null,
    clientId,
    ticker: 'AAPL' as Ticker,
    request: { client_id: clientId, ticker: 'AAPL' },
    observations: [],
    degraded: [],
    priceInputs: inputs,
    priced: price(inputs),
    termsVersion: 1,
    engineBuild: 'test',
  })
}

/** A stream of these pages. `onPage` is told before each is given. */
export function pagesOf(
  pages: readonly (readonly AuditRow[])[],
  onPage: (page: number) => void = () => {},
): StreamRecords {
  return async function* () {
    for (const [index, page] of pages.entries()) {
      onPage(index)
      yield page
    }
  }
}

/** All that an iteration gives. */
export async function collected<T>(steps: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const step of steps) all.push(step)
  return all
}
