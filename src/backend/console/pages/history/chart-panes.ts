// What is drawn of a timeline: rates, the volatility of the first name, and its events.
import type { EventRiskAnswer, RatePointAnswer } from '../../../client/index.ts'
import type { Dash, TimeLine, TimeMark, TimePane } from '../../ui/time-chart.tsx'
import { spansOf } from '../../ui/time-chart-primitives.ts'
import { placeOf, type Series, type Timeline } from './timeline.ts'

export const LINE_STYLES = [
  { colour: 'accent', dash: 'solid' },
  { colour: 'ink', dash: 'dashed' },
  { colour: 'ink2', dash: 'dotted' },
] as const satisfies readonly { colour: TimeLine['colour']; dash: Dash }[]

export type MarketEvents = NonNullable<EventRiskAnswer['events']>

export const EVENT_RISK_MAX = 10

export function panesOf({ times, series }: Timeline, events: MarketEvents): readonly TimePane[] {
  const [first] = series
  if (first === undefined) return []
  const rates = series.map((of, line) => rateLine(of, line, series.length > 1))
  return [
    {
      title: 'Borrow rate, %',
      share: 5,
      lines: rates,
      axisText: decimalsFor(rates.flatMap(({ values }) => values)),
      min: null,
      max: null,
      marks: [],
    },
    {
      title: 'Volatility, index points',
      share: 2,
      lines: [
        {
          name: 'volatility',
          values: valuesOf(first, ({ volatility_index }) => volatility_index),
          colour: 'ink3',
          dash: 'solid',
          stepped: false,
          endLabel: null,
          guesses: guessed(first, ({ volatility_index }) => volatility_index === null),
        },
      ],
      axisText: (value) => value.toFixed(1),
      min: null,
      max: null,
      marks: [],
    },
    {
      title: `Event risk${series.length > 1 ? ` of ${first.ticker}` : ''}, 0 to ${EVENT_RISK_MAX}`,
      share: 2,
      lines: [
        {
          name: 'events',
          values: valuesOf(first, ({ event_risk_factor }) => event_risk_factor),
          colour: 'ink2',
          dash: 'solid',
          stepped: true,
          endLabel: null,
          guesses: guessed(first, ({ event_risk_factor }) => event_risk_factor === null),
        },
      ],
      axisText: (value) => value.toFixed(0),
      min: 0,
      max: EVENT_RISK_MAX,
      marks: marksOf(times, events),
    },
  ]
}

function rateLine(of: Series, line: number, isOneOfSeveral: boolean): TimeLine {
  const { colour, dash } = LINE_STYLES[line] ?? LINE_STYLES[0]
  return {
    name: of.ticker,
    values: valuesOf(of, ({ borrow_rate }) => Number(borrow_rate) * 100),
    colour,
    dash,
    stepped: true,
    endLabel: isOneOfSeveral ? of.ticker : null,
    guesses: guessed(of, ({ lender_rate }) => lender_rate === null),
  }
}

/** Pixels, not figures: a binary float is exact enough. */
function valuesOf({ points }: Series, of: (point: RatePointAnswer) => string | number | null): (number | null)[] {
  return points.map((point) => {
    const value = point === null ? null : of(point)
    return value === null ? null : Number(value)
  })
}

function guessed({ points }: Series, isGuess: (point: RatePointAnswer) => boolean) {
  return spansOf(points.map((point) => point !== null && isGuess(point)))
}

export function momentOfEvent({ date }: MarketEvents[number]): number {
  return Date.parse(date)
}

function marksOf(times: readonly number[], events: MarketEvents): TimeMark[] {
  return events.flatMap((event) => {
    const at = placeOf(times, momentOfEvent(event))
    return at === null || (times[0] ?? 0) * 1000 > momentOfEvent(event) ? [] : [{ at, words: eventWords(event) }]
  })
}

export function eventWords({ type, risk_factor }: MarketEvents[number]): string {
  return `${type.replaceAll('_', ' ')} ${risk_factor}`
}

/** As many decimals as tell the lines of an axis apart. */
export function decimalsFor(values: readonly (number | null)[]): (value: number) => string {
  const known = values.filter((value) => value !== null)
  const span = Math.max(...known) - Math.min(...known)
  const decimals = !Number.isFinite(span) || span === 0 ? 3 : Math.max(0, Math.min(5, 2 - Math.floor(Math.log10(span))))
  return (value) => value.toFixed(decimals)
}
