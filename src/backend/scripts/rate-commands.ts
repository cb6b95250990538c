// The commands of who looks at rates: one, a list, all of them as a table, over time, and one short under every convention.
import type { Command } from 'commander'
import type { BorrowStatus, HistoryInterval } from '../client/answers.ts'
import {
  type AskingOptions,
  type CommandTools,
  given,
  json,
  oneOf,
  QUOTING,
  READING,
  refuseExisting,
  whole,
  wholeFromOne,
  writeWhole,
} from './command-tools.ts'
import { comparisonText } from './comparison-text.ts'
import { CommandError } from './engine-access.ts'
import { historyText } from './rate-chart.ts'
import { ratesText, rateText } from './rates-text.ts'
import { type ShortOptions, shortOf, withShort } from './short-options.ts'

interface RatesOptions extends AskingOptions {
  readonly status?: BorrowStatus
  readonly limit?: number
  readonly skip?: number
  readonly csv?: true
  readonly out?: string
}

interface HistoryOptions extends AskingOptions {
  readonly from?: string
  readonly to?: string
  readonly interval?: HistoryInterval
}

const LIMIT_DEFAULT = 20

export function addRateCommands(program: Command, tools: CommandTools): void {
  const { asking, engine, print } = tools

  asking(program, 'rate', 'show the borrow rate of one stock and its inputs')
    .argument('<ticker>')
    .option('--fresh', 'ask the feeds, and wait for them')
    .action(async (ticker: string, options: AskingOptions & { fresh?: true }) => {
      const useCache = options.fresh === true ? false : undefined
      const answer = await engine(options, READING).rates.current(ticker, given('useCache', useCache))
      print(options.json ? json(answer) : rateText(answer))
    })

  asking(program, 'rates', 'list the stocks of a borrow status with their rates, or all of them as a table')
    .option('--status <status>', 'EASY, MEDIUM or HARD', oneOf('EASY', 'MEDIUM', 'HARD'))
    .option('--limit <count>', `most lines, up to 100 (else ${LIMIT_DEFAULT})`, wholeFromOne)
    .option('--skip <count>', 'lines to leave out at the start', whole)
    .option('--csv', 'all of them, or all of the status, as CSV')
    .option('--out <file>', 'with --csv: write it to this file, which must not exist')
    .addHelpText('after', RATES_HELP)
    .action((options: RatesOptions) => listRates(options, tools))

  asking(program, 'history', 'draw the borrow rate of a stock over time')
    .argument('<ticker>')
    .option('--from <time>', 'a time, as 2026-03-05T14:30:00Z, or a day (UTC); else 7 days back')
    .option('--to <time>', 'a time, or to the end of a day; else now')
    .option('--interval <interval>', '1m, 5m, 15m, 1h or 1d', oneOf('1m', '5m', '15m', '1h', '1d'), '1h')
    .action(async (ticker: string, options: HistoryOptions) => {
      const { from, to, interval } = options
      const asked = { ...given('from', from), ...given('to', to), ...given('interval', interval) }
      const answer = await engine(options, READING).rates.history(ticker, asked)
      print(options.json ? json(answer) : historyText(answer))
    })

  withShort(
    asking(program, 'compare', 'one short under the convention of every market, with who charges so; on no record'),
  )
    .argument('<ticker>')
    .option('--broker <client_id>', 'whose terms count (else those of the key)')
    .action(async (ticker: string, options: ShortOptions) => {
      const request = { ...shortOf(ticker, options), ...given('clientId', options.broker) }
      const answer = await engine(options, QUOTING).quotes.compare(request)
      print(options.json ? json(answer) : comparisonText(answer))
    })
}

const RATES_HELP = `
  rates --status HARD --limit 50         a list to read
  rates --csv > rates.csv                every stock, for a spreadsheet
  rates --csv --status HARD --out hard.csv`

async function listRates(options: RatesOptions, { engine, print }: CommandTools): Promise<void> {
  const { status, limit, skip, csv, out } = options
  if (csv) {
    if (limit !== undefined || skip !== undefined)
      throw new CommandError('--csv has all of them: leave out --limit and --skip.')
    if (out !== undefined) refuseExisting(out)
    const text = engine(options, READING).rates.text('csv', given('status', status))
    if (out !== undefined) return writeWhole(out, text)
    // `print` ends a line by itself.
    let whole = ''
    for await (const piece of text) whole += piece
    return print(whole.replace(/\r?\n$/, ''))
  }
  if (out !== undefined) throw new CommandError('--out is for --csv.')
  if (status === undefined) throw new CommandError('Say --status <status>, or --csv for all of them.')
  const page = { skip: skip ?? 0, limit: limit ?? LIMIT_DEFAULT }
  const answer = await engine(options, READING).rates.byStatus(status, page)
  print(options.json ? json(answer) : ratesText(answer))
}
