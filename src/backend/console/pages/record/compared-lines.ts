// What two records say of the same things.
import type { AuditRecordAnswer, QuoteRecordAnswer } from '../../../client/index.ts'
import type { Fraction } from '../../../client/units.ts'
import { parseDecimal } from '../../../pricing/decimal.ts'
import { grouped, momentText, rateText, usdText } from '../../ui/formats.ts'
import { kindText, sentenceCase } from './kinds.ts'

export interface ComparedLine {
  readonly title: string
  readonly first: string
  readonly second: string
  readonly same: boolean
}

type Lines = ReadonlyMap<string, string>

/** A thing that one of the two does not have is `none` there. */
export function comparedLines(first: AuditRecordAnswer, second: AuditRecordAnswer): ComparedLine[] {
  const [left, right] = [linesOf(first), linesOf(second)]
  return [...new Set([...left.keys(), ...right.keys()])].map((title) => {
    const [one, other] = [left.get(title) ?? 'none', right.get(title) ?? 'none']
    return { title, first: one, second: other, same: one === other }
  })
}

function linesOf({ record, sequence }: AuditRecordAnswer): Lines {
  const said = record as unknown as Readonly<Record<string, unknown>>
  const lines = new Map<string, string>([
    ['Kind', kindText(record.record_type)],
    ['Audit id', String(said.audit_id)],
    ['Time', momentText(String(said.occurred_at), 'whole')],
    ['Place in the chain', sequence === null ? 'none yet' : grouped(String(sequence))],
  ])
  if (record.record_type === 'quote' && 'waterfall' in record) addQuote(lines, record as QuoteRecordAnswer)
  else {
    for (const { field, after } of (said.changed as { field: string; after: unknown }[] | undefined) ?? [])
      lines.set(sentenceCase(field), typeof after === 'string' ? after : JSON.stringify(after))
  }
  return lines
}

function addQuote(lines: Map<string, string>, quote: QuoteRecordAnswer): void {
  const { request, actor, inputs, price_inputs, result, waterfall } = quote
  lines.set('Broker', request.client_id)
  lines.set('Ticker', request.ticker)
  lines.set('Asked by', `${actor.actor_id}, ${actor.actor_type}`)
  for (const { name, value, unit, source } of inputs) {
    lines.set(sentenceCase(name), `${asValue(value, unit)}, ${source}`)
  }
  const terms = price_inputs.terms as unknown as Readonly<Record<string, unknown>>
  for (const [name, value] of Object.entries(terms)) {
    lines.set(`Terms: ${name.replaceAll('_', ' ')}`, typeof value === 'string' ? value : JSON.stringify(value))
  }
  lines.set('Pricing model', quote.pricing_model)
  lines.set('Terms version', quote.terms_version)
  for (const { step, unit, after } of waterfall) {
    if (step !== 'total') lines.set(`After ${step.replaceAll('_', ' ')}`, asValue(after, unit))
  }
  lines.set('Cost of a day', usdText(result.cost_per_day))
  lines.set('Total', usdText(result.total_fee))
  lines.set('Engine build', quote.engine_build)
}

function asValue(value: string | null, unit: string): string {
  if (value === null) return 'unknown'
  if (parseDecimal(value) === null) return value
  if (unit === 'fraction') return rateText(value as Fraction)
  return unit === 'USD' ? usdText(value) : grouped(value)
}
