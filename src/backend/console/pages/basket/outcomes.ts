// What became of the lines: as much of each answer as the screen shows, and the sums over them. A basket of the largest size stays in
// memory as rows of figures, without its waterfalls. Sums are exact.
import type { FailedLineAnswer, ObservationSource, PricedLineAnswer } from '../../../client/index.ts'
import type { Exact, Fraction, Usd } from '../../../client/units.ts'
import { compare, type Decimal, decimal, plus, ZERO } from '../../../pricing/decimal.ts'
import { FIELDS, type Field } from './columns.ts'

/** Why a price rests on a guess. */
export interface Guess {
  /** As the contract names it: `lender_rate_fallback`. */
  readonly name: string
  readonly source: ObservationSource
  /** What was used. */
  readonly value: Exact | null
  readonly ageSeconds: number | null
}

export interface PricedOutcome {
  readonly kind: 'priced'
  readonly ticker: string
  readonly clientId: string
  readonly value: Usd
  readonly days: number
  readonly rate: Fraction
  readonly borrowCost: Usd
  readonly markup: Usd
  readonly fee: Usd
  readonly total: Usd
  /** Of the line's own inputs. */
  readonly guesses: readonly Guess[]
  /** Of inputs that all lines share. */
  readonly sharedGuesses: readonly Guess[]
  readonly isDemoData: boolean
}

export interface RefusedOutcome {
  readonly kind: 'refused'
  readonly sentence: string
  readonly code: string
  /** Lines that are refused for the same. */
  readonly reason: string
  /** What to correct. */
  readonly faults: readonly Field[]
}

export type Outcome = PricedOutcome | RefusedOutcome

/** Inputs that a name has of its own. The others are said once, for the whole basket. */
const INPUTS = {
  lender_rate_stale: { own: true, source: 'base_rate' },
  lender_rate_fallback: { own: true, source: 'base_rate' },
  last_close_stale: { own: true, source: 'price' },
  event_risk_assumed: { own: true, source: 'event_risk' },
  event_risk_stale: { own: false, source: 'event_risk' },
  event_risk_fallback: { own: false, source: 'event_risk' },
  volatility_stale: { own: false, source: 'volatility' },
  volatility_fallback: { own: false, source: 'volatility' },
} as const

const DEMO_DATA = 'demo_data'

export function pricedOutcome(answer: PricedLineAnswer): PricedOutcome {
  const { breakdown, degraded, data_sources: sources } = answer
  const guesses: Guess[] = []
  const sharedGuesses: Guess[] = []
  for (const name of degraded) {
    if (name === DEMO_DATA) continue
    const input = INPUTS[name as keyof typeof INPUTS] as (typeof INPUTS)[keyof typeof INPUTS] | undefined
    const observed = input === undefined ? undefined : sources[input.source]
    const guess: Guess = {
      name,
      source: name.endsWith('_stale') ? 'stale' : 'fallback',
      value: observed?.value ?? null,
      ageSeconds: observed?.age_seconds ?? null,
    }
    // An input that this console does not know is the line's own: it is rather said too often.
    if (input === undefined || input.own) guesses.push(guess)
    else sharedGuesses.push(guess)
  }
  return {
    kind: 'priced',
    ticker: answer.ticker,
    clientId: answer.client_id,
    value: answer.position_value,
    days: answer.loan_days,
    rate: answer.borrow_rate_used,
    borrowCost: breakdown.borrow_cost,
    markup: breakdown.markup,
    fee: breakdown.transaction_fees,
    total: answer.total_fee,
    guesses,
    sharedGuesses,
    isDemoData: degraded.includes(DEMO_DATA),
  }
}

const FIELD_OF_CODE: Readonly<Record<string, Field>> = {
  TICKER_NOT_FOUND: 'ticker',
  CLIENT_NOT_FOUND: 'client_id',
  FORBIDDEN: 'client_id',
  EXTERNAL_API_UNAVAILABLE: 'ticker',
}

export function refusedOutcome(answer: FailedLineAnswer): RefusedOutcome {
  const { error, error_code: code, validation_errors: faults = [] } = answer
  const named = FIELDS.filter((field) => faults.some((fault) => fault.field === field))
  const byCode = FIELD_OF_CODE[code]
  return {
    kind: 'refused',
    sentence: error,
    code,
    reason: reasonOf(answer),
    faults: named.length > 0 || byCode === undefined ? named : [byCode],
  }
}

