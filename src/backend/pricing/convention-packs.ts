// Convention packs: how each broker turns shares into the value that is charged. docs/pricing.md, "Convention packs".
// A given position value is the charged value under every pack; the pack then gives only the day count.
import type { DayCount } from './day-count.ts'
import { atLeast, Decimal, decimal, ONE, round, times } from './decimal.ts'
import { asUsd, type Usd } from './units.ts'

export type ConventionPackName = 'notional' | 'us-collateral-mark' | 'us-market-value' | 'ca-market-value'

export interface ConventionPack {
  readonly name: ConventionPackName
  /** In the words of a bill. */
  readonly description: string
  /** The day count the pack fixes; null leaves it to the broker's terms. */
  readonly dayCount: DayCount | null
  /** Shares are charged in whole lots of this many. */
  readonly lotShares: number
  /** The mark is this share of the price, rounded up to the next whole dollar and at least 1.00; null charges the price itself. */
  readonly collateralShare: Decimal | null
  /** Whose published convention it is. */
  readonly source: string
}

export const CONVENTION_PACKS: Readonly<Record<ConventionPackName, ConventionPack>> = {
  notional: {
    name: 'notional',
    description: 'position value as given, or price x shares',
    dayCount: null,
    lotShares: 1,
    collateralShare: null,
    source: 'the classic form of this engine',
  },
  'us-collateral-mark': {
    name: 'us-collateral-mark',
    description: '102 % of the price rounded up to the next whole dollar, x shares',
    dayCount: 'ACT/360',
    lotShares: 1,
    collateralShare: decimal('1.02'),
    source: 'Interactive Brokers, Webull, Ally',
  },
  'us-market-value': {
    name: 'us-market-value',
    description: 'price x shares, shares rounded up to whole lots of 100',
    dayCount: 'ACT/360',
    lotShares: 100,
    collateralShare: null,
    source: 'Alpaca',
  },
  'ca-market-value': {
    name: 'ca-market-value',
    description: 'price x shares',
    dayCount: 'ACT/365',
    lotShares: 1,
    collateralShare: null,
    source: 'Questrade',
  },
}

/** What is to be sold short: its value in USD, or shares at a price in USD a share. */
export type Position =
  | { readonly kind: 'value'; readonly positionValue: Usd }
  | { readonly kind: 'shares'; readonly quantity: number; readonly price: Usd }

export interface ChargedValue {
  /** USD, exact (a price has up to 6 decimals, so the value may too). */
  readonly value: Usd
  /** USD a share that is charged; null when the position came as a value. */
  readonly mark: Usd | null
  /** Shares that are charged; null when the position came as a value. */
  readonly chargedShares: number | null
}

/**
 * The value a pack charges for a position.
 * @returns value and mark in USD, exact; shares as charged (whole lots).
 */
export function chargedValue(name: ConventionPackName, position: Position): ChargedValue {
  if (position.kind === 'value') return { value: position.positionValue, mark: null, chargedShares: null }
  const pack = CONVENTION_PACKS[name]
  const mark = pack.collateralShare === null ? position.price : collateralMark(position.price, pack.collateralShare)
  const chargedShares = Math.ceil(position.quantity / pack.lotShares) * pack.lotShares
  return { value: asUsd(times(mark, new Decimal(chargedShares, 0))), mark, chargedShares }
}

/** 50.00 x 1.02 is exactly 51.00 and stays 51; 49.02 x 1.02 = 50.0004 becomes 51; a penny stock is marked at a dollar. */
function collateralMark(price: Usd, collateralShare: Decimal): Usd {
  const wholeDollars = round(times(price, collateralShare), { scale: 0, rounding: 'up' })
  return asUsd(round(atLeast(wholeDollars, ONE), { scale: 2, rounding: 'half-up' }))
}
