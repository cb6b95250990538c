// The last five weekdays in New York as an axis: no nights are cut, Saturdays and Sundays are.

export const DAYS = 5
const DAY_MS = 86_400_000
const dateInNewYork = new Intl.DateTimeFormat('en-CA', { timeZone: 'America/New_York', dateStyle: 'short' })
const weekdayInNewYork = new Intl.DateTimeFormat('en-US', { timeZone: 'America/New_York', weekday: 'long' })
const hourInNewYork = new Intl.DateTimeFormat('en-US', {
  timeZone: 'America/New_York',
  hour: '2-digit',
  hourCycle: 'h23',
})

/** `Friday`, of the moment there. */
export function weekdayName(iso: string): string {
  return weekdayInNewYork.format(new Date(iso))
}

/** When the last five weekdays began there, today among them, oldest first; ms. */
export function lastWeekdays(nowMs: number): readonly number[] {
  const starts: number[] = []
  let noonMs = Date.parse(`${dateInNewYork.format(nowMs)}T12:00:00Z`)
  while (starts.length < DAYS) {
    const weekday = new Date(noonMs).getUTCDay()
    if (weekday !== 0 && weekday !== 6) starts.unshift(startOfDay(noonMs))
    noonMs -= DAY_MS
  }
  return starts
}

/** Midnight there, of the date that has this noon in UTC: 4 or 5 hours after midnight in UTC. */
function startOfDay(noonUtcMs: number): number {
  const hoursBehind = 12 - Number(hourInNewYork.format(noonUtcMs))
  return noonUtcMs - 12 * 3_600_000 + hoursBehind * 3_600_000
}

/**
 * 0 at the beginning of the first day, 1 at the end of the last; null: before it. What happens on a weekend happens where the Friday
 * ends.
 */
export function placeOnAxis(timeMs: number, dayStartsMs: readonly number[]): number | null {
  for (let day = dayStartsMs.length - 1; day >= 0; day -= 1) {
    const since = timeMs - (dayStartsMs[day] ?? 0)
    if (since >= 0) return (day + Math.min(since / DAY_MS, 1)) / dayStartsMs.length
  }
  return null
}
