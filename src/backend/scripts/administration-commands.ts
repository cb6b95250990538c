// The commands of an administrator: brokers and their terms, stocks, pricing models, and changes that wait for a second person. What is
// not said of a thing stays as it is: it is read, changed and written on the version that was read.
import { basename } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import type { BorrowStatus, TransactionFee } from '../client/answers.ts'
import type { ApprovalAnswer } from '../client/approvals.ts'
import { BorrowRateError } from '../client/borrow-rate-error.ts'
import type { BrokerAnswer, BrokerFields, Brokers, Tier } from '../client/brokers.ts'
import { parseExactJson } from '../client/exact-json.ts'
import type { PricingModel } from '../client/pricing-models.ts'
import type { MarkupTier } from '../client/record-answers.ts'
import type { StockAnswer, StockFields } from '../client/stocks.ts'
import {
  type Fraction,
  fromPercent,
  type IndexPoints,
  indexPoints,
  type PercentPoints,
  type TimesLenderRate,
  timesLenderRate,
  type Usd,
} from '../client/units.ts'
import {
  approvalsText,
  brokerChangeText,
  brokersText,
  brokerText,
  modelsText,
  modelText,
  stockChangeText,
  stocksText,
  stockText,
} from './administration-text.ts'
import {
  ADMINISTERING,
  type AskingOptions,
  amount,
  type CommandTools,
  given,
  json,
  oneOf,
  percent,
  percentRate,
  READING,
  readText,
  whole,
  wholeFromOne,
} from './command-tools.ts'
import { CommandError } from './engine-access.ts'

export function addAdministrationCommands(program: Command, tools: CommandTools): void {
  addBrokers(program, tools)
  addStocks(program, tools)
  addModels(program, tools)
  addApprovals(program, tools)
}

/** No draft of a model is anywhere near as large. */
const DRAFT_BYTES_MAX = 1_000_000

interface PageOptions extends AskingOptions {
  readonly limit?: number
  readonly skip?: number
}

function paged(command: Command): Command {
  return command
    .option('--limit <count>', 'most lines, up to 100', wholeFromOne)
    .option('--skip <count>', 'lines to leave out at the start', whole)
}

const pageOf = ({ limit, skip }: PageOptions) => ({ ...given('limit', limit), ...given('skip', skip) })

/** A change of what is not there, or the making of what is: the engine says so, and the option that was meant is named. */
async function withHint<T>(isNew: true | undefined, change: () => Promise<T>): Promise<T> {
  try {
    return await change()
  } catch (error) {
    if (!(error instanceof BorrowRateError)) throw error
    if (error.status === 404 && !isNew) throw new CommandError(`${error.message}\nTo make it, say --new.`)
    if (error.status === 412 && isNew) throw new CommandError('It is there already: to change it, leave out --new.')
    throw error
  }
}

// ---- brokers

interface BrokerOptions extends AskingOptions {
  readonly name?: string
  readonly markup?: PercentPoints
  readonly tiers?: readonly MarkupTier[] | null
  readonly flatFee?: Usd
  readonly percentageFee?: PercentPoints
  readonly dayCount?: string
  readonly pack?: string
  readonly billing?: 'term' | 'daily'
  readonly model?: string
  readonly tier?: Tier
  /** null: that of the tier. */
  readonly requests?: number | null
  readonly active?: boolean
  readonly new?: true
}

