import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { nextWindow, WINDOWS, type WindowedEnvironment, windowEnd, windowText } from './maintenance-window.ts'

const DEPLOYMENT = new URL('../../../docs/operations/deployment.md', import.meta.url)

describe('the maintenance windows', () => {
  test('are those of the deployment page', () => {
    const rows = readFileSync(DEPLOYMENT, 'utf8')
      .split('\n')
      .filter((line) => /^\| (dev|staging|prod) \| we/.test(line))
      .map((line) => line.split('|').map((cell) => cell.trim()))
    expect(rows.map(([, environment, , utc]) => [environment, utc])).toEqual(
      Object.keys(WINDOWS).map((environment) => [environment, windowText(environment as WindowedEnvironment)]),
    )
  })

  test.each<[WindowedEnvironment, string, string | null, string]>([
    ['prod', '2026-11-28T05:59:59Z', null, '2026-11-28T06:00:00.000Z'],
    ['prod', '2026-11-28T06:00:00Z', '2026-11-28T10:00:00.000Z', '2026-11-29T06:00:00.000Z'],
    ['prod', '2026-11-29T09:59:59Z', '2026-11-29T10:00:00.000Z', '2026-12-05T06:00:00.000Z'],
    ['prod', '2026-11-29T10:00:00Z', null, '2026-12-05T06:00:00.000Z'],
    ['prod', '2026-12-02T08:00:00Z', null, '2026-12-05T06:00:00.000Z'],
    ['dev', '2026-11-30T15:00:00Z', '2026-11-30T19:00:00.000Z', '2026-12-01T15:00:00.000Z'],
    ['dev', '2026-11-29T16:00:00Z', null, '2026-11-30T15:00:00.000Z'],
    ['staging', '2026-12-05T03:00:00Z', '2026-12-05T07:00:00.000Z', '2026-12-08T03:00:00.000Z'],
    ['staging', '2026-11-30T03:00:00Z', null, '2026-12-01T03:00:00.000Z'],
  ])('%s at %s: open until %s, the next at %s', (environment, at, end, next) => {
    expect(windowEnd(environment, new Date(at))?.toISOString() ?? null).toBe(end)
    expect(nextWindow(environment, new Date(at)).toISOString()).toBe(next)
  })
})
