import { describe, expect, test } from 'vitest'
import type { FeedLineAnswer, OperationsAnswer, ServiceLineAnswer } from '../../../client/index.ts'
import { operationsSearch, toggled } from './search.ts'
import { feedsWorstFirst, newsBetween, servicesWorstFirst, summaryOf } from './states.ts'

const line = (
  service: string,
  state: ServiceLineAnswer['state'],
  components: ServiceLineAnswer['components'] = {},
): ServiceLineAnswer => ({
  service,
  state,
  answered_ms: null,
  version: null,
  uptime_seconds: null,
  log_level: null,
  log_level_until: null,
  latency: null,
  components,
})
const feed = (more: Partial<FeedLineAnswer> = {}): FeedLineAnswer => ({
  provider: null,
  state: 'up',
  breaker: null,
  last_success: null,
  age_seconds: null,
  ...more,
})
const answer = (services: readonly ServiceLineAnswer[], feeds: OperationsAnswer['feeds'] = {}): OperationsAnswer => ({
  status: 'success',
  at: '2026-11-29T14:32:07Z',
  services,
  feeds,
  cache: null,
  audit: null,
  quotes: { per_minute: [] },
  links: [],
})

describe('the worst comes first', () => {
  test('of services, in the order of the answer otherwise', () => {
    const services = [line('a', 'ok'), line('b', 'unknown'), line('c', 'degraded'), line('d', 'ok'), line('e', 'away')]
    expect(servicesWorstFirst(services).map(({ service }) => service)).toEqual(['e', 'c', 'b', 'a', 'd'])
  })

  test('of feeds: one that is down, one that tries again, one that is old', () => {
    const feeds = {
      events: feed(),
      lender: feed({ data: 'stale' }),
      prices: feed({ breaker: { state: 'half-open' } }),
      volatility: feed({ breaker: { state: 'open' } }),
    }
    expect(feedsWorstFirst(feeds).map(({ name }) => name)).toEqual(['volatility', 'prices', 'lender', 'events'])
    expect(feedsWorstFirst(null)).toEqual([])
  })
})

describe('one sentence says what is not well', () => {
  test('or that everything is', () => {
    expect(summaryOf(answer([line('a', 'ok'), line('b', 'ok')]))).toBe('All services answer.')
    expect(summaryOf(answer([line('all-in-one', 'ok')]))).toBe('The engine answers.')
  })

  test('worst first, services before feeds', () => {
    const services = [
      line('api-gateway', 'degraded', { database: { state: 'up' }, audit_log: { state: 'down' } }),
      line('audit-service', 'away'),
      line('data-service', 'unknown'),
      line('cache-service', 'draining'),
    ]
    expect(summaryOf(answer(services, { lender: feed({ state: 'down' }) }))).toBe(
      'audit-service is away; api-gateway is degraded: audit log down; cache-service is ending; where data-service is, the settings do not say; the lender feed does not answer.',
    )
    expect(summaryOf(answer([line('a', 'ok'), line('b', 'ok')], null))).toBe(
      'All services answer; the feeds are not known.',
    )
  })
})

test('a service that goes away or comes back is news, once', () => {
  const [away, back] = [line('a', 'away'), line('a', 'ok')]
  expect(newsBetween([back], [away])).toEqual(['a is away.'])
  expect(newsBetween([away], [away])).toEqual([])
  expect(newsBetween([away], [line('a', 'degraded')])).toEqual(['a is back, degraded.'])
  expect(newsBetween([away], [back])).toEqual(['a is back.'])
  expect(newsBetween([], [away])).toEqual([])
})

test('what is open stands in the address', () => {
  expect(operationsSearch({ open: 'api-gateway,<b>,api-gateway' })).toEqual({ open: 'api-gateway' })
  expect(toggled({}, 'data-service')).toEqual({ open: 'data-service' })
  expect(toggled({ open: 'a,b' }, 'a')).toEqual({ open: 'b' })
  expect(toggled({ open: 'a' }, 'a')).toEqual({})
})
