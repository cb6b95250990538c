// What the fake feeds say when they are well: figures that depend on the ticker only, so that every run and every process
// gives the same, and a few tickers whose answers are always ill.
import type { FakeFeed, Mode } from './fake-feeds.ts'

/** Tickers that behave badly at every feed, whatever its mode. README.md lists them for people. */
export const MAGIC_TICKERS: ReadonlyMap<string, Mode> = new Map<string, Mode>([
  ['NOPE', { kind: '404' }],
  ['FAIL', { kind: '500' }],
  ['HANG', { kind: 'hang' }],
  ['SLOW', { kind: 'slow', milliseconds: 800 }],
  ['JUNK', { kind: 'garbage' }],
  ['QUOTA', { kind: 'quota' }],
  ['LIMIT', { kind: '429' }],
  ['FLAKY', { kind: 'intermittent', failing: 1, of: 2 }],
])

/** Every ticker that begins so is unknown to the lender, for tests that need many. */
const UNKNOWN_PREFIX = 'ZZ'

/** Names with figures a person can remember: rate, status, available. */
const LENDER: Readonly<Record<string, readonly [string, string, number]>> = {
  AAPL: ['0.0025', 'EASY', 10_000_000],
  MSFT: ['0.0025', 'EASY', 10_000_000],
  TSLA: ['0.0175', 'MEDIUM', 450_000],
  GME: ['0.15', 'HARD', 35_000],
  AMC: ['0.1925', 'HARD', 12_000],
  // Impossible on purpose: 10 100 % a year, and below zero.
  CRAZY: ['101', 'HARD', 10],
  MINUS: ['-0.01', 'HARD', 10],
}

/** The text of a good answer, or null: there is no such name. */
export function goodAnswer(
  feed: Exclude<FakeFeed, 'files'>,
  path: string,
  ticker: string | null,
  now: Date,
): string | null {
  if (feed === 'lender') return ticker === null ? null : lenderAnswer(ticker)
  if (feed === 'events') return ticker === null ? null : eventsAnswer(ticker, now)
  if (path === '/api/market/vix') return `{"value":20.50,"timestamp":"${now.toISOString()}"}`
  return ticker === null ? null : volatilityAnswer(ticker, now)
}

function lenderAnswer(ticker: string): string | null {
  if (ticker.startsWith(UNKNOWN_PREFIX)) return null
  const [rate, status, available] = LENDER[ticker] ?? computed(ticker)
  return `{"rate":${rate},"status":"${status}","available":${available}}`
}

function computed(ticker: string): readonly [string, string, number] {
  const basisPoints = 25 + (hash(ticker) % 2000)
  const status = basisPoints < 50 ? 'EASY' : basisPoints <= 300 ? 'MEDIUM' : 'HARD'
  return [(basisPoints / 10_000).toFixed(4), status, 1000 * (1 + (hash(ticker) % 500))]
}

/** GME and names by chance have a volatility of their own. */
function volatilityAnswer(ticker: string, now: Date): string | null {
  if (ticker === 'CRAZY') return '{"value":501}'
  if (ticker === 'MINUS') return '{"value":-1}'
  const points = ticker === 'GME' ? '85.25' : hash(ticker) % 4 === 0 ? `${20 + (hash(ticker) % 60)}.5` : null
  return points === null ? null : `{"value":${points},"timestamp":"${now.toISOString()}"}`
}

/** Earnings in a week for GME and for names by chance; no events for the others. */
function eventsAnswer(ticker: string, now: Date): string {
  if (ticker === 'MINUS') return `{"events":[{"type":"earnings","date":"${inDays(now, 7)}","risk_factor":-1}]}`
  const has = ticker === 'GME' || hash(ticker) % 3 === 0
  return has ? `{"events":[{"type":"earnings","date":"${inDays(now, 7)}","risk_factor":7}]}` : '{"events":[]}'
}

function inDays(now: Date, days: number): string {
  return new Date(now.getTime() + days * 86_400_000).toISOString().slice(0, 10)
}

/** FNV-1a: the same number for a ticker everywhere. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (const character of text) value = Math.imul(value ^ character.charCodeAt(0), 0x01000193) >>> 0
  return value
}
