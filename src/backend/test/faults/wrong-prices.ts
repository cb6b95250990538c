// The one thing that must not happen, whatever breaks: a price that is not right. Every answer is held against the record that was
// kept of it, the record against what was asked and what the database knows, and the numbers against a new computation.
import { isDeepStrictEqual } from 'node:util'
import type pg from 'pg'
import type { QuoteRecordBody } from '../../audit/quote-record.ts'
import { parseExactJson } from '../../client/exact-json.ts'
import { compare, decimal, plus, trim, ZERO } from '../../pricing/decimal.ts'
import { readPriceInputs, writePriceInputs } from '../../pricing/price-inputs.ts'
import { type PriceInputs, price } from '../../pricing/quote.ts'
import { asIndexPoints, asRate, asUsd } from '../../pricing/units.ts'
import { readTermsInForce, type TermsInForce } from '../../reference-data/terms-in-force.ts'
import type { Ask, SentQuote } from './traffic.ts'

/** An answer with every number as its exact text. */
interface Answer {
  readonly audit_id: string
  readonly ticker: string
  readonly client_id: string
  readonly total_fee: string
  readonly borrow_rate_used: string
  readonly breakdown: { readonly borrow_cost: string; readonly markup: string; readonly transaction_fees: string }
  readonly waterfall: readonly {
    readonly step: string
    readonly unit: string
    readonly before: string
    readonly after: string
    readonly delta: string
  }[]
}

/** What the database knows of the world that prices are made from. */
interface Known {
  /** Terms and model by broker, as they are recorded. */
  readonly terms: ReadonlyMap<string, object>
  /** Every rate that a lender ever had, as `GME 0.15`. */
  readonly lenderRates: ReadonlySet<string>
}

/** One sentence for each fault; none is as it should be. Also counts records: each answered id is there exactly once. */
export async function wrongPrices(database: pg.Pool, quotes: readonly SentQuote[]): Promise<string[]> {
  const priced = quotes.filter(({ status }) => status === 200)
  const answers = priced.map(({ text }) => parseExactJson(text) as Answer)
  const ids = answers.map(({ audit_id }) => audit_id)
  const { rows } = await database.query<{ audit_id: string; request_id: string; total_fee: string; record: string }>(
    'select audit_id, request_id, total_fee, record from audit_records where audit_id = any($1)',
    [ids],
  )
  const records = new Map(rows.map((row) => [row.audit_id, row]))
  const known = await whatIsKnown(database, priced)
  const faults: string[] = []
  if (new Set(ids).size !== ids.length) faults.push('an audit id was answered twice')
  if (rows.length !== records.size) faults.push('a record is there twice')
  for (const [index, answer] of answers.entries()) {
    const { ask, requestId, answeredId } = priced[index] as SentQuote
    const record = records.get(answer.audit_id)
    const found =
      record === undefined
        ? ['it is not on the record']
        : [
            ...(answeredId === requestId && record.request_id === requestId
              ? []
              : ['it is the answer to somebody else']),
            ...faultsOf(ask, answer, JSON.parse(record.record) as QuoteRecordBody, known),
          ]
    faults.push(...found.map((fault) => `${requestId} ${answer.audit_id} ${JSON.stringify(ask)}: ${fault}`))
  }
  return faults
}

/** Records of the traffic that nobody was given a price for. They cost a broker nothing, but each needs a reason. */
export async function unansweredRecords(database: pg.Pool, quotes: readonly SentQuote[]): Promise<SentQuote[]> {
  const unpriced = new Map(quotes.filter(({ status }) => status !== 200).map((quote) => [quote.requestId, quote]))
  const { rows } = await database.query<{ request_id: string }>(
    'select request_id from audit_records where request_id = any($1)',
    [[...unpriced.keys()]],
  )
  return rows.map(({ request_id }) => unpriced.get(request_id) as SentQuote)
}

function faultsOf(ask: Ask, answer: Answer, record: QuoteRecordBody, known: Known): string[] {
  const inputs = readPriceInputs(record.price_inputs)
  const { breakdown, waterfall } = answer
  const sum = plus(plus(decimal(breakdown.borrow_cost), decimal(breakdown.markup)), decimal(breakdown.transaction_fees))
  return [
    ...(String(sum) === answer.total_fee ? [] : [`the bill does not foot: ${sum} is not ${answer.total_fee}`]),
    ...waterfallFaults(waterfall, answer),
    ...differences('answer', printedAnswer(answer), printedPrice(inputs)),
    ...differences('request', ask, record.request),
    ...(answer.ticker === ask.ticker && answer.client_id === ask.client_id ? [] : ['it is about something else']),
    ...inputFaults(ask, record, known),
  ]
}

