// When work that may be noticed may be done, by environment. The hours are New York's standard time all the year round, as the deployment
// guide has them; here they are in UTC, five hours later, so that a night that begins on Friday ends on Saturday.
export const WINDOWS = {
  dev: { days: [1, 2, 3, 4, 5], fromHour: 15, hours: 4 },
  staging: { days: [2, 3, 4, 5, 6], fromHour: 3, hours: 4 },
  prod: { days: [0, 6], fromHour: 6, hours: 4 },
} as const

export type WindowedEnvironment = keyof typeof WINDOWS

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const DAY_NAMES = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']

/** @returns when the window that is open at the moment ends; null: none is */
export function windowEnd(environment: WindowedEnvironment, at: Date): Date | null {
  const { days, fromHour, hours } = WINDOWS[environment]
  const begins = Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()) + fromHour * HOUR_MS
  const ends = begins + hours * HOUR_MS
  const isDay = (days as readonly number[]).includes(at.getUTCDay())
  return isDay && at.getTime() >= begins && at.getTime() < ends ? new Date(ends) : null
}

/** @returns when the next one begins, not counting one that is open */
export function nextWindow(environment: WindowedEnvironment, at: Date): Date {
  const { days, fromHour } = WINDOWS[environment]
  const today = Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()) + fromHour * HOUR_MS
  const begins = Array.from({ length: 8 }, (_, day) => new Date(today + day * DAY_MS))
  // Each has one within a week.
  return begins.find((begin) => begin > at && (days as readonly number[]).includes(begin.getUTCDay())) as Date
}

/** `Sat and Sun 06:00 to 10:00`, `Mon to Fri 15:00 to 19:00` */
export function windowText(environment: WindowedEnvironment): string {
  const { days, fromHour, hours } = WINDOWS[environment]
  const hour = (each: number) => `${String(each).padStart(2, '0')}:00`
  // A week begins with Monday, and Sunday is its end.
  const names = [...days].sort((a, b) => (a || 7) - (b || 7)).map((day) => DAY_NAMES[day])
  const said = names.length === 2 ? names.join(' and ') : `${names[0]} to ${names.at(-1)}`
  return `${said} ${hour(fromHour)} to ${hour(fromHour + hours)}`
}
