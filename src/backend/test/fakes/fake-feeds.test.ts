import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { FAKE_KEYS, type FakeFeeds, startFakeFeeds } from './fake-feeds.ts'

let feeds: FakeFeeds
beforeAll(async () => {
  feeds = await startFakeFeeds()
})
afterEach(() => feeds.reset())
afterAll(() => feeds.close())

const lender = (ticker: string, key: string = FAKE_KEYS.lender) =>
  fetch(`${feeds.urls.lender}/api/v1/borrows/${ticker}`, { headers: { 'x-api-key': key }, redirect: 'manual' })
const admin = (method: string, path: string, body?: string) =>
  fetch(`${feeds.urls.admin}${path}`, { method, ...(body === undefined ? {} : { body }) })

describe('the fake feeds', () => {
  test('answer as the contract of feeds says', async () => {
    expect(await (await lender('GME')).json()).toEqual({ rate: 0.15, status: 'HARD', available: 35_000 })
    const bearer = { headers: { authorization: `Bearer ${FAKE_KEYS.volatility}` } }
    expect(await (await fetch(`${feeds.urls.volatility}/api/market/vix`, bearer)).json()).toMatchObject({ value: 20.5 })
    const events = await fetch(`${feeds.urls.events}/api/calendar/events?ticker=GME`, {
      headers: { 'x-api-key': FAKE_KEYS.events },
    })
    expect(await events.json()).toMatchObject({ events: [{ type: 'earnings', risk_factor: 7 }] })
  })

  test('refuse a wrong key', async () => {
    expect((await lender('GME', 'other')).status).toBe(401)
  })

  test('are turned ill and well over the admin port, by a person', async () => {
    await admin('POST', '/lender/500')
    expect((await lender('GME')).status).toBe(500)
    await admin('POST', '/lender/intermittent/1/2')
    expect([(await lender('GME')).status, (await lender('GME')).status].sort()).toEqual([200, 500])
    await admin('PUT', '/lender/GME', '{"rate":0.3}')
    await admin('POST', '/lender/ok')
    expect(await (await lender('GME')).json()).toEqual({ rate: 0.3 })
    expect((await admin('POST', '/lender/sulking')).status).toBe(400)
    const shown = (await (await admin('GET', '/')).json()) as { lender: unknown }
    expect(shown.lender).toMatchObject({ mode: { kind: 'ok' }, requests: 4, own_answers: ['GME'] })
  })

  test('have tickers that are always ill', async () => {
    expect((await lender('NOPE')).status).toBe(404)
    expect((await lender('ZZTOP')).status).toBe(404)
    expect((await lender('FAIL')).status).toBe(500)
    expect(await (await lender('JUNK')).text()).toMatch(/^<!doctype html>/)
    await expect(
      fetch(`${feeds.urls.lender}/api/v1/borrows/HANG`, {
        headers: { 'x-api-key': FAKE_KEYS.lender },
        signal: AbortSignal.timeout(50),
      }),
    ).rejects.toThrow()
  })

  test('serve files with checksum, compressed, and by condition', async () => {
    feeds.putFile('usa.txt', '#BOF|')
    const file = await fetch(`${feeds.urls.files}/usa.txt`)
    expect(await file.text()).toBe('#BOF|')
    expect(await (await fetch(`${feeds.urls.files}/usa.txt.md5`)).text()).toMatch(/^[0-9a-f]{32} {2}usa\.txt\n$/)
    const again = await fetch(`${feeds.urls.files}/usa.txt`, {
      headers: { 'if-none-match': file.headers.get('etag') ?? '' },
    })
    expect(again.status).toBe(304)
  })
})
