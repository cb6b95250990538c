// Whether a quote's own figures hold together, worked out from the answer alone: the parts and the total, the steps, and the borrow cost from
// the rate that was used.
import { compare, type Decimal, decimal, divide, minus, plus, times } from '../../../pricing/decimal.ts'

/** The members of a quote's answer that are looked at, numbers as their exact text. */
interface Quoted {
  readonly total_fee: string
  readonly breakdown: { readonly borrow_cost: string; readonly markup: string; readonly transaction_fees: string }
  readonly borrow_rate_used: string
  readonly terms: { readonly day_count: string }
  readonly waterfall: readonly {
    readonly step: string
    readonly unit: string
    readonly before: string | null
    readonly after: string
  }[]
}

const DAYS_IN_YEAR: Readonly<Record<string, string>> = { 'ACT/365': '365', 'ACT/360': '360' }
const CENT = decimal('0.01')

/** What is wrong with a quote's figures, in sentences. */
export function priceFaults(quote: Quoted, loanDays: number): string[] {
  const { total_fee, breakdown } = quote
  const { borrow_cost, markup, transaction_fees } = breakdown
  const sum = plus(plus(decimal(borrow_cost), decimal(markup)), decimal(transaction_fees))
  const faults: string[] = []
  if (String(sum) !== total_fee) {
    faults.push(`${borrow_cost} + ${markup} + ${transaction_fees} is ${sum}, and total_fee is ${total_fee}`)
  }
  return [...faults, ...stepFaults(quote), ...costFaults(quote, loanDays)]
}

/** Each step goes on from the one before it, first the rates, then the amounts, and the last one is the total. */
function stepFaults({ waterfall, total_fee, borrow_rate_used }: Quoted): string[] {
  const faults: string[] = []
  for (const unit of ['fraction', 'USD']) {
    const steps = waterfall.filter((step) => step.unit === unit && step.step !== 'charged_value')
    for (const [at, step] of steps.entries()) {
      const previous = steps[at - 1]
      if (previous !== undefined && step.before !== previous.after) {
        faults.push(`step ${step.step} goes on from ${step.before}, and ${previous.step} ended at ${previous.after}`)
      }
    }
  }
  const last = waterfall.at(-1)
  if (last?.after !== total_fee) faults.push(`the steps end at ${last?.after}, and total_fee is ${total_fee}`)
  const rate = waterfall.findLast((step) => step.unit === 'fraction')
  if (rate?.after !== borrow_rate_used) {
    faults.push(`the rate's steps end at ${rate?.after}, and borrow_rate_used is ${borrow_rate_used}`)
  }
  return faults
}

/** The rate in the answer is rounded, so the cost that is made of it may be a cent beside. */
function costFaults({ waterfall, borrow_rate_used, breakdown, terms }: Quoted, loanDays: number): string[] {
  const value = waterfall.find((step) => step.step === 'charged_value')?.after
  const daysInYear = DAYS_IN_YEAR[terms.day_count]
  if (value === undefined) return ['there is no step charged_value']
  if (daysInYear === undefined) return [`no year is known for ${terms.day_count}`]
  const accrued = times(times(decimal(value), decimal(borrow_rate_used)), decimal(loanDays))
  const cost = divide(accrued, decimal(daysInYear), { scale: 2, rounding: 'half-up' })
  return compare(distance(cost, decimal(breakdown.borrow_cost)), CENT) > 0
    ? [
        `${value} x ${borrow_rate_used} x ${loanDays} / ${daysInYear} is ${cost}, and borrow_cost is ${breakdown.borrow_cost}`,
      ]
    : []
}

function distance(a: Decimal, b: Decimal): Decimal {
  return compare(a, b) < 0 ? minus(b, a) : minus(a, b)
}