function addBrokers(program: Command, { asking, engine, print }: CommandTools): void {
  const brokers = program.command('brokers').description('brokers and their terms')

  paged(asking(brokers, 'list', 'all brokers, active or not')).action(async (options: PageOptions) => {
    const answer = await engine(options, ADMINISTERING).brokers.list(pageOf(options))
    print(options.json ? json(answer) : brokersText(answer))
  })

  asking(brokers, 'show', 'one broker with its terms')
    .argument('<client_id>')
    .action(async (clientId: string, options: AskingOptions) => {
      const broker = await engine({ ...options, broker: clientId }, ['admin', 'broker']).brokers.read(clientId)
      print(options.json ? json(broker) : brokerText(broker))
    })

  asking(brokers, 'set', 'change a broker, or make one with --new; what is not said stays as it is')
    .argument('<client_id>')
    .option('--new', 'make it; then everything but a name, tiers, billing and a limit must be said')
    .option('--name <text>', 'for people')
    .option('--markup <percent>', 'on the borrow cost, as 5%; without --tiers it takes the place of tiers', percent)
    .option('--tiers <steps>', 'markups by charged value, as 100000:5%,1000000:4%,rest:3%; or none', tiers)
    .option('--flat-fee <usd>', 'USD for each request', amount)
    .option('--percentage-fee <percent>', 'of the charged value, as 0.1%', percent)
    .option('--day-count <name>', 'ACT/360 or ACT/365')
    .option('--pack <name>', 'convention pack: how shares become the value that is charged')
    .option('--billing <way>', 'term, or daily: rounded day by day', oneOf('term', 'daily'))
    .option('--model <name>', 'pricing model')
    .option(
      '--tier <tier>',
      'standard, premium or internal: whose limit of requests holds',
      oneOf('standard', 'premium', 'internal'),
    )
    .option('--requests <count>', 'its own limit in 60 s; or tier', requests)
    .option('--active', 'it is priced for')
    .option('--no-active', 'nothing is priced for it, and its keys open nothing')
    .action(async (clientId: string, options: BrokerOptions) => {
      const { brokers: kept } = engine(options, ADMINISTERING)
      let before: BrokerAnswer | null = null
      const change = await withHint(options.new, () =>
        options.new
          ? kept.create(clientId, newBroker(options))
          : kept.update(clientId, (broker) => {
              before = broker
              return changedBroker(broker, options)
            }),
      )
      print(options.json ? json(change) : brokerChangeText(clientId, before, change))
    })
}

function changedBroker(broker: BrokerAnswer, options: BrokerOptions): BrokerFields {
  return {
    ...broker,
    ...saidOf(options),
    ...(options.markup !== undefined && options.tiers === undefined && { markup_tiers: null }),
    ...(feeOf(options) ?? {
      transaction_fee_type: broker.transaction_fee_type,
      transaction_amount: broker.transaction_amount,
    }),
  } as BrokerFields
}

function newBroker(options: BrokerOptions): BrokerFields {
  const missing = [
    options.markup === undefined && '--markup <percent>',
    feeOf(options) === undefined && '--flat-fee <usd> or --percentage-fee <percent>',
    options.dayCount === undefined && '--day-count <name>',
    options.pack === undefined && '--pack <name>',
    options.model === undefined && '--model <name>',
    options.tier === undefined && '--tier <tier>',
  ].filter((option) => option !== false)
  if (missing.length > 0) throw new CommandError(`A new broker needs ${missing.join(', ')}.`)
  return { active: true, ...saidOf(options), ...feeOf(options) } as BrokerFields
}

/** Everything but the fee. */
function saidOf(options: BrokerOptions): Partial<BrokerFields> {
  return {
    ...given('name', options.name === '' ? null : options.name),
    ...given('markup_percentage', options.markup),
    ...given('markup_tiers', options.tiers),
    ...given('day_count', options.dayCount),
    ...given('convention_pack', options.pack),
    ...given('billing', options.billing),
    ...given('pricing_model', options.model),
    ...given('tier', options.tier),
    ...given('requests_per_minute', options.requests),
    ...given('active', options.active),
  }
}

function feeOf({ flatFee, percentageFee }: BrokerOptions): TransactionFee | undefined {
  if (flatFee !== undefined && percentageFee !== undefined) {
    throw new CommandError('Say either --flat-fee <usd> or --percentage-fee <percent>.')
  }
  if (flatFee !== undefined) return { transaction_fee_type: 'FLAT', transaction_amount: flatFee }
  if (percentageFee !== undefined) return { transaction_fee_type: 'PERCENTAGE', transaction_amount: percentageFee }
  return undefined
}

/** `100000:5%,rest:3%`; null for `none`. */
function tiers(text: string): readonly MarkupTier[] | null {
  if (text === 'none') return null
  return text.split(',').map((step) => {
    const [upTo = '', markup = ''] = step.trim().split(':')
    if (markup === '') throw new InvalidArgumentError('It must be steps, as 100000:5%,1000000:4%,rest:3%.')
    return { up_to: upTo === 'rest' ? null : amount(upTo), markup_percentage: percent(markup) }
  })
}

function requests(text: string): number | null {
  return text === 'tier' ? null : wholeFromOne(text)
}

// ---- stocks

interface StockOptions extends AskingOptions {
  readonly name?: string
  readonly status?: BorrowStatus | 'none'
  readonly floor?: Fraction | null
  readonly lenderId?: string
  readonly active?: boolean
  readonly new?: true
}

