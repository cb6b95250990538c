// Somebody at a desk is asked for a price: by keys alone, from a link, by shares and dates, on a phone, and when there is none.
import type { Locator, Page } from 'playwright-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Deployment, startDeployment } from '../../test/end-to-end/deployment.ts'
import { ask } from '../../test/end-to-end/http.ts'
import { broker, close, list, listPlain } from '../../test/end-to-end/market.ts'
import { expectAccessible, visit } from './browser.ts'

/** Of the next weeks a test cannot know which days are trading days: of these it can. */
const SOLD_ON = '2026-03-02'
const COVERED_ON = '2026-03-16'
const FILLED = '?client_id=demo-classic&ticker=GME&position_value=50000&loan_days=30'

let engine: Deployment
beforeAll(async () => {
  engine = await startDeployment({
    prepare: async (database) => {
      await list(database, { ticker: 'ZCLO', rate: '0.1', available: 500 })
      await close(database, 'ZCLO', '25.00', new Date(Date.now() - 86_400_000).toISOString().slice(0, 10))
      await listPlain(database, 'ZPLA', '0.06')
      await broker(database, 'hasty', { requests_per_minute: 9 })
    },
  })
})

/** Not the switch of the same name above it. */
const field = (page: Page, name: string) =>
  page.getByRole('main').getByLabel(name, { exact: true }).and(page.locator('input:not([type=radio])'))
const price = (page: Page) => page.getByRole('button', { name: /^Price/ })
const answered = (page: Page, ticker: string) =>
  page.getByRole('heading', { level: 2, name: new RegExp(`^${ticker} `) })
const said = (page: Page, words: string) => page.getByRole('status').filter({ hasText: words })
const textOf = async (what: Locator) => (await what.textContent()) ?? ''
const copied = (page: Page) => page.evaluate(() => navigator.clipboard.readText())

/** The figure of a row of the bill. */
async function figure(page: Page, row: RegExp): Promise<string> {
  const cells = page.getByRole('region', { name: 'The bill' }).getByRole('row', { name: row }).getByRole('cell')
  return (await textOf(cells.first())).replaceAll(',', '')
}

const cents = (text: string) => BigInt(text.replace('.', ''))

/** What stands under a field for who looks and for who listens. */
async function complaint(page: Page, name: string): Promise<string> {
  return field(page, name).evaluate((input) => {
    const ids = (input.getAttribute('aria-describedby') ?? '').split(' ')
    return ids.map((id) => document.getElementById(id)?.textContent ?? '').join(' ')
  })
}

