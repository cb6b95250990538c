// Somebody looks at a rate over time: chooses a name and a range, moves through it by keys, compares, and takes the figures along.
import { readFileSync } from 'node:fs'
import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, test } from 'vitest'
import type { RateHistoryAnswer } from '../../client/index.ts'
import { type Deployment, startDeployment } from '../../test/end-to-end/deployment.ts'
import { ask } from '../../test/end-to-end/http.ts'
import { list } from '../../test/end-to-end/market.ts'
import { expectAccessible, visit } from './browser.ts'

const DAY_MS = 86_400_000
const TODAY = new Date(new Date().toISOString().slice(0, 10)).getTime()
const daysAgo = (days: number) => new Date(TODAY - days * DAY_MS).toISOString()
/** So long ago the lender said something of ZHIS for the first time. */
const FIRST_DAY = 200
/** Then it gave no rate for four days. */
const NO_RATE_FROM = 60
const NO_RATE_TO = 56

/** What the lender said so many days ago; today's is that of the list. */
function rateOf(days: number): string | null {
  if (days === 0) return '0.08'
  return days <= NO_RATE_FROM && days > NO_RATE_TO ? null : (0.05 + (days % 17) / 400).toFixed(5)
}

/** The engine, and perhaps the build before it. */
const START_MS = 180_000

let engine: Deployment
beforeAll(async () => {
  engine = await startDeployment({
    prepare: async (database) => {
      await list(database, { ticker: 'ZHIS', rate: '0.08', available: 800 })
      await list(database, { ticker: 'ZHOT', rate: '0.2', available: 50 })
      const days = Array.from({ length: FIRST_DAY + 1 }, (_, ago) => ago)
      await database.query(
        `insert into lender_rate_history (ticker, as_of, rate, available, provider, received_at)
         select 'ZHIS', as_of, rate, available, 'test lender', as_of
           from unnest($1::timestamptz[], $2::numeric[], $3::bigint[]) as said (as_of, rate, available)`,
        [days.map(daysAgo), days.map(rateOf), days.map((ago) => 500 + ago)],
      )
      await database.query(
        `insert into lender_rate_history (ticker, as_of, rate, available, provider, received_at) values ('ZHOT', $1, '0.2', 50, 'test lender', $1)`,
        [daysAgo(90)],
      )
      await database.query(
        `insert into volatility_index_history (as_of, value, provider, received_at) values ($1, 21.5, 'test index', $1)`,
        [daysAgo(250)],
      )
    },
  })
}, START_MS)

/** The answer that the page itself asked for. */
function historyOf(page: Page, ticker: string): Promise<RateHistoryAnswer> {
  return page
    .waitForResponse((response) => response.url().includes(`/api/v1/rates/${ticker}/history?`) && response.ok())
    .then((response) => response.json() as Promise<RateHistoryAnswer>)
}

/** The pointer rests where the sign-in was: over the chart, where it would look at a point. */
const pointerAway = (page: Page) => page.mouse.move(1, 1)
const chart = (page: Page) => page.getByRole('slider', { name: /Borrow rate of/ })
const rowsOf = async (page: Page): Promise<string[][]> => {
  const rows = page.getByRole('table', { name: /newest first/ }).getByRole('row')
  return (await rows.allInnerTexts()).slice(1).map((row) => row.split('\t').map((cell) => cell.trim()))
}
const percent = (fraction: unknown) => (Number(fraction) * 100).toFixed(6)

test('a name is chosen by keys, a range by a click; the table has the points of the answer, and the file all of them', async () => {
  const { page, faults } = await visit({ url: engine.url, apiKey: engine.keys.desk, path: '/rates' })
  await page.keyboard.press('g')
  await page.keyboard.press('h')
  await page.getByText('Choose a stock to see its borrow rate over time').waitFor()
  await expectAccessible(page)
  await page.keyboard.press('f')
  await page.keyboard.type('zhi')
  await page.getByRole('option', { name: /ZHIS/ }).waitFor()
  const month = historyOf(page, 'ZHIS')
  await page.keyboard.press('Enter')
  expect((await month).interval).toBe('1h')
  await chart(page).waitFor()
  expect(new URL(page.url()).search).toBe('?ticker=ZHIS')

  const days = historyOf(page, 'ZHIS')
  await page.getByText('5 D', { exact: true }).click()
  const { points, interval } = await days
  expect(interval).toBe('15m')
  await page.getByText('A point every 15 minutes').waitFor()
  expect(new URL(page.url()).searchParams.get('range')).toBe('5d')

  // What the stream tells since is one point more.
  const rows = await rowsOf(page)
  const live = rows[0]?.[0]?.endsWith(points.at(-1)?.time.slice(11, 19) ?? '') ? 0 : 1
  const shown = points.slice(live - 50).reverse()
  expect(rows.slice(live)).toEqual(
    shown.map(({ time, borrow_rate, lender_rate, volatility_index, event_risk_factor, availability }) => [
      expect.stringContaining(time.slice(11, 19)),
      percent(borrow_rate),
      percent(lender_rate),
      String(volatility_index),
      event_risk_factor === null ? '◇ unknown' : String(event_risk_factor),
      String(availability.shares),
    ]),
  )
  await page.keyboard.press(']')
  await page.getByText(`51 to 100 of ${points.length + live}`).waitFor()
  expect(new URL(page.url()).searchParams.get('page')).toBe('2')

  const saved = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Download CSV' }).click()
  const file = await saved
  expect(file.suggestedFilename()).toMatch(/^history-ZHIS-[0-9-]{10}-to-[0-9-]{10}\.csv$/)
  const lines = readFileSync(await file.path(), 'utf8')
    .trim()
    .split('\r\n')
  expect(lines).toHaveLength(1 + points.length + live)
  const last = points.at(-1)
  expect(lines.at(-1 - live)).toMatch(`${last?.time},ZHIS,${last?.borrow_rate},${last?.lender_rate},`)
  expect(faults).toEqual([])
})