function addStocks(program: Command, { asking, engine, print }: CommandTools): void {
  const stocks = program.command('stocks').description('what the desk keeps about stocks apart from the market')

  paged(asking(stocks, 'list', 'the stocks of which something is kept')).action(async (options: PageOptions) => {
    const answer = await engine(options, READING).stocks.list(pageOf(options))
    print(options.json ? json(answer) : stocksText(answer))
  })

  asking(stocks, 'show', 'what is kept of one stock')
    .argument('<ticker>', 'as GME or BRK.B')
    .action(async (ticker: string, options: AskingOptions) => {
      const stock = await engine(options, READING).stocks.read(ticker)
      print(options.json ? json(stock) : stockText(stock))
    })

  asking(stocks, 'set', 'change what is kept of a stock, or begin with --new; what is not said stays as it is')
    .argument('<ticker>', 'as GME or BRK.B')
    .option('--new', 'of a stock of which nothing is kept yet')
    .option('--name <text>', 'for people')
    .option(
      '--status <status>',
      'EASY, MEDIUM or HARD, for when the lender does not say; or none',
      oneOf('EASY', 'MEDIUM', 'HARD', 'none'),
    )
    .option('--floor <percent>', 'no borrow rate of the stock lies below it: a year, as 3%; or none', (text: string) =>
      text === 'none' ? null : percentRate(text),
    )
    .option('--lender-id <text>', "the lender's own identifier")
    .option('--active', 'it is priced')
    .option('--no-active', 'it is not priced')
    .action(async (ticker: string, options: StockOptions) => {
      const { stocks: kept } = engine(options, ADMINISTERING)
      let before: StockAnswer | null = null
      const after = await withHint(options.new, () =>
        options.new
          ? kept.create(ticker, { borrow_status: null, floor_rate: null, ...saidOfStock(options) })
          : kept.update(ticker, (stock) => {
              before = stock
              return { ...stock, ...saidOfStock(options) }
            }),
      )
      print(options.json ? json(after) : stockChangeText(before, after))
    })
}

function saidOfStock(options: StockOptions): Partial<StockFields> {
  return {
    ...given('name', options.name === '' ? null : options.name),
    ...given('borrow_status', options.status === 'none' ? null : options.status),
    ...given('floor_rate', options.floor),
    ...given('lender_id', options.lenderId === '' ? null : options.lenderId),
    ...given('active', options.active),
  }
}

// ---- pricing models

interface ModelOptions extends AskingOptions {
  readonly from?: string
  readonly file?: string
  readonly volatilityWeight?: TimesLenderRate
  readonly volatilityThreshold?: IndexPoints
  readonly eventWeight?: TimesLenderRate
  readonly maxMultiplier?: TimesLenderRate
  readonly volatilitySource?: PricingModel['volatility_source']
}

function addModels(program: Command, { asking, engine, print }: CommandTools): void {
  const models = program.command('models').description('pricing models: listed, and added; never edited')

  asking(models, 'list', 'all pricing models').action(async (options: AskingOptions) => {
    const found = await engine(options, ADMINISTERING).pricingModels.list()
    print(options.json ? json(found) : modelsText(found))
  })

  asking(models, 'add', 'add a version, under a name of its own; brokers are priced with it when their terms name it')
    .argument('<name>', 'as desk-v2')
    .option('--from <model>', 'as this one is, but for what else is said')
    .option('--file <draft>', 'as the draft in this JSON file, but for what else is said')
    .option(
      '--volatility-weight <share>',
      'what an index point above the threshold adds, of the lender rate: 1% or 0.01',
      share,
    )
    .option('--volatility-threshold <points>', 'index points that add nothing', (text: string) =>
      indexPoints(decimalOf(text)),
    )
    .option('--event-weight <share>', 'what an event risk of 10 adds, of the lender rate: 5% or 0.05', share)
    .option('--max-multiplier <times>', 'the most, in times the lender rate', (text: string) =>
      timesLenderRate(decimalOf(text)),
    )
    .option('--volatility-source <source>', 'stock-or-index, or index', oneOf('stock-or-index', 'index'))
    .action(async (name: string, options: ModelOptions) => {
      const { pricingModels } = engine(options, ADMINISTERING)
      const model = modelOf(name, await pattern(options, () => pricingModels.list()), options)
      const added = await pricingModels.add(model)
      print(options.json ? json(added) : modelText(added))
    })
}

