// A trader looks for what moved and what is guessed, without a mouse; an auditor, a phone, a stream that is lost.
import type { Page } from 'playwright-core'
import { beforeAll, expect, test } from 'vitest'
import { COUNTS, type RateListAnswer, type RateRowAnswer } from '../../client/answers.ts'
import { parseExactJson } from '../../client/exact-json.ts'
import { type Deployment, startDeployment } from '../../test/end-to-end/deployment.ts'
import { expectAccessible, visit } from './browser.ts'

let engine: Deployment
let rows: ReadonlyMap<string, RateRowAnswer>
beforeAll(async () => {
  engine = await startDeployment()
  const answer = await fetch(`${engine.url}/api/v1/rates`, { headers: { 'x-api-key': engine.keys.desk } })
  const { items } = parseExactJson(await answer.text(), COUNTS) as RateListAnswer
  rows = new Map(items.map((row) => [row.ticker, row]))
})

const rowOf = (page: Page, ticker: string) => page.getByRole('row', { name: ticker })
const addressOf = (page: Page) => new URL(page.url())
const isGuess = ({ degraded }: RateRowAnswer) => degraded.includes('lender_rate_fallback')

test('a trader finds a stock by its name and goes on with keys alone', async () => {
  const { page, faults } = await visit({ url: engine.url, apiKey: engine.keys.desk })
  await page.getByRole('grid', { name: 'Rates' }).waitFor()
  await page.getByText('Sorted by biggest moves').waitFor()
  await page.getByRole('radio', { name: `All ${rows.size}` }).waitFor({ state: 'attached' })
  await expectAccessible(page)

  await page.keyboard.press('f')
  await page.keyboard.type('gamestop')
  await page.keyboard.press('ArrowDown')
  await page.getByRole('heading', { name: 'GME' }).waitFor()
  await expect.poll(() => addressOf(page).search).toBe('?ticker=GME&q=gamestop')
  await page.getByRole('radio', { name: 'All 1', exact: true }).waitFor({ state: 'attached' })

  // The rate whole beside the grid, to three decimals in it.
  const side = page.getByRole('complementary', { name: 'GME, side panel' })
  const percent = ((rows.get('GME') as RateRowAnswer).current_rate as string).replace(/^0\.0?/, '')
  expect((await side.textContent())?.replace(/[^0-9]/g, '')).toContain(percent.replace(/^0+/, ''))
  await side.getByRole('rowheader', { name: 'Lender rate' }).waitFor()
  await side.getByRole('rowheader', { name: 'Borrow rate' }).waitFor()
  await side.getByRole('heading', { name: 'Five trading days' }).waitFor()
  await expectAccessible(page)

  await page.keyboard.press('Space')
  await side.waitFor({ state: 'detached' })
  await page.keyboard.press('Space')
  await side.waitFor()
  await page.keyboard.press('h')
  await expect.poll(() => addressOf(page).pathname + addressOf(page).search).toBe('/history?ticker=GME')
  await page.goBack()
  await page.getByRole('heading', { name: 'GME' }).waitFor()
  await page.keyboard.press('Enter')
  await expect.poll(() => addressOf(page).pathname + addressOf(page).search).toBe('/quote?ticker=GME')
  expect(faults).toEqual([])
})

test('the watchlist stands on top, and a click on a head puts rows in another order; both are there again after a reload', async () => {
  const { page, faults } = await visit({ url: engine.url, apiKey: engine.keys.desk, path: '/rates?ticker=TSLA' })
  await rowOf(page, 'TSLA').waitFor()
  await page.keyboard.press('s')
  await page.getByRole('button', { name: 'Watch', pressed: true }).waitFor()
  await page.getByRole('button', { name: 'Sort again' }).click()
  await page.getByText('Sorted by watchlist, then biggest moves').waitFor()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Home')
  await expect.poll(() => firstTicker(page)).toBe('TSLA')

  await page.getByRole('columnheader', { name: 'Rate %' }).first().click()
  await page.getByText('Sorted by rate, highest first').waitFor()
  const dearest = [...rows.values()].map(({ current_rate }) => Number(current_rate)).sort((a, b) => b - a)[0] as number
  await expect
    .poll(() => page.getByRole('row').nth(1).getByRole('gridcell').nth(3).textContent())
    .toBe((dearest * 100).toLocaleString('en-US', { minimumFractionDigits: 3, maximumFractionDigits: 3 }))
  await expect.poll(() => addressOf(page).searchParams.get('sort')).toBe('-rate')

  await page.getByRole('button', { name: 'Columns' }).click()
  await page.getByRole('menuitemcheckbox', { name: 'Rebate %' }).click()
  await page.keyboard.press('Escape')
  await page.getByRole('columnheader', { name: 'Rebate %' }).waitFor({ state: 'detached' })
  await expect.poll(() => addressOf(page).searchParams.get('hide')).toBe('rebate')
  await page.reload()
  await page.getByText('Sorted by rate, highest first').waitFor()
  await page.getByRole('columnheader', { name: 'Lender %' }).waitFor()
  expect(await page.getByRole('columnheader', { name: 'Rebate %' }).count()).toBe(0)
  expect(faults).toEqual([])
})

