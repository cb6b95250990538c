// The request of a quote, as the contract bounds it. The same schema checks the request, types it and documents it; past
// `readQuoteRequest` there is a ticker and exact decimals, not strings.
import { asUsd, type Usd } from '../pricing/units.ts'
import { NumberToken } from '../server/json-reader.ts'
import { invalidParameters, type ValidationError } from '../server/problem.ts'
import {
  clientIdField,
  collectShape,
  dateField,
  decimalField,
  integerField,
  optional,
  shape,
  tickerField,
} from '../server/shape.ts'
import type { QuoteRequest } from './quote.ts'

export const QUOTE_REQUEST_SHAPE = shape(
  {
    ticker: tickerField({ example: 'GME' }),
    position_value: optional(
      decimalField<Usd>({
        description:
          'Value of the short position; the charged value under every convention pack. Give this or quantity.',
        unit: 'USD',
        minimum: '0.01',
        maximum: '1000000000',
        decimals: 2,
        example: 100000,
      }),
    ),
    quantity: optional(
      integerField({
        description: "Shares to sell short; the broker's convention pack turns them into the charged value.",
        minimum: 1,
        maximum: 100_000_000,
        example: 500,
      }),
    ),
    price: optional(
      decimalField<Usd>({
        description: 'Price a share, with quantity; left out, the last known close is used.',
        unit: 'USD',
        above: '0',
        maximum: '1000000000',
        decimals: 6,
        example: 22.5,
      }),
    ),
    loan_days: optional(
      integerField({
        description: 'Calendar days of the stay. Give this or both dates.',
        minimum: 1,
        maximum: 365,
        example: 30,
      }),
    ),
    start_date: optional(dateField({ description: 'Trade date of the short, New York.', example: '2026-10-08' })),
    end_date: optional(dateField({ description: 'Trade date of the cover, New York.', example: '2026-10-09' })),
    client_id: clientIdField(),
  },
  {
    description: 'What is to be sold short, for how long, and for which broker.',
    examples: [{ ticker: 'GME', position_value: 50000, loan_days: 30, client_id: 'demo-classic' }],
  },
)

/** The same short, to be compared under every pack: a comparison may leave the client out. */
export const COMPARISON_SHAPE = shape(
  {
    ...QUOTE_REQUEST_SHAPE.properties,
    client_id: optional(
      clientIdField({
        description: 'Whose markup, fee and pricing model count. Left out, the broker of the credential.',
      }),
    ),
  },
  {
    description: 'What would be sold short, and for how long.',
    examples: [{ ticker: 'GME', quantity: 100, price: 22.5, loan_days: 30 }],
  },
)

/**
 * Reads what is to be compared from a body.
 * @param ownClientId of whoever names no client
 * @throws Problem as {@link readQuoteRequest}
 */
export function readComparison(source: unknown, ownClientId: string): QuoteRequest {
  const named = !isObject(source) || Object.hasOwn(source, 'client_id')
  return readQuoteRequest(named ? source : { ...source, client_id: ownClientId }, 'body')
}

/** What the strict reader makes of a JSON object, or a query of its fields. */
export function isObject(source: unknown): source is Readonly<Record<string, unknown>> {
  return typeof source === 'object' && source !== null && !Array.isArray(source) && !(source instanceof NumberToken)
}

/**
 * Reads a quote request from a body (as the strict reader made it) or from query texts.
 * @throws Problem INVALID_PARAMETER that names every fault: a bound, both or neither of value and quantity, both or neither
 *   of days and dates.
 */
export function readQuoteRequest(source: unknown, location: 'body' | 'query'): QuoteRequest {
  const faults: ValidationError[] = []
  const given = typeof source === 'object' && source !== null ? (source as Record<string, unknown>) : {}
  const parsed = collectShape(QUOTE_REQUEST_SHAPE, source, location, faults)
  const has = (name: string) => Object.hasOwn(given, name)
  const refuse = (field: string, rule: string) => faults.push({ field, location, message: `${field} ${rule}` })

  if (has('position_value') === has('quantity')) {
    refuse('position_value', has('quantity') ? 'and quantity cannot both be given' : 'or quantity is required')
  }
  if (has('price') && !has('quantity')) refuse('price', 'can only be given with quantity')
  const dates = has('start_date') || has('end_date')
  if (has('loan_days') === dates) {
    refuse('loan_days', dates ? 'and dates cannot both be given' : 'or start_date and end_date are required')
  } else if (dates && !has('start_date')) refuse('start_date', 'is required with end_date')
  else if (dates && !has('end_date')) refuse('end_date', 'is required with start_date')

  if (faults.length > 0) throw invalidParameters(faults, Object.keys(QUOTE_REQUEST_SHAPE.properties))
  return {
    ticker: parsed.ticker,
    clientId: parsed.client_id,
    position:
      parsed.position_value !== undefined
        ? { kind: 'value', positionValue: asUsd(parsed.position_value) }
        : { kind: 'shares', quantity: parsed.quantity as number, price: parsed.price ?? null },
    stay:
      parsed.loan_days !== undefined
        ? { kind: 'days', loanDays: parsed.loan_days }
        : {
            kind: 'dates',
            startDate: parsed.start_date as NonNullable<typeof parsed.start_date>,
            endDate: parsed.end_date as NonNullable<typeof parsed.end_date>,
          },
    location,
  }
}
