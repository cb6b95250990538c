// PostgreSQL away for a while, under quotes, and what that may cost: the prices that need a record, for as long as it is away.
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { ask } from '../end-to-end/http.ts'
import { report, type Stage } from './stage.ts'
import { failures, kinds, type SentQuote } from './traffic.ts'

/** Longer than a copy in a process is fresh. */
const AWAY_MS = 1_500
const RECOVERY_MS_MAX = 2_000
const CALM_MS = 700

/** Breaks it, calls it back after a while, and expects that only quotes were refused, only meanwhile, and only as AUDIT_UNAVAILABLE. */
export async function expectOnlyRecordsToFail(
  { traffic, postgres, services, apiKey }: Stage,
  what: string,
  breakIt: () => Promise<void>,
): Promise<void> {
  let away = 0
  let called = 0
  let back = 0
  const rates: number[] = []
  const during = await traffic.during(async () => {
    await breakIt()
    away = performance.now()
    while (performance.now() < away + AWAY_MS) {
      rates.push((await ask(services, { path: '/api/v1/rates/GME', key: apiKey })).status)
      await sleep(100)
    }
    called = performance.now()
    await postgres.start()
    back = performance.now()
    await sleep(RECOVERY_MS_MAX + CALM_MS)
  })
  report(`PostgreSQL ${what}`, during)
  const refused = during.filter(({ status }) => status !== 200)
  const well = Math.max(...refused.map(({ sentAt, tookMs }) => sentAt + tookMs))
  const [there, last] = [back - called, well - called].map((ms) => ms.toFixed(0))
  console.log(`  it was called back, and there after ${there} ms; the last refusal came after ${last} ms`)

  expect(Object.keys(failures(during)).filter((why) => !why.startsWith('503 AUDIT_UNAVAILABLE'))).toEqual([])
  expect(Object.keys(kinds(during)).sort()).toEqual(['200', '503 AUDIT_UNAVAILABLE'])
  for (const { retryAfter } of refused) expect(Number(retryAfter)).toBeGreaterThan(0)
  expect(new Set(rates)).toEqual(new Set([200]))
  expect(well).toBeLessThan(back + RECOVERY_MS_MAX)
  // None of the time it was away was filled with prices.
  const wasWhollyAway = ({ sentAt, tookMs }: SentQuote) => sentAt > away + 100 && sentAt + tookMs < called
  expect(during.filter((quote) => quote.status === 200 && wasWhollyAway(quote))).toEqual([])
}
