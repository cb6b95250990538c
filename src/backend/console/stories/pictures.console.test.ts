// The pictures of docs/images/console: every screen as a person sees it, on demonstration data with a week of moves. With
// UPDATE_PICTURES=1 they are written anew; otherwise each is taken, and the documents' one must be there in the same size.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type pg from 'pg'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Deployment, type KeyName, startDeployment } from '../../test/end-to-end/deployment.ts'
import { ask } from '../../test/end-to-end/http.ts'
import { SIZES, visit } from './browser.ts'

const DOCUMENTS = fileURLToPath(new URL('../../../../docs/images/console/', import.meta.url))
const folder = process.env.UPDATE_PICTURES === '1' ? DOCUMENTS : `${mkdtempSync(join(tmpdir(), 'console-pictures-'))}/`

const WATCHED = [
  'GME',
  'AMC',
  'BYND',
  'SMCI',
  'SPCE',
  'LCID',
  'DJT',
  'PLUG',
  'RIVN',
  'MSTR',
  'TSLA',
  'NVDA',
  'AAPL',
  'F',
]
const HOURS = 24 * 9

let engine: Deployment
beforeAll(async () => {
  mkdirSync(folder, { recursive: true })
  engine = await startDeployment({ prepare: movesOfAWeek })
  await engine.database.query(
    `update api_keys set label = case role when 'desk' then 'M. Okafor, desk' when 'admin' then 'R. Lindqvist, admin' else 'S. Tan, audit' end
      where role in ('desk', 'admin', 'auditor')`,
  )
  for (const [ticker, value, clientId] of [
    ['AMC', 120_000, 'demo-classic'],
    ['BYND', 75_000, 'demo-percentage'],
    ['SPCE', 40_000, 'demo-collateral'],
    ['GME', 50_000, 'demo-classic'],
    ['LCID', 250_000, 'demo-classic'],
    ['GME', 50_000, 'demo-percentage'],
  ] as const) {
    const body = { ticker, position_value: value, loan_days: 30, client_id: clientId }
    const { status } = await ask(engine, { path: '/api/v1/calculate-locate', key: engine.keys.desk, body })
    expect(status).toBe(200)
  }
})
afterAll(() => {
  if (folder !== DOCUMENTS) rmSync(folder, { recursive: true, force: true })
})

/** What the lender said in the last days of the stocks that are watched: up and down around what it says now. */
async function movesOfAWeek(database: pg.Pool): Promise<void> {
  for (const [nth, ticker] of WATCHED.entries()) {
    await database.query(
      `insert into lender_rate_history (ticker, as_of, rate, available, provider, received_at)
       select ticker, at, round((rate * (1 + 0.06 * sin(($2::float8 + hours) / (7.0 + $2::float8)) - 0.0006 * hours))::numeric, 6), available, provider, at
         from lender_rates,
              lateral (select hours, date_trunc('hour', now()) - make_interval(hours => hours) as at
                         from generate_series(0, $3::int, 5) as hours) as times
        where ticker = $1
       on conflict do nothing`,
      [ticker, nth, HOURS],
    )
  }
}

interface Picture {
  readonly name: string
  readonly path: string
  readonly key?: KeyName
  readonly theme?: 'dark' | 'light'
  readonly size?: keyof typeof SIZES
  readonly show: (page: Page) => Promise<void>
}

const priced = async (page: Page) => {
  await page.getByRole('button', { name: /^Price/ }).click()
  await page.getByText('Total locate fee').waitFor()
  // The bars come with their library, after the words.
  await page.locator('canvas').nth(1).waitFor()
}
const QUOTE = '/quote?client_id=demo-classic&ticker=GME&position_value=50000&loan_days=30'
const ratesShown = async (page: Page) => {
  await page.getByRole('row', { name: /GME/ }).first().waitFor()
  await page.getByText('Five trading days').waitFor()
  await page.locator('[col-id="days"] svg path').nth(9).waitFor()
}

const BASKET = [
  'ticker,position_value,loan_days',
  ...WATCHED.map((ticker, nth) => `${ticker},${25_000 + nth * 12_500},${[7, 14, 30, 60][nth % 4]}`),
  'ZZZZQ,10000,30',
  'TSLA,0,30',
].join('\n')

const PICTURES: readonly Picture[] = [
  { name: 'rates-dark', path: '/rates?ticker=GME', show: ratesShown },
  { name: 'rates-light', path: '/rates?ticker=GME', theme: 'light', show: ratesShown },
  { name: 'quote-dark', path: QUOTE, show: priced },
  { name: 'quote-light', path: QUOTE, theme: 'light', show: priced },
  { name: 'quote-phone', path: QUOTE, size: 'phone', show: priced },
  {
    name: 'basket-dark',
    path: '/basket',
    show: async (page) => {
      await page.getByLabel('Lines of the basket').fill(BASKET)
      await page.getByRole('button', { name: 'Read the lines' }).click()
      await page.getByLabel('Broker of the lines that name none').first().fill('demo-classic')
      await page.keyboard.press('Enter')
      await page.getByRole('button', { name: /^Price/ }).click()
      await page.getByText('ZZZZQ').first().waitFor()
    },
  },
  {
    name: 'history-dark',
    path: '/history?ticker=GME&range=5d',
    show: async (page) => page.getByRole('slider', { name: /Borrow rate of/ }).waitFor(),
  },
  {
    name: 'record-light',
    path: '/record?ticker=GME',
    key: 'auditor',
    theme: 'light',
    show: async (page) => page.getByText('Proved').first().waitFor(),
  },
  {
    name: 'what-if-dark',
    path: '/what-if',
    show: async (page) => {
      await page.getByRole('textbox', { name: 'Markup', exact: true }).fill('6.5')
      await page.getByRole('button', { name: /^Try/ }).click()
      await page.getByText('demo-classic').first().waitFor()
      await page.locator('canvas').first().waitFor()
    },
  },
  {
    name: 'administration-light',
    path: '/administration',
    key: 'admin',
    theme: 'light',
    show: async (page) => page.getByText('demo-classic').first().waitFor(),
  },
  {
    name: 'operations-dark',
    path: '/operations',
    key: 'admin',
    show: async (page) => page.getByRole('heading', { level: 1 }).waitFor(),
  },
]

test.each(PICTURES)('$name', async ({ name, path, key = 'desk', theme = 'dark', size = 'desk', show }) => {
  const { page, faults } = await visit({
    url: engine.url,
    apiKey: engine.keys[key],
    path,
    theme,
    size,
    storage: { 'borrow-desk-watchlist': JSON.stringify(WATCHED) },
  })
  await show(page)
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))))
  const file = `${folder}${name}.png`
  await page.screenshot({ path: file, animations: 'disabled' })
  expect(sizeOf(file)).toEqual(SIZES[size])
  expect(sizeOf(`${DOCUMENTS}${name}.png`)).toEqual(SIZES[size])
  expect(faults).toEqual([])
  await page.close()
})

/** As the header of a PNG says. */
function sizeOf(file: string): { width: number; height: number } {
  const bytes = readFileSync(file)
  return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) }
}
