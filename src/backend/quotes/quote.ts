// The use case: a broker asks what a short costs. Inputs are fetched whole, in one call; then everything is computed; then the
// record is kept; then the answer leaves. If the record cannot be kept, no price leaves.
import type { Actor, QuoteRecord, RecordedInput, RecordedRequest } from '../audit/quote-record.ts'
import { type EventWindow, eventWindow } from '../market-data/event-risk.ts'
import type { MarketObservations } from '../market-data/market-data.ts'
import type { Observation } from '../market-data/observation.ts'
import type { PricingModel } from '../pricing/borrow-rate.ts'
import type { Position } from '../pricing/convention-packs.ts'
import { compare, decimal, times } from '../pricing/decimal.ts'
import { dateOfDay, dayNumber } from '../pricing/iso-date.ts'
import { type PricedQuote, type PriceInputs, price, type Stay } from '../pricing/quote.ts'
import { accrual, CalendarError, type SettlementCalendar } from '../pricing/settlement-calendar.ts'
import { asUsd, type IsoDate, type Ticker, type Usd } from '../pricing/units.ts'
import type { Broker } from '../reference-data/broker-terms.ts'
import type { CallContext } from '../server/call-context.ts'
import { invalidParameters, Problem, type ValidationError } from '../server/problem.ts'
import { QUOTE_REQUEST_SHAPE } from './wire.ts'

/** A request past its schema: exactly one of value and quantity, exactly one of days and dates. */
export interface QuoteRequest {
  readonly ticker: Ticker
  readonly clientId: string
  readonly position:
    | { readonly kind: 'value'; readonly positionValue: Usd }
    | { readonly kind: 'shares'; readonly quantity: number; readonly price: Usd | null }
  readonly stay:
    | { readonly kind: 'days'; readonly loanDays: number }
    | { readonly kind: 'dates'; readonly startDate: IsoDate; readonly endDate: IsoDate }
  /** Where the fields stood, for the words of a refusal. */
  readonly location: 'body' | 'query'
}

/** Everything that is looked up for a price. */
export interface PricingInputs {
  readonly broker: Broker
  readonly model: PricingModel
  readonly market: MarketObservations
}

/** One call fetches everything; what is at hand comes without a promise. A Problem for a ticker, or a broker, that is not known. */
export type FetchPricingInputs = (ask: {
  readonly ticker: Ticker
  readonly clientId: string
  readonly eventWindow: EventWindow
  /** What is kept of the name may be so old; null: as copies and feeds have it. */
  readonly maxAgeSeconds: number | null
  readonly context: CallContext
}) => PricingInputs | Promise<PricingInputs>

/** Resolves when the record is durable; rejects with AUDIT_UNAVAILABLE otherwise. */
export type KeepRecord = (record: QuoteRecord, context: CallContext) => Promise<void>

/** A price with all that an answer says about it. */
export interface LocateQuote {
  readonly auditId: string
  readonly quotedAt: Date
  readonly expiresAt: Date
  readonly request: QuoteRequest
  readonly inputs: PricingInputs
  readonly priceInputs: PriceInputs
  readonly priced: PricedQuote
  /** The observed close that stood in for a price that was not given; null when none was needed. */
  readonly closeUsed: MarketObservations['lastClose']
  readonly degraded: readonly string[]
}

export type QuoteLocate = (request: QuoteRequest, actor: Actor, context: CallContext) => Promise<LocateQuote>

/** A quote may be relied on as indication for this long. */
export const QUOTE_VALID_SECONDS = 60
/** The largest position, USD. */
const POSITION_VALUE_MAX = decimal('1000000000')

/** A request with everything that its price is made of. */
export type PreparedQuote = Pick<LocateQuote, 'inputs' | 'priceInputs' | 'closeUsed'>

/** What is needed to look up a price's inputs. */
export interface QuoteLookUps {
  readonly fetchPricingInputs: FetchPricingInputs
  readonly calendar: SettlementCalendar
  readonly clock: () => Date
  readonly newYorkDate: (instant: Date) => IsoDate
}

/**
 * The function that looks up what a request's price is made of, and makes no price.
 * It rejects with a Problem: INVALID_PARAMETER (dates the calendar refuses, no price known, position too large),
 * TICKER_NOT_FOUND, CLIENT_NOT_FOUND, EXTERNAL_API_UNAVAILABLE.
 */
