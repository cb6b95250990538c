// What-if: the quotes of a past range priced again under a draft rate card, beside what they were. What a desk looks at before it
// changes a model or a broker's terms: revenue, margin, and which clients would feel it.
//
// Only quotes count, each as often as it was asked. Memory grows with the number of clients and with nothing else.
import { CONVENTION_PACKS } from '../pricing/convention-packs.ts'
import { compare, type Decimal, decimal, isNegative, minus, parseDecimal, plus, ZERO } from '../pricing/decimal.ts'
import type { Terms } from '../pricing/locate-fee.ts'
import { type PriceInputs, price } from '../pricing/quote.ts'
import { asUsd, type Usd } from '../pricing/units.ts'
import type { AuditRow } from './quote-record.ts'
import { type RecordedQuote, readRecordedQuote } from './recorded-quote.ts'
import type { StreamRecords } from './replay-range.ts'
import { turns } from './turns.ts'
import type { WhatIfAsk } from './what-if-ask.ts'

/** What quotes charge together, USD, to the cent. */
export interface Revenue {
  /** What the clients would have paid: borrow cost, markup and transaction fees. */
  readonly totalFees: Usd
  /** What goes on to the lender. */
  readonly borrowCost: Usd
  readonly markup: Usd
  readonly transactionFees: Usd
  /** What stays with the broker-dealer: markup and transaction fees. */
  readonly margin: Usd
}

/** The same quotes as they were and as they would be. */
export interface Effect {
  /** Quotes that were priced both ways; only they are in the sums. */
  readonly quotes: number
  /** Of them, those whose total is another. */
  readonly changed: number
  readonly before: Revenue
  readonly after: Revenue
  /** after - before. */
  readonly delta: Revenue
}

export interface ClientEffect extends Effect {
  readonly clientId: string
}

export interface NotPriced {
  readonly reason: NotPricedReason
  readonly sentence: string
  readonly quotes: number
}

export type NotPricedReason = 'day_count_conflict' | 'unknown_version' | 'damaged'

export interface WhatIfResult extends Effect {
  /** What the sums are, and are not. */
  readonly note: string
  /** Quotes of the range: `quotes` and those that were not priced. */
  readonly quotesFound: number
  readonly notPriced: readonly NotPriced[]
  /** Clients with a quote that was priced. */
  readonly clients: number
  /** By the absolute change of their total fees, the largest first. */
  readonly mostAffected: readonly ClientEffect[]
  /** All the other clients together, so that the table adds up; null when all are named. */
  readonly others: (Effect & { readonly clients: number }) | null
}

export type WhatIfStep =
  | { readonly kind: 'progress'; readonly quotes: number; readonly at: string }
  | ({ readonly kind: 'result' } & WhatIfResult)

export type WhatIf = (ask: WhatIfAsk, signal: AbortSignal) => AsyncIterable<WhatIfStep>

export const WHAT_IF_NOTE =
  'A quote is not an executed borrow: these sums are what the quotes charge if every one of them had been taken.'

const REASONS: Readonly<Record<NotPricedReason, string>> = {
  day_count_conflict: 'the day count of the terms is not the one that their convention pack fixes',
  unknown_version: 'the record is of a version that this program does not know',
  damaged: 'the record is damaged',
}
const PAGE_SIZE = 1_000
const NOTHING_USD = decimal('0.00')

/**
 * Prices what a stream gives under the ask's draft. After each page comes a progress step, and at the end the result.
 * The iteration throws what the stream throws, and the signal's reason when it is aborted; what stands in a record stops nothing.
 */
export function whatIf(stream: StreamRecords): WhatIf {
  return async function* priced(ask, signal) {
    const { from, to, clientId } = ask
    const turnOver = turns()
    const tallies = new Map<string, Tally>()
    const notPriced = new Map<NotPricedReason, number>()
    let found = 0
    const range = { from, to, recordType: 'quote', ...(clientId !== null && { clientId }) }
    for await (const page of stream(range, PAGE_SIZE)) {
      for (const row of page) {
        if (row.record_type !== 'quote') continue
        found += 1
        const both = priceBothWays(row, ask)
        if (typeof both === 'string') notPriced.set(both, (notPriced.get(both) ?? 0) + 1)
        else tallyOf(tallies, row.client_id).add(both)
        const pause = turnOver()
        if (pause !== null) {
          await pause
          signal.throwIfAborted()
        }
      }
      signal.throwIfAborted()
      const last = page.at(-1)
      if (last !== undefined) yield { kind: 'progress', quotes: found, at: last.occurred_at }
    }
    yield { kind: 'result', ...result(found, notPriced, tallies, ask.clientsMax) }
  }
}

/** The recorded terms with the fields that the draft gives. */
function draftedTerms(recorded: Terms, draft: Partial<Terms> | null): Terms {
  return draft === null ? recorded : { ...recorded, ...draft }
}

/** One quote's three lines, USD. Their sum is the total. */
interface Bill {
  readonly borrowCost: Decimal
  readonly markup: Decimal
  readonly transactionFees: Decimal
}

interface BothWays {
  readonly before: Bill
  readonly after: Bill
}

