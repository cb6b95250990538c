// An operator looks at five services, one of which dies and comes back; an administrator has a service write more.
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { type RealPostgres, startPostgres } from '../../test/postgres.ts'
import { startRedis, type TestRedis } from '../../test/redis.ts'
import { redisPrograms } from '../../test/redis-found.ts'
import { type FiveServices, startFiveServices } from '../../tools/local-cluster.ts'
import { expectAccessible, visit } from './browser.ts'

let postgres: RealPostgres
let redis: TestRedis | undefined
let five: FiveServices
/** Through it the services tell each other of log levels. */
const hasRedis = redisPrograms() !== null
/** A server, five processes, and perhaps the build before them. */
const START_MS = 180_000
beforeAll(async () => {
  postgres = await startPostgres({ ...inject('postgres').own, durable: false })
  redis = hasRedis ? await startRedis() : undefined
  five = await startFiveServices({ postgres, ...(redis && { redis }) })
}, START_MS)
afterAll(async () => {
  await five?.stop()
  await redis?.stop()
  await postgres?.end()
})

test('a service that is killed is away, first, and said so; when it is back it has its place again', async () => {
  const { page, faults } = await visit({ url: five.url, apiKey: five.key('desk'), path: '/operations' })
  await page.getByText('All services answer.').waitFor()
  const services = page.getByRole('region', { name: 'Services' }).getByRole('article')
  const names = () => services.getByRole('heading', { level: 3 }).allTextContents()
  expect(await names()).toEqual([
    'api-gateway',
    'calculation-service',
    'data-service',
    'cache-service',
    'audit-service',
  ])
  for (const feed of ['Lender', 'Volatility', 'Events']) await page.getByRole('heading', { name: feed }).waitFor()
  const calculation = page.getByRole('article', { name: 'calculation-service' })
  await calculation.getByRole('button', { name: /components/ }).click()
  await calculation.getByRole('heading', { level: 4 }).first().waitFor()
  expect(new URL(page.url()).search).toBe('?open=calculation-service')
  await expectAccessible(page)

  await five.kill('cache-service', 'SIGKILL')
  await page.getByRole('main').getByText('cache-service is away').waitFor()
  await page.getByRole('status').filter({ hasText: 'cache-service is away.' }).waitFor()
  expect((await names())[0]).toBe('cache-service')
  await page.getByRole('article', { name: 'cache-service' }).getByText(/away$/).waitFor()
  await expectAccessible(page)

  await five.restart('cache-service')
  await page.getByText('All services answer.').waitFor()
  await page.getByRole('status').filter({ hasText: 'cache-service is back' }).waitFor()
  expect((await names()).at(3)).toBe('cache-service')
  expect(faults).toEqual([])
})

describe.runIf(hasRedis)('log levels', () => {
  test('an administrator has a service write more for a while, and sees when it goes back; others have no such form', async () => {
    const { page, faults } = await visit({
      url: five.url,
      apiKey: five.key('admin'),
      path: '/operations',
      theme: 'light',
      size: 'laptop',
    })
    const form = page.getByRole('form', { name: 'Log level' })
    await form.getByRole('combobox', { name: 'Service' }).click()
    await page.getByRole('option', { name: 'data-service' }).click()
    await form.getByLabel('For minutes').fill('0')
    await form.getByRole('button', { name: 'Set the level' }).click()
    await form.getByText(/minutes must be/).waitFor()
    await form.getByLabel('For minutes').fill('5')
    await form.getByRole('button', { name: 'Set the level' }).click()
    await form.getByText(/^data-service writes debug until [0-9:]{8} UTC\.$/).waitFor()
    await page
      .getByRole('listitem')
      .filter({ hasText: /data-service writes debug; it goes back at/ })
      .waitFor()
    await expectAccessible(page)
    expect(faults).toEqual([])

    const auditor = await visit({ url: five.url, apiKey: five.key('auditor'), path: '/operations', size: 'phone' })
    await auditor.page.getByText('data-service writes debug; it goes back at').waitFor()
    expect(await auditor.page.getByRole('form', { name: 'Log level' }).count()).toBe(0)
    await expectAccessible(auditor.page)
    const broker = await visit({ url: five.url, apiKey: five.key('demo-classic'), path: '/operations' })
    await broker.page.getByText('Operations is for desk, auditor, admin').waitFor()
    expect(auditor.faults).toEqual([])
  })
})
