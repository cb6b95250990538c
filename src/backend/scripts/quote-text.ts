// A quote as text that a person can follow from the lender's rate to the total without a calculator. The same table is made
// of a fresh answer and of a record of years ago. Pure: answers in, lines out.
import type { AuditRecordAnswer, ObservationAnswer, QuoteAnswer, QuoteRecordAnswer } from '../client/answers.ts'
import { type Decimal, decimal, minus, ZERO } from '../pricing/decimal.ts'
import {
  age,
  basisPoints,
  type Column,
  change,
  columns,
  grouped,
  moment,
  oneScale,
  percentPoints,
  STEP_LABELS,
  shares,
} from './formats.ts'

/** One step as an answer or a record carries it: exact decimal text, rates as fractions. */
interface Step {
  readonly step: string
  readonly description?: string
  readonly unit: string
  readonly before: string | null
  readonly after: string
}

/** One input: what it was, whose it is and how old. A guess says why. */
interface Input {
  readonly label: string
  /** The step of the waterfall that it feeds. */
  readonly step: string
  readonly value: string
  readonly source: string
  readonly provider: string
  readonly asOf: string | null
  readonly ageSeconds: number | null
  readonly fallbackReason: string | null
}

const GLYPHS: Readonly<Record<string, string>> = { live: '●', cached: '○', stale: '◐', fallback: '◇' }

/** The answer of the engine to a quote. */
export function quoteText(quote: QuoteAnswer): string {
  const inputs = quoteInputs(quote)
  const { terms } = quote
  return [
    `${quote.ticker} for ${quote.client_id}: ${grouped(decimal(quote.total_fee))} USD`,
    '',
    ...waterfallLines(quote.waterfall, inputs),
    '',
    ...inputLines(inputs, quote.degraded),
    '',
    ...scheduleLines(quote.accrual),
    ...(quote.fee_per_share == null ? [] : [`That is ${quote.fee_per_share} USD for each share asked for.`]),
    `One day costs ${grouped(decimal(quote.cost_per_day))} USD before markup. Shares to lend: ${shares(quote.availability)}.`,
    `${terms.day_count}, pack ${terms.convention_pack}, model ${terms.pricing_model}; ${quote.quote_type} until ${moment(quote.expires_at)}.`,
    `On the record as ${quote.audit_id}.`,
  ].join('\n')
}

/** A recorded quote. Any other record is shown as the engine keeps it. */
export function recordText({ record, recorded_at }: AuditRecordAnswer): string {
  if (!isQuote(record)) return JSON.stringify(record, null, 2)
  const inputs = recordInputs(record)
  const { terms } = record.price_inputs
  return [
    `${record.request.ticker} for ${record.request.client_id}: ${grouped(decimal(record.result.total_fee))} USD`,
    `Quoted ${moment(record.occurred_at)} to ${record.actor.actor_id} (${record.actor.actor_type}, key ${record.actor.key_id})`,
    '',
    ...waterfallLines(record.waterfall, inputs),
    '',
    ...inputLines(inputs, record.degraded),
    '',
    `${terms.day_count}, pack ${terms.convention_pack}, model ${record.pricing_model}, terms version ${record.terms_version}, engine ${record.engine_build}.`,
    `Record ${record.audit_id}, kept ${moment(recorded_at)}.`,
  ].join('\n')
}

function isQuote(record: AuditRecordAnswer['record']): record is QuoteRecordAnswer {
  return record.record_type === 'quote'
}

/** Two blocks, because percent and USD share no axis: the rate, then the money. */
function waterfallLines(steps: readonly Step[], inputs: readonly Input[]): string[] {
  const guessed = new Set(inputs.filter((input) => input.source === 'fallback').map((input) => input.step))
  const rateSteps = steps.filter((step) => step.unit === 'fraction')
  const moneySteps = steps.filter((step) => step.unit === 'USD')
  const rates = block(
    rateSteps,
    'Borrow rate',
    { change: 'bp', after: '% a year', afterDecimals: 2 },
    { delta: basisPoints, after: percentPoints },
    guessed,
  )
  const money = block(
    moneySteps,
    'Locate fee',
    { change: 'USD', after: 'USD', afterDecimals: 2 },
    { delta: asIs, after: asIs },
    guessed,
  )
  return [...rates, '', ...money]
}

const asIs = (value: Decimal): Decimal => value

