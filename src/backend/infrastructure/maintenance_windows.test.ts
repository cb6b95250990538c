import { describe, expect, test } from 'vitest'
import { ENVIRONMENTS, inUtc, maintenanceSchedule, WINDOWS_EST } from './maintenance_windows.ts'

describe('a window of Eastern Standard Time in UTC', () => {
  test('opens five hours later by the clock', () => {
    expect(inUtc(WINDOWS_EST.dev)).toEqual({ days: ['mon', 'tue', 'wed', 'thu', 'fri'], opensAt: 15, hours: 4 })
    expect(inUtc(WINDOWS_EST.prod)).toEqual({ days: ['sat', 'sun'], opensAt: 6, hours: 4 })
  })

  test('of an evening opens on the next day', () => {
    expect(inUtc(WINDOWS_EST.staging)).toEqual({ days: ['tue', 'wed', 'thu', 'fri', 'sat'], opensAt: 3, hours: 4 })
  })

  test('of a Saturday evening opens on Sunday', () => {
    expect(inUtc({ days: ['sat'], opensAt: 19, hours: 1 })).toEqual({ days: ['sun'], opensAt: 0, hours: 1 })
  })
})

test.each([
  ['dev', 'wed:15:00-wed:19:00', '13:00-14:00', 'cron(0 15 ? * WED#1 *)'],
  ['staging', 'thu:03:00-thu:07:00', '01:00-02:00', 'cron(0 3 ? * THU#2 *)'],
  ['prod', 'sun:06:00-sun:10:00', '04:00-05:00', 'cron(0 6 ? * SUN#3 *)'],
] as const)('%s: once a week %s, snapshots %s, patches %s', (environment, weekly, backup, patching) => {
  expect(maintenanceSchedule(environment)).toMatchObject({ weekly, backup, patching, patchingHours: 4 })
})

test('a window that ends after midnight ends on the next day', () => {
  const { weekly } = maintenanceSchedule('dev')
  expect(weekly).toMatch(/^(\w+):\d\d:00-\1:\d\d:00$/)
  expect(inUtc({ days: ['fri'], opensAt: 18, hours: 4 }).days).toEqual(['fri'])
})

// RDS and ElastiCache refuse windows that overlap.
test.each(ENVIRONMENTS)('%s takes its daily copies outside of the window', (environment) => {
  const { weekly, backup, cacheBackup } = maintenanceSchedule(environment)
  const [from, to] = [...weekly.matchAll(/:(\d\d):00/g)].map(([, hour]) => Number(hour)) as [number, number]
  for (const copy of [backup, cacheBackup]) {
    const [start, end] = [...copy.matchAll(/(\d\d):00/g)].map(([, hour]) => Number(hour)) as [number, number]
    expect(end <= from || start >= to, `${copy} and ${weekly}`).toBe(true)
  }
})