test('the arrow keys move through the points, and the legend says what is there', async () => {
  const { page, faults } = await visit({
    url: engine.url,
    apiKey: engine.keys['demo-classic'],
    path: '/history?ticker=ZHIS&range=1y',
  })
  await pointerAway(page)
  await chart(page).focus()
  const said = () => chart(page).getAttribute('aria-valuetext')
  const last = await said()
  await page.keyboard.press('ArrowLeft')
  const before = await said()
  expect(before).not.toBe(last)
  const [moment, rate] = (before ?? '').split(': ZHIS ')
  const legend = page.getByRole('table', { name: moment ?? '' })
  await legend.getByRole('cell', { name: rate ?? '' }).waitFor()
  await page.keyboard.press('ArrowRight')
  expect(await said()).toBe(last)
  await page.keyboard.press('Home')
  expect(await said()).toContain('no rate yet')
  await page.getByRole('cell', { name: 'no rate of the lender yet' }).waitFor()
  await page.keyboard.press('Escape')
  await expect.poll(said).toBe(last)
  expect(faults).toEqual([])
})

test('a year has its points; what the lender did not give is a guess in words, and what was before it is no rate', async () => {
  const { page, faults } = await visit({
    url: engine.url,
    apiKey: engine.keys.auditor,
    path: '/history?ticker=ZHIS&range=1y&page=2',
    theme: 'light',
    size: 'laptop',
  })
  // One a day, the one of now, and perhaps one of the stream.
  await page.getByText(new RegExp(`of (${FIRST_DAY + 2}|${FIRST_DAY + 3}), newest first`)).waitFor()
  await page.getByText(`No rate before`).waitFor()
  const guessed = (await rowsOf(page)).filter((row) => row[2] === '◇ none')
  expect(guessed).toHaveLength(NO_RATE_FROM - NO_RATE_TO)
  for (const row of guessed) expect(row[1]).toMatch(/^◇ /)
  await expectAccessible(page)
  expect(faults).toEqual([])
})

test('others stand beside a name, at most two, and all of it is in the address', async () => {
  const { page, faults } = await visit({ url: engine.url, apiKey: engine.keys.desk, path: '/history?ticker=ZHIS' })
  const compare = page.getByRole('combobox', { name: 'Compare with' })
  await compare.fill('zhot')
  await page.keyboard.press('Enter')
  await page.getByRole('columnheader', { name: 'ZHOT, %' }).waitFor()
  expect(new URL(page.url()).search).toBe('?ticker=ZHIS&with=ZHOT')
  await compare.fill('ZZZZZ')
  await page.keyboard.press('Enter')
  await page.getByText('Ticker not found: ZZZZZ').waitFor()
  expect(await compare.count()).toBe(0)
  await expectAccessible(page)
  await page.getByRole('button', { name: 'Leave ZZZZZ out' }).click()
  await page.getByRole('button', { name: 'Remove ZHOT' }).click()
  await page.getByRole('columnheader', { name: 'Rate, %' }).waitFor()
  expect(new URL(page.url()).search).toBe('?ticker=ZHIS')
  expect(faults).toEqual([])
})

describe('what is refused', () => {
  test('an unknown name, in the words of the server; own dates at their field', async () => {
    const { page, faults } = await visit({ url: engine.url, apiKey: engine.keys.desk, path: '/history?ticker=ZZZZZ' })
    await page.getByText('Ticker not found: ZZZZZ').waitFor()
    await page.goto(`${engine.url}/history?ticker=ZHIS`)
    await page.getByText('Own dates').click()
    const from = page.getByLabel('From the beginning of')
    await from.fill(new Date(TODAY + 2 * DAY_MS).toISOString().slice(0, 10))
    await page.getByRole('button', { name: 'Show' }).click()
    await page.getByText('from must be earlier than to, and than now').waitFor()
    expect(await from.getAttribute('aria-invalid')).toBe('true')
    await expect.poll(() => from.evaluate((field) => field === document.activeElement)).toBe(true)
    await page.getByLabel('From the beginning of').fill('2020-01-01')
    await page.getByLabel('to the end of').fill('2020-12-31')
    await page.getByRole('button', { name: 'Show' }).click()
    await page.getByText('There is no rate of ZHIS from 1 Jan 2020').waitFor()
    await expectAccessible(page)
    await page.getByRole('link', { name: 'Show the year' }).click()
    await chart(page).waitFor()
    expect(faults).toEqual([])
  })
})

test('the last point moves with the stream; on a phone as well', async () => {
  const { page, faults } = await visit({
    url: engine.url,
    apiKey: engine.keys.desk,
    path: '/history?ticker=ZHOT&range=1d',
    size: 'phone',
  })
  await pointerAway(page)
  await chart(page).waitFor()
  const before = await chart(page).getAttribute('aria-valuetext')
  const answer = await ask(engine, {
    method: 'PUT',
    path: '/api/v1/stocks/ZHOT',
    key: engine.keys.admin,
    headers: { 'if-none-match': '*' },
    body: { borrow_status: 'HARD', floor_rate: '0.91' },
  })
  expect(answer.status).toBe(201)
  await expect.poll(() => chart(page).getAttribute('aria-valuetext'), { timeout: 10_000 }).toContain('ZHOT 91 %')
  expect(before).not.toContain('91 %')
  expect((await rowsOf(page))[0]?.[1]).toBe('91.000000')
  await expectAccessible(page)
  expect(faults).toEqual([])
})
