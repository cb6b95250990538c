// A broker with its terms, and a pricing model, as messages between services and as a proposal waits in the database.
import type { PricingModel } from '../pricing/borrow-rate.ts'
import { CONVENTION_PACKS, type ConventionPackName } from '../pricing/convention-packs.ts'
import { DAY_COUNTS, type DayCount } from '../pricing/day-count.ts'
import type { Decimal } from '../pricing/decimal.ts'
import type { Terms } from '../pricing/locate-fee.ts'
import type { IndexPoints, PercentPoints, Usd } from '../pricing/units.ts'
import { type Codec, decimalOf, flag, integer, list, nullable, oneOf, structure, text } from '../server/wire-codec.ts'
import type { Broker } from './broker-terms.ts'

const PACK_NAMES = Object.keys(CONVENTION_PACKS) as ConventionPackName[]

export const TERMS_FIELDS = {
  markupPercentage: decimalOf<PercentPoints>(),
  markupTiers: nullable(
    list(structure({ upTo: nullable(decimalOf<Usd>()), markupPercentage: decimalOf<PercentPoints>() })),
  ),
  transactionFeeType: oneOf('FLAT', 'PERCENTAGE'),
  transactionAmount: decimalOf<Decimal>(),
  dayCount: oneOf<DayCount>(...DAY_COUNTS),
  conventionPack: oneOf<ConventionPackName>(...PACK_NAMES),
  billing: oneOf('term', 'daily'),
}

export const TERMS: Codec<Terms> = structure(TERMS_FIELDS)

/** What is said of a broker besides its id and version. */
export const BROKER_FIELDS = {
  name: nullable(text()),
  terms: TERMS,
  pricingModel: text(),
  tier: oneOf('standard', 'premium', 'internal'),
  requestsPerMinute: nullable(integer),
  active: flag,
}

export const BROKER: Codec<Broker> = structure({ clientId: text(), ...BROKER_FIELDS, version: integer })

export const MODEL: Codec<PricingModel> = structure({
  model: text(),
  volatilityWeight: decimalOf<Decimal>(),
  volatilityThreshold: decimalOf<IndexPoints>(),
  eventWeight: decimalOf<Decimal>(),
  maxMultiplier: decimalOf<Decimal>(),
  volatilitySource: oneOf('stock-or-index', 'index'),
})
