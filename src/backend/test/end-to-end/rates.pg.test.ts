// Current rates: one name, one name under chosen conditions, all names of a status.
import { beforeAll, describe, expect, test } from 'vitest'
import { expectFailure } from './answers.ts'
import { type Deployment, startDeployment } from './deployment.ts'
import { type Answer, ask } from './http.ts'
import { broker, list, listPlain, ownVolatility } from './market.ts'

let deployed: Deployment

beforeAll(async () => {
  deployed = await startDeployment({
    prepare: async (database) => {
      await listPlain(database, 'ZZA', '0.05')
      await list(database, {
        ticker: 'ZRB',
        rate: '0.05',
        status: 'MEDIUM',
        available: 10,
        atLeast: true,
        benchmark: '0.0433',
      })
      await ownVolatility(database, 'ZRB', '20')
      // The bounds of the tiers, judged by the lender's rate alone.
      await list(database, { ticker: 'ZEASY', rate: '0.00499999' })
      await list(database, { ticker: 'ZMEDA', rate: '0.005' })
      await list(database, { ticker: 'ZMEDB', rate: '0.03' })
      await list(database, { ticker: 'ZHARD', rate: '0.03000001' })
      await broker(database, 'deskmodel', { pricing_model: 'desk-v1' })
    },
  })
})

const get = (path: string, headers: Record<string, string> = {}): Promise<Answer> =>
  ask(deployed, { path: `/api/v1${path}`, key: deployed.keys.desk, headers })

describe('one name', () => {
  test('comes with its rate, status, volatility, event risk, availability, rebate, floor, model and sources', async () => {
    const { status, json } = await get('/rates/ZRB')
    expect(status).toBe(200)
    expect(json).toMatchObject({
      status: 'success',
      ticker: 'ZRB',
      current_rate: '0.06',
      borrow_status: 'MEDIUM',
      volatility_index: '20',
      event_risk_factor: '0',
      lender_rate: '0.05',
      availability: { shares: '10', at_least: true },
      rebate_rate: '-0.0167',
      floor_rate: '0.0001',
      pricing_model: 'standard-v1',
    })
    expect(Object.keys(json.data_sources)).toEqual(['base_rate', 'volatility', 'event_risk'])
    expect(json.last_updated).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  })

  test('is the same at both addresses, and the same as a quote uses', async () => {
    const [one, other] = [await get('/rates/GME'), await get('/rates/ticker/GME')]
    expect(other.json.current_rate).toBe(one.json.current_rate)
    const body = { ticker: 'GME', position_value: 100, loan_days: 1, client_id: 'demo-classic' }
    const quote = await ask(deployed, { path: '/api/v1/calculate-locate', key: deployed.keys.desk, body })
    expect(quote.json.borrow_rate_used).toBe(one.json.current_rate)
  })

  test.each([
    ['ZEASY', 'EASY'],
    ['ZMEDA', 'MEDIUM'],
    ['ZMEDB', 'MEDIUM'],
    ['ZHARD', 'HARD'],
  ])('without a status of the feed %s is %s by its lender rate', async (ticker, status) => {
    expect((await get(`/rates/${ticker}`)).json.borrow_status).toBe(status)
  })

  test("is under the model of the key's broker, and the validators of two models differ", async () => {
    const key = await deployed.newKey('deskmodel', 'broker')
    const theirs = await ask(deployed, { path: '/api/v1/rates/ZZA', key })
    const ours = await get('/rates/ZZA')
    expect(theirs.json.pricing_model).toBe('desk-v1')
    expect(ours.json.pricing_model).toBe('standard-v1')
    expect(theirs.headers.etag).not.toBe(ours.headers.etag)
  })

  test.each(['use_cache=false', 'use_cache=true', 'max_age=0', 'max_age=86400', 'use_cache=true&max_age=60'])(
    'may be asked with %s',
    async (query) => {
      expect((await get(`/rates/ZZA?${query}`)).json.current_rate).toBe('0.05')
    },
  )

  test('past the copy shows what has changed meanwhile', async () => {
    await get('/rates/ZEASY')
    await deployed.database.query(`update lender_rates set rate = 0.004 where ticker = 'ZEASY'`)
    expect((await get('/rates/ZEASY')).json.lender_rate).toBe('0.00499999')
    expect((await get('/rates/ZEASY?use_cache=false')).json.lender_rate).toBe('0.004')
  })

  test.each([
    ['use_cache=yes', 'use_cache'],
    ['use_cache=', 'use_cache'],
    ['max_age=-1', 'max_age'],
    ['max_age=86401', 'max_age'],
    ['max_age=1.5', 'max_age'],
    ['max_age=1&max_age=2', 'max_age'],
  ])('asked with %s is 400 that names the field', async (query, field) => {
    const answer = await get(`/rates/ZZA?${query}`)
    expectFailure(answer, 'INVALID_PARAMETER')
    expect(answer.json.validation_errors).toMatchObject([{ field, location: 'query' }])
    expect(answer.json.valid_params).toEqual(['use_cache', 'max_age'])
  })

  test.each(['aapl', 'TOOLONG', 'A1', 'BRK-B', 'BRK.BBB', '.B', '%20AAPL', 'AAPL%0a', 'A%00'])(
    '%s is no ticker',
    async (ticker) => {
      const answer = await get(`/rates/${ticker}`)
      expectFailure(answer, 'INVALID_PARAMETER', ticker.length > 3 ? [ticker] : [])
      expect(answer.json.validation_errors).toMatchObject([{ field: 'ticker', location: 'path' }])
    },
  )

  test('a share class is a ticker', async () => {
    expect((await get('/rates/BRK.B')).json.ticker).toBe('BRK.B')
  })
})

