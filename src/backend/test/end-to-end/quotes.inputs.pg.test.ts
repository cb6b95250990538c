// Honest inputs: what stood in for a missing observation is in the answer, and a missing feed is never the cheapest price.
import { beforeAll, describe, expect, test } from 'vitest'
import { expectFailure } from './answers.ts'
import { type Deployment, startDeployment } from './deployment.ts'
import { type Answer, ask } from './http.ts'
import { list, ownVolatility, stock } from './market.ts'

const HOUR = 3600
const DAY = 24 * HOUR
let deployed: Deployment

beforeAll(async () => {
  deployed = await startDeployment({
    prepare: async (database) => {
      const calm = async (ticker: string) => ownVolatility(database, ticker, '0')
      await list(database, { ticker: 'ZFRSH', rate: '0.04', status: 'MEDIUM', available: 500, ageSeconds: 60 })
      await list(database, { ticker: 'ZSTAL', rate: '0.04', ageSeconds: 2 * HOUR })
      await list(database, { ticker: 'ZOLD', rate: '0.04', ageSeconds: 30 * HOUR })
      await list(database, { ticker: 'ZOLDF', rate: '0.01', ageSeconds: 30 * HOUR })
      await stock(database, { ticker: 'ZOLDF', floorRate: '0.02' })
      await list(database, { ticker: 'ZNAF', rate: null })
      await stock(database, { ticker: 'ZNAF', floorRate: '0.07' })
      for (const [ticker, status] of [
        ['ZNAE', 'EASY'],
        ['ZNAM', 'MEDIUM'],
        ['ZNAH', 'HARD'],
      ] as const) {
        await list(database, { ticker, rate: null, status })
        await calm(ticker)
      }
      await list(database, { ticker: 'ZDROP', rate: '0.003', status: 'EASY', available: 0, listed: false })
      await stock(database, { ticker: 'ZDESK', status: 'MEDIUM' })
      await stock(database, { ticker: 'ZGONE', active: false })
      await list(database, { ticker: 'ZGONE', rate: '0.04' })
      await list(database, { ticker: 'ZFLR', rate: '0.001' })
      await stock(database, { ticker: 'ZFLR', floorRate: '0.0375' })
      for (const ticker of ['ZFRSH', 'ZSTAL', 'ZOLD', 'ZOLDF', 'ZNAF', 'ZDROP', 'ZDESK']) await calm(ticker)
      await list(database, { ticker: 'ZVOL', rate: '0.04' })
      await ownVolatility(database, 'ZVOL', '90', { ageSeconds: DAY })
      await list(database, { ticker: 'ZVOLD', rate: '0.04' })
      await ownVolatility(database, 'ZVOLD', '90', { ageSeconds: 6 * DAY })
    },
  })
})

function quote(ticker: string): Promise<Answer> {
  const body = { ticker, position_value: 100_000, loan_days: 30, client_id: 'demo-classic' }
  return ask(deployed, { path: '/api/v1/calculate-locate', key: deployed.keys['demo-classic'], body })
}
const rateOf = (ticker: string) => ask(deployed, { path: `/api/v1/rates/${ticker}`, key: deployed.keys.desk })

describe('the lender rate', () => {
  test('within 5 minutes is cached and nothing is degraded about it', async () => {
    const { json } = await quote('ZFRSH')
    expect(json.data_sources.base_rate).toMatchObject({ value: '0.04', source: 'cached', provider: 'test lender' })
    expect(Number(json.data_sources.base_rate.age_seconds)).toBeGreaterThanOrEqual(60)
    expect(json.degraded).not.toEqual(expect.arrayContaining([expect.stringMatching(/^lender_rate/)]))
  })

  test('within 24 hours is stale and says so', async () => {
    const { json } = await quote('ZSTAL')
    expect(json.data_sources.base_rate).toMatchObject({ value: '0.04', source: 'stale' })
    expect(json.degraded).toContain('lender_rate_stale')
  })

  test.each([
    ['ZOLD', '0.04', 'test lender', 'beyond its age: the last rate recorded stands in'],
    ['ZOLDF', '0.02', 'test lender', 'beyond its age and below the floor: never below the floor'],
    ['ZNAF', '0.07', 'floor rate', 'listed without a rate: the floor stands in'],
    ['ZNAE', '0.0025', 'tier EASY', 'listed without a rate or a floor: the tier stands in'],
    ['ZNAM', '0.03', 'tier MEDIUM', 'the same for MEDIUM'],
    ['ZNAH', '0.2', 'tier HARD', 'the same for HARD'],
    ['ZDESK', '0.03', 'tier MEDIUM', 'known to the desk only'],
  ])('%s is priced at %s by %s (%s), marked as a fallback with its reason', async (ticker, value, provider) => {
    const { status, json } = await quote(ticker)
    expect(status).toBe(200)
    expect(json.data_sources.base_rate).toMatchObject({ value, source: 'fallback', provider })
    expect(json.data_sources.base_rate.fallback_reason).toMatch(/stands in$/)
    expect(json.degraded).toContain('lender_rate_fallback')
    expect(json.borrow_rate_used).toBe(value)
  })

  test('of a name that the lender dropped is not the cheap rate it had: no shares, HARD, marked', async () => {
    const { json } = await quote('ZDROP')
    expect(json.availability).toEqual({ shares: '0', at_least: false })
    expect(json.degraded).toContain('lender_rate_fallback')
    expect(Number(json.borrow_rate_used)).toBeGreaterThan(0.003)
    expect((await rateOf('ZDROP')).json.borrow_status).toBe('HARD')
  })

  test('is never billed below the floor of the stock', async () => {
    const { json } = await quote('ZFLR')
    expect(json.borrow_rate_used).toBe('0.0375')
  })
})

