// Ranges of days as the list asks for them and shows them.
import { dateText } from '../../ui/formats.ts'

const DAY_MS = 86_400_000

export interface DayRange {
  readonly from?: string | undefined
  readonly to?: string | undefined
}

/** `2026-11-23`, in UTC. */
export function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}

export interface Preset extends DayRange {
  readonly title: string
}

/** Without a beginning the engine looks back 31 days. */
export function presets(nowMs: number): Preset[] {
  const today = dayOf(nowMs)
  return [
    { title: 'Today', from: today },
    { title: 'Last 7 days', from: dayOf(nowMs - 6 * DAY_MS) },
    { title: 'Last 31 days' },
    { title: 'This year', from: `${today.slice(0, 4)}-01-01` },
  ]
}

/** `29 Oct to 29 Nov 2026`, `since 1 Jan 2026`, `last 31 days`. */
export function rangeText({ from, to }: DayRange): string {
  if (from === undefined && to === undefined) return 'Last 31 days'
  if (from === undefined) return `31 days to ${dayText(to as string)}`
  if (to === undefined) return `Since ${dayText(from)}`
  if (from === to) return dayText(from)
  const [first, last] = [dayText(from), dayText(to)]
  const year = / [0-9]{4}$/.exec(last)?.[0] ?? ''
  return `${first.endsWith(year) ? first.slice(0, first.length - year.length) : first} to ${last}`
}

/** What is no date is shown as it was typed: the engine says what is wrong with it. */
function dayText(text: string): string {
  return Number.isNaN(Date.parse(text)) ? text : dateText(text)
}

const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']

/** `Monday 23 Nov 2026`, between the days of a list. */
export function weekdayText(iso: string): string {
  return `${WEEKDAYS[new Date(iso).getUTCDay()]} ${dateText(iso)}`
}

/** `14:32:07.208114`: of a record, to the microsecond. */
export function wholeTime(iso: string): string {
  return iso.slice(11).replace(/Z$/, '')
}
