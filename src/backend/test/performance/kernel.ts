// What pricing costs on the processor: the rate and the three lines, and a whole price() with its waterfall, each beside the same
// computation with decimal.js at precision 50. Both start from numbers that are already read and end in printed text. Then what each
// leaves for the collector, and what the record of a quote is made of: its inputs written, a decimal read, a decimal printed.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { borrowRate, DEFAULT_FLOOR_RATE, STANDARD_V1 } from '../../pricing/borrow-rate.ts'
import { Decimal, decimal, parseDecimal } from '../../pricing/decimal.ts'
import { locateFee, type Terms } from '../../pricing/locate-fee.ts'
import { type PriceInputsText, writePriceInputs } from '../../pricing/price-inputs.ts'
import { type PriceInputs, price } from '../../pricing/quote.ts'
import { asIndexPoints, asPercentPoints, asRate, asUsd, type Usd } from '../../pricing/units.ts'
import { type DecimalJsInputs, decimalJsPricing } from '../decimal-js-price.ts'
import { randomFrom } from '../random.ts'
import { type Figure, figure, interleaved, printed } from './rounds.ts'
import { atMost } from './targets.ts'

const REQUESTS = 1_000
const ROUNDS = 11
/** How long one contender runs in a round. */
const SLICE_MS = 250
const BASELINE_PRECISION = 50

const baseline = decimalJsPricing(BASELINE_PRECISION)

export async function kernel(): Promise<object> {
  const requests = typicalRequests()
  const read = requests.map((inputs) => baseline.read(writePriceInputs(inputs)))
  verifyEqual(requests, read)

  const decimals = requests.flatMap(({ position, lenderRate, volatilityIndex }) => [
    (position as { positionValue: Usd }).positionValue,
    lenderRate,
    volatilityIndex,
  ])
  const texts = decimals.map(String)

  const ns = await interleaved(ROUNDS, {
    rate_and_lines: () => nsPerItem(requests, rateAndLines),
    decimal_js_rate_and_lines: () => nsPerItem(read, decimalJsLines),
    price_with_waterfall: () => nsPerItem(requests, wholePrice),
    decimal_js_with_waterfall: () => nsPerItem(read, decimalJsWhole),
    inputs_written: () => nsPerItem(requests, writtenInputs),
    decimal_read: () => nsPerItem(texts, decimalRead),
    decimal_printed: () => nsPerItem(decimals, decimalPrinted),
  })
  const allocated = {
    rate_and_lines: bytesPerItem(requests, rateAndLines),
    decimal_js_rate_and_lines: bytesPerItem(read, decimalJsLines),
    price_with_waterfall: bytesPerItem(requests, wholePrice),
    decimal_js_with_waterfall: bytesPerItem(read, decimalJsWhole),
    inputs_written: bytesPerItem(requests, writtenInputs),
    decimal_read: bytesPerItem(texts, decimalRead),
    decimal_printed: bytesPerItem(decimals, decimalPrinted),
  }
  const ratios = {
    rate_and_lines: ns.decimal_js_rate_and_lines.median / ns.rate_and_lines.median,
    price_with_waterfall: ns.decimal_js_with_waterfall.median / ns.price_with_waterfall.median,
  }
  report(ns, allocated, ratios)
  const targets = [
    atMost('kernel, the rate and three lines', 1, ns.rate_and_lines.median / 1_000, 'us'),
    atMost('price() with its waterfall', 4, ns.price_with_waterfall.median / 1_000, 'us'),
  ]
  return {
    unit: 'ns',
    requests: REQUESTS,
    baseline_precision: BASELINE_PRECISION,
    ns,
    bytes_allocated: allocated,
    times_faster: ratios,
    targets,
  }
}

/** Rate and lines as printed text, as {@link decimalJsLines} makes them. */
function rateAndLines(inputs: PriceInputs): number {
  const { rate } = borrowRate(inputs.lenderRate, inputs, inputs.floorRate, inputs.model)
  const value = (inputs.position as { positionValue: Usd }).positionValue
  const fee = locateFee(value, rate, inputs.stay.loanDays, inputs.terms)
  return (
    rate.toString().length +
    fee.borrowCost.toString().length +
    fee.markup.toString().length +
    fee.transactionFee.toString().length +
    fee.totalFee.toString().length
  )
}

function decimalJsLines(inputs: DecimalJsInputs): number {
  const { rate, borrowCost, markup, transactionFee, totalFee } = baseline.price(inputs)
  return rate.length + borrowCost.length + markup.length + transactionFee.length + totalFee.length
}

/** The whole price; its waterfall's numbers as text too. The engine also words each step; the baseline works out its rate twice. */
function wholePrice(inputs: PriceInputs): number {
  const { borrowRate: rate, fee, waterfall } = price(inputs)
  let length =
    rate.rate.toString().length +
    fee.borrowCost.toString().length +
    fee.markup.toString().length +
    fee.transactionFee.toString().length +
    fee.totalFee.toString().length
  for (const step of waterfall) {
    length += step.before.toString().length + step.after.toString().length + step.delta.toString().length
    if (step.deltaBp !== null) length += step.deltaBp.toString().length
  }
  return length
}

function decimalJsWhole(inputs: DecimalJsInputs): number {
  const bill = baseline.price(inputs)
  let length =
    bill.rate.length + bill.borrowCost.length + bill.markup.length + bill.transactionFee.length + bill.totalFee.length
  for (const [before, after, delta, deltaBp] of baseline.waterfall(inputs, bill)) {
    length += before.length + after.length + delta.length + (deltaBp?.length ?? 0)
  }
  return length
}