function priceBothWays(row: AuditRow, ask: WhatIfAsk): BothWays | NotPricedReason {
  const { quote, unreadable } = readRecordedQuote(row)
  if (quote === null) return unreadable.reason === 'unknown_version' ? 'unknown_version' : 'damaged'
  const before = recordedBill(quote)
  if (before === null) return 'damaged'
  const terms = draftedTerms(quote.inputs.terms, ask.terms)
  const fixed = CONVENTION_PACKS[terms.conventionPack].dayCount
  if (fixed !== null && fixed !== terms.dayCount) return 'day_count_conflict'
  const after = draftedBill({ ...quote.inputs, terms, model: ask.model ?? quote.inputs.model })
  return after === null ? 'damaged' : { before, after }
}

/** Null when a line is no amount: the record is damaged. */
function recordedBill({ lines }: RecordedQuote): Bill | null {
  const borrowCost = amount(lines['breakdown.borrow_cost'])
  const markup = amount(lines['breakdown.markup'])
  const transactionFees = amount(lines['breakdown.transaction_fees'])
  if (borrowCost === null || markup === null || transactionFees === null) return null
  return { borrowCost, markup, transactionFees }
}

function amount(recorded: unknown): Decimal | null {
  const parsed = typeof recorded === 'string' ? parseDecimal(recorded) : null
  return parsed === null || isNegative(parsed) ? null : parsed
}

/** Null when the recorded inputs are outside their ranges: the record is damaged. */
function draftedBill(inputs: PriceInputs): Bill | null {
  try {
    const { fee } = price(inputs)
    return { borrowCost: fee.borrowCost, markup: fee.markup, transactionFees: fee.transactionFee }
  } catch {
    return null
  }
}

/** Sums of bills as they grow. */
class Sums {
  borrowCost: Decimal = NOTHING_USD
  markup: Decimal = NOTHING_USD
  transactionFees: Decimal = NOTHING_USD

  add(bill: Bill): void {
    this.borrowCost = plus(this.borrowCost, bill.borrowCost)
    this.markup = plus(this.markup, bill.markup)
    this.transactionFees = plus(this.transactionFees, bill.transactionFees)
  }
}

/** Both sums of one client, or of several. */
class Tally {
  quotes = 0
  changed = 0
  readonly before = new Sums()
  readonly after = new Sums()

  add({ before, after }: BothWays): void {
    this.quotes += 1
    if (compare(total(before), total(after)) !== 0) this.changed += 1
    this.before.add(before)
    this.after.add(after)
  }

  addAll(other: Tally): void {
    this.quotes += other.quotes
    this.changed += other.changed
    this.before.add(other.before)
    this.after.add(other.after)
  }
}

function tallyOf(tallies: Map<string, Tally>, clientId: string): Tally {
  let tally = tallies.get(clientId)
  if (tally === undefined) {
    tally = new Tally()
    tallies.set(clientId, tally)
  }
  return tally
}

function total({ borrowCost, markup, transactionFees }: Bill): Decimal {
  return plus(plus(borrowCost, markup), transactionFees)
}

function revenue(bill: Bill): Revenue {
  const { borrowCost, markup, transactionFees } = bill
  return {
    totalFees: asUsd(total(bill)),
    borrowCost: asUsd(borrowCost),
    markup: asUsd(markup),
    transactionFees: asUsd(transactionFees),
    margin: asUsd(plus(markup, transactionFees)),
  }
}

function effect({ quotes, changed, before, after }: Tally): Effect {
  const delta: Bill = {
    borrowCost: minus(after.borrowCost, before.borrowCost),
    markup: minus(after.markup, before.markup),
    transactionFees: minus(after.transactionFees, before.transactionFees),
  }
  return { quotes, changed, before: revenue(before), after: revenue(after), delta: revenue(delta) }
}

function result(
  quotesFound: number,
  notPriced: ReadonlyMap<NotPricedReason, number>,
  tallies: ReadonlyMap<string, Tally>,
  clientsMax: number,
): WhatIfResult {
  const all = new Tally()
  for (const tally of tallies.values()) all.addAll(tally)
  const clients = [...tallies]
    .map(([clientId, tally]) => ({ clientId, tally, change: absolute(minus(total(tally.after), total(tally.before))) }))
    .sort((a, b) => compare(b.change, a.change) || (a.clientId < b.clientId ? -1 : 1))
  const rest = new Tally()
  for (const { tally } of clients.slice(clientsMax)) rest.addAll(tally)
  return {
    note: WHAT_IF_NOTE,
    quotesFound,
    notPriced: [...notPriced].map(([reason, quotes]) => ({ reason, sentence: REASONS[reason], quotes })),
    clients: clients.length,
    ...effect(all),
    mostAffected: clients.slice(0, clientsMax).map(({ clientId, tally }) => ({ clientId, ...effect(tally) })),
    others: clients.length <= clientsMax ? null : { clients: clients.length - clientsMax, ...effect(rest) },
  }
}

function absolute(value: Decimal): Decimal {
  return isNegative(value) ? minus(ZERO, value) : value
}