describe('the desk', () => {
  test('prices 50,000 of GME for 30 days by keys alone, sees a bill that adds up, and takes the quote along', async () => {
    const { page, faults } = await visit({ url: engine.url, apiKey: engine.keys.desk, path: '/quote' })
    await page.getByText('A price comes with its whole arithmetic', { exact: false }).waitFor()
    await field(page, 'Broker').and(page.locator(':focus')).waitFor()
    await page.keyboard.type('demo-cl')
    await page.getByRole('option', { name: /demo-classic/ }).waitFor()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    await page.keyboard.type('gme')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Tab')
    await page.keyboard.type('50,000')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Tab')
    await page.keyboard.type('30')
    await page.keyboard.press('Enter')
    await answered(page, 'GME').waitFor()
    expect(new URL(page.url()).search).toBe(FILLED)

    const total = await figure(page, /^Total/)
    const lines = await Promise.all(
      [/^Borrow cost/, /^Markup, 5 %/, /^Transaction fee/].map((row) => figure(page, row)),
    )
    expect(lines.map(cents).reduce((sum, line) => sum + line)).toBe(cents(total))
    await said(page, `GME: total ${total} USD, borrow rate `).waitFor()
    // The stay that was asked for is among the others, at the same total.
    await page
      .getByRole('row', { name: /^Total, USD/ })
      .getByRole('cell', { name: total, exact: true })
      .first()
      .waitFor()
    expect(await page.getByRole('region', { name: 'Under every pack' }).getByRole('row').count()).toBe(5)

    const id = await textOf(page.getByText('Recorded as').locator('.mono'))
    const record = await ask(engine, { path: `/api/v1/audit/${id}`, key: engine.keys.auditor })
    expect(record.json.record.result.total_fee).toBe(total)

    // In a field C is a letter; Escape leads to the answer.
    await page.keyboard.press('Escape')
    await answered(page, 'GME').and(page.locator(':focus')).waitFor()
    await page.keyboard.press('c')
    await page.getByRole('button', { name: 'Copied' }).waitFor()
    const command = await copied(page)
    expect(command).toContain('X-API-Key: $KEY')
    expect(command).not.toContain('bre_')
    const body = /-d '(.*)'$/.exec(command)?.[1] ?? ''
    const again = await ask(engine, { path: '/api/v1/calculate-locate', key: engine.keys.desk, body })
    expect(again.json.total_fee).toBe(total)
    await page.keyboard.press('j')
    await said(page, 'Copied JSON.').waitFor()
    expect(JSON.parse(await copied(page))).toMatchObject({ audit_id: id, total_fee: Number(total), ticker: 'GME' })
    await page.keyboard.press('v')
    await said(page, 'Copied CSV.').waitFor()
    expect((await copied(page)).split('\r\n')[1]).toMatch(/^GME,demo-classic,50000/)

    await expectAccessible(page)
    expect(faults).toEqual([])
  })

  test('opens a link that has everything: nothing is priced before somebody says so, and a wrong ticker is told under its field', async () => {
    const path = `/quote${FILLED.replace('GME', 'ZZZZZ')}`
    const { page, faults } = await visit({ url: engine.url, apiKey: engine.keys.desk, path })
    await page.getByText('A price comes with its whole arithmetic', { exact: false }).waitFor()
    expect(await field(page, 'Value').inputValue()).toBe('50,000.00')
    await field(page, 'Days').press('Control+Enter')
    await page.getByText('Ticker not found: ZZZZZ').waitFor()
    expect(await complaint(page, 'Ticker')).toContain('Ticker not found: ZZZZZ')
    await field(page, 'Ticker').and(page.locator(':focus')).waitFor()

    await field(page, 'Ticker').fill('GME')
    await field(page, 'Value').fill('0')
    await field(page, 'Days').fill('400')
    await field(page, 'Days').press('Enter')
    await page.getByText('loan_days must be an integer from 1 to 365').waitFor()
    expect(await complaint(page, 'Days')).toContain('loan_days must be an integer from 1 to 365')
    expect(await complaint(page, 'Value')).toContain('position_value must be at least 0.01')
    await field(page, 'Value').and(page.locator(':focus')).waitFor()
    await expectAccessible(page)
    expect(faults).toEqual([])
  })

  test('a quote expires before its eyes: it stays, says so aloud, and is priced again', async () => {
    const { page, faults } = await visit({
      url: engine.url,
      apiKey: engine.keys.desk,
      path: `/quote${FILLED}`,
      theme: 'light',
    })
    await page.clock.install({ time: Date.now() })
    await price(page).click()
    await page.getByText(/^expires in/).waitFor()
    await price(page).and(page.locator('[data-variant="default"]')).waitFor()
    await page.clock.fastForward(61_000)
    await page.getByText('expired', { exact: true }).waitFor()
    await said(page, 'The quote of GME has expired.').waitFor()
    await price(page).and(page.locator('[data-variant="filled"]')).waitFor()
    await answered(page, 'GME').waitFor()
    await expectAccessible(page)

    await price(page).click()
    await page.getByText(/^expires in/).waitFor()
    expect(faults).toEqual([])
  })

  test('is told which input is a guess, why, and what it is worth', async () => {
    const path = `/quote${FILLED.replace('GME', 'AAEQ')}`
    const { page, faults } = await visit({ url: engine.url, apiKey: engine.keys.desk, path })
    await price(page).click()
    const notice = page.getByRole('region', { name: 'Guesses' })
    await notice.getByText('One input is a guess.').waitFor()
    await notice.getByText(/If the true value is 18 % the total is [0-9,.]+, if 22 % it is [0-9,.]+\./).waitFor()
    await notice.getByText('on no record', { exact: false }).waitFor()
    await page
      .getByRole('row', { name: /^Lender rate.*fallback/ })
      .first()
      .waitFor()

    // The last quotes of this session: one click brings form and answer back.
    await field(page, 'Ticker').fill('GME')
    await field(page, 'Days').press('Enter')
    await answered(page, 'GME').waitFor()
    expect(await notice.count()).toBe(0)
    await page.getByRole('button', { name: /^AAEQ/ }).click()
    await answered(page, 'AAEQ').waitFor()
    expect(await field(page, 'Ticker').inputValue()).toBe('AAEQ')
    expect(new URL(page.url()).searchParams.get('ticker')).toBe('AAEQ')
    await expectAccessible(page)
    expect(faults).toEqual([])
  })
})

