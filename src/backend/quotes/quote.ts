// The use case: a broker asks what a short costs. Inputs are fetched whole, in one call; then everything is computed; then the
// record is kept; then the answer leaves. If the record cannot be kept, no price leaves.
import type { Actor, PlaceInBatch, QuoteRecord, RecordedInput, RecordedRequest } from '../audit/quote-record.ts'
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

/** Everything of a price that is not looked up for it. */
type QuoteRules = Omit<QuoteLookUps, 'fetchPricingInputs'>

/**
 * The function that looks up what a request's price is made of, and makes no price.
 * It rejects with a Problem: INVALID_PARAMETER (dates the calendar refuses, no price known, position too large),
 * TICKER_NOT_FOUND, CLIENT_NOT_FOUND, EXTERNAL_API_UNAVAILABLE.
 */
export function prepareQuote({ fetchPricingInputs, ...rules }: QuoteLookUps) {
  const stayOf = stays(rules)
  return async (request: QuoteRequest, context: CallContext): Promise<PreparedQuote> => {
    const { stay, window } = stayOf(request)
    const { ticker, clientId } = request
    const found = fetchPricingInputs({ ticker, clientId, eventWindow: window, maxAgeSeconds: null, context })
    return prepared(request, stay, found instanceof Promise ? await found : found)
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
    const quote = priced(request, await prepare(request, context), newAuditId(), clock())
    await keepRecord(quoteRecord(quote, actor, null, engineBuild), context)
    return quote
  }
}

/**
 * The function that prices with inputs that are at hand, and keeps no record.
 * It throws what {@link prepareQuote} rejects with, CALCULATION_ERROR, and whatever the look-up throws.
 */
export function priceAtOnce(
  dependencies: QuoteRules & {
    readonly inputsAtHand: (request: QuoteRequest, eventWindow: EventWindow) => PricingInputs
    readonly newAuditId: () => string
  },
): (request: QuoteRequest) => LocateQuote {
  const { inputsAtHand, newAuditId, clock } = dependencies
  const stayOf = stays(dependencies)
  return (request) => {
    const { stay, window } = stayOf(request)
    return priced(request, prepared(request, stay, inputsAtHand(request, window)), newAuditId(), clock())
  }
}

function priced(request: QuoteRequest, found: PreparedQuote, auditId: string, quotedAt: Date): LocateQuote {
  const { inputs, priceInputs, closeUsed } = found
  const made = computed(priceInputs)
  return {
    auditId,
    quotedAt,
    expiresAt: new Date(quotedAt.getTime() + QUOTE_VALID_SECONDS * 1000),
    request,
    inputs,
    priceInputs,
    priced: made,
    closeUsed,
    degraded: degradedInputs(inputs.market, made.borrowRate.volatilityOf, closeUsed),
  }
}

function prepared(request: QuoteRequest, stay: Stay, inputs: PricingInputs): PreparedQuote {
  const { position, closeUsed } = resolvePosition(request, inputs.market)
  return { inputs, priceInputs: priceInputsOf(position, stay, inputs), closeUsed }
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

/** How long a request's loan stays, and the days whose events count for it. */
function stays({ calendar, clock, newYorkDate }: QuoteRules) {
  const windows = windowsOfToday()
  return (request: QuoteRequest): { stay: Stay; window: EventWindow } => {
    const stay = resolveStay(request, calendar)
    const today = newYorkDate(clock())
    const window = stay.accrual === null ? windows(today, stay.loanDays) : eventWindow(today, stay.accrual.coverSettles)
    return { stay, window }
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

/**
 * What is recorded of a quote.
 * @param batch what the quote was a line of; null: it was asked alone
 */
export function quoteRecord(
  quote: LocateQuote,
  actor: Actor,
  batch: PlaceInBatch | null,
  engineBuild: string,
): QuoteRecord {
  const { request, inputs } = quote
  return {
    auditId: quote.auditId,
    occurredAt: quote.quotedAt,
    expiresAt: quote.expiresAt,
    actor,
    batch,
    clientId: request.clientId,
    ticker: request.ticker,
    request: recordedRequest(request),
    observations: recordedInputs(inputs.market, quote.closeUsed),
    degraded: quote.degraded,
    priceInputs: quote.priceInputs,
    priced: quote.priced,
    termsVersion: inputs.broker.version,
    engineBuild,
  }
}

function recordedInputs(market: MarketObservations, closeUsed: LocateQuote['closeUsed']): RecordedInput[] {
  const { lenderRate, stockVolatility, volatilityIndex, eventRisk, availability } = market
  const inputs = [recordedInput('lender_rate', lenderRate, lenderRate.value.toString())]
  if (stockVolatility !== null) {
    inputs.push(recordedInput('stock_volatility', stockVolatility, stockVolatility.value.toString()))
  }
  inputs.push(
    recordedInput('volatility_index', volatilityIndex, volatilityIndex.value.toString()),
    recordedInput('event_risk', eventRisk, String(eventRisk.value.factor)),
  )
  if (availability !== null) {
    const { shares, atLeast } = availability.value
    inputs.push(recordedInput('availability', availability, shares === null ? null : `${atLeast ? '>' : ''}${shares}`))
  }
  if (closeUsed !== null) inputs.push(recordedInput('last_close', closeUsed, closeUsed.value.close.toString()))
  return inputs
}

function recordedInput(
  name: RecordedInput['name'],
  observation: Observation<unknown>,
  value: string | null,
): RecordedInput {
  const { source, provider, asOf, receivedAt, fallbackReason } = observation
  return { name, value, source, provider, asOf, receivedAt, fallbackReason }
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
