// Which part of a history is asked for, and how far apart its points lie.
import type { HistoryInterval } from '../../../client/index.ts'
import { type HistorySearch, RANGE_DEFAULT, type RangeName } from './search.ts'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

export const RANGE_DAYS: Readonly<Record<RangeName, number>> = { '1d': 1, '5d': 5, '1m': 31, '1y': 366 }

export const INTERVAL_MS: Readonly<Record<HistoryInterval, number>> = {
  '1m': MINUTE_MS,
  '5m': 5 * MINUTE_MS,
  '15m': 15 * MINUTE_MS,
  '1h': 60 * MINUTE_MS,
  '1d': DAY_MS,
}
export const INTERVAL_WORDS: Readonly<Record<HistoryInterval, string>> = {
  '1m': 'a point a minute',
  '5m': 'a point every 5 minutes',
  '15m': 'a point every 15 minutes',
  '1h': 'a point an hour',
  '1d': 'a point a day',
}

/** Some hundreds of points, which a screen can show, up to this length; longer ranges have a point a day. */
const INTERVALS_TO: readonly (readonly [days: number, interval: HistoryInterval])[] = [
  [0.25, '1m'],
  [1, '5m'],
  [6, '15m'],
  [45, '1h'],
]

/** Ranges that end now are asked for to the end of the last five minutes: names beside each other have the same points. */
export const NOW_STEP_MS = 5 * MINUTE_MS

export interface AskedRange {
  readonly fromMs: number
  readonly toMs: number
  readonly interval: HistoryInterval
  /** The last point moves with the stream. */
  readonly endsNow: boolean
}

export function askedRange(search: HistorySearch, nowMs: number): AskedRange {
  const now = Math.floor(nowMs / NOW_STEP_MS) * NOW_STEP_MS
  if (search.from === undefined) {
    const days = RANGE_DAYS[search.range ?? RANGE_DEFAULT]
    return { fromMs: now - days * DAY_MS, toMs: now, interval: intervalFor(days), endsNow: true }
  }
  const fromMs = Date.parse(search.from)
  const endMs = search.to === undefined ? now : Date.parse(search.to) + DAY_MS
  const toMs = Math.min(endMs, now)
  return { fromMs, toMs, interval: intervalFor((toMs - fromMs) / DAY_MS), endsNow: endMs >= now }
}

function intervalFor(days: number): HistoryInterval {
  return INTERVALS_TO.find(([daysMax]) => days <= daysMax)?.[1] ?? '1d'
}

/** In the places of own dates, when somebody begins to choose them: what is shown now. */
export function datesOf({ fromMs, toMs }: AskedRange): { readonly from: string; readonly to: string } {
  const date = (ms: number) => new Date(ms).toISOString().slice(0, 10)
  return { from: date(fromMs), to: date(toMs - 1) }
}
