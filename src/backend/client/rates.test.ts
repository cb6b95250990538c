// Rates through the client, against a socket that answers like the engine.
import { expect, test } from 'vitest'
import { answer, fakeEngine } from '../test/fakes/fake-engine.ts'
import { BorrowRateClient } from './borrow-rate-client.ts'
import { usdPerShare } from './units.ts'

async function engine(...answers: Parameters<typeof fakeEngine>) {
  const { asked, baseUrl } = await fakeEngine(...answers)
  return { asked, client: new BorrowRateClient({ baseUrl, apiKey: 'key-1' }) }
}

const LIST =
  '{"status":"success","pricing_model":"standard-v1","snapshot_at":"2026-11-24T15:00:00.000Z","items":[\n{"ticker":"GME","name":null,"current_rate":0.17575950,"availability":{"shares":612000,"at_least":false},"event_risk_factor":7}],"total":1}\n'
const ETAG = 'W/"standard-v1.json.abc"'

test('a current rate may be asked for past everything that is kept, or no older than so many seconds', async () => {
  const { asked, client } = await engine(answer(200, '{"status":"success"}'))
  await client.rates.current('GME')
  await client.rates.current('GME', { useCache: false })
  await client.rates.current('GME', { maxAgeSeconds: 60 })
  expect(asked.map(({ url }) => url)).toEqual([
    '/api/v1/rates/GME',
    '/api/v1/rates/GME?use_cache=false',
    '/api/v1/rates/GME?max_age=60',
  ])
})

test('all rates come in one answer, exact, with what names it', async () => {
  const { asked, client } = await engine(answer(200, LIST, { etag: ETAG }))
  const list = await client.rates.all({ status: 'HARD' })
  expect(list).toMatchObject({ etag: ETAG, total: 1, pricing_model: 'standard-v1' })
  expect(list.items[0]).toMatchObject({
    current_rate: '0.17575950',
    event_risk_factor: 7,
    availability: { shares: 612_000 },
  })
  expect(asked[0]).toMatchObject({ method: 'GET', url: '/api/v1/rates?status=HARD&format=json' })
})

test('and only when they are not what they were', async () => {
  const unchanged = (response: Parameters<ReturnType<typeof answer>>[0]) =>
    void response.writeHead(304, { etag: ETAG }).end()
  const { asked, client } = await engine(unchanged, answer(200, LIST, { etag: 'W/"another"' }))
  expect(await client.rates.allUnless(ETAG)).toBeNull()
  expect(asked[0]?.headers['if-none-match']).toBe(ETAG)
  expect(await client.rates.allUnless(ETAG)).toMatchObject({ etag: 'W/"another"', total: 1 })
})

test("the list's own text comes in pieces", async () => {
  const { asked, client } = await engine(
    answer(200, 'ticker,name\r\nGME,"two\nlines"\r\n', { 'content-type': 'text/csv' }),
  )
  let text = ''
  for await (const piece of client.rates.text('csv', { status: 'EASY' })) text += piece
  expect(text).toBe('ticker,name\r\nGME,"two\nlines"\r\n')
  expect(asked[0]).toMatchObject({ url: '/api/v1/rates?status=EASY&format=csv', headers: { accept: 'text/csv' } })
})

test('a history is asked for with its range and interval, and with neither', async () => {
  const { asked, client } = await engine(
    answer(200, '{"status":"success","points":[{"borrow_rate":0.0630,"event_risk_factor":null}]}'),
  )
  const history = await client.rates.history('BRK.B', {
    from: '2026-11-16',
    to: '2026-11-20T12:00:00Z',
    interval: '15m',
  })
  await client.rates.history('GME')
  expect(history.points[0]).toMatchObject({ borrow_rate: '0.0630', event_risk_factor: null })
  expect(asked.map(({ url }) => url)).toEqual([
    '/api/v1/rates/BRK.B/history?from=2026-11-16&to=2026-11-20T12%3A00%3A00Z&interval=15m',
    '/api/v1/rates/GME/history',
  ])
})

test('a short is compared under every pack, and asked for again where its answer was lost: it is on no record', async () => {
  const { asked, client } = await engine(
    (response) => void response.destroy(),
    answer(200, '{"status":"success","loan_days":30,"packs":[{"total_fee":14.50,"charged_shares":200}]}'),
  )
  const compared = await client.quotes.compare({
    ticker: 'GME',
    quantity: 150,
    price: usdPerShare('11.00'),
    loanDays: 30,
  })
  expect(compared.packs[0]).toMatchObject({ total_fee: '14.50', charged_shares: 200 })
  expect(asked).toHaveLength(2)
  expect(asked[1]).toMatchObject({
    method: 'POST',
    url: '/api/v1/convention-packs/compare',
    body: '{"ticker":"GME","quantity":150,"price":"11.00","loan_days":30}',
  })
})
