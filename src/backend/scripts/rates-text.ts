// Rates as text: one name with its inputs, or a list for a screen. Pure: answers in, lines out.
import type { ObservationAnswer, RateAnswer } from '../client/answers.ts'
import { type Decimal, decimal, round } from '../pricing/decimal.ts'
import { age, columns, percentPoints, shares } from './formats.ts'

/** Percent with three decimals, as a list shows a rate; the exact rate is in `rateText`. */
function listed(fraction: string): string {
  return round(percentPoints(decimal(fraction)), { scale: 3, rounding: 'half-up' }).toString()
}

function exact(fraction: string): Decimal {
  return percentPoints(decimal(fraction))
}

/** A list: rate and rebate in percent a year with three decimals; a rate that rests on a guess says so. */
export function ratesText(rates: readonly RateAnswer[]): string {
  if (rates.length === 0) return 'No stock has this status.'
  const rows = rates.map((rate) => [
    rate.ticker,
    rate.borrow_status,
    listed(rate.current_rate),
    shares(rate.availability),
    rate.rebate_rate === null ? 'unknown' : listed(rate.rebate_rate).replace('-', '\u2212'),
    lenderAge(rate.data_sources.base_rate),
    rate.degraded.filter((name) => name.endsWith('_fallback')).length === 0 ? '' : '◇ guess',
  ])
  return columns(
    [
      { heading: 'Ticker', align: 'left' },
      { heading: 'Status', align: 'left' },
      { heading: '% a year', align: 'right' },
      { heading: 'Available', align: 'right' },
      { heading: 'Rebate %', align: 'right' },
      { heading: 'Lender rate is', align: 'left' },
      { heading: '', align: 'left' },
    ],
    rows,
  ).join('\n')
}

/** One name: the exact rate and every input with its source and age. */
export function rateText(rate: RateAnswer): string {
  const inputs = Object.entries(rate.data_sources).map(([name, input]) => [
    INPUT_LABELS[name] ?? name,
    input.value === null ? 'unknown' : name === 'base_rate' ? `${exact(input.value)} %` : input.value,
    input.source === 'fallback' ? 'a guess' : `${input.source}, ${input.provider}`,
    input.source === 'fallback' ? (input.fallback_reason ?? 'nothing better is known') : lenderAge(input),
  ])
  const plain = [
    { heading: 'Inputs', align: 'left' },
    { heading: '', align: 'right' },
    { heading: '', align: 'left' },
    { heading: '', align: 'left' },
  ] as const
  return [
    `${rate.ticker} ${rate.borrow_status}: ${exact(rate.current_rate)} % a year under ${rate.pricing_model}`,
    `Floor ${exact(rate.floor_rate)} %; rebate ${rate.rebate_rate === null ? 'unknown' : `${exact(rate.rebate_rate)} %`.replace('-', '\u2212')}; shares to lend: ${shares(rate.availability)}`,
    '',
    ...columns(plain, inputs),
  ].join('\n')
}

const INPUT_LABELS: Readonly<Record<string, string>> = {
  base_rate: 'Lender rate',
  volatility: 'Volatility, points',
  event_risk: 'Event risk of 10',
}

function lenderAge(input: ObservationAnswer | undefined): string {
  if (input === undefined) return 'unknown'
  if (input.source === 'fallback') return 'a guess'
  return input.age_seconds === null ? input.source : `${age(input.age_seconds)} old`
}