/** The last inputs that were written: kept, so that the compiler has to make the whole of them. */
let written: PriceInputsText | null = null

/** The inputs as they go on the record. */
function writtenInputs(inputs: PriceInputs): number {
  written = writePriceInputs(inputs)
  return written.lender_rate.length
}

function decimalRead(text: string): number {
  return (parseDecimal(text) as Decimal).scale
}

/** Printed as one that was not printed before: a decimal keeps its text. */
function decimalPrinted({ count, scale }: Decimal): number {
  return new Decimal(count, scale).toString().length
}

/** The same text from both, or there is nothing to race. */
function verifyEqual(requests: readonly PriceInputs[], read: readonly DecimalJsInputs[]): void {
  requests.forEach((inputs, index) => {
    const { borrowRate: rate, fee } = price(inputs)
    const ours = [rate.rate, fee.borrowCost, fee.markup, fee.transactionFee, fee.totalFee].map(String).join(' ')
    const theirs = Object.values(baseline.price(read[index]!)).join(' ')
    const lengths = wholePrice(inputs) === decimalJsWhole(read[index]!)
    if (ours !== theirs || !lengths) throw new Error(`request ${index}: ${ours} is not ${theirs}`)
  })
}

/** Kept, so that no compiler may drop the work. */
let sink = 0

function nsPerItem<T>(items: readonly T[], run: (item: T) => number): number {
  let count = 0
  const start = process.hrtime.bigint()
  const end = start + BigInt(SLICE_MS) * 1_000_000n
  let now = start
  while (now < end) {
    for (const item of items) sink += run(item)
    count += items.length
    now = process.hrtime.bigint()
  }
  return Number(now - start) / count
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** So few items that the collector, which has just run, does not run again between them. */
const ITEMS_OF_ONE_MEASUREMENT = 200
const MEASUREMENTS = 21

/** What the heap grew by while items were made, bytes an item. */
function bytesPerItem<T>(items: readonly T[], run: (item: T) => number): Figure {
  const few = items.slice(0, ITEMS_OF_ONE_MEASUREMENT)
  return figure(
    Array.from({ length: MEASUREMENTS }, () => {
      collect()
      const before = process.memoryUsage().heapUsed
      for (const item of few) sink += run(item)
      return (process.memoryUsage().heapUsed - before) / few.length
    }),
  )
}

/** Ordinary requests, always the same ones: up to a million dollars, 1 to 90 days, lender rates of 0.25 % to 60 %. */
function typicalRequests(): PriceInputs[] {
  const next = numbers(20_261_102)
  return Array.from({ length: REQUESTS }, () => ({
    position: { kind: 'value', positionValue: asUsd(new Decimal(BigInt(next(1_000_00, 1_000_000_00)), 2)) },
    stay: { loanDays: next(1, 90), accrual: null },
    lenderRate: asRate(new Decimal(BigInt(next(2_500, 600_000)), 6)),
    stockVolatility: null,
    volatilityIndex: asIndexPoints(new Decimal(BigInt(next(1_100, 4_500)), 2)),
    eventRiskFactor: next(0, 10),
    floorRate: DEFAULT_FLOOR_RATE,
    model: STANDARD_V1,
    terms: next(0, 1) === 0 ? FLAT_TERMS : PERCENTAGE_TERMS,
  }))
}

const FLAT_TERMS: Terms = {
  markupPercentage: asPercentPoints(decimal(5)),
  markupTiers: null,
  transactionFeeType: 'FLAT',
  transactionAmount: decimal('25.00'),
  dayCount: 'ACT/365',
  conventionPack: 'notional',
  billing: 'term',
}

const PERCENTAGE_TERMS: Terms = {
  ...FLAT_TERMS,
  markupPercentage: asPercentPoints(decimal('3.5')),
  transactionFeeType: 'PERCENTAGE',
  transactionAmount: decimal('0.5'),
  dayCount: 'ACT/360',
}

/** Whole numbers in a range, the same sequence for the same seed. */
function numbers(seed: number): (min: number, max: number) => number {
  const random = randomFrom(seed)
  return (min, max) => min + Math.floor(random() * (max - min + 1))
}

const LINES = {
  rate_and_lines: 'rate + three lines',
  decimal_js_rate_and_lines: `the same, decimal.js precision ${BASELINE_PRECISION}`,
  price_with_waterfall: 'price() with its waterfall',
  decimal_js_with_waterfall: 'its numbers, decimal.js',
  inputs_written: 'inputs written for the record',
  decimal_read: 'a decimal read',
  decimal_printed: 'a decimal made and printed',
}

function report(
  ns: Record<keyof typeof LINES, Figure>,
  bytes: Record<keyof typeof LINES, Figure>,
  ratios: Record<'rate_and_lines' | 'price_with_waterfall', number>,
): void {
  console.log(
    `kernel: ns an item, median (spread) of ${ROUNDS} interleaved rounds over ${REQUESTS} requests; bytes allocated`,
  )
  for (const [name, line] of Object.entries(LINES) as [keyof typeof LINES, string][]) {
    console.log(`  ${line.padEnd(36)}${printed(ns[name]).padEnd(36)}${printed(bytes[name])} B`)
  }
  console.log(`  times faster than decimal.js: ${ratios.rate_and_lines.toFixed(1)} for the rate and lines,`)
  console.log(`  ${ratios.price_with_waterfall.toFixed(1)} for the whole price, with the words of each step`)
  if (sink === 0) console.log('  nothing was priced')
}
