// A desk pastes five hundred shorts out of a spreadsheet, prices them, corrects the refused ones where they stand, and takes the answer
// away.
import { readFileSync } from 'node:fs'
import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Deployment, startDeployment } from '../../test/end-to-end/deployment.ts'
import { broker } from '../../test/end-to-end/market.ts'
import { expectAccessible, visit } from './browser.ts'

/** Requests a minute of a broker: enough to look around, too few for the largest baskets. */
const FEW_REQUESTS = 24

/** Of a thousand lines, on a machine that does other things as well. */
const PRICED_MS = 40_000

let engine: Deployment
beforeAll(async () => {
  engine = await startDeployment({
    prepare: (database) => broker(database, 'small', { requests_per_minute: FEW_REQUESTS }),
  })
})

/** As a spreadsheet copies them: tabs, groups, names of its own. */
function sheet(lines: number, wrong: Readonly<Record<number, string>> = {}): string {
  const tickers = ['GME', 'AMC', 'PLUG', 'TSLA', 'AAPL']
  const rows = Array.from({ length: lines }, (_, at) => {
    const line = at + 1
    return (
      wrong[line] ??
      `${tickers[at % tickers.length]}\t${(line * 100).toLocaleString('en-US')}.00\t${(line % 90) + 1}\tmo`
    )
  })
  return `Symbol\tNotional (USD)\tDays\tTrader\r\n${rows.join('\r\n')}\r\n`
}

const WRONG = {
  4: 'GMEE\t75,000.00\t30\tmo',
  9: 'BYND\t40,000.00\t0\tmo',
  15: 'TSLA\t1,200.005\t14\tmo',
}

async function paste(page: Page, text: string): Promise<void> {
  await page.getByRole('heading', { name: 'Basket', level: 1 }).waitFor()
  await page.evaluate((copied) => navigator.clipboard.writeText(copied), text)
  await page.keyboard.press('Control+v')
}

/** What stands under a title of the totals. */
async function total(page: Page, title: string): Promise<string> {
  return (await page.locator(`dt:text-is("${title}") + dd`).textContent()) ?? ''
}

async function priced(page: Page): Promise<void> {
  await page.getByText('One snapshot').waitFor({ timeout: PRICED_MS })
}

async function quotesOnRecord(): Promise<number> {
  const { rows } = await engine.database.query(
    "SELECT count(*) AS count FROM audit_records WHERE record_type = 'quote'",
  )
  return Number((rows[0] as { count: string }).count)
}

describe('a desk', () => {
  test('pastes, prices, corrects in place and downloads; a download prices nothing again', async () => {
    const { page, faults } = await visit({ url: engine.url, apiKey: engine.keys.desk, path: '/basket' })
    await expectAccessible(page)
    await paste(page, sheet(500, WRONG))

    // How the columns are read stands there before anything is sent.
    const columns = page.getByRole('region', { name: 'How the columns are read' })
    expect(await columns.textContent()).toMatch(
      /Symbol\s*→.*Ticker\s*Notional \(USD\)\s*→.*Value, USD\s*Days\s*→.*Days\s*Trader\s*→.*left out/s,
    )
    expect(await columns.textContent()).toContain('75,000.00 → 75000.00')
    expect(await quotesOnRecord()).toBe(0)

    const field = page.getByRole('combobox', { name: 'Broker of the lines that name none' })
    await field.fill('demo-classic')
    await field.press('Enter')
    await page.keyboard.press('Control+Enter')
    await priced(page)
    expect(await total(page, 'Priced')).toBe('497 of 500 lines')
    expect(await total(page, 'Refused')).toBe('3')
    expect(new URL(page.url()).searchParams.get('client')).toBe('demo-classic')
    await page.getByRole('row', { name: /GMEE/ }).getByText('Ticker not found: GMEE').waitFor()
    await page.getByRole('button', { name: /loan_days must be an integer from 1 to 365/ }).waitFor()
    await expectAccessible(page)
    expect(await quotesOnRecord()).toBe(497)

    // The refused lines one after the other, by keys alone.
    await page.getByRole('heading', { name: 'Basket', level: 1 }).click()
    for (const [correction, left] of [
      ['GME', '2'],
      ['30', '1'],
      ['1200', '0'],
    ] as const) {
      await page.keyboard.press('n')
      await page.keyboard.press('Enter')
      await page.keyboard.press('Control+a')
      await page.keyboard.type(correction)
      await page.keyboard.press('Enter')
      await page.locator(`dt:text-is("Refused") + dd:text-is("${left}")`).waitFor()
      await priced(page)
    }
    expect(await total(page, 'Priced')).toBe('500 of 500 lines')

    const before = await quotesOnRecord()
    const downloading = page.waitForEvent('download')
    await page.keyboard.press('d')
    const csv = readFileSync(await (await downloading).path(), 'utf8')
      .trimEnd()
      .split('\r\n')
    expect(csv[0]).toMatch(/^line,status,ticker,client_id,position_value,loan_days,borrow_rate_used,/)
    expect(csv).toHaveLength(501)
    expect(csv[4]).toMatch(/^4,success,GME,demo-classic,75000/)
    // The total on the screen is the sum of the column, to the cent.
    const fees = csv.slice(1).map((line) => BigInt((line.split(',')[10] as string).replace('.', '')))
    const sum = fees.reduce((all, fee) => all + fee, 0n)
    expect((await total(page, 'Total locate fee')).replace(/[^0-9]/g, '')).toBe(String(sum))

    await page.getByRole('button', { name: 'Take away' }).click()
    const downloadingJson = page.waitForEvent('download')
    await page.getByRole('menuitem', { name: 'Download JSON' }).click()
    const json = JSON.parse(readFileSync(await (await downloadingJson).path(), 'utf8'))
    expect(json.summary).toMatchObject({ lines: 500, priced: 500, failed: 0 })
    expect(await quotesOnRecord()).toBe(before)
    expect(faults).toEqual([])
  })

  test('finds the basket again on another screen and after a reload; nothing of it goes to who signs in next', async () => {
    const { page, faults } = await visit({ url: engine.url, apiKey: engine.keys.desk, path: '/basket' })
    await paste(page, sheet(12, { 4: WRONG[4] }))
    await page.getByRole('button', { name: 'Price 12 lines' }).click()
    await priced(page)
    await page.getByRole('navigation', { name: 'Screens' }).getByRole('link', { name: 'Rates' }).click()
    await page.getByRole('heading', { name: 'Rates', level: 1 }).waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('b')
    await priced(page)

    await page.reload()
    await page.getByRole('button', { name: 'Price 12 lines' }).waitFor()
    await page.getByRole('banner').getByRole('button').last().click()
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await page.getByLabel('API key', { exact: true }).fill(engine.keys['demo-classic'])
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByLabel('Lines of the basket').waitFor()
    expect(await page.evaluate(() => JSON.stringify({ ...sessionStorage }))).not.toContain('GMEE')
    expect(faults).toEqual([])
  })

  test('is told in the engine’s words that ten thousand and one lines are too many', async () => {
    const { page, faults } = await visit({ url: engine.url, apiKey: engine.keys.desk, path: '/basket', theme: 'light' })
    await paste(page, sheet(10_001))
    await page.getByRole('button', { name: 'Price 10,001 lines' }).click()
    await page.getByText('A batch has at most 10000 lines').waitFor()
    await page.getByText('PAYLOAD_TOO_LARGE').waitFor()
    expect(faults).toEqual([])
  })

  test('sees, in the light, what is not understood said and left out, and gives a column its meaning', async () => {
    const { page, faults } = await visit({ url: engine.url, apiKey: engine.keys.desk, path: '/basket', theme: 'light' })
    await paste(page, 'name;size;how long\nGME;50k;30\nAMC;100;7\n')
    await page.getByText('No column has a ticker, nor a value or shares, nor days').first().waitFor()
    expect(await page.getByRole('button', { name: 'Price 2 lines' }).isDisabled()).toBe(true)
    for (const [column, meaning] of [
      ['name', 'Ticker'],
      ['size', 'Value, USD'],
      ['how long', 'Days'],
    ] as const) {
      await page.getByRole('combobox', { name: column, exact: true }).click()
      await page.getByRole('option', { name: meaning, exact: true }).click()
    }
    await expectAccessible(page)
    await page.getByRole('button', { name: 'Price 2 lines' }).click()
    await priced(page)
    // A figure that can be read in two ways was not guessed.
    await page.getByText('Invalid parameter: position_value must be a number or a decimal string').waitFor()
    await page.getByRole('button', { name: /position_value must be a number/ }).click()
    await expectAccessible(page)
    expect(new URL(page.url()).searchParams.get('show')).toBe('refused')
    expect(faults).toEqual([])
  })
})

