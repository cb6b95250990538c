// Streams of rates stay open while Redis, the calculation service and the data service go away, say what is late meanwhile, and tell what
// moved. A gateway that stops sends its listeners elsewhere. And operators see which service is dead.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { closeReaders, type EventReader, listen } from '../end-to-end/event-stream.ts'
import { ask } from '../end-to-end/http.ts'
import { listPlain } from '../end-to-end/market.ts'
import { type Stage, startStage } from './stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await startStage({
    quotesPerSecond: 2,
    prepare: async (database) => {
      for (const ticker of ['ZZA', 'ZZB']) await listPlain(database, ticker, '0.05')
    },
  })
}, 90_000)
afterAll(() => stage?.end(), 60_000)
afterEach(closeReaders)

const TEST_MS = 120_000
/** Names are looked at once a minute, and copies in a process are fresh for a second here. */
const FOUND_BY_LOOKING_MS = 65_000

const stream = (query: string, headers: Record<string, string> = {}): Promise<EventReader> =>
  listen(stage.services, {
    path: `/api/v1/rates/stream${query}`,
    headers: { 'x-api-key': stage.apiKey, ...headers },
  })

let moves = 0
/** Moves a rate, past all doors: as if the news of it were lost. */
async function moveUnheard(ticker: string): Promise<string> {
  moves += 1
  const rate = `0.2${String(moves).padStart(2, '0')}1`
  await stage.database.query(
    'update lender_rates set rate = $2, as_of = now(), received_at = now() where ticker = $1',
    [ticker, rate],
  )
  return rate
}

/** Moves a rate by the administrator's door. */
async function move(ticker: string): Promise<string> {
  moves += 1
  const floor = `0.5${String(moves).padStart(2, '0')}1`
  const put = (headers: Record<string, string>) =>
    ask(stage.services, {
      method: 'PUT',
      path: `/api/v1/stocks/${ticker}`,
      key: stage.services.key('admin'),
      body: { borrow_status: 'HARD', floor_rate: floor },
      headers,
    })
  if ((await put({ 'if-match': '*' })).status !== 200) expect((await put({ 'if-none-match': '*' })).status).toBe(201)
  return floor
}

const is = (rate: string) => (data: { current_rate: string }) => data.current_rate === rate

test(
  'Redis is cut off: it is said, moves are found by looking, and who began meanwhile begins anew',
  async () => {
    const reader = await stream('?tickers=ZZA,ZZB')
    await reader.next('rate', ({ ticker }) => ticker === 'ZZB')
    const known = await move('ZZA')
    await reader.next('rate', is(known))
    await stage.redisLink.cut()
    const late = await reader.next('status')
    expect(late.data).toEqual({ state: 'late', because: ['news_away'], late_seconds_max: '120' })
    const moved = await moveUnheard('ZZB')
    const meanwhile = await stream('?tickers=ZZA')
    expect((await meanwhile.next('status')).data.state).toBe('late')
    await meanwhile.next('rate')
    expect((await reader.next('rate', is(moved), FOUND_BY_LOOKING_MS)).data.previous_rate).toBe('0.05')
    await stage.redisLink.mend()
    expect((await reader.next('status', undefined, 20_000)).data.state).toBe('live')
    expect((await meanwhile.next('reset', ({ reason }) => reason === 'was_late')).data.load).toBeNull()
    await reader.next('rate', is(await move('ZZA')))
    expect(reader.events().filter(({ event }) => event === 'reset')).toHaveLength(1)
  },
  TEST_MS,
)

test(
  'the calculation service is killed: it is said, and what moved meanwhile is told when it is back',
  async () => {
    const { services } = stage
    const reader = await stream('?tickers=ZZA')
    await reader.next('rate')
    await services.kill('calculation-service')
    const moved = await move('ZZA')
    expect((await reader.next('status', undefined, 20_000)).data).toEqual({
      state: 'late',
      because: ['rates_away'],
      late_seconds_max: null,
    })
    await services.restart('calculation-service')
    await reader.next('rate', is(moved), 20_000)
    expect(reader.events().at(-1)?.event === 'status' || (await reader.next('status')).data.state).toBeTruthy()
    expect(reader.events().filter(({ event, data }) => event === 'status' && data.state === 'live')).toHaveLength(1)
  },
  TEST_MS,
)

test(
  'the data service is killed: streams go on, and the feeds are said not to be known',
  async () => {
    const { services } = stage
    const reader = await stream('?tickers=ZZA')
    await reader.next('rate')
    await services.kill('data-service')
    const said = await reader.next('status', ({ because }) => because.includes('feeds_away'), 30_000)
    expect(said.data.state).toBe('late')
    await services.restart('data-service')
    await reader.next('status', ({ state }) => state === 'live', 30_000)
    await reader.next('rate', is(await move('ZZA')))
  },
  TEST_MS,
)

test(
  'a gateway that stops says so, and in the next one a stream begins anew',
  async () => {
    const { services } = stage
    const reader = await stream('?tickers=ZZA')
    const { id } = await reader.next('rate')
    const restarted = services.restart('api-gateway')
    expect((await reader.next('end')).data).toEqual({ reason: 'draining', reconnect: true })
    await reader.ended
    await restarted
    const again = await stream('?tickers=ZZA', { 'last-event-id': id as string })
    expect((await again.next('reset')).data.reason).toBe('other_process')
    await again.next('rate')
  },
  TEST_MS,
)

describe('operators', () => {
  const read = async () => {
    const startedAt = performance.now()
    const { json } = await ask(stage.services, { path: '/api/v1/operations', key: stage.services.key('desk') })
    return { json, tookMs: performance.now() - startedAt }
  }
  const lineOf = async (service: string) =>
    (await read()).json.services.find((line: { service: string }) => line.service === service)

  test.each(['cache-service', 'audit-service', 'calculation-service'] as const)(
    'see that the %s is dead: one line, soon, and the others as they are',
    async (dead) => {
      const { services } = stage
      await services.kill(dead)
      const { json, tookMs } = await read()
      expect(tookMs).toBeLessThan(4_000)
      const states = json.services.map(
        ({ service, state }: { service: string; state: string }) => `${service} ${state}`,
      )
      expect(states.filter((state: string) => state.endsWith('away'))).toEqual([`${dead} away`])
      await services.restart(dead)
      await expect.poll(async () => (await lineOf(dead)).state, { timeout: 10_000 }).toBe('ok')
    },
    TEST_MS,
  )

  test(
    'turn a log up for a service that is restarted meanwhile',
    async () => {
      const { services } = stage
      const answer = await ask(services, {
        method: 'PUT',
        path: '/api/v1/log-level',
        key: services.key('admin'),
        body: { service: 'cache-service', level: 'debug', minutes: 5 },
      })
      expect(answer.status).toBe(200)
      await services.restart('cache-service')
      await expect.poll(async () => (await lineOf('cache-service')).log_level, { timeout: 5_000 }).toBe('debug')
    },
    TEST_MS,
  )

  test('with nothing but a shell send a signal: debug, and back', async () => {
    const pid = stage.services.services['audit-service'].pid()
    process.kill(pid, 'SIGUSR2')
    await expect.poll(async () => (await lineOf('audit-service')).log_level, { timeout: 5_000 }).toBe('debug')
    process.kill(pid, 'SIGUSR2')
    await expect.poll(async () => (await lineOf('audit-service')).log_level, { timeout: 5_000 }).toBe('info')
  })
})
