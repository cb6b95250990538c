// When work may be done on an environment. The guide says it in EST, the whole year; AWS wants UTC, so the hours lie five later and the
// nights that begin on one day end on the next.
import type { EnvironmentName } from './planned-environment.ts'

const EST_BEHIND_UTC_HOURS = 5
const DAY_MINUTES = 24 * 60
const WEEK_MINUTES = 7 * DAY_MINUTES
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const
const WEEKDAYS = [1, 2, 3, 4, 5]
const WEEKEND = [0, 6]

interface GuideWindow {
  /** As the guide says it. */
  readonly words: string
  /** Days on which it begins; Sunday is 0. */
  readonly days: readonly number[]
  readonly beginsEstHour: number
  readonly hours: number
}

export const GUIDE_WINDOWS: Readonly<Record<EnvironmentName, GuideWindow>> = {
  dev: { words: 'weekdays 10:00–14:00 EST', days: WEEKDAYS, beginsEstHour: 10, hours: 4 },
  staging: { words: 'weekdays 22:00–02:00 EST', days: WEEKDAYS, beginsEstHour: 22, hours: 4 },
  prod: { words: 'weekends 01:00–05:00 EST', days: WEEKEND, beginsEstHour: 1, hours: 4 },
}

/** A stretch of the week in UTC: minutes after Sunday 00:00. It may run over the end of the week. */
export interface WeekWindow {
  readonly beginsMinute: number
  readonly minutes: number
}

/** `sun:06:00-sun:07:00`, as databases and caches want it; null where it is no window. */
export function weekWindow(text: string): WeekWindow | null {
  const match = /^(\w{3}):(\d\d):(\d\d)-(\w{3}):(\d\d):(\d\d)$/.exec(text.toLowerCase())
  if (match === null) return null
  const [, beginsOn = '', beginsHour, beginsMinute, endsOn = '', endsHour, endsMinute] = match
  const minute = (day: string, hour: string | undefined, minuteOfHour: string | undefined) =>
    DAYS.indexOf(day as (typeof DAYS)[number]) * DAY_MINUTES + Number(hour) * 60 + Number(minuteOfHour)
  const begins = minute(beginsOn, beginsHour, beginsMinute)
  const ends = minute(endsOn, endsHour, endsMinute)
  return begins < 0 || ends < 0
    ? null
    : { beginsMinute: begins, minutes: (ends - begins + WEEK_MINUTES) % WEEK_MINUTES }
}

/** `cron(0 7 ? * SUN#1 *)` with its length; null where it fits no single hour of named days, or its zone has summer time. */
export function cronWindows(schedule: string, zone: string | undefined, hours: number): readonly WeekWindow[] | null {
  const offset =
    zone === undefined || /^(?:etc\/)?utc$/i.test(zone)
      ? 0
      : /^(?:est|etc\/gmt\+5)$/i.test(zone)
        ? EST_BEHIND_UTC_HOURS
        : null
  const match = /^cron\((?:0 )?(\d+) (\d+) \? (?:\*|[\d/,]+) ([\w,#-]+)(?: \*)?\)$/.exec(schedule)
  if (offset === null || match === null) return null
  const [, minute, hour, daysText = ''] = match
  const days = cronDays(daysText)
  return (
    days?.map((day) => ({
      beginsMinute: (day * DAY_MINUTES + (Number(hour) + offset) * 60 + Number(minute)) % WEEK_MINUTES,
      minutes: hours * 60,
    })) ?? null
  )
}

/** Whether a schedule runs once a month: `SUN#1` is the first Sunday. */
export function isMonthly(schedule: string): boolean {
  return /\b\w+#[1-5]\b/.test(schedule)
}

export function isWithinGuideWindow(environment: EnvironmentName, { beginsMinute, minutes }: WeekWindow): boolean {
  const { days, beginsEstHour, hours } = GUIDE_WINDOWS[environment]
  return days.some((day) => {
    const begins = (day * DAY_MINUTES + (beginsEstHour + EST_BEHIND_UTC_HOURS) * 60) % WEEK_MINUTES
    const after = (beginsMinute - begins + WEEK_MINUTES) % WEEK_MINUTES
    return minutes > 0 && after + minutes <= hours * 60
  })
}

/** `04:00-05:00`, every day. */
export function dayWindow(text: string): WeekWindow | null {
  const match = /^(\d\d):(\d\d)-(\d\d):(\d\d)$/.exec(text)
  if (match === null) return null
  const [begins = 0, ends = 0] = [Number(match[1]) * 60 + Number(match[2]), Number(match[3]) * 60 + Number(match[4])]
  return { beginsMinute: begins, minutes: (ends - begins + DAY_MINUTES) % DAY_MINUTES }
}

/** Whether a daily window and a weekly one ever share a minute. */
export function meets(daily: WeekWindow, weekly: WeekWindow): boolean {
  const weeklyBegins = weekly.beginsMinute % DAY_MINUTES
  const after = (weeklyBegins - daily.beginsMinute + DAY_MINUTES) % DAY_MINUTES
  const before = (daily.beginsMinute - weeklyBegins + DAY_MINUTES) % DAY_MINUTES
  return after < daily.minutes || before < weekly.minutes
}

/** Days of a cron expression of AWS: names, or numbers with 1 for Sunday; lists, ranges, and `#n` for the nth of a month. */
function cronDays(text: string): number[] | null {
  const days = text.split(',').flatMap((part) => {
    const [range = ''] = part.split('#')
    const [first = -1, last = first] = range.split('-').map(cronDay)
    return first < 0 || last < first ? [-1] : Array.from({ length: last - first + 1 }, (_, index) => first + index)
  })
  return days.includes(-1) ? null : days
}

function cronDay(text: string): number {
  return /^[1-7]$/.test(text) ? Number(text) - 1 : DAYS.indexOf(text.toLowerCase() as (typeof DAYS)[number])
}