export function prepareQuote({ fetchPricingInputs, calendar, clock, newYorkDate }: QuoteLookUps) {
  const windows = windowsOfToday()
  return async (request: QuoteRequest, context: CallContext): Promise<PreparedQuote> => {
    const stay = resolveStay(request, calendar)
    const today = newYorkDate(clock())
    const window = stay.accrual === null ? windows(today, stay.loanDays) : eventWindow(today, stay.accrual.coverSettles)
    const inputs = await fetchPricingInputs({
      ticker: request.ticker,
      clientId: request.clientId,
      eventWindow: window,
      maxAgeSeconds: null,
      context,
    })
    const { position, closeUsed } = resolvePosition(request, inputs.market)
    return { inputs, priceInputs: priceInputsOf(position, stay, inputs), closeUsed }
  }
}

/**
 * The function that quotes. Its dependencies are arguments; `newAuditId` makes time-ordered UUIDs.
 * The returned function rejects with a Problem: those of {@link prepareQuote}, CALCULATION_ERROR, and AUDIT_UNAVAILABLE.
 */
export function quoteLocate(
  dependencies: QuoteLookUps & {
    readonly keepRecord: KeepRecord
    readonly newAuditId: () => string
    readonly engineBuild: string
  },
): QuoteLocate {
  const { keepRecord, clock, newAuditId, engineBuild } = dependencies
  const prepare = prepareQuote(dependencies)
  return async (request, actor, context) => {
    const { inputs, priceInputs, closeUsed } = await prepare(request, context)
    const quotedAt = clock()
    const priced = computed(priceInputs)
    const quote: LocateQuote = {
      auditId: newAuditId(),
      quotedAt,
      expiresAt: new Date(quotedAt.getTime() + QUOTE_VALID_SECONDS * 1000),
      request,
      inputs,
      priceInputs,
      priced,
      closeUsed,
      degraded: degradedInputs(inputs.market, priced.borrowRate.volatilityOf, closeUsed),
    }
    await keepRecord(quoteRecord(quote, actor, engineBuild), context)
    return quote
  }
}

/**
 * The price of inputs. That they make none is a bug, of the formula or of what was kept as its inputs: it is told apart from all others,
 * so that whoever hears of it knows that nothing was recorded.
 */
export function computed(inputs: PriceInputs): PricedQuote {
  try {
    return price(inputs)
  } catch (cause) {
    throw new Problem('CALCULATION_ERROR', 'The price could not be computed from its inputs', { cause })
  }
}

/** Settlement dates are looked up before pricing, so that the record holds days and not a calendar. */
function resolveStay(request: QuoteRequest, calendar: SettlementCalendar): Stay {
  if (request.stay.kind === 'days') return { loanDays: request.stay.loanDays, accrual: null }
  try {
    const accrued = accrual(request.stay.startDate, request.stay.endDate, calendar)
    return { loanDays: accrued.days, accrual: accrued }
  } catch (error) {
    if (!(error instanceof CalendarError)) throw error
    const { field } = error
    throw refusal(field, request.location, `${field} ${error.message}`)
  }
}

/** Windows of events by the days of a stay, as long as it is the same day: every quote asks. */
function windowsOfToday(): (today: IsoDate, loanDays: number) => EventWindow {
  let day: IsoDate | null = null
  const windows = new Map<number, EventWindow>()
  return (today, loanDays) => {
    if (today !== day) {
      windows.clear()
      day = today
    }
    let window = windows.get(loanDays)
    if (window === undefined) {
      window = eventWindow(today, dateOfDay(dayNumber(today) + loanDays))
      windows.set(loanDays, window)
    }
    return window
  }
}

function resolvePosition(
  request: QuoteRequest,
  market: MarketObservations,
): { position: Position; closeUsed: MarketObservations['lastClose'] } {
  const { position, location } = request
  if (position.kind === 'value') return { position, closeUsed: null }
  const closeUsed = position.price === null ? market.lastClose : null
  const sharePrice = position.price ?? closeUsed?.value.close
  if (sharePrice === undefined) {
    const message = 'price is required with quantity: no last close is known for this ticker'
    throw refusal('price', location, message)
  }
  if (compare(times(sharePrice, decimal(position.quantity)), POSITION_VALUE_MAX) > 0) {
    const message = 'quantity x price must be at most 1000000000'
    throw refusal('quantity', location, message)
  }
  return { position: { kind: 'shares', quantity: position.quantity, price: asUsd(sharePrice) }, closeUsed }
}