test('on a phone a broker sees the totals and the refused lines, and corrects them', async () => {
  const { page, faults } = await visit({
    url: engine.url,
    apiKey: engine.keys['demo-percentage'],
    path: '/basket',
    size: 'phone',
  })
  await page.getByRole('button', { name: 'Begin with an example' }).click()
  await page.getByRole('button', { name: 'Price 12 lines' }).click()
  await priced(page)
  await page.getByText('Ticker not found: GMEE').waitFor()
  await expectAccessible(page)
  const ticker = page.getByLabel('Ticker, line 5')
  await ticker.fill('gme')
  await page.getByRole('listitem').filter({ has: ticker }).getByRole('button', { name: 'Correct' }).click()
  await page.locator('dt:text-is("Refused") + dd:text-is("2")').waitFor()
  expect(faults).toEqual([])
})

test('a basket that never fits the limit is not sent; one that does not fit now waits as long as the engine says', async () => {
  const { page, faults } = await visit({
    url: engine.url,
    apiKey: await engine.newKey('small', 'broker'),
    path: '/basket',
  })
  await paste(page, sheet(FEW_REQUESTS * 100 + 1))
  await page.getByText(`and ${FEW_REQUESTS} a minute are yours: at most 2,400 lines.`).waitFor()
  expect(await page.getByRole('button', { name: 'Price 2,401 lines' }).isDisabled()).toBe(true)

  await paste(page, sheet(1_300))
  await page.getByRole('button', { name: 'Price 1,300 lines' }).click()
  await priced(page)
  await page.getByRole('button', { name: 'Price again' }).click()
  await page.getByText('RATE_LIMIT_EXCEEDED').waitFor()
  await page.getByRole('button', { name: /^Retry in [0-9]+ s$/ }).waitFor()
  // What was priced before stays, aged.
  expect(await total(page, 'Priced')).toBe('1,300 of 1,300 lines')
  expect(faults).toEqual([])
})

test('an answer can be cancelled, and without the engine nothing is priced', async () => {
  const { page } = await visit({ url: engine.url, apiKey: engine.keys.desk, path: '/basket' })
  await paste(page, sheet(10_000))
  await page.getByRole('button', { name: 'Price 10,000 lines' }).click()
  await page.getByRole('button', { name: 'Cancel' }).click()
  await page.getByText(/^Cancelled at [0-9,]+ of 10,000 lines$/).waitFor()

  await engine.stop()
  await page.getByText('The stream is lost: pricing waits until it is back.').waitFor()
  expect(await page.getByRole('button', { name: /^Price/ }).isDisabled()).toBe(true)
})
