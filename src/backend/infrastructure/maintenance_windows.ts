// When maintenance may happen, in each environment. The windows are given in Eastern Standard Time, the whole year: five hours behind
// UTC, also in summer when clocks in New York show four. AWS wants UTC, and each service its own way to write it.

export const ENVIRONMENTS = ['dev', 'staging', 'prod'] as const
export type EnvironmentName = (typeof ENVIRONMENTS)[number]

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const
export type Day = (typeof DAYS)[number]

export interface Window {
  readonly days: readonly Day[]
  /** Hours of the day on which the window opens. */
  readonly opensAt: number
  readonly hours: number
}

/** Development: weekdays 10:00-14:00 EST. Staging: weekdays 22:00-02:00 EST. Production: weekends 01:00-05:00 EST. */
export const WINDOWS_EST: Readonly<Record<EnvironmentName, Window>> = {
  dev: { days: ['mon', 'tue', 'wed', 'thu', 'fri'], opensAt: 10, hours: 4 },
  staging: { days: ['mon', 'tue', 'wed', 'thu', 'fri'], opensAt: 22, hours: 4 },
  prod: { days: ['sat', 'sun'], opensAt: 1, hours: 4 },
}

const EST_BEHIND_UTC_HOURS = 5

/** A window of Eastern Standard Time in UTC: late in the evening it opens on the next day. */
export function inUtc(window: Window): Window {
  const hour = window.opensAt + EST_BEHIND_UTC_HOURS
  return {
    days: window.days.map((day) => dayAfter(day, Math.floor(hour / 24))),
    opensAt: hour % 24,
    hours: window.hours,
  }
}

/**
 * The one day a week on which AWS may change the database or the cache: in the middle of the week where people are there to see it, on a
 * Sunday in production.
 */
const WEEKLY_DAY_EST: Readonly<Record<EnvironmentName, Day>> = { dev: 'wed', staging: 'wed', prod: 'sun' }

/** Which week of the month operating systems are patched in: what breaks something does so in development first. */
const PATCH_WEEK: Readonly<Record<EnvironmentName, number>> = { dev: 1, staging: 2, prod: 3 }

export interface MaintenanceSchedule {
  /** `sun:06:00-sun:10:00`, as RDS and ElastiCache read it. */
  readonly weekly: string
  /** `04:00-05:00`: the daily snapshot is taken before the window opens, and never within it. */
  readonly backup: string
  /** The same for the cache, an hour earlier. */
  readonly cacheBackup: string
  /** `cron(0 6 ? * SUN#3 *)`, as Systems Manager reads it: once a month. */
  readonly patching: string
  readonly patchingHours: number
  /** `cron(0 5 ? * * *)`, as AWS Backup reads it: every day. */
  readonly dailyBackup: string
}

export function maintenanceSchedule(environment: EnvironmentName): MaintenanceSchedule {
  const day = WEEKLY_DAY_EST[environment]
  const window = inUtc({ ...WINDOWS_EST[environment], days: [day] })
  const opens = window.opensAt
  const utcDay = window.days[0] ?? day
  const closes = opens + window.hours
  return {
    weekly: `${utcDay}:${clock(opens)}-${dayAfter(utcDay, Math.floor(closes / 24))}:${clock(closes)}`,
    backup: `${clock(opens - 2)}-${clock(opens - 1)}`,
    cacheBackup: `${clock(opens - 3)}-${clock(opens - 2)}`,
    patching: `cron(0 ${opens} ? * ${utcDay.toUpperCase()}#${PATCH_WEEK[environment]} *)`,
    patchingHours: window.hours,
    dailyBackup: `cron(0 ${hourOfDay(opens - 1)} ? * * *)`,
  }
}

function dayAfter(day: Day, days: number): Day {
  return DAYS[(DAYS.indexOf(day) + days) % DAYS.length] ?? day
}

function hourOfDay(hour: number): number {
  return (hour + 24) % 24
}

function clock(hour: number): string {
  return `${String(hourOfDay(hour)).padStart(2, '0')}:00`
}
