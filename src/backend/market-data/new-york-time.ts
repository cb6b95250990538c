// The exchange's clock. Lender files are stamped in US Eastern wall time and trade dates are New York dates; everything
// inside is an instant. The platform's zone data knows the daylight saving rules of every year, so none are kept here.
import type { IsoDate } from '../pricing/units.ts'

/** The zone's data takes the platform a while to read: at the first date, not at a start. */
let wallClock: Intl.DateTimeFormat | null = null

const newYorkClock = () =>
  new Intl.DateTimeFormat('en-US', {
    timeZone: 'America/New_York',
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  })

/** The instant's wall time in New York, as if it were UTC, in milliseconds: the difference to the instant is the zone's offset. */
function wallMilliseconds(instant: number): number {
  const part: Record<string, number> = {}
  wallClock ??= newYorkClock()
  for (const { type, value } of wallClock.formatToParts(instant)) part[type] = Number(value)
  return Date.UTC(
    part.year ?? 0,
    (part.month ?? 1) - 1,
    part.day ?? 1,
    part.hour ?? 0,
    part.minute ?? 0,
    part.second ?? 0,
  )
}

const HOUR_MS = 3_600_000

/**
 * The instant at which New York's clocks show this date and time (`HH:MM:SS`).
 * In the hour that autumn repeats it is the earlier of the two, so that data never looks fresher than it is; in the hour that
 * spring leaves out it is the time as far after two o'clock.
 */
export function newYorkInstant(date: IsoDate, time: string): Date {
  const wall = Date.parse(`${date}T${time}Z`)
  // Daylight saving time first: four hours behind UTC, the earlier candidate.
  const summer = wall + 4 * HOUR_MS
  return new Date(wallMilliseconds(summer) === wall ? summer : wall + 5 * HOUR_MS)
}

let rememberedHour = Number.NaN
let rememberedDate: IsoDate | null = null

/**
 * The date on New York's calendar at an instant. The zone is whole hours from UTC, so a date can only change on the hour: the
 * answer is remembered for it, since every request asks and the platform's zone data is slow.
 */
export function newYorkDate(instant: Date): IsoDate {
  const hour = Math.floor(instant.getTime() / HOUR_MS)
  if (hour !== rememberedHour || rememberedDate === null) {
    rememberedDate = new Date(wallMilliseconds(instant.getTime())).toISOString().slice(0, 10) as IsoDate
    rememberedHour = hour
  }
  return rememberedDate
}

/** The moment at which the volatility index of a date closes: 16:15. */
export function indexClose(date: IsoDate): Date {
  return newYorkInstant(date, '16:15:00')
}

/** The moment at which the stocks of a date close: 16:00. On the few short days of a year this is three hours late. */
export function stockClose(date: IsoDate): Date {
  return newYorkInstant(date, '16:00:00')
}