describe('a name', () => {
  test.each(['ZZZZZ', 'ZGONE'])(
    '%s that nobody knows, or that the desk retired, is 404 with its ticker',
    async (ticker) => {
      for (const answer of [await quote(ticker), await rateOf(ticker)]) {
        expectFailure(answer, 'TICKER_NOT_FOUND')
        expect(answer.json.error).toBe(`Ticker not found: ${ticker}`)
      }
    },
  )
})

describe('volatility', () => {
  test("is the stock's own within 5 days, stale after 15 minutes", async () => {
    const { json } = await quote('ZVOL')
    expect(json.data_sources.volatility).toMatchObject({ value: '90', source: 'stale', provider: 'test volatility' })
    expect(json.degraded).toContain('volatility_stale')
    expect(json.borrow_rate_used).toBe('0.076')
  })

  test('is that of the index when its own is older', async () => {
    const { json } = await quote('ZVOLD')
    expect(json.data_sources.volatility.provider).toBe('cboe-vix-history')
  })
})

describe('demonstration data', () => {
  test('is marked, with its true age and without a limit', async () => {
    const { json } = await quote('GME')
    expect(json.degraded).toEqual(['demo_data'])
    const { base_rate } = json.data_sources
    expect(base_rate).toMatchObject({ source: 'cached', as_of: '2025-12-28T20:14:44.000Z' })
    expect(Number(base_rate.age_seconds)).toBeGreaterThan(300 * DAY)
  })
})

describe('with every feed but the lender away', () => {
  beforeAll(async () => {
    deployed = await startDeployment({
      prepare: async (database) => {
        await database.query('delete from volatility_index')
        await database.query('delete from market_events')
        await database.query(`delete from feed_states where feed <> 'lender'`)
      },
    })
  })

  test('a quote takes 20.0 and no event, and both are marked', async () => {
    const { status, json } = await quote('GME')
    expect(status).toBe(200)
    const { volatility, event_risk } = json.data_sources
    expect(volatility).toMatchObject({ value: '20', source: 'fallback', as_of: null, age_seconds: null })
    expect(event_risk).toMatchObject({ value: '0', source: 'fallback', events: [] })
    expect(json.degraded).toEqual(expect.arrayContaining(['volatility_fallback', 'event_risk_fallback']))
  })

  test('a rate leaves their fields null and shows the stand-ins among its sources', async () => {
    const { json } = await rateOf('GME')
    expect(json).toMatchObject({ volatility_index: null, event_risk_factor: null })
    expect(json.data_sources).toMatchObject({ volatility: { value: '20' }, event_risk: { value: '0' } })
  })
})

describe('with no feed that ever arrived', () => {
  beforeAll(async () => {
    deployed = await startDeployment({
      prepare: async (database) => {
        await database.query('delete from lender_rates')
        await database.query('delete from lender_rate_history')
        await database.query('delete from market_events')
        await database.query('delete from feed_states')
        await stock(database, { ticker: 'ZDESK', status: 'MEDIUM' })
      },
    })
  })

  test('a name that the desk knows is priced, marked', async () => {
    const { status, json } = await quote('ZDESK')
    expect(status).toBe(200)
    expect(json.degraded).toEqual(expect.arrayContaining(['lender_rate_fallback', 'event_risk_fallback']))
  })

  test('a name that nobody knows is 503 with Retry-After: it is not known that it does not exist', async () => {
    for (const answer of [await quote('ZZZZZ'), await rateOf('ZZZZZ'), await rateOf('ZZZZZ')]) {
      expectFailure(answer, 'EXTERNAL_API_UNAVAILABLE')
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
    }
  })
})
