// Before a markup is changed, a desk looks at what last week's quotes would have charged; an administrator takes the draft to its
// approval.
import { readFileSync } from 'node:fs'
import { beforeAll, expect, test } from 'vitest'
import { BorrowRateClient, usd } from '../../client/index.ts'
import { type Deployment, startDeployment } from '../../test/end-to-end/deployment.ts'
import { expectAccessible, visit } from './browser.ts'

let engine: Deployment
beforeAll(async () => {
  engine = await startDeployment()
  const client = new BorrowRateClient({ baseUrl: engine.url, apiKey: engine.keys.desk })
  const lines = ['demo-classic', 'demo-percentage', 'demo-collateral'].flatMap((clientId, broker) =>
    ['GME', 'AMC', 'PLUG', 'AAPL'].map((ticker, at) => ({
      clientId,
      ticker,
      positionValue: usd((broker + 1) * (at + 1) * 100_000),
      loanDays: 30 + at,
    })),
  )
  await client.batches.priceAll(lines)
})

test('a desk tries a markup on quotes of the past, sees who would feel it, and takes the table along', async () => {
  const { page, faults } = await visit({ url: engine.url, apiKey: engine.keys.desk, path: '/what-if' })
  await page.getByText('Fill in at least one term, or choose a model.').waitFor()
  await expectAccessible(page)

  await page.getByLabel('Markup', { exact: true }).fill('10')
  await page.getByLabel('Markup', { exact: true }).press('Control+Enter')
  await page.getByRole('heading', { name: 'What it is made of, USD' }).waitFor()
  await page.getByText('A quote is not an executed borrow', { exact: false }).waitFor()
  expect(await page.locator('dt:text-is("Quotes priced both ways") + dd').textContent()).toMatch(/^12 /)
  await expectAccessible(page)

  // The difference is after - before, to the cent, and so is every row of the clients.
  const cents = (text: string) => BigInt(text.replace('−', '-').replace(/[^0-9-]/g, ''))
  const clients = page
    .getByRole('table')
    .filter({ has: page.getByRole('columnheader', { name: 'Client', exact: true }) })
  const rows = await clients.getByRole('row').all()
  expect(rows).toHaveLength(5)
  for (const row of rows.slice(1)) {
    const [, then = '', draft = '', difference = ''] = await row.getByRole('cell').allTextContents()
    expect(cents(draft) - cents(then)).toBe(cents(difference))
  }
  // The chart's table counts every client once.
  const histogram = page.getByRole('table').filter({ has: page.getByRole('columnheader', { name: 'Change, USD' }) })
  const counts = await histogram.getByRole('cell').allTextContents()
  expect(counts.filter((_, at) => at % 2 === 1).reduce((sum, count) => sum + Number(count), 0)).toBe(3)

  const downloading = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Export CSV' }).click()
  const csv = readFileSync(await (await downloading).path(), 'utf8')
  // The engine's own table of the same draft.
  const [from] = [new URL(page.url()).searchParams.get('from')]
  const own = await fetch(`${engine.url}/api/v1/what-if?format=csv`, {
    method: 'POST',
    headers: { 'x-api-key': engine.keys.desk, 'content-type': 'application/json' },
    body: JSON.stringify({ from, terms: { markup_percentage: '10' }, clients_max: 1000 }),
  })
  expect(csv).toBe(await own.text())
  // Nothing was proposed, and a desk cannot.
  expect(await page.getByRole('button', { name: 'Propose' }).isDisabled()).toBe(true)
  await page.getByText('Proposing is for admin; your key is of the role desk.').waitFor()
  expect(faults).toEqual([])
})

test('what is wrong with a draft stands under its fields in the engine’s words; an address has the whole draft', async () => {
  const { page, faults } = await visit({
    url: engine.url,
    apiKey: engine.keys.desk,
    path: '/what-if?from=2026-01-05&to=2026-01-01&fee=25&model=%28draft%29&event_weight=lots',
    theme: 'light',
  })
  expect(await page.getByLabel('Fee', { exact: true }).inputValue()).toBe('25')
  await page.getByRole('button', { name: 'Try the draft' }).click()
  await page.getByText('The draft is refused; what is wrong stands under its fields.').waitFor()
  /** What stands under a field for who looks and for who listens. */
  const complaint = (label: string) =>
    page
      .getByLabel(label, { exact: true })
      .first()
      .evaluate((field) => {
        const ids = (field.getAttribute('aria-describedby') ?? '').split(' ')
        return ids.map((id) => document.getElementById(id)?.textContent ?? '').join(' ')
      })
  expect(await complaint('To')).toContain('to must be after from')
  expect(await complaint('Fee type')).toContain('transaction_fee_type is required with transaction_amount')
  expect(await complaint('Event weight')).toContain('model.event_weight must be a number')
  expect(await page.getByLabel('To', { exact: true }).evaluate((field) => field === document.activeElement)).toBe(true)
  await expectAccessible(page)
  expect(faults).toEqual([])
})

test('an administrator sees the live terms beside the draft, and takes it to the form that puts it in force', async () => {
  const { page, faults } = await visit({ url: engine.url, apiKey: engine.keys.admin, path: '/what-if', size: 'laptop' })
  await page.getByLabel('Markup', { exact: true }).fill('4.5')
  await page.getByText('Terms are proposed broker by broker: choose one client.').waitFor()
  await page.getByRole('combobox', { name: 'Client' }).click()
  await page.getByRole('option', { name: 'demo-classic' }).click()
  await page.getByText('now 5 %').waitFor()
  await page.getByText('now 25.00 USD').waitFor()
  await page.getByRole('button', { name: 'Try the draft' }).click()
  await page.locator('dt:text-is("Quotes priced both ways") + dd:has-text("4 ")').waitFor()
  await page.getByRole('link', { name: 'Propose' }).click()
  await page.waitForURL('**/administration?**')
  const search = new URL(page.url()).searchParams
  expect(search.get('propose')).toBe('demo-classic')
  expect(search.get('markup_percentage')).toBe('4.5')
  expect(faults).toEqual([])
})

test('who proposes while the address still follows the last key arrives there, with that key in the proposal', async () => {
  const { page, faults } = await visit({
    url: engine.url,
    apiKey: engine.keys.admin,
    path: '/what-if?client=demo-classic&markup=4.5',
  })
  await page.getByText('now 5 %').waitFor()
  // The next screen takes longer to come than the address to follow.
  await page.route('**/assets/*.js', async (route) => {
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    await route.continue()
  })
  await page.getByLabel('Markup', { exact: true }).fill('4.75')
  await page.getByRole('link', { name: 'Propose' }).click()
  await page.getByRole('dialog').waitFor()
  const search = new URL(page.url()).searchParams
  expect([search.get('propose'), search.get('markup_percentage')]).toEqual(['demo-classic', '4.75'])
  expect(faults).toEqual([])
})

test('on a phone the draft comes first and its result below', async () => {
  const { page, faults } = await visit({
    url: engine.url,
    apiKey: engine.keys.desk,
    path: '/what-if?model=desk-v1',
    size: 'phone',
  })
  await page.getByRole('button', { name: 'Try the draft' }).click()
  await page.getByRole('heading', { name: 'What it is made of, USD' }).waitFor()
  await expectAccessible(page)
  const overflows = await page.evaluate(
    () => document.documentElement.scrollWidth > document.documentElement.clientWidth,
  )
  expect(overflows).toBe(false)
  expect(faults).toEqual([])
})