describe('validators', () => {
  test('a rate that is as it was is 304 without a body, by any form of the tag', async () => {
    const first = await get('/rates/GME')
    const tag = first.headers.etag as string
    expect(tag).toMatch(/^(W\/)?"[^"]+"$/)
    expect(first.headers['cache-control']).toMatch(/private/)
    expect(Date.parse(first.headers['last-modified'] as string)).not.toBeNaN()
    for (const known of [tag, tag.replace('W/', ''), `"other", ${tag}`, '*']) {
      const again = await get('/rates/GME', { 'if-none-match': known })
      expect(again.status).toBe(304)
      expect(again.text).toBe('')
      expect(again.headers.etag).toBe(tag)
      expect(again.headers['x-ratelimit-limit']).toBeDefined()
    }
  })

  test('is 304 by its date too, unless a tag says otherwise', async () => {
    const first = await get('/rates/BRK.B')
    const since = first.headers['last-modified'] as string
    expect(Date.parse(since)).toBeLessThanOrEqual(Date.now())
    const again = await get('/rates/BRK.B', { 'if-modified-since': since })
    expect(again.status).toBe(304)
    expect(again.text).toBe('')
    const earlier = new Date(Date.parse(since) - 1000).toUTCString()
    expect((await get('/rates/BRK.B', { 'if-modified-since': earlier })).status).toBe(200)
    expect((await get('/rates/BRK.B', { 'if-modified-since': 'not a date' })).status).toBe(200)
    const both = { 'if-modified-since': since, 'if-none-match': '"another"' }
    expect((await get('/rates/BRK.B', both)).status).toBe(200)
  })

  test('a floor that the desk has set is another answer by date as well', async () => {
    const since = (await get('/rates/ZMEDA?use_cache=false')).headers['last-modified'] as string
    await deployed.database.query(
      "insert into stocks (ticker, floor_rate) values ('ZMEDA', 0.5) on conflict (ticker) do update set floor_rate = 0.5",
    )
    const changed = await get('/rates/ZMEDA?use_cache=false', { 'if-modified-since': since })
    expect(changed.status).toBe(200)
    expect(changed.json.current_rate).toBe('0.5')
  })

  test('growing older does not change the tag, another rate does', async () => {
    const tag = (await get('/rates/ZHARD')).headers.etag as string
    await deployed.database.query(`update lender_rates set rate = 0.04 where ticker = 'ZHARD'`)
    const changed = await get('/rates/ZHARD?use_cache=false', { 'if-none-match': tag })
    expect(changed.status).toBe(200)
    expect(changed.headers.etag).not.toBe(tag)
    expect((await get('/rates/GME', { 'if-none-match': '"something else"' })).status).toBe(200)
  })
})