/** What the new model is like before anything is said of it. */
async function pattern(
  { from, file }: ModelOptions,
  list: () => Promise<readonly PricingModel[]>,
): Promise<Partial<PricingModel>> {
  if (from !== undefined && file !== undefined) throw new CommandError('Say either --from <model> or --file <draft>.')
  if (file !== undefined) return readDraft(file)
  if (from === undefined) return {}
  const found = (await list()).find(({ model }) => model === from)
  if (found === undefined) throw new CommandError(`There is no pricing model ${from}: \`models list\` has them.`)
  return found
}

function readDraft(path: string): Partial<PricingModel> {
  const text = readText(path, DRAFT_BYTES_MAX, 'a draft')
  try {
    return parseExactJson(text) as Partial<PricingModel>
  } catch {
    throw new CommandError(`${basename(path)} is not JSON.`)
  }
}

function modelOf(name: string, like: Partial<PricingModel>, options: ModelOptions): PricingModel {
  const model = {
    ...like,
    model: name,
    ...given('volatility_weight', options.volatilityWeight),
    ...given('volatility_threshold', options.volatilityThreshold),
    ...given('event_weight', options.eventWeight),
    ...given('max_multiplier', options.maxMultiplier),
    ...given('volatility_source', options.volatilitySource),
  }
  const missing = PARAMETERS.filter((parameter) => model[parameter] === undefined)
  if (missing.length > 0) {
    const named = missing.map((parameter) => `--${parameter.replaceAll('_', '-')}`)
    throw new CommandError(`A model needs ${named.join(', ')}; or say --from <model>.`)
  }
  return model as PricingModel
}

const PARAMETERS = [
  'volatility_weight',
  'volatility_threshold',
  'event_weight',
  'max_multiplier',
  'volatility_source',
] as const

/** `5%`, or 0.05 as the API has it. */
function share(text: string): TimesLenderRate {
  return timesLenderRate(text.endsWith('%') ? fromPercent(percent(text)) : decimalOf(text))
}

/** The decimal of an option, as text. */
function decimalOf(text: string): string {
  return amount(text)
}

// ---- approvals

function addApprovals(program: Command, { asking, engine, print }: CommandTools): void {
  const approvals = program.command('approvals').description('changes that wait for a second person')

  paged(asking(approvals, 'list', 'what waits, and what it would change'))
    .option('--all', 'those that were decided, too')
    .action(async (options: PageOptions & { all?: true }) => {
      const { approvals: kept, brokers } = engine(options, ADMINISTERING)
      const answer = await kept.list({ ...(options.all !== true && { state: 'pending' }), ...pageOf(options) })
      print(options.json ? json(answer) : approvalsText(answer, await inForce(answer.items, brokers)))
    })

  const deciding = (name: string, description: string) =>
    asking(approvals, name, description)
      .argument('<approval id>')
      .option('--reason <text>', 'for whoever reads the record')
  deciding('approve', 'make the change; not for who asked for it').action(
    async (approvalId: string, options: AskingOptions & { reason?: string }) => {
      const decided = await engine(options, ADMINISTERING).approvals.approve(approvalId, options.reason)
      print(options.json ? json(decided) : `Approved: ${decided.kind} ${decided.subject} is changed.`)
    },
  )
  deciding('refuse', 'leave everything as it is; who asked may take the change back so').action(
    async (approvalId: string, options: AskingOptions & { reason?: string }) => {
      const decided = await engine(options, ADMINISTERING).approvals.refuse(approvalId, options.reason)
      print(options.json ? json(decided) : `Refused: ${decided.kind} ${decided.subject} stays as it is.`)
    },
  )
}

/** The brokers that waiting changes are about, as they are. */
async function inForce(items: readonly ApprovalAnswer[], brokers: Brokers): Promise<ReadonlyMap<string, BrokerAnswer>> {
  const found = new Map<string, BrokerAnswer>()
  for (const { kind, state, subject } of items) {
    if (kind !== 'broker' || state !== 'pending' || found.has(subject)) continue
    try {
      found.set(subject, await brokers.read(subject))
    } catch (error) {
      // A broker that is still to be made.
      if (!(error instanceof BorrowRateError) || error.status !== 404) throw error
    }
  }
  return found
}
