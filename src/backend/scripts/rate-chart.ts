// A rate over time as a drawing of characters: steps, since a rate holds until the next one; gaps stay gaps; and where an input was not
// known the line is dotted. Pure: points in, lines out.
import type { HistoryInterval, RateHistoryAnswer, RatePointAnswer } from '../client/answers.ts'
import { compare, type Decimal, decimal, divide, isZero, minus, round, times } from '../pricing/decimal.ts'
import { moment, percentPoints } from './formats.ts'

const HEIGHT = 8
/** Columns of the drawing itself: with its axis it fits into 80. */
const WIDTH = 66

/** @param history of at least one point, or the sentence that there is none */
export function historyText(history: RateHistoryAnswer): string {
  const { ticker, pricing_model, interval, points } = history
  const [first, last] = [points[0], points.at(-1)]
  if (first === undefined || last === undefined) return `Nothing is known of ${ticker} in this time.`
  const rates = points.map((point) => percentPoints(decimal(point.borrow_rate)))
  const lowest = extreme(points, rates, -1)
  const highest = extreme(points, rates, 1)
  const guessed = points.filter(isGuess).length
  return [
    `${ticker}, % a year under ${pricing_model}, every ${INTERVALS[interval].words}`,
    '',
    ...drawing(history, rates, lowest.rate, highest.rate),
    '',
    `Last ${rates.at(-1)} %, ${moment(last.time)}.`,
    `Lowest ${lowest.rate} %, ${moment(lowest.time)}; highest ${highest.rate} %, ${moment(highest.time)}.`,
    ...(guessed === 0
      ? []
      : [`Dotted: something stood in for an input that was not known (${guessed} of ${points.length}).`]),
  ].join('\n')
}

const MINUTE_MS = 60_000
const INTERVALS: Readonly<Record<HistoryInterval, { readonly words: string; readonly ms: number }>> = {
  '1m': { words: 'minute', ms: MINUTE_MS },
  '5m': { words: '5 minutes', ms: 5 * MINUTE_MS },
  '15m': { words: '15 minutes', ms: 15 * MINUTE_MS },
  '1h': { words: 'hour', ms: 60 * MINUTE_MS },
  '1d': { words: 'day', ms: 1440 * MINUTE_MS },
}

/** What stands in for an input is a guess, though the rate is what the engine went by. */
function isGuess(point: RatePointAnswer): boolean {
  return point.lender_rate === null || point.volatility_index === null || point.event_risk_factor === null
}

function extreme(points: readonly RatePointAnswer[], rates: readonly Decimal[], sign: -1 | 1) {
  let at = 0
  for (const [place, rate] of rates.entries()) {
    if (compare(rate, rates[at] as Decimal) === sign) at = place
  }
  return { rate: rates[at] as Decimal, time: (points[at] as RatePointAnswer).time }
}

interface Column {
  /** Rows above the bottom. */
  readonly row: number
  readonly guess: boolean
}

/** Columns stand for equal times, each for the last point in it: a time without a point is a gap. */
function drawing(
  { points, interval }: RateHistoryAnswer,
  rates: readonly Decimal[],
  lowest: Decimal,
  highest: Decimal,
): string[] {
  const moments = points.map(({ time }) => Date.parse(time))
  const [begin, end] = [moments[0] as number, moments.at(-1) as number]
  const width = Math.min(WIDTH, Math.ceil((end - begin) / INTERVALS[interval].ms) + 1)
  const columns: (Column | null)[] = Array(width).fill(null)
  for (const [place, moment] of moments.entries()) {
    const at = end === begin ? 0 : Math.round(((moment - begin) / (end - begin)) * (width - 1))
    columns[at] = {
      row: rowOf(rates[place] as Decimal, lowest, highest),
      guess: isGuess(points[place] as RatePointAnswer),
    }
  }
  const rows = Array.from({ length: HEIGHT }, () => Array<string>(width).fill(' '))
  const put = (row: number, at: number, character: string) => {
    const line = rows[HEIGHT - 1 - row]
    if (line !== undefined) line[at] = character
  }
  let before: Column | null = null
  for (const [at, column] of columns.entries()) {
    if (column !== null) {
      const flat = column.guess ? '┈' : '─'
      if (before === null || before.row === column.row) put(column.row, at, flat)
      else {
        const rises = column.row > before.row
        put(before.row, at, rises ? '┘' : '┐')
        put(column.row, at, rises ? '┌' : '└')
        for (let row = Math.min(before.row, column.row) + 1; row < Math.max(before.row, column.row); row += 1)
          put(row, at, '│')
      }
    }
    before = column
  }
  return [...withScale(rows, lowest, highest), timeAxis(points, width)]
}

/** A rate that does not move lies in the middle. */
function rowOf(rate: Decimal, lowest: Decimal, highest: Decimal): number {
  const span = minus(highest, lowest)
  if (isZero(span)) return HEIGHT >> 1
  const part = times(minus(rate, lowest), decimal(HEIGHT - 1))
  return Number(divide(part, span, { scale: 0, rounding: 'half-up' }).toString())
}

/** Three decimals, as lists have them. */
const label = (rate: Decimal) => round(rate, { scale: 3, rounding: 'half-up' }).toString()

function withScale(rows: readonly string[][], lowest: Decimal, highest: Decimal): string[] {
  const still = isZero(minus(highest, lowest))
  const labels = rows.map((_, place) => {
    if (still) return place === HEIGHT - 1 - (HEIGHT >> 1) ? label(lowest) : ''
    return place === 0 ? label(highest) : place === HEIGHT - 1 ? label(lowest) : ''
  })
  const width = Math.max(...labels.map((text) => text.length))
  return rows.map((row, place) => {
    const text = labels[place] ?? ''
    return `${text.padStart(width)} ${text === '' ? '│' : '┤'}${row.join('')}`.trimEnd()
  })
}

/** When the drawing begins and ends. */
function timeAxis(points: readonly RatePointAnswer[], width: number): string {
  const [begin = '', end = ''] = [points[0], points.at(-1)].map((point) =>
    moment(point?.time ?? '').replace(/:[0-9]{2} UTC$/, ''),
  )
  if (points.length === 1) return begin
  return `${begin}${' '.repeat(Math.max(2, width + 8 - begin.length - end.length))}${end} UTC`
}