/** In each block a step starts where the one before it ended; the rate and the total are where the blocks end. */
function waterfallFaults(steps: Answer['waterfall'], answer: Answer): string[] {
  const faults: string[] = []
  for (const unit of ['fraction', 'USD']) {
    let at = '0'
    for (const { step, before, after, delta } of steps.filter(
      (of) => of.unit === unit && of.step !== 'charged_value',
    )) {
      if (!equal(before, at)) faults.push(`the step ${step} does not start where the one before it ended`)
      if (compare(plus(decimal(before), decimal(delta)), decimal(after)) !== 0)
        faults.push(`the step ${step} does not add up`)
      at = after
    }
    const end = unit === 'fraction' ? answer.borrow_rate_used : answer.total_fee
    if (!equal(at, end)) faults.push(`the waterfall ends at ${at} and not at ${end}`)
  }
  return faults
}

/** The numbers of an answer, and the same of a price that is made now from the inputs on its record. */
function printedAnswer({ total_fee, breakdown, borrow_rate_used, waterfall }: Answer): object {
  const steps = waterfall.map(({ step, before, after, delta }) => [step, before, after, delta])
  return { total_fee, breakdown, borrow_rate_used, waterfall: steps }
}

function printedPrice(inputs: PriceInputs): object {
  const { fee, borrowRate, waterfall } = price(inputs)
  const steps = waterfall.map(({ step, before, after, delta }) => [step, String(before), String(after), String(delta)])
  return {
    total_fee: String(fee.totalFee),
    breakdown: {
      borrow_cost: String(fee.borrowCost),
      markup: String(fee.markup),
      transaction_fees: String(fee.transactionFee),
    },
    borrow_rate_used: String(borrowRate.rate),
    waterfall: steps,
  }
}

/** The broker's terms are the ones in force, and a rate that is said to be a lender's once was. */
function inputFaults(ask: Ask, record: QuoteRecordBody, known: Known): string[] {
  const { terms, model } = record.price_inputs
  const rate = record.inputs.find(({ name }) => name === 'lender_rate')
  return [
    ...differences('terms', { terms, model }, known.terms.get(ask.client_id)),
    ...(rate === undefined || rate.value === null ? ['no lender rate is recorded'] : []),
    ...(rate?.source === 'fallback' || known.lenderRates.has(`${ask.ticker} ${trim(decimal(rate?.value ?? '-1'))}`)
      ? []
      : [`${rate?.value} never was a rate of ${ask.ticker}`]),
    ...(rate?.source === 'fallback' && rate.fallback_reason === null ? ['a stand-in has no reason'] : []),
    ...(equal(record.price_inputs.lender_rate, rate?.value ?? '-1') ? [] : ['the rate observed is not the rate used']),
  ]
}

async function whatIsKnown(database: pg.Pool, quotes: readonly SentQuote[]): Promise<Known> {
  const terms = new Map<string, object>()
  for (const clientId of new Set(quotes.map(({ ask }) => ask.client_id))) {
    const inForce = await readTermsInForce(database, clientId)
    if (inForce === null) throw new Error(`there is no broker ${clientId}`)
    terms.set(clientId, recordedTerms(inForce))
  }
  const { rows } = await database.query<{ ticker: string; rate: string }>(
    'select ticker, rate from lender_rate_history where rate is not null',
  )
  return { terms, lenderRates: new Set(rows.map(({ ticker, rate }) => `${ticker} ${trim(decimal(rate))}`)) }
}

/** As a record has them. What a price is made from besides does not show in it. */
function recordedTerms({ broker, model }: TermsInForce): object {
  const written = writePriceInputs({
    position: { kind: 'value', positionValue: asUsd(ZERO) },
    stay: { loanDays: 0, accrual: null },
    lenderRate: asRate(ZERO),
    stockVolatility: null,
    volatilityIndex: asIndexPoints(ZERO),
    eventRiskFactor: 0,
    floorRate: asRate(ZERO),
    model,
    terms: broker.terms,
  })
  return { terms: written.terms, model: written.model }
}

function equal(a: string, b: string): boolean {
  return compare(decimal(a), decimal(b)) === 0
}

function differences(what: string, found: unknown, expected: unknown): string[] {
  return isDeepStrictEqual(found, expected)
    ? []
    : [`the ${what} is not as it should be: ${JSON.stringify(found)} instead of ${JSON.stringify(expected)}`]
}