/** The sentence without what is the line's alone: `Ticker not found: GMEE` is for the same as any other ticker that is not found. */
function reasonOf({ error, error_code: code, validation_errors: faults }: FailedLineAnswer): string {
  if (faults !== undefined && faults.length > 0) return faults.map(({ message }) => message).join('; ')
  if (code === 'TICKER_NOT_FOUND' || code === 'CLIENT_NOT_FOUND') return error.replace(/:.*$/, '')
  return error
}

export interface Totals {
  readonly priced: number
  readonly refused: number
  /** Lines that rest on a guess of their own. */
  readonly guesses: number
  readonly total: Exact
  readonly borrowCost: Exact
  readonly markup: Exact
  readonly fees: Exact
}

const NOTHING = decimal('0.00')

/** Sums that grow while lines come. */
export class RunningTotals {
  #priced = 0
  #refused = 0
  #guesses = 0
  #borrowCost: Decimal = NOTHING
  #markup: Decimal = NOTHING
  #fees: Decimal = NOTHING
  #total: Decimal = NOTHING

  add(outcome: Outcome): void {
    if (outcome.kind === 'refused') {
      this.#refused += 1
      return
    }
    this.#priced += 1
    if (outcome.guesses.length > 0) this.#guesses += 1
    this.#borrowCost = plus(this.#borrowCost, decimal(outcome.borrowCost))
    this.#markup = plus(this.#markup, decimal(outcome.markup))
    this.#fees = plus(this.#fees, decimal(outcome.fee))
    this.#total = plus(this.#total, decimal(outcome.total))
  }

  get(): Totals {
    return {
      priced: this.#priced,
      refused: this.#refused,
      guesses: this.#guesses,
      total: this.#total.toString(),
      borrowCost: this.#borrowCost.toString(),
      markup: this.#markup.toString(),
      fees: this.#fees.toString(),
    }
  }
}

/** Refused lines by their reason, the most frequent first. */
export function reasonsOf(outcomes: Iterable<Outcome>): readonly { readonly reason: string; readonly lines: number }[] {
  const counts = new Map<string, number>()
  for (const outcome of outcomes) {
    if (outcome.kind === 'refused') counts.set(outcome.reason, (counts.get(outcome.reason) ?? 0) + 1)
  }
  return [...counts]
    .map(([reason, lines]) => ({ reason, lines }))
    .sort((a, b) => b.lines - a.lines || (a.reason < b.reason ? -1 : 1))
}

export interface DearName {
  readonly ticker: string
  readonly total: Exact
  /** One of its lines at least rests on a guess. */
  readonly isGuess: boolean
}

/** The names that cost most, all their lines together. */
export function dearestNames(outcomes: Iterable<Outcome>, count: number): readonly DearName[] {
  const sums = new Map<string, { total: Decimal; isGuess: boolean }>()
  for (const outcome of outcomes) {
    if (outcome.kind === 'refused') continue
    const sum = sums.get(outcome.ticker) ?? { total: ZERO, isGuess: false }
    sum.total = plus(sum.total, decimal(outcome.total))
    sum.isGuess ||= outcome.guesses.length > 0
    sums.set(outcome.ticker, sum)
  }
  return [...sums]
    .sort(([a, one], [b, other]) => compare(other.total, one.total) || (a < b ? -1 : 1))
    .slice(0, count)
    .map(([ticker, { total, isGuess }]) => ({ ticker, total: total.toString(), isGuess }))
}

/** Guesses by name, with the lines that rest on them and the oldest age. */
export function guessCounts(outcomes: Iterable<Outcome>): readonly (Guess & { readonly lines: number })[] {
  const counts = new Map<string, Guess & { lines: number }>()
  for (const outcome of outcomes) {
    if (outcome.kind === 'refused') continue
    for (const guess of [...outcome.sharedGuesses, ...outcome.guesses]) {
      const before = counts.get(guess.name)
      if (before === undefined) counts.set(guess.name, { ...guess, lines: 1 })
      else {
        before.lines += 1
        if ((guess.ageSeconds ?? 0) > (before.ageSeconds ?? 0))
          counts.set(guess.name, { ...before, ageSeconds: guess.ageSeconds })
      }
    }
  }
  return [...counts.values()].sort((a, b) => b.lines - a.lines)
}
