// An auditor finds a quote, proves in the browser that it was not altered, makes its price again, and keeps it for a dispute. Then the
// owner of the database alters it.
import { readFileSync } from 'node:fs'
import type { Page } from 'playwright-core'
import { beforeAll, expect, test } from 'vitest'
import { type Deployment, startDeployment } from '../../test/end-to-end/deployment.ts'
import { ask } from '../../test/end-to-end/http.ts'
import { expectAccessible, visit } from './browser.ts'

let engine: Deployment
/** The audit_id of the quote that the story is about. */
let quoted: string
beforeAll(async () => {
  engine = await startDeployment()
  await quote('AAPL', 'demo-percentage', 10_000)
  quoted = (await quote('GME', 'demo-classic', 50_000)).audit_id
  await quote('TSLA', 'demo-collateral', 20_000)
})

async function quote(
  ticker: string,
  clientId: string,
  value: number,
): Promise<{ audit_id: string; total_fee: string }> {
  const body = { ticker, position_value: value, loan_days: 30, client_id: clientId }
  const answer = await ask(engine, { path: '/api/v1/calculate-locate', key: engine.keys.desk, body })
  expect(answer.status).toBe(200)
  return answer.json
}

const detail = (page: Page) => page.getByRole('region', { name: 'The record' })

test('a quote is found, proved in the browser, made again, and compared', async () => {
  const { page, faults } = await visit({
    url: engine.url,
    apiKey: engine.keys.auditor,
    path: '/record',
    theme: 'light',
  })
  await page.getByRole('textbox', { name: 'Ticker', exact: true }).fill('gme')
  await page.keyboard.press('Enter')
  await expect.poll(() => new URL(page.url()).searchParams.get('ticker')).toBe('GME')
  await page.getByText('1 to 1 of 1').waitFor()

  const record = detail(page)
  await record.getByRole('heading', { name: /^GME, [0-9.,]+ USD/ }).waitFor()
  await record.getByText(quoted).first().waitFor()
  const proof = record.getByRole('region', { name: 'Proof' })
  await proof.getByText('Proved').waitFor()
  for (const step of ['Hash of the record matches', 'No break from here to the signed head']) {
    await proof.getByText(step).waitFor()
  }
  await proof.getByText('A chain shows alteration; it does not prevent it.').waitFor()
  // The hashes whole, for who wants to compute them elsewhere.
  await proof.getByText('Hash of the record matches').click()
  const { json: kept } = await ask(engine, { path: `/api/v1/audit/${quoted}`, key: engine.keys.auditor })
  await proof.getByText(kept.hash, { exact: true }).first().waitFor()

  const replay = record.getByRole('region', { name: 'Replay' })
  await replay.getByText('Identical').waitFor()
  await page.keyboard.press('r')
  await replay.getByText('Identical').waitFor()
  await replay.getByRole('row', { name: /Total.*same/ }).waitFor()
  await expectAccessible(page)

  await page.getByRole('textbox', { name: 'Ticker', exact: true }).fill('')
  await page.keyboard.press('Enter')
  await page
    .getByRole('link', { name: /[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}/ })
    .first()
    .waitFor()
  const newest = await page.getByRole('heading', { level: 2 }).first().textContent()
  await page.getByRole('heading', { level: 2 }).first().click()
  await page.keyboard.press('ArrowDown')
  await expect.poll(() => page.getByRole('heading', { level: 2 }).first().textContent()).not.toBe(newest)

  await page.goto(`${engine.url}/record?id=${quoted}`)
  await page.getByRole('button', { name: 'Compare with another' }).click()
  const { json: others } = await ask(engine, { path: '/api/v1/audit?ticker=AAPL', key: engine.keys.auditor })
  await page.getByRole('textbox', { name: 'Audit id of the other record' }).fill(others.items[0].audit_id)
  await page.keyboard.press('Enter')
  await page.getByRole('row', { name: /Ticker GME AAPL/ }).waitFor()
  await page.getByRole('row', { name: /Pricing model.*same/ }).waitFor()
  await expectAccessible(page)
  expect(faults).toEqual([])
})

test('a record that is not sealed yet is sealed while somebody looks', async () => {
  const { page, faults } = await visit({ url: engine.url, apiKey: engine.keys.auditor })
  const { audit_id } = await quote('GME', 'demo-classic', 60_000)
  await page.goto(`${engine.url}/record?id=${audit_id}`)
  await detail(page)
    .getByText(/^Sealed /)
    .waitFor()
  await detail(page).getByText('Proved').waitFor()
  expect(faults).toEqual([])
})

