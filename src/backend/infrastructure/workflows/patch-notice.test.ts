// Each month's windows are announced once, not less than two days before.
import { describe, expect, test } from 'vitest'
import { noticeOf, patchWindow, windowsToAnnounce } from './patch-notice.ts'

/** Every day at the hour of the workflow, for a year and a half with a leap day in it. */
const looks = Array.from({ length: 550 }, (_, day) => new Date(Date.UTC(2027, 9, 1 + day, 5, 5)))

describe('the notice of patches', () => {
  test('production is patched on the third Sunday, at 01:00 Eastern Standard Time', () => {
    // November 2026 begins on a Sunday.
    expect(patchWindow('prod', 2026, 10).opens.toISOString()).toBe('2026-11-15T06:00:00.000Z')
    expect(patchWindow('prod', 2026, 11).opens.toISOString()).toBe('2026-12-20T06:00:00.000Z')
    expect(patchWindow('prod', 2026, 12).opens.toISOString()).toBe('2027-01-17T06:00:00.000Z')
  })

  test('staging’s evening in New York is the next day in UTC', () => {
    expect(patchWindow('staging', 2026, 10).opens.toISOString()).toBe('2026-11-12T03:00:00.000Z')
  })

  test('every window of every month is announced exactly once, between 48 and 72 hours before', () => {
    const announced = looks.flatMap((now) => windowsToAnnounce(now).map((window) => ({ now, window })))
    for (const { now, window } of announced) {
      const hours = (window.opens.getTime() - now.getTime()) / 3_600_000
      expect(hours).toBeGreaterThanOrEqual(48)
      expect(hours).toBeLessThan(72)
    }
    const labels = announced.map(({ window }) => noticeOf([window])[2])
    expect(new Set(labels).size).toBe(labels.length)
    // November 2027 to March 2029: seventeen months, three environments.
    const months = labels.filter((label) => /2027-1[12]|2028|2029-0[123]/.test(label ?? ''))
    expect(months).toHaveLength(51)
  })

  test('says when, in whole sentences, or nothing at all', () => {
    expect(noticeOf([])).toEqual([])
    expect(noticeOf([patchWindow('prod', 2026, 10)])).toEqual([
      'title=Patching of prod on 2026-11-15',
      expect.stringContaining('between 2026-11-15T06:00Z and 2026-11-15T10:00Z'),
      'label=patching-prod-2026-11-15',
    ])
  })
})