describe('chosen conditions', () => {
  test.each([
    ['model=standard-v1', '0.05', 'standard-v1'],
    ['volatility_index=100', '0.1', 'standard-v1'],
    ['volatility_index=24.5', '0.06225', 'standard-v1'],
    ['event_risk_factor=10', '0.0525', 'standard-v1'],
    ['volatility_index=0&event_risk_factor=0', '0.05', 'standard-v1'],
    ['volatility_index=100&event_risk_factor=10&model=desk-v1', '0.14', 'desk-v1'],
    ['volatility_index=20&event_risk_factor=5&model=desk-v1', '0.075', 'desk-v1'],
    ['volatility_index=100.0000', '0.1', 'standard-v1'],
    ['event_risk_factor=1e1', '0.0525', 'standard-v1'],
  ])('"%s" turns a lender rate of 0.05 into %s', async (query, rate, model) => {
    const { status, json } = await get(`/rates/ZZA/calculate?${query}`)
    expect(status).toBe(200)
    expect(json).toMatchObject({ current_rate: rate, pricing_model: model, lender_rate: '0.05' })
    expect(json.waterfall.map(({ step }: { step: string }) => step)).toEqual([
      'lender_rate',
      'volatility',
      'events',
      'cap',
      'floor',
    ])
    expect(json.waterfall.at(-1).after).toBe(rate)
  })

  test.each([
    ['volatility_index=-0.0001', 'volatility_index'],
    ['volatility_index=100.0001', 'volatility_index'],
    ['volatility_index=20.00001', 'volatility_index'],
    ['volatility_index=NaN', 'volatility_index'],
    ['volatility_index=1e400', 'volatility_index'],
    ['event_risk_factor=11', 'event_risk_factor'],
    ['event_risk_factor=-1', 'event_risk_factor'],
    ['event_risk_factor=5.5', 'event_risk_factor'],
    ['model=no-such-model', 'model'],
    ['model=DROP%20TABLE', 'model'],
    ['model=standard-v1&model=desk-v1', 'model'],
  ])('%s is 400 that names the field and the valid ones', async (query, field) => {
    const answer = await get(`/rates/ZZA/calculate?${query}`)
    expectFailure(answer, 'INVALID_PARAMETER', ['no-such-model', 'DROP'])
    expect(answer.json.validation_errors).toMatchObject([{ field, location: 'query' }])
    expect(answer.json.valid_params).toEqual(['volatility_index', 'event_risk_factor', 'model'])
  })

  test('of a name that nobody knows are 404', async () => {
    expectFailure(await get('/rates/ZZZZZ/calculate'), 'TICKER_NOT_FOUND')
  })
})

describe('names of a status', () => {
  const tickers = ({ json }: Answer) => (json as { ticker: string }[]).map(({ ticker }) => ticker)
  const linked = (answer: Answer, rel: string) =>
    new RegExp(`<([^>]+)>; rel="${rel}"`).exec(String(answer.headers.link))?.[1]

  test.each(['EASY', 'MEDIUM', 'HARD'])(
    '%s pages through every name once, in order, by the links alone',
    async (status) => {
      const first = await get(`/rates/status/${status}?limit=37`)
      expect(Array.isArray(first.json)).toBe(true)
      const total = Number(first.headers['x-total-count'])
      const seen = tickers(first)
      let page = first
      for (let next = linked(page, 'next'); next !== undefined; next = linked(page, 'next')) {
        page = await ask(deployed, { path: next, key: deployed.keys.desk })
        expect(Number(page.headers['x-total-count'])).toBe(total)
        expect(linked(page, 'prev')).toBeDefined()
        seen.push(...tickers(page))
      }
      expect(seen).toHaveLength(total)
      expect(seen).toEqual([...new Set(seen)].sort())
      expect((await get(`/rates/${seen[0]}`)).json.borrow_status).toBe(status)
    },
  )

  test('twenty at a time unless said; the first page has no link back, the last none on', async () => {
    const page = await get('/rates/status/HARD')
    expect(tickers(page)).toHaveLength(20)
    expect(linked(page, 'prev')).toBeUndefined()
    const total = Number(page.headers['x-total-count'])
    const last = await get(`/rates/status/HARD?skip=${total - 1}`)
    expect(tickers(last)).toHaveLength(1)
    expect(linked(last, 'next')).toBeUndefined()
  })

  test('beyond the end is an empty list that still counts', async () => {
    const page = await get('/rates/status/EASY?skip=1000000')
    expect(page.status).toBe(200)
    expect(page.text).toBe('[]')
    expect(Number(page.headers['x-total-count'])).toBeGreaterThan(0)
  })

  test.each([
    ['HARD?limit=0', 'limit', 'query'],
    ['HARD?limit=101', 'limit', 'query'],
    ['HARD?limit=ten', 'limit', 'query'],
    ['HARD?skip=-1', 'skip', 'query'],
    ['HARD?skip=0&skip=1', 'skip', 'query'],
    ['hard', 'status', 'path'],
    ['IMPOSSIBLE', 'status', 'path'],
  ])('%s is 400', async (path, field, location) => {
    const answer = await get(`/rates/status/${path}`)
    expectFailure(answer, 'INVALID_PARAMETER', ['IMPOSSIBLE'])
    expect(answer.json.validation_errors).toMatchObject([{ field, location }])
  })

  test('limit 1 and 100 are the bounds', async () => {
    expect(tickers(await get('/rates/status/HARD?limit=1'))).toHaveLength(1)
    expect((await get('/rates/status/HARD?limit=100')).status).toBe(200)
  })
})
