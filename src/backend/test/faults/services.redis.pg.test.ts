// Quotes flow while each of the five processes is killed, one at a time, as a machine or an operator's mistake does it.
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { everyPriceChecked, report, type Stage, startStage } from './stage.ts'
import { failures, kindOf, kinds, percentile } from './traffic.ts'
import { unansweredRecords } from './wrong-prices.ts'

let stage: Stage
beforeAll(async () => {
  stage = await startStage()
}, 90_000)
afterAll(() => stage?.end(), 60_000)

/** Longer than a copy in a process is fresh. */
const AWAY_MS = 1_500
const CALM_MS = 700
/** Connecting to a process that is not there is refused at once; the rest is what a busy machine adds. */
const REFUSAL_MS_MAX = 500

describe('a process is killed while quotes flow', () => {
  test.each(['data-service', 'cache-service', 'audit-service'] as const)(
    '%s: no quote fails',
    async (name) => {
      const { services, traffic } = stage
      const during = await traffic.during(async () => {
        await services.kill(name)
        await sleep(AWAY_MS)
        await services.restart(name)
        await sleep(CALM_MS)
      })
      report(`${name} killed`, during)
      expect(failures(during)).toEqual({})
      expect(during.length).toBeGreaterThan(100)
    },
    40_000,
  )

  test('calculation-service: its in-flight quotes at most are lost, others are refused quickly, and it is found again', async () => {
    const { services, traffic } = stage
    const gateway = services.services['api-gateway'].pid()
    let killedAt = 0
    let goneAt = 0
    let backAt = 0
    let inFlight = 0
    const during = await traffic.during(async () => {
      inFlight = traffic.inFlight
      killedAt = performance.now()
      await services.kill('calculation-service')
      goneAt = performance.now()
      await sleep(1_000)
      await services.restart('calculation-service')
      backAt = performance.now()
      await sleep(CALM_MS)
    })
    report('calculation-service killed', during)
    const before = during.filter(({ sentAt }) => sentAt < killedAt)
    expect(before.filter(({ status }) => status !== 200).length).toBeLessThanOrEqual(inFlight)
    const refused = during.filter(({ status }) => status !== 200)
    expect(new Set(refused.map(kindOf))).toEqual(new Set(['503 SERVICE_UNAVAILABLE']))
    for (const { retryAfter } of refused) expect(Number(retryAfter)).toBeGreaterThan(0)
    const while0 = refused.filter(({ sentAt }) => sentAt > goneAt).map(({ tookMs }) => tookMs)
    expect(percentile(while0, 0.99)).toBeLessThan(REFUSAL_MS_MAX)
    expect(failures(during.filter(({ sentAt }) => sentAt > backAt))).toEqual({})
    expect(services.services['api-gateway'].pid()).toBe(gateway)
  }, 40_000)

  test('api-gateway: its callers see broken connections while it is away, and nothing else', async () => {
    const { services, traffic } = stage
    let backAt = 0
    const during = await traffic.during(async () => {
      await services.kill('api-gateway')
      await sleep(500)
      await services.restart('api-gateway')
      backAt = performance.now()
      await sleep(CALM_MS)
    })
    report('api-gateway killed', during)
    expect(Object.keys(kinds(during)).sort()).toEqual(['200', 'broken'])
    expect(failures(during.filter(({ sentAt }) => sentAt > backAt))).toEqual({})
  }, 40_000)
})

test('no price was wrong, and each is on the record once', async () => {
  expect(await everyPriceChecked(stage)).toEqual([])
}, 30_000)

test('a record without an answer is of a quote that was cut off under way', async () => {
  const { database, traffic } = stage
  for (const quote of await unansweredRecords(database, traffic.quotes)) {
    expect(['broken', '503 SERVICE_UNAVAILABLE']).toContain(kindOf(quote))
  }
})