test('guesses are counted, shown alone, hatched, and say what stands in', async () => {
  const { page, faults } = await visit({ url: engine.url, apiKey: engine.keys.desk, theme: 'light' })
  const guesses = [...rows.values()].filter(isGuess)
  await page.getByRole('checkbox', { name: `Lender rate is a guess ${guesses.length}` }).check()
  const first = page.getByRole('row').nth(1)
  await first.getByText('no rate').first().waitFor()
  expect(await page.getByRole('grid').getByRole('row').count()).toBe(guesses.length + 1)
  await first.click()
  const side = page.getByRole('complementary')
  await side.getByText(/stands in/).waitFor()
  await side.getByText('The rate of the last close is not known').waitFor()
  await expectAccessible(page)

  await page.getByLabel('Filter by ticker or name').fill('no such thing')
  await page.getByText('No stock is of this choice.').waitFor()
  await page.getByRole('button', { name: 'Show all stocks' }).click()
  await page.getByRole('radio', { name: `All ${rows.size}` }).waitFor({ state: 'attached' })
  expect(faults).toEqual([])
})

test('a rate that moves is seen at once, in its place', async () => {
  const { page, faults } = await visit({ url: engine.url, apiKey: engine.keys.desk, path: '/rates?ticker=GME&q=GME' })
  const rate = rowOf(page, 'GME').getByRole('gridcell').nth(3)
  await rate.waitFor()
  const put = await fetch(`${engine.url}/api/v1/stocks/GME`, {
    method: 'PUT',
    headers: { 'x-api-key': engine.keys.admin, 'content-type': 'application/json', 'if-match': '*' },
    body: JSON.stringify({ borrow_status: 'HARD', floor_rate: 0.43215 }),
  })
  expect(put.status).toBe(200)
  await expect.poll(() => rate.textContent(), { timeout: 20_000 }).toBe('43.215')
  await page.getByRole('complementary').getByRole('rowheader', { name: 'Floor' }).waitFor()
  expect(faults).toEqual([])
})

test('on a laptop the panel lies over the grid until Escape; a phone has a list', async () => {
  const laptop = await visit({ url: engine.url, apiKey: engine.keys.desk, path: '/rates?ticker=AAPL', size: 'laptop' })
  await rowOf(laptop.page, 'AAPL').waitFor()
  expect(await laptop.page.getByRole('complementary').count()).toBe(0)
  await laptop.page.keyboard.press('Space')
  await laptop.page.getByRole('complementary', { name: 'AAPL, side panel' }).waitFor()
  await expectAccessible(laptop.page)
  await laptop.page.keyboard.press('Escape')
  await laptop.page.getByRole('complementary').waitFor({ state: 'detached' })
  expect(laptop.faults).toEqual([])

  const { page, faults } = await visit({ url: engine.url, apiKey: engine.keys['demo-classic'], size: 'phone' })
  await page.getByRole('table', { name: 'Rates' }).waitFor()
  await page.getByLabel('Filter by ticker or name').fill('AMC')
  await page.getByRole('button', { name: 'AMC', exact: true }).tap()
  await page.getByRole('complementary', { name: 'AMC, side panel' }).waitFor()
  await expectAccessible(page)
  await page.getByRole('button', { name: 'Quote AMC' }).tap()
  await expect.poll(() => addressOf(page).pathname).toBe('/quote')
  expect(faults).toEqual([])
})

test('an auditor reads, and prices nothing', async () => {
  const { page, faults } = await visit({ url: engine.url, apiKey: engine.keys.auditor, path: '/rates?ticker=GME' })
  await page.getByRole('complementary').getByRole('button', { name: 'History' }).waitFor()
  expect(await page.getByRole('button', { name: /^Quote/ }).count()).toBe(0)
  await page.keyboard.press('Enter')
  await expect.poll(() => addressOf(page).pathname).toBe('/history')
  expect(faults).toEqual([])
})

test('when the engine is gone the rates stay, of the past, and nothing is priced', async () => {
  const mortal = await startDeployment()
  const { page } = await visit({ url: mortal.url, apiKey: mortal.keys.desk, path: '/rates?ticker=GME' })
  await page.getByRole('button', { name: 'Quote GME' }).waitFor()
  await mortal.kill('SIGKILL')
  await page.getByText(/Stream lost/).waitFor()
  const quote = page.getByRole('button', { name: 'Quote GME' })
  await expect.poll(() => quote.isDisabled()).toBe(true)
  await page.getByText('The stream is lost: these rates are of the past.').waitFor()
  await rowOf(page, 'GME').waitFor()
})

async function firstTicker(page: Page): Promise<string> {
  const text = await page.getByRole('row').nth(1).getByRole('gridcell').first().textContent()
  return text?.split(/[^A-Z.]/)[0] ?? ''
}
