// The commands of who watches and of who operates, against a socket that answers like the engine.
import { expect, test } from 'vitest'
import { answer, fakeEngine, type GiveAnswer } from '../test/fakes/fake-engine.ts'
import { runCommand } from '../test/run-command.ts'

async function run(words: string, ...answers: GiveAnswer[]) {
  const { asked, baseUrl } = await fakeEngine(...answers)
  return { ...(await runCommand(baseUrl, ...words.split(' '))), asked }
}

const rate = (ticker: string, current: string, previous: string | null, degraded = '[]') =>
  `id: AAAAAAAA.1.m\nevent: rate\ndata: {"ticker":"${ticker}","current_rate":${current},"previous_rate":${previous},"borrow_status":"HARD","availability":{"shares":250000,"at_least":false},"degraded":${degraded},"last_updated":null,"pricing_model":"standard-v1"}\n\n`
const event = (name: string, data: object) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`

/** All of it at once, and then nothing more. */
const streaming =
  (...events: string[]): GiveAnswer =>
  (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(events.join(''))
  }

const lines = (text: string) => text.split('\n').map((line) => line.replace(/^\d\d:\d\d:\d\d/, 'at'))

test('moves are lines with the rate in percent and the change in basis points; what is about the stream goes aside', async () => {
  const { text, notes, asked } = await run(
    'watch GME BRK.B ZZZZZ --seconds 1',
    streaming(
      event('reset', { reason: 'start', pricing_model: 'standard-v1', load: null, unknown: ['ZZZZZ'] }),
      event('feed', { feed: 'lender', provider: 'x', state: 'up', data: 'fresh', breaker: null, previous_state: null }),
      rate('GME', '0.1757595', null),
      rate('GME', '0.18', '0.1757595', '["lender_rate_stale"]'),
      rate('BRK.B', '0.0025', '0.003'),
      event('feed', {
        feed: 'lender',
        provider: 'x',
        state: 'down',
        data: 'expired',
        breaker: null,
        previous_state: 'up',
      }),
      event('status', { state: 'late', because: ['news_away'], late_seconds_max: 120 }),
      event('status', { state: 'late', because: ['rates_away'], late_seconds_max: null }),
      event('status', { state: 'live', because: [], late_seconds_max: 0 }),
      event('end', { reason: 'draining', reconnect: true }),
    ),
  )
  expect(asked[0]?.url).toBe('/api/v1/rates/stream?tickers=GME%2CBRK.B%2CZZZZZ')
  expect(lines(text)).toEqual([
    'at  GME         17.57595 %               HARD   250,000 shares',
    'at  GME               18 %    +42.405 bp HARD   250,000 shares  (lender_rate_stale)',
    'at  BRK.B           0.25 %         −5 bp HARD   250,000 shares',
    'at  feed lender is down, its data expired',
  ])
  expect(lines(notes)).toEqual([
    'at  there is no rate for ZZZZZ',
    'at  moves are late, up to 120 s',
    'at  rates are not known now; moves are shown when they are again',
    'at  moves are shown at once again',
    'at  the engine ended the stream: draining',
  ])
})

test('as JSON every event is a line, exact', async () => {
  const { text } = await run('watch --json --seconds 1', streaming(rate('GME', '0.10', '0.090')))
  const events = text.split('\n').map((line) => JSON.parse(line) as Record<string, unknown>)
  expect(events[1]).toMatchObject({ type: 'rate', current_rate: '0.10', previous_rate: '0.090' })
})

test('operations are a line a service and a line a feed, and one that is away is bad', async () => {
  const service = (name: string, more: object) => ({
    service: name,
    state: 'ok',
    answered_ms: 2.5,
    version: '0.1.0',
    uptime_seconds: 75,
    log_level: 'info',
    log_level_until: null,
    components: {},
    ...more,
  })
  const { text, status } = await run(
    'operations',
    answer(200, {
      status: 'success',
      at: '2026-11-24T15:00:00.000Z',
      services: [
        service('api-gateway', {
          state: 'degraded',
          components: { redis: { state: 'down' }, database: { state: 'up' } },
        }),
        service('data-service', { log_level: 'debug', log_level_until: '2026-11-24T15:10:00.000Z' }),
        service('cache-service', { state: 'away', version: null, uptime_seconds: null, log_level: null }),
      ],
      feeds: {
        lender: { provider: 'ibkr', state: 'up', data: 'fresh' },
        events: { state: 'down', breaker: { state: 'open' } },
      },
    }),
  )
  expect(text.split('\n')).toEqual([
    'Service        State     Up for  Version  Log',
    'api-gateway    degraded  1 min   0.1.0    info               redis is down',
    'data-service   ok        1 min   0.1.0    debug for a while',
    'cache-service  away',
    '',
    'Feed    State  Provider  Data',
    'lender  up     ibkr      fresh',
    'events  down                    breaker open',
  ])
  expect(status).toBe(1)
})

test('a log level is set for a quarter of an hour unless another time is said', async () => {
  const { text, asked } = await run(
    'log-level data-service debug',
    answer(
      200,
      '{"status":"success","service":"data-service","level":"debug","minutes":15,"until":"2026-11-24T15:15:00.123Z"}',
    ),
  )
  expect(asked[0]).toMatchObject({ method: 'PUT', body: '{"service":"data-service","level":"debug","minutes":15}' })
  expect(text).toBe('The data-service writes debug until 2026-11-24T15:15:00Z, and then as before.')
  expect((await run('log-level data-service loud', answer(200, '{}'))).text).toContain('It must be fatal, error')
})
