// One short under every convention pack: what the same position costs with each broker's way of turning shares into the value that is
// charged. Whoever asks has its own markup and fee in all of them, so that the packs are all that differs. Indicative: nothing is recorded.
import type { BorrowRate } from '../pricing/borrow-rate.ts'
import { CONVENTION_PACKS, type ConventionPack } from '../pricing/convention-packs.ts'
import type { Terms } from '../pricing/locate-fee.ts'
import type { PricedQuote } from '../pricing/quote.ts'
import type { CallContext } from '../server/call-context.ts'
import {
  computed,
  degradedInputs,
  type PreparedQuote,
  type PricingInputs,
  prepareQuote,
  type QuoteLookUps,
  type QuoteRequest,
} from './quote.ts'

/** The short under one pack. */
export interface ComparedPack {
  readonly pack: ConventionPack
  /** The terms of whoever asked, with this pack and its day count. */
  readonly terms: Terms
  readonly priced: PricedQuote
}

export interface PackComparison {
  readonly request: QuoteRequest
  readonly pricedAt: Date
  readonly inputs: PricingInputs
  readonly closeUsed: PreparedQuote['closeUsed']
  /** The same under every pack. */
  readonly borrowRate: BorrowRate
  readonly loanDays: number
  readonly compared: readonly ComparedPack[]
  readonly degraded: readonly string[]
}

export type ComparePacks = (request: QuoteRequest, context: CallContext) => Promise<PackComparison>

/** The function that compares. It rejects as `prepareQuote` does. */
export function comparePacks(lookUps: QuoteLookUps): ComparePacks {
  const prepare = prepareQuote(lookUps)
  return async (request, context) => {
    const { inputs, priceInputs, closeUsed } = await prepare(request, context)
    const compared = Object.values(CONVENTION_PACKS).map((pack): ComparedPack => {
      const terms = {
        ...priceInputs.terms,
        conventionPack: pack.name,
        dayCount: pack.dayCount ?? priceInputs.terms.dayCount,
      }
      return { pack, terms, priced: computed({ ...priceInputs, terms }) }
    })
    const { borrowRate, loanDays } = (compared[0] as ComparedPack).priced
    return {
      request,
      pricedAt: lookUps.clock(),
      inputs,
      closeUsed,
      borrowRate,
      loanDays,
      compared,
      degraded: degradedInputs(inputs.market, borrowRate.volatilityOf, closeUsed),
    }
  }
}
