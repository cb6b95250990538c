import { beforeEach, expect, test } from 'vitest'
import { type RecentDurations, recentDurations } from './recent-durations.ts'

let now: Date
let recent: RecentDurations
const at = (time: string) => new Date(`2026-11-24T${time}Z`)

beforeEach(() => {
  now = at('15:00:00')
  recent = recentDurations({ slotSeconds: 60, slots: 3, clock: () => now })
})

/** Within a twentieth. */
function near(value: number | null | undefined, expected: number): void {
  expect(Math.abs((value ?? Number.NaN) / expected - 1)).toBeLessThan(0.05)
}

test('half and all but one of a hundred are near what was noted, from a tenth of a millisecond to a minute', () => {
  for (const base of [0.1, 1, 37, 4_000]) {
    recent = recentDurations({ slotSeconds: 60, slots: 3, clock: () => now })
    for (let place = 1; place <= 100; place += 1) recent.note(place === 100 ? base * 9 : base)
    near(recent.figures()?.p50_ms, base)
    near(recent.figures()?.p99_ms, base)
    recent.note(base * 9)
    near(recent.figures()?.p99_ms, base * 9)
  }
})

test('what lasts no time, or for hours, counts as the shortest and the longest', () => {
  recent.note(0)
  expect(recent.figures()?.p50_ms).toBeLessThan(0.06)
  recent.note(7_200_000)
  expect(recent.figures()?.p99_ms).toBeGreaterThan(50_000)
})

test('requests a second are of the time of all slots', () => {
  now = at('15:00:30')
  for (let noted = 0; noted < 300; noted += 1) recent.note(5)
  expect(recent.figures()?.requests_per_second).toBe(2)
})

test('slots follow each other, the oldest first, and those without anything say so', () => {
  recent.note(10)
  now = at('15:02:59')
  recent.note(20)
  recent.note(20)
  expect(recent.slots().map(({ at: began, count }) => `${began.toISOString().slice(11, 16)} ${count}`)).toEqual([
    '15:00 1',
    '15:01 0',
    '15:02 2',
  ])
  expect(recent.slots()[1]).toMatchObject({ p50_ms: null, p99_ms: null })
  near(recent.slots()[2]?.p50_ms, 20)
})

test('what is older than all slots is forgotten, however long nothing was noted', () => {
  recent.note(10)
  now = at('15:03:00')
  expect(recent.figures()).toBeNull()
  recent.note(30)
  expect(recent.slots().map(({ count }) => count)).toEqual([0, 0, 1])
  now = at('18:00:00')
  expect(recent.figures()).toBeNull()
  expect(recent.slots().map(({ count }) => count)).toEqual([0, 0, 0])
})
