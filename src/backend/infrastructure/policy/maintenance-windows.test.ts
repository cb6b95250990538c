import { describe, expect, test } from 'vitest'
import { cronWindows, dayWindow, isMonthly, isWithinGuideWindow, meets, weekWindow } from './maintenance-windows.ts'

const HOUR = 60
const DAY = 24 * HOUR

function within(environment: 'dev' | 'staging' | 'prod', text: string): boolean {
  const window = weekWindow(text)
  return window !== null && isWithinGuideWindow(environment, window)
}

describe("the guide's windows, in UTC", () => {
  test.each([
    ['dev', 'mon:15:00-mon:19:00'],
    ['dev', 'fri:18:00-fri:19:00'],
    ['staging', 'tue:03:00-tue:07:00'],
    ['staging', 'sat:03:00-sat:07:00'],
    ['prod', 'sat:06:00-sat:10:00'],
    ['prod', 'sun:09:30-sun:10:00'],
  ] as const)('%s may be worked on %s', (environment, window) => {
    expect(within(environment, window)).toBe(true)
  })

  test.each([
    ['dev', 'sat:15:00-sat:19:00'],
    ['dev', 'mon:14:00-mon:18:00'],
    ['staging', 'mon:03:00-mon:07:00'],
    ['staging', 'tue:22:00-wed:02:00'],
    ['prod', 'sun:01:00-sun:05:00'],
    ['prod', 'fri:06:00-fri:10:00'],
    ['prod', 'sat:06:00-sun:10:00'],
    ['prod', 'sun:06:00-sun:06:00'],
  ] as const)('%s may not be worked on %s', (environment, window) => {
    expect(within(environment, window)).toBe(false)
  })

  test.each(['', 'sunday', 'sun:06:00', 'xyz:06:00-sun:07:00'])('"%s" is no window', (text) => {
    expect(weekWindow(text)).toBeNull()
  })
})

describe('schedules of Systems Manager', () => {
  test.each([
    ['cron(0 6 ? * SUN#3 *)', undefined, [6 * HOUR]],
    ['cron(0 30 6 ? * 1#1 *)', undefined, [6 * HOUR + 30]],
    ['cron(0 1 ? * SUN#3 *)', 'EST', [6 * HOUR]],
    ['cron(0 22 ? * SAT *)', 'Etc/GMT+5', [3 * HOUR]],
    ['cron(0 6 ? * SAT,SUN *)', 'UTC', [6 * DAY + 6 * HOUR, 6 * HOUR]],
    ['cron(0 15 ? * MON-WED *)', 'Etc/UTC', [DAY + 15 * HOUR, 2 * DAY + 15 * HOUR, 3 * DAY + 15 * HOUR]],
  ])('%s in %s', (schedule, zone, begins) => {
    expect(cronWindows(schedule, zone, 2)?.map(({ beginsMinute }) => beginsMinute)).toEqual(begins)
    expect(cronWindows(schedule, zone, 2)?.every(({ minutes }) => minutes === 2 * HOUR)).toBe(true)
  })

  test.each([
    ['rate(7 days)', undefined],
    ['cron(0 6 * * ? *)', undefined],
    ['cron(0 6 ? * NEVER *)', undefined],
    ['cron(0 1 ? * SUN#3 *)', 'America/New_York'],
  ])('%s in %s cannot be compared', (schedule, zone) => {
    expect(cronWindows(schedule, zone, 2)).toBeNull()
  })

  test('once a month has the number of a week', () => {
    expect(isMonthly('cron(0 6 ? * SUN#3 *)')).toBe(true)
    expect(isMonthly('cron(0 6 ? * SUN *)')).toBe(false)
  })
})

describe('a daily window and a weekly one', () => {
  const daily = (text: string) => dayWindow(text) ?? expect.fail()
  const weekly = (text: string) => weekWindow(text) ?? expect.fail()

  test.each([
    ['07:00-08:00', 'sun:06:00-sun:10:00'],
    ['05:30-06:30', 'sun:06:00-sun:10:00'],
    ['23:30-00:30', 'mon:00:00-mon:01:00'],
  ])('%s meets %s', (one, other) => {
    expect(meets(daily(one), weekly(other))).toBe(true)
  })

  test.each([
    ['04:00-05:00', 'sun:06:00-sun:10:00'],
    ['10:00-11:00', 'sun:06:00-sun:10:00'],
  ])('%s does not meet %s', (one, other) => {
    expect(meets(daily(one), weekly(other))).toBe(false)
  })
})
