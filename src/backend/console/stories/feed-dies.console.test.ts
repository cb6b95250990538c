// A feed dies while a trader looks: it is said once, in the bar below and in the head of its column; rows are amber for their own faults
// alone. It comes back, and all is calm.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Deployment, startDeployment } from '../../test/end-to-end/deployment.ts'
import { list } from '../../test/end-to-end/market.ts'
import { FAKE_KEYS, type FakeFeeds, startFakeFeeds } from '../../test/fakes/fake-feeds.ts'
import { expectAccessible, visit } from './browser.ts'

/** Too old to be fresh, and not too old to be used. */
const STALE_SECONDS = 7_200

let feeds: FakeFeeds
let engine: Deployment
beforeAll(async () => {
  feeds = await startFakeFeeds()
  engine = await startDeployment({
    prepare: (database) => list(database, { ticker: 'OLDAA', rate: '0.04', status: 'HARD', ageSeconds: STALE_SECONDS }),
    environment: {
      LENDER_FEED_URL: feeds.urls.lender,
      LENDER_FEED_KEY: FAKE_KEYS.lender,
      LENDER_BREAKER_OPEN_SECONDS: '2',
    },
  })
})
afterAll(() => feeds?.close())

/** As a desk that wants to know it now: the feed itself is asked. */
function ask(ticker: string): Promise<unknown> {
  return fetch(`${engine.url}/api/v1/rates/${ticker}?use_cache=false`, { headers: { 'x-api-key': engine.keys.desk } })
}

async function breaker(): Promise<string | undefined> {
  await Promise.all(['GME', 'AMC', 'TSLA', 'AAPL', 'BBAI', 'SPCE'].map(ask))
  const health = await fetch(`${engine.url}/health/external`)
  const body = (await health.json()) as { feeds: { lender?: { breaker?: { state: string } } } }
  return body.feeds.lender?.breaker?.state
}

test('the lender’s feed dies: one amber line, one amber head, and no amber row; then it is back', async () => {
  const { page, faults } = await visit({
    url: engine.url,
    apiKey: engine.keys.desk,
    path: '/rates?q=OLDA&panel=closed',
  })
  const age = page.getByRole('row', { name: 'OLDAA' }).getByText('2 h', { exact: true })
  await age.waitFor()
  const colour = () => age.evaluate((element) => getComputedStyle(element).color)
  const warn = await page.evaluate(() => {
    const probe = document.body.appendChild(document.createElement('i'))
    probe.style.color = 'var(--warn)'
    return getComputedStyle(probe).color
  })
  // The feed is well: a rate that is old is the fault of this stock.
  expect(await colour()).toBe(warn)
  const head = page.getByRole('columnheader', { name: /the lender feed does not answer/ })
  expect(await head.count()).toBe(0)

  feeds.setMode('lender', '500')
  await expect.poll(breaker, { timeout: 20_000, interval: 500 }).toBe('open')
  await page
    .getByRole('contentinfo')
    .getByText(/breaker open/)
    .first()
    .waitFor()
  await head.waitFor()
  await expect.poll(colour).not.toBe(warn)
  await expect.poll(() => page.getByRole('status').allTextContents()).toContain('The lender feed does not answer.')
  await expectAccessible(page)

  feeds.setMode('lender', 'ok')
  await expect.poll(breaker, { timeout: 20_000, interval: 500 }).toBe('closed')
  await head.waitFor({ state: 'detached' })
  await page
    .getByRole('contentinfo')
    .getByText(/breaker/)
    .first()
    .waitFor({ state: 'detached' })
  expect(faults).toEqual([])
})
