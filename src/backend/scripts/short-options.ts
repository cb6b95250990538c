// A short as a person types it: by value or by shares, for days or between two trade dates.
import type { Command } from 'commander'
import type { QuoteRequest } from '../client/quotes.ts'
import { type Usd, usdPerShare } from '../client/units.ts'
import { type AskingOptions, amount, wholeFromOne } from './command-tools.ts'
import { CommandError } from './engine-access.ts'

export interface ShortOptions extends AskingOptions {
  readonly value?: Usd
  readonly days?: number
  readonly shares?: number
  readonly price?: Usd
  readonly start?: string
  readonly end?: string
}

/** The options of a command that takes a short. */
export function withShort(command: Command): Command {
  return command
    .option('--value <usd>', 'position value in USD', amount)
    .option('--shares <count>', 'number of shares', wholeFromOne)
    .option('--price <usd>', 'USD a share, with --shares (else the last known close)', amount)
    .option('--days <count>', 'calendar days', wholeFromOne)
    .option('--start <date>', 'trade date of the short, YYYY-MM-DD')
    .option('--end <date>', 'trade date of the cover, YYYY-MM-DD')
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
