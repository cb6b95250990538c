// What the address of the screen holds: what is shown of the universe, how it is ordered, and the stock that is looked at.
import type { BorrowStatus } from '../../../client/index.ts'

export const TIERS: readonly BorrowStatus[] = ['EASY', 'MEDIUM', 'HARD']

/** Columns that an order can be by. */
export const ORDERS = [
  'ticker',
  'name',
  'tier',
  'rate',
  'change',
  'available',
  'rebate',
  'lender',
  'lender-age',
  'volatility',
  'event',
] as const
export type OrderColumn = (typeof ORDERS)[number]

/** Columns that can be left out. */
export const CHOICES = [
  'name',
  'tier',
  'change',
  'days',
  'available',
  'rebate',
  'lender',
  'volatility',
  'event',
] as const
export type ChoiceColumn = (typeof CHOICES)[number]

export interface RatesSearch {
  readonly ticker?: string | undefined
  /** Of the ticker or the name. */
  readonly q?: string | undefined
  readonly tier?: BorrowStatus | undefined
  /** Only stocks whose lender rate is one. */
  readonly guess?: 'only' | undefined
  /** A column, highest first with a minus before it; left out: the watchlist, then what moved. */
  readonly sort?: `${'' | '-'}${OrderColumn}` | undefined
  /** Columns that are left out, with commas between. */
  readonly hide?: string | undefined
  /** As a person chose; left out: as there is room. */
  readonly panel?: 'open' | 'closed' | undefined
}

const TICKER = /^[A-Z]{1,5}(?:[.][A-Z]{1,2})?$/
const QUERY_LENGTH_MAX = 60

/** What is not understood is left out. */
export function ratesSearch(raw: Record<string, unknown>): RatesSearch {
  const { ticker, q, tier, guess, sort, hide, panel } = raw
  const hidden = typeof hide === 'string' ? hiddenColumns(hide).join() : ''
  const shown = TIERS.find((known) => known === tier)
  return {
    ...(typeof ticker === 'string' && TICKER.test(ticker) && { ticker }),
    ...(typeof q === 'string' && q.trim() !== '' && { q: q.slice(0, QUERY_LENGTH_MAX) }),
    ...(shown !== undefined && { tier: shown }),
    ...(guess === 'only' && { guess }),
    ...(typeof sort === 'string' && orderOf(sort) !== null && { sort: sort as NonNullable<RatesSearch['sort']> }),
    ...(hidden !== '' && { hide: hidden }),
    ...((panel === 'open' || panel === 'closed') && { panel }),
  }
}

export interface Order {
  readonly column: OrderColumn
  readonly descending: boolean
}

/** Null: by the watchlist. */
export function orderOf(sort: string | undefined): Order | null {
  const descending = sort?.startsWith('-') ?? false
  const column = ORDERS.find((known) => known === (descending ? sort?.slice(1) : sort))
  return column === undefined ? null : { column, descending }
}

export function hiddenColumns(hide: string | undefined): readonly ChoiceColumn[] {
  const words = hide?.split(',') ?? []
  return CHOICES.filter((column) => words.includes(column))
}
