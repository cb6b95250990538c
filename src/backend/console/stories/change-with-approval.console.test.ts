// Where two people are required: one administrator proposes a markup and cannot approve it, another does, and the next quote charges it.
// And keys: made, seen once, used, revoked.
import type { Page } from 'playwright-core'
import { beforeAll, expect, test } from 'vitest'
import { type Deployment, startDeployment } from '../../test/end-to-end/deployment.ts'
import { ask } from '../../test/end-to-end/http.ts'
import { expectAccessible, visit } from './browser.ts'

let engine: Deployment
beforeAll(async () => {
  engine = await startDeployment({ environment: { REQUIRE_APPROVAL: 'true' } })
})

const quote = async () => {
  const body = { ticker: 'GME', position_value: 50_000, loan_days: 30, client_id: 'demo-classic' }
  return (await ask(engine, { path: '/api/v1/calculate-locate', key: engine.keys.desk, body })).json
}

const drawer = (page: Page, name: string | RegExp) => page.getByRole('dialog', { name })

test('a change of a markup waits for a second person, and is charged when that person has approved it', async () => {
  const before = await quote()
  const first = await visit({ url: engine.url, apiKey: engine.keys.admin, path: '/administration' })
  await first.page.getByRole('button', { name: 'demo-classic' }).click()
  const terms = drawer(first.page, 'Terms of demo-classic')
  await terms.getByText('Nothing is changed yet.').waitFor()
  await terms.getByRole('textbox', { name: 'Markup on the borrow cost' }).fill('150')
  await terms.getByRole('button', { name: 'Save' }).click()
  await terms.getByRole('row', { name: 'Markup 5 % 150 %' }).waitFor()
  await expectAccessible(first.page)
  await terms.getByRole('button', { name: 'Change it' }).click()
  // The server's words, under the field.
  const markup = terms.getByRole('textbox', { name: 'Markup on the borrow cost' })
  await expect.poll(() => markup.getAttribute('aria-invalid')).toBe('true')
  await terms.getByText(/^markup_percentage must be/).waitFor()
  await markup.fill('7.5')
  await terms.getByRole('button', { name: 'Save' }).click()
  await terms.getByRole('row', { name: 'Markup 5 % 7.5 %' }).waitFor()
  await terms.getByRole('button', { name: 'Change it' }).click()

  await drawer(first.page, 'It waits for a second person')
    .getByRole('button', { name: 'See it among the approvals' })
    .click()
  const own = drawer(first.page, 'Terms of demo-classic')
  await own.getByText('a second person must approve it', { exact: false }).waitFor()
  expect(await own.getByRole('button', { name: 'Approve' }).isDisabled()).toBe(true)
  await expectAccessible(first.page)
  expect((await quote()).breakdown.markup).toBe(before.breakdown.markup)

  const second = await visit({
    url: engine.url,
    apiKey: await engine.newKey('house', 'admin'),
    path: '/administration?tab=approvals',
    theme: 'light',
  })
  await second.page.getByRole('button', { name: 'Terms of demo-classic' }).click()
  const proposed = drawer(second.page, 'Terms of demo-classic')
  await proposed.getByRole('row', { name: 'Markup 5 % 7.5 %' }).waitFor()
  await proposed.getByRole('textbox', { name: 'Reason' }).fill('As agreed with the desk')
  await expectAccessible(second.page)
  await proposed.getByRole('button', { name: 'Approve' }).click()
  await second.page.getByText('No change waits for a second person.', { exact: false }).waitFor()

  const after = await quote()
  expect(Number(after.breakdown.markup)).toBeCloseTo(Number(before.breakdown.markup) * 1.5, 1)
  expect([...first.faults, ...second.faults]).toEqual([])
})

test('a draft that comes in the address is proposed with what holds beside it', async () => {
  const { page, faults } = await visit({
    url: engine.url,
    apiKey: engine.keys.admin,
    path: '/administration?propose=demo-percentage&markup_percentage=4.25',
  })
  const terms = drawer(page, 'Terms of demo-percentage')
  await terms.getByRole('button', { name: 'Save' }).click()
  await terms.getByRole('row', { name: 'Markup 3.5 % 4.25 %' }).waitFor()
  await terms.getByRole('button', { name: 'Cancel' }).click()
  await expect.poll(() => new URL(page.url()).searchParams.get('propose')).toBeNull()
  expect(faults).toEqual([])
})

