// Which windows for patches open in two days, as lines of a step's outputs: a title, a text and a label that is the window's own. Run every day; a window is
// announced on one of them, not less than 48 hours before it opens. The windows are those that maintenance_windows.ts gives to AWS.
import { ENVIRONMENTS, type EnvironmentName, maintenanceSchedule } from '../maintenance_windows.ts'

const HOUR_MS = 3_600_000
const NOTICE_HOURS = 48
/** The workflow runs once in so many: each window falls into one of its looks. */
const EVERY_HOURS = 24
const DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT']

export interface PatchWindow {
  readonly environment: EnvironmentName
  readonly opens: Date
  readonly hours: number
}

/** Windows that open between 48 and 72 hours after this moment. */
export function windowsToAnnounce(now: Date): PatchWindow[] {
  const from = now.getTime() + NOTICE_HOURS * HOUR_MS
  const to = from + EVERY_HOURS * HOUR_MS
  return ENVIRONMENTS.flatMap((environment) =>
    [0, 1].flatMap((monthsAhead) => {
      const window = patchWindow(environment, now.getUTCFullYear(), now.getUTCMonth() + monthsAhead)
      const opens = window.opens.getTime()
      return opens >= from && opens < to ? [window] : []
    }),
  )
}

/** @param month from 0; 12 is January of the next year. @throws Error when the schedule is not of the form that this reads */
export function patchWindow(environment: EnvironmentName, year: number, month: number): PatchWindow {
  const { patching, patchingHours } = maintenanceSchedule(environment)
  const [, hour, day, week] = /^cron\(0 (\d+) \? \* ([A-Z]{3})#(\d) \*\)$/.exec(patching) ?? []
  if (hour === undefined || day === undefined || week === undefined) throw new Error(`${patching} is of another form`)
  const first = new Date(Date.UTC(year, month, 1)).getUTCDay()
  const date = 1 + ((DAYS.indexOf(day) - first + 7) % 7) + (Number(week) - 1) * 7
  return { environment, opens: new Date(Date.UTC(year, month, date, Number(hour))), hours: patchingHours }
}

/** @returns lines for the file of a step's outputs; none when nothing is to be announced */
export function noticeOf(windows: readonly PatchWindow[]): string[] {
  const [window] = windows
  if (window === undefined) return []
  if (windows.length > 1) throw new Error('two environments are never patched on one day')
  const opens = window.opens.toISOString()
  const closes = new Date(window.opens.getTime() + window.hours * HOUR_MS).toISOString()
  return [
    `title=Patching of ${window.environment} on ${opens.slice(0, 10)}`,
    `body=Operating systems are patched between ${opens.slice(0, 16)}Z and ${closes.slice(0, 16)}Z. Hosts may start again; services go on, nodes are replaced one by one. Who has a reason against it says so here.`,
    `label=patching-${window.environment}-${opens.slice(0, 10)}`,
  ]
}

if (process.argv[1] === import.meta.filename) {
  for (const line of noticeOf(windowsToAnnounce(new Date()))) console.log(line)
}