test('the whole chain is checked by the server, a range is exported, a hold is placed and released', async () => {
  const { page, faults } = await visit({
    url: engine.url,
    apiKey: engine.keys.auditor,
    path: '/record',
    size: 'laptop',
  })
  await page.getByRole('button', { name: 'Check the chain' }).click()
  await page.getByRole('button', { name: 'Verify all' }).click()
  await page.getByText('The chain is whole').first().waitFor()
  await expectAccessible(page)
  await page.keyboard.press('Escape')

  await page.getByRole('button', { name: 'Export', exact: true }).click()
  const drawer = page.getByRole('dialog', { name: 'Export a range' })
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    drawer.getByRole('button', { name: 'Export', exact: true }).click(),
  ])
  expect(file.suggestedFilename()).toMatch(/^audit-.*\.ndjson$/)
  const lines = readFileSync(await file.path(), 'utf8')
    .trim()
    .split('\n')
  expect(JSON.parse(lines.at(-1) as string)).toMatchObject({ type: 'trailer' })
  await drawer.getByText(/^Saved audit-/).waitFor()
  await page.keyboard.press('Escape')

  await page.getByRole('button', { name: 'Legal holds' }).click()
  await page.getByRole('button', { name: 'Place a hold' }).click()
  const form = page.getByRole('dialog', { name: 'Place a legal hold' })
  await form.getByRole('button', { name: 'Place the hold' }).click()
  // The server's words, under the field that they are about.
  await expect.poll(() => form.getByRole('textbox', { name: 'Reason' }).getAttribute('aria-invalid')).toBe('true')
  await form.getByRole('textbox', { name: 'Broker' }).fill('demo-classic')
  await form.getByRole('textbox', { name: 'Reason' }).fill('Dispute 2026-114')
  await form.getByRole('button', { name: 'Place the hold' }).click()
  const holds = page.getByRole('dialog', { name: 'Legal holds' })
  await holds.getByText('Dispute 2026-114').waitFor()
  await expectAccessible(page)
  await holds.getByRole('button', { name: 'Release' }).click()
  await page.getByRole('textbox', { name: 'Reason' }).fill('Settled')
  await page.getByRole('button', { name: 'Release it' }).click()
  await holds.getByText('No hold is in force.', { exact: false }).waitFor()
  expect(faults).toEqual([])
})

test('a record that the owner of the database altered is shown as altered, and named with both hashes', async () => {
  const { json: before } = await ask(engine, { path: `/api/v1/audit/${quoted}`, key: engine.keys.auditor })
  await engine.database.query(`
    begin;
      set local session_replication_role = replica;
      update audit_records set total_fee = total_fee + 0.01 where audit_id = '${quoted}';
    commit`)
  const { page, faults } = await visit({ url: engine.url, apiKey: engine.keys.auditor, path: `/record?id=${quoted}` })
  const record = detail(page)
  const proof = record.getByRole('region', { name: 'Proof' })
  const alert = proof.getByRole('alert')
  await alert.getByText(`First bad record: place ${before.sequence}`).waitFor()
  await alert.getByText(quoted).waitFor()
  await alert.getByText(before.hash, { exact: true }).waitFor()
  const hashes = await alert.locator('dd').allTextContents()
  expect(hashes).toEqual([quoted, before.hash, expect.stringMatching(/^[0-9a-f]{64}$/)])
  expect(hashes[2]).not.toBe(before.hash)
  await record.getByText('Altered', { exact: true }).first().waitFor()
  await record.getByRole('region', { name: 'Replay' }).getByText('✕ Differs').waitFor()
  await expectAccessible(page)

  await page.getByRole('button', { name: 'Check the chain' }).click()
  await page.getByRole('button', { name: 'Verify all' }).click()
  await page.getByText('The chain is broken').first().waitFor()
  await page.getByRole('link', { name: quoted }).waitFor()
  expect(faults).toEqual([])
})

test('on a phone the list comes first, then the record', async () => {
  const { page, faults } = await visit({
    url: engine.url,
    apiKey: engine.keys.auditor,
    path: '/record',
    size: 'phone',
    theme: 'light',
  })
  await page
    .getByRole('link', { name: /^[0-9:]{8}$/ })
    .first()
    .click()
  await page.getByRole('heading', { level: 2 }).first().waitFor()
  await expectAccessible(page)
  await page.getByRole('button', { name: 'All records' }).click()
  await page.getByRole('region', { name: 'Records' }).waitFor()
  expect(faults).toEqual([])
})