function block(
  steps: readonly Step[],
  title: string,
  headings: { change: string; after: string; afterDecimals: number },
  show: { delta: (value: Decimal) => Decimal; after: (value: Decimal) => Decimal },
  guessed: ReadonlySet<string>,
): string[] {
  // The lender's rate is where the rate begins, not a change of anything.
  const deltas = oneScale(
    steps.map((step) =>
      show.delta(step.step === 'lender_rate' ? ZERO : minus(decimal(step.after), decimal(step.before ?? '0'))),
    ),
    steps[0]?.unit === 'USD' ? 2 : 0,
  )
  const afters = oneScale(
    steps.map((step) => show.after(decimal(step.after))),
    headings.afterDecimals,
  )
  const rows = steps.map((step, index) => [
    STEP_LABELS[step.step] ?? step.step,
    change(deltas[index] as Decimal),
    grouped(afters[index] as Decimal),
    guessed.has(step.step) ? `${GLYPHS.fallback} guess: ${step.description ?? ''}` : (step.description ?? ''),
  ])
  return columns(
    [
      { heading: title, align: 'left' },
      { heading: headings.change, align: 'right' },
      { heading: headings.after, align: 'right' },
      { heading: '', align: 'left' },
    ],
    rows,
  )
}

function inputLines(inputs: readonly Input[], degraded: readonly string[]): string[] {
  const rows = inputs.map((input) => [
    input.label,
    input.value,
    `${GLYPHS[input.source] ?? ''} ${input.source}`.trim(),
    input.source === 'fallback' ? 'a guess' : input.provider,
    input.source === 'fallback' ? (input.fallbackReason ?? 'nothing better is known') : observedAt(input),
  ])
  const lines = columns(
    [
      { heading: 'Inputs', align: 'left' },
      { heading: '', align: 'right' },
      { heading: '', align: 'left' },
      { heading: '', align: 'left' },
      { heading: '', align: 'left' },
    ],
    rows,
  )
  return degraded.includes('demo_data')
    ? [...lines, 'These are demonstration data: real figures of an earlier day, and made-up events.']
    : lines
}

/** What each settlement day of the stay costs; the amounts add up to the borrow cost. */
function scheduleLines(accrual: QuoteAnswer['accrual']): string[] {
  if (accrual === undefined) return []
  const { short_settles, cover_settles, days, schedule } = accrual
  const stay = `The short settles ${short_settles}, the cover ${cover_settles}: ${days === 1 ? '1 day' : `${days} days`}.`
  if (schedule.length === 0) return [stay, '']
  const rows = schedule.map((day) => [day.value_date, String(day.days), grouped(decimal(day.amount))])
  const heads: Column[] = [
    { heading: 'Value date', align: 'left' },
    { heading: 'days', align: 'right' },
    { heading: 'USD', align: 'right' },
  ]
  return [...columns(heads, rows), stay, '']
}

function observedAt({ asOf, ageSeconds }: Input): string {
  if (asOf === null) return ''
  return ageSeconds === null ? moment(asOf) : `${moment(asOf)}, ${age(ageSeconds)} old`
}

function quoteInputs(quote: QuoteAnswer): Input[] {
  const known: [
    name: keyof QuoteAnswer['data_sources'],
    label: string,
    step: string,
    show: (value: string) => string,
  ][] = [
    ['base_rate', 'Lender rate', 'lender_rate', (value) => `${percentPoints(decimal(value))} %`],
    ['volatility', 'Volatility', 'volatility', (value) => `${value} points`],
    ['event_risk', 'Event risk', 'events', (value) => `${value} of 10`],
    ['price', 'Last close', 'charged_value', (value) => `${grouped(decimal(value))} USD`],
  ]
  return known.flatMap(([name, label, step, show]) => {
    const from: ObservationAnswer | undefined = quote.data_sources[name]
    if (from === undefined) return []
    return {
      label,
      step,
      value: from.value === null ? 'unknown' : show(from.value),
      source: from.source,
      provider: from.provider,
      asOf: from.as_of,
      ageSeconds: from.age_seconds,
      fallbackReason: from.fallback_reason ?? null,
    }
  })
}

function recordInputs(record: QuoteRecordAnswer): Input[] {
  const { model, stock_volatility } = record.price_inputs
  const volatilityUsed =
    model.volatility_source === 'stock-or-index' && stock_volatility !== null ? 'stock_volatility' : 'volatility_index'
  const known: Record<string, [label: string, step: string, show: (value: string) => string]> = {
    lender_rate: ['Lender rate', 'lender_rate', (value) => `${percentPoints(decimal(value))} %`],
    [volatilityUsed]: ['Volatility', 'volatility', (value) => `${value} points`],
    event_risk: ['Event risk', 'events', (value) => `${value} of 10`],
    last_close: ['Last close', 'charged_value', (value) => `${grouped(decimal(value))} USD`],
    availability: [
      'Shares to lend',
      '',
      (value) => (value.startsWith('>') ? `>${grouped(decimal(value.slice(1)))}` : grouped(decimal(value))),
    ],
  }
  return record.inputs.flatMap((input) => {
    const about = known[input.name]
    if (about === undefined) return []
    const [label, step, show] = about
    return {
      label,
      step,
      value: input.value === null ? 'unknown' : show(input.value),
      source: input.source,
      provider: input.provider,
      asOf: input.as_of,
      ageSeconds: null,
      fallbackReason: input.fallback_reason,
    }
  })
}
