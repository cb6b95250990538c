// What stands below the axis of a chart over time, UTC: the day where a day begins, the time within it.
import { dateText, timeText } from './formats.ts'

/** As lightweight-charts names them: 0 a year begins, 1 a month, 2 a day, 3 within a day. */
export function axisTime(seconds: number, weight: number): string {
  const at = new Date(seconds * 1000)
  const [day, month, year] = dateText(at).split(' ')
  if (weight === 0) return String(year)
  if (weight === 1) return String(month)
  return weight === 2 ? `${day} ${month}` : timeText(at).slice(0, 5)
}
