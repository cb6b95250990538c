// Which names are asked for most, lately: those are kept warm. Counts fade, so that yesterday's favourites make room.
import type { Ticker } from '../pricing/units.ts'

export interface HotNames {
  note(ticker: Ticker): void
  /** The most asked for, first the hottest. */
  hottest(count: number): Ticker[]
}

/** Names counted at the most; past that, the ones asked for once are forgotten first. */
const NAMES_MAX = 20_000
/** Counts are halved this often. */
const HALVE_EVERY_MS = 60_000

export function hotNames(clock: () => Date): HotNames {
  const asked = new Map<Ticker, number>()
  let halvedAtMs = clock().getTime()

  function fade(): void {
    const now = clock().getTime()
    if (now - halvedAtMs < HALVE_EVERY_MS && asked.size < NAMES_MAX) return
    halvedAtMs = now
    for (const [ticker, count] of asked) {
      if (count < 2) asked.delete(ticker)
      else asked.set(ticker, count / 2)
    }
  }

  return {
    note(ticker) {
      asked.set(ticker, (asked.get(ticker) ?? 0) + 1)
      fade()
    },
    hottest(count) {
      fade()
      return [...asked]
        .sort(([, a], [, b]) => b - a)
        .slice(0, count)
        .map(([ticker]) => ticker)
    },
  }
}