/** A fault that shows only after a look-up, in the same form as those of the schema. */
function refusal(field: string, location: ValidationError['location'], message: string): Problem {
  return invalidParameters([{ field, location, message }], Object.keys(QUOTE_REQUEST_SHAPE.properties))
}

function priceInputsOf(position: Position, stay: Stay, inputs: PricingInputs): PriceInputs {
  const { market, broker, model } = inputs
  return {
    position,
    stay,
    lenderRate: market.lenderRate.value,
    stockVolatility: market.stockVolatility?.value ?? null,
    volatilityIndex: market.volatilityIndex.value,
    eventRiskFactor: market.eventRisk.value.factor,
    floorRate: market.floorRate,
    model,
    terms: broker.terms,
  }
}

/**
 * Names of inputs that were not live or freshly cached: `lender_rate_stale`, `volatility_fallback`, …; `event_risk_assumed`
 * when the event that counts is of a type nobody rated; and `demo_data`.
 * Only inputs that the price used count.
 * @param volatilityOf whose volatility the pricing model took
 */
export function degradedInputs(
  market: MarketObservations,
  volatilityOf: 'stock' | 'index',
  closeUsed: MarketObservations['lastClose'],
): string[] {
  const used: [string, Observation<unknown> | null][] = [
    ['lender_rate', market.lenderRate],
    ['volatility', volatilityOf === 'stock' ? market.stockVolatility : market.volatilityIndex],
    ['event_risk', market.eventRisk],
    ['last_close', closeUsed],
  ]
  const degraded: string[] = []
  for (const [name, observation] of used) {
    if (observation === null) continue
    if (observation.source === 'stale' || observation.source === 'fallback')
      degraded.push(`${name}_${observation.source}`)
  }
  const { factor, events } = market.eventRisk.value
  if (events.some((event) => event.assumed && event.riskFactor === factor)) degraded.push('event_risk_assumed')
  if (used.some(([, observation]) => observation?.demo === true)) degraded.push('demo_data')
  return degraded
}

function quoteRecord(quote: LocateQuote, actor: Actor, engineBuild: string): QuoteRecord {
  const { request, inputs } = quote
  const { market } = inputs
  return {
    auditId: quote.auditId,
    occurredAt: quote.quotedAt,
    expiresAt: quote.expiresAt,
    actor,
    clientId: request.clientId,
    ticker: request.ticker,
    request: recordedRequest(request),
    observations: [
      recordedInput('lender_rate', 'fraction', market.lenderRate, String),
      ...(market.stockVolatility === null
        ? []
        : [recordedInput('stock_volatility', 'index points', market.stockVolatility, String)]),
      recordedInput('volatility_index', 'index points', market.volatilityIndex, String),
      recordedInput('event_risk', 'factor 0-10', market.eventRisk, (risk) => String(risk.factor)),
      ...(market.availability === null
        ? []
        : [
            recordedInput('availability', 'shares', market.availability, (available) =>
              available.shares === null ? null : `${available.atLeast ? '>' : ''}${available.shares}`,
            ),
          ]),
      ...(quote.closeUsed === null
        ? []
        : [recordedInput('last_close', 'USD', quote.closeUsed, (last) => last.close.toString())]),
    ],
    degraded: quote.degraded,
    priceInputs: quote.priceInputs,
    priced: quote.priced,
    termsVersion: inputs.broker.version,
    engineBuild,
  }
}

function recordedInput<T>(
  name: string,
  unit: string,
  observation: Observation<T>,
  text: (value: T) => string | null,
): RecordedInput {
  return {
    name,
    unit,
    value: text(observation.value),
    source: observation.source,
    provider: observation.provider,
    asOf: observation.asOf,
    receivedAt: observation.receivedAt,
    fallbackReason: observation.fallbackReason,
  }
}

function recordedRequest(request: QuoteRequest): RecordedRequest {
  const { position, stay } = request
  return {
    client_id: request.clientId,
    ticker: request.ticker,
    ...(position.kind === 'value'
      ? { position_value: position.positionValue.toString() }
      : { quantity: position.quantity, ...(position.price !== null && { price: position.price.toString() }) }),
    ...(stay.kind === 'days' ? { loan_days: stay.loanDays } : { start_date: stay.startDate, end_date: stay.endDate }),
  }
}
