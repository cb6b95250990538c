// What the tests of faults stand on: five service processes, a real PostgreSQL, a real Redis behind a line that can be cut, feeds at
// the socket, and quotes that flow all the while.

import type pg from 'pg'
import { inject } from 'vitest'
import { createApiKey } from '../../access/api-keys.ts'
import { connectDatabase } from '../../database/connect.ts'
import { USER_ROLES } from '../../database/service-users.ts'
import { type FiveServices, type ServiceName, startFiveServices } from '../../tools/local-cluster.ts'
import { broker } from '../end-to-end/market.ts'
import { FAKE_KEYS, type FakeFeeds, startFakeFeeds } from '../fakes/fake-feeds.ts'
import { type PgBouncer, startPgBouncer } from '../pgbouncer.ts'
import { type RealPostgres, startPostgres } from '../postgres.ts'
import { startRedis, type TestRedis } from '../redis.ts'
import { type Link, startLink } from './link.ts'
import { type SentQuote, startTraffic, summary, type Traffic } from './traffic.ts'
import { wrongPrices } from './wrong-prices.ts'

export interface Stage {
  readonly postgres: RealPostgres
  readonly redis: TestRedis
  /** Between the services and Redis. */
  readonly redisLink: Link
  readonly feeds: FakeFeeds
  readonly services: FiveServices
  /** As the owner. */
  readonly database: pg.Pool
  /** May ask for everybody, as often as it likes. */
  readonly apiKey: string
  readonly traffic: Traffic
  end(): Promise<void>
}

export interface StageOptions {
  /** Settings of all five, besides those below. */
  readonly env?: Readonly<Record<string, string>>
  /** Whether the data service asks the feeds; they are there anyway. */
  readonly withFeeds?: boolean
  readonly quotesPerSecond?: number
  readonly tickers?: readonly string[]
  /** Whether the services reach PostgreSQL through PgBouncer, where there is one. */
  readonly pooled?: boolean
  /** Puts things in place before the first quote. */
  readonly prepare?: (database: pg.Pool) => Promise<void>
}

const QUOTES_PER_SECOND = 60
const WARM_UP_MS = 1_500

/**
 * Copies in the processes are fresh for a second only, so that every fault meets names whose copy has just aged. Nothing is
 * shed: what the machine does besides is not what these tests are about.
 */
const SETTINGS = {
  LOCAL_COPY_SECONDS: '1',
  REDIS_BREAKER_OPEN_SECONDS: '1',
  OVERLOAD_EVENT_LOOP_DELAY_MS: '10000',
}

export async function startStage(options: StageOptions = {}): Promise<Stage> {
  const ends: (() => Promise<unknown>)[] = []
  const end = async () => {
    for (const close of ends.splice(0).reverse()) await close()
  }
  const started = async <T>(thing: Promise<T>, close: (thing: T) => Promise<unknown>): Promise<T> => {
    const it = await thing
    ends.push(() => close(it))
    return it
  }
  try {
    const postgres = await started(startPostgres({ ...inject('postgres').own, durable: true }), (it) => it.end())
    const redis = await started(startRedis(), (it) => it.stop())
    const redisLink = await started(startLink(redis.port), (it) => it.close())
    const feeds = await started(startFakeFeeds(), (it) => it.close())
    const database = connectDatabase(postgres.url, { applicationName: 'faults', connectionsMax: 2 })
    ends.push(() => database.end())
    await options.prepare?.(database)
    const pgbouncer = options.pooled === true ? await started(pooler(postgres), (it) => it.end()) : null
    const services = await started(
      startFiveServices({
        postgres,
        ...(pgbouncer && { pgbouncer }),
        redis: { url: redisLink.through(redis.url), caFile: null },
        env: { ...SETTINGS, ...(options.withFeeds === true && feedSettings(feeds)), ...options.env },
      }),
      (it) => it.stop(),
    )
    await broker(database, 'traffic', { markup_percentage: '3.25', requests_per_minute: 1_000_000 })
    const { apiKey } = await createApiKey(database, () => new Date(), {
      clientId: 'traffic',
      role: 'desk',
      label: 'traffic',
    })
    const traffic = startTraffic({
      url: services.url,
      apiKey,
      perSecond: options.quotesPerSecond ?? QUOTES_PER_SECOND,
      ...(options.tickers && { tickers: options.tickers }),
    })
    ends.push(() => traffic.stop())
    await traffic.during(() => new Promise((resolve) => setTimeout(resolve, WARM_UP_MS)))
    return { postgres, redis, redisLink, feeds, services, database, apiKey, traffic, end }
  } catch (error) {
    await end()
    throw error
  }
}

const POOL_SIZE = 10

function pooler(postgres: RealPostgres): Promise<PgBouncer> {
  const users = USER_ROLES.map((role) => [postgres.userOf(role), postgres.passwordOf(role)])
  return startPgBouncer({ serverPort: postgres.port, users: Object.fromEntries(users), poolSize: POOL_SIZE })
}

function feedSettings(feeds: FakeFeeds): Record<string, string> {
  return {
    LENDER_FEED_URL: feeds.urls.lender,
    LENDER_FEED_KEY: FAKE_KEYS.lender,
    VOLATILITY_FEED_URL: feeds.urls.volatility,
    VOLATILITY_FEED_KEY: FAKE_KEYS.volatility,
    EVENT_FEED_URL: feeds.urls.events,
    EVENT_FEED_KEY: FAKE_KEYS.events,
  }
}

/** What a service says of its health, of its parts. */
export async function componentsOf(
  services: FiveServices,
  name: ServiceName,
): Promise<Record<string, { state: string }>> {
  const answer = await fetch(`${services.services[name].url}/health/details`)
  return ((await answer.json()) as { components: Record<string, { state: string }> }).components
}

/** Says what happened, for whoever reads the run. */
export function report(what: string, quotes: readonly SentQuote[]): void {
  console.log(`  ${summary(what, quotes)}`)
}

/** Ends the traffic and holds every answer against its record. @returns what is wrong */
export async function everyPriceChecked({ traffic, database }: Stage): Promise<string[]> {
  const quotes = await traffic.stop()
  report('in all', quotes)
  return wrongPrices(database, quotes)
}