test('two people who change one stock: the second sees what the first wrote beside their own', async () => {
  const { page, faults } = await visit({
    url: engine.url,
    apiKey: engine.keys.admin,
    path: '/administration?tab=stocks&edit=GME',
    size: 'laptop',
  })
  const stock = drawer(page, 'GME')
  await stock.getByRole('textbox', { name: 'Floor rate' }).fill('3.25')
  await stock.getByText('the fraction 0.0325', { exact: false }).waitFor()
  const path = '/api/v1/stocks/GME'
  await ask(engine, {
    method: 'PUT',
    path,
    key: engine.keys.admin,
    body: { borrow_status: 'HARD', floor_rate: '0.05' },
    headers: { 'if-match': '*' },
  })
  await stock.getByRole('button', { name: 'Save' }).click()
  await stock.getByRole('button', { name: 'Change it' }).click()
  await stock.getByText('Somebody else changed it while you did.').waitFor()
  await stock.getByRole('row', { name: /Floor rate 5 % a year 3.25 % a year/ }).waitFor()
  await expectAccessible(page)
  await stock.getByRole('button', { name: 'Go on with mine' }).click()
  await stock.getByRole('button', { name: 'Save' }).click()
  await stock.getByRole('button', { name: 'Change it' }).click()
  await stock.waitFor({ state: 'detached' })
  expect((await ask(engine, { path, key: engine.keys.admin })).json.floor_rate).toBe('0.0325')
  expect(faults).toEqual([])
})

test('a model is added as another with one parameter changed, and never edited', async () => {
  const { page, faults } = await visit({
    url: engine.url,
    apiKey: engine.keys.admin,
    path: '/administration?tab=models',
    theme: 'light',
  })
  await page.getByRole('button', { name: 'desk-v1' }).click()
  await page.getByRole('button', { name: 'Add one like it' }).click()
  const form = drawer(page, 'Add a model')
  await form.getByRole('textbox', { name: 'Name' }).fill('desk-v2')
  await form.getByRole('textbox', { name: 'An event risk of 10 adds' }).fill('0.75')
  await form.getByRole('button', { name: 'Save' }).click()
  await form.getByRole('row', { name: 'An event risk of 10 adds 1 x the lender rate 0.75 x the lender rate' }).waitFor()
  await form.getByRole('button', { name: 'Add it for good' }).click()
  await page.getByRole('button', { name: 'desk-v2' }).waitFor()
  await expectAccessible(page)
  expect(faults).toEqual([])
})

test('a key is made, shown once, opens its doors, and is revoked', async () => {
  const { page, faults } = await visit({
    url: engine.url,
    apiKey: engine.keys.admin,
    path: '/administration?tab=keys',
  })
  await page.getByRole('button', { name: 'New key' }).click()
  const form = drawer(page, 'New key')
  await form.getByRole('textbox', { name: 'Broker' }).fill('demo-classic')
  await form.getByRole('textbox', { name: 'Label' }).fill('Order system, London')
  await form.getByRole('button', { name: 'Make the key' }).click()

  const shown = drawer(page, 'The new key')
  const secret = await shown.getByRole('textbox', { name: 'The secret' }).inputValue()
  await shown.getByRole('button', { name: 'Copy' }).click()
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(secret)
  expect(await shown.getByRole('button', { name: 'Close' }).isDisabled()).toBe(true)
  await page.keyboard.press('Escape')
  await shown.waitFor()
  await expectAccessible(page)
  await shown.getByRole('checkbox', { name: 'I have stored it' }).check()
  await shown.getByRole('button', { name: 'Close' }).click()
  const rates = () => ask(engine, { path: '/api/v1/rates/GME', key: secret })
  expect((await rates()).status).toBe(200)
  expect(await page.content()).not.toContain(secret)

  const [, keyId = ''] = /^bre_([0-9A-Za-z]+)_/.exec(secret) ?? []
  await page.getByRole('button', { name: keyId }).click()
  await page.getByRole('button', { name: 'Rotate' }).click()
  await page.getByText('so that its holder can change over', { exact: false }).waitFor()
  await page.getByRole('button', { name: 'Cancel' }).click()
  await page.getByRole('button', { name: 'Revoke' }).click()
  const question = drawer(page, `Revoke key ${keyId}?`)
  await expectAccessible(page)
  await question.getByRole('button', { name: 'Revoke it for good' }).click()
  await question.waitFor({ state: 'detached' })
  await expect.poll(async () => (await rates()).status, { timeout: 12_000 }).toBe(401)
  expect(faults).toEqual([])
})

test('administration is for administrators', async () => {
  const { page } = await visit({ url: engine.url, apiKey: engine.keys.auditor, path: '/administration' })
  await page.getByText('Administration is for admin', { exact: false }).waitFor()
})
