// A newcomer opens the address that `npm start` prints, and signs in; later the session ends.
import { beforeAll, expect, test } from 'vitest'
import { type Deployment, startDeployment } from '../../test/end-to-end/deployment.ts'
import { expectAccessible, visit } from './browser.ts'

/** All that comes before the grid and the charts, compressed. */
const FIRST_LOAD_BYTES_MAX = 300_000

let engine: Deployment
beforeAll(async () => {
  engine = await startDeployment()
})

test('a key that is not good is refused in the server’s words; a good one opens the rates', async () => {
  const { page, faults } = await visit({ url: engine.url, apiKey: null })
  await page.getByLabel('API key', { exact: true }).waitFor()
  expect(await page.evaluate(bytesLoaded)).toBeLessThan(FIRST_LOAD_BYTES_MAX)
  await expectAccessible(page)

  await page.getByLabel('API key', { exact: true }).fill('bre_nothing')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByText('API key', { exact: false }).first().waitFor()
  await page.getByText('UNAUTHORIZED').waitFor()

  await page.getByLabel('API key', { exact: true }).fill(engine.keys.desk)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('navigation', { name: 'Screens' }).waitFor()
  expect(new URL(page.url()).pathname).toBe('/rates')
  // The key is in no storage that a script can read.
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]))
  expect(kept).not.toContain(engine.keys.desk)
  expect(faults).toEqual([])
})

test('a page that is loaded anew goes on with the session, and signing out ends it', async () => {
  const { page } = await visit({ url: engine.url, apiKey: engine.keys.desk })
  await page.reload()
  await page.getByRole('navigation', { name: 'Screens' }).waitFor()

  await page.getByRole('banner').getByRole('button').last().click()
  await page.getByRole('menuitem', { name: 'Sign out' }).click()
  await page.getByLabel('API key', { exact: true }).waitFor()
  await page.reload()
  await page.getByLabel('API key', { exact: true }).waitFor()
})

test('each role sees its own screens, and no word of the others', async () => {
  const screensOf = async (apiKey: string) => {
    const { page } = await visit({ url: engine.url, apiKey })
    return page.getByRole('navigation', { name: 'Screens' }).getByRole('link').allTextContents()
  }
  expect(await screensOf(engine.keys['demo-classic'])).toEqual(['Rates', 'Quote', 'Basket', 'History'])
  expect(await screensOf(engine.keys.auditor)).toEqual(['Rates', 'History', 'Record', 'Operations'])
  expect(await screensOf(engine.keys.admin)).toEqual([
    'Rates',
    'History',
    'Record',
    'What-if',
    'Administration',
    'Operations',
  ])
})

/** In the page: what came over the wire so far. */
function bytesLoaded(): number {
  return performance
    .getEntries()
    .filter((entry) => entry instanceof PerformanceResourceTiming)
    .reduce((sum, entry) => sum + entry.encodedBodySize, 0)
}