describe('a broker', () => {
  test('prices for itself, by shares at the last close, between two dates', async () => {
    const { page, faults } = await visit({
      url: engine.url,
      apiKey: engine.keys['demo-collateral'],
      path: '/quote?ticker=ZCLO',
      size: 'laptop',
      theme: 'light',
    })
    expect(await field(page, 'Broker').inputValue()).toBe('demo-collateral')
    expect(await field(page, 'Broker').isEditable()).toBe(false)
    await page.getByText('15.00 USD flat').waitFor()
    await page.getByText('Shares', { exact: true }).click()
    await field(page, 'Shares').fill('2,000')
    await page.getByText('Dates', { exact: true }).click()
    await field(page, 'Short sold on').fill(SOLD_ON)
    await field(page, 'Covered on').fill(COVERED_ON)
    await field(page, 'Covered on').press('Control+Enter')
    await answered(page, 'ZCLO').waitFor()

    // 25.00 x 1.02 is 25.50, and the next whole dollar 26.
    expect(await figure(page, /^Charged value/)).toBe('52000.00')
    await page.getByText('The lender has fewer.').waitFor()
    await page.getByText('not enough').waitFor()
    await page.getByRole('heading', { name: /^Under every pack: 2,000 shares at 25.00, close of / }).waitFor()
    const inForce = page.getByRole('region', { name: 'Under every pack' }).getByRole('row', { name: /in force/ })
    await inForce.getByRole('rowheader', { name: /^us-collateral-mark/ }).waitFor()
    expect(await textOf(inForce.getByRole('cell').last())).toBe('0.00')

    const accrual = page.getByRole('region', { name: 'Accrual by settlement day' })
    const amounts = await accrual.locator('tbody tr td:last-child').allInnerTexts()
    expect(amounts.map(cents).reduce((sum, amount) => sum + amount)).toBe(cents(await figure(page, /^Borrow cost/)))
    await expectAccessible(page)
    expect(faults).toEqual([])
  })

  test('that asks too often is told how long to wait, beside the button that waits', async () => {
    const apiKey = await engine.newKey('hasty', 'broker')
    const path = '/quote?ticker=ZPLA&position_value=1000&loan_days=1'
    const { page, faults } = await visit({ url: engine.url, apiKey, path })
    const tooOften = page.getByText('RATE_LIMIT_EXCEEDED').first()
    for (let times = 1; times <= 9 && !(await tooOften.isVisible()); times += 1) {
      await field(page, 'Days').fill(String(times))
      await field(page, 'Days').press('Enter')
      await answered(page, 'ZPLA').getByText(`for ${times} day`, { exact: false }).or(tooOften).first().waitFor()
    }
    await page.getByText(/^The engine asks to wait [0-9]+ s\.$/).waitFor()
    expect(await price(page).isDisabled()).toBe(true)
    expect(faults).toEqual([])
  })
})

test.each(['dark', 'light'] as const)('on a phone the form folds to a line, in the %s', async (theme) => {
  const { page, faults } = await visit({
    url: engine.url,
    apiKey: engine.keys['demo-classic'],
    path: '/quote?ticker=GME&position_value=50000&loan_days=30',
    size: 'phone',
    theme,
  })
  await price(page).click()
  await page.getByText(/^expires in/).waitFor()
  expect(await field(page, 'Ticker').isVisible()).toBe(false)
  const buttons = [page.getByRole('button', { name: 'Price again' }), page.getByRole('button', { name: 'Share' })]
  for (const button of buttons) expect((await button.boundingBox())?.height).toBeGreaterThanOrEqual(44)
  expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true)
  await expectAccessible(page)
  await page.getByRole('button', { name: 'Edit' }).click()
  await field(page, 'Ticker').waitFor()
  await expectAccessible(page)
  expect(faults).toEqual([])
})

test('an auditor has no such screen, and is told whose it is', async () => {
  const { page, faults } = await visit({ url: engine.url, apiKey: engine.keys.auditor, path: '/quote' })
  await page.getByText('Quote is for broker, desk; your key is of the role auditor.').waitFor()
  expect(faults).toEqual([])
})

test('when the engine is gone nothing is priced, the reason stands beside the button, and the answer stays', async () => {
  const { page } = await visit({ url: engine.url, apiKey: engine.keys.desk, path: `/quote${FILLED}` })
  await price(page).click()
  await answered(page, 'GME').waitFor()
  await engine.stop()
  await page.getByText('The stream is lost: nothing is priced until the engine is reached again.').waitFor()
  expect(await price(page).isDisabled()).toBe(true)
  await answered(page, 'GME').waitFor()
})
