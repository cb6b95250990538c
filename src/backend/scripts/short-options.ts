// A short as a person types it: by value or by shares, for days or between two trade dates.
import type { QuoteRequest } from '../client/quotes.ts'
import { type Usd, usdPerShare } from '../client/units.ts'
import type { AskingOptions } from './command-tools.ts'
import { CommandError } from './engine-access.ts'

export interface ShortOptions extends AskingOptions {
  readonly value?: Usd
  readonly days?: number
  readonly shares?: number
  readonly price?: Usd
  readonly start?: string
  readonly end?: string
}

/** @throws CommandError when it is not one way of saying how much, and one of saying how long */
export function shortOf(ticker: string, options: ShortOptions): Omit<QuoteRequest, 'clientId'> {
  if ((options.value === undefined) === (options.shares === undefined)) {
    throw new CommandError('Say either --value <usd> or --shares <count>.')
  }
  const byDates = options.start !== undefined && options.end !== undefined
  if (byDates === (options.days !== undefined)) {
    throw new CommandError('Say either --days <count> or both --start <date> and --end <date>.')
  }
  return {
    ticker,
    ...(options.value !== undefined && { positionValue: options.value }),
    ...(options.shares !== undefined && { quantity: options.shares }),
    ...(options.price !== undefined && { price: usdPerShare(options.price) }),
    ...(options.days !== undefined && { loanDays: options.days }),
    ...(byDates && { startDate: options.start, endDate: options.end }),
  }
}
