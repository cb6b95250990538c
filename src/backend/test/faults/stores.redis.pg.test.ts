// Quotes flow while the stores go away: Redis, which nobody needs for a price, and PostgreSQL, which everybody needs for its record.
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createApiKey } from '../../access/api-keys.ts'
import type { UserRole } from '../../database/service-users.ts'
import { DEADLINE_DEFAULT_MS } from '../../server/call-context.ts'
import type { ServiceName } from '../../tools/local-cluster.ts'
import { type Answer, ask } from '../end-to-end/http.ts'
import { asOwner } from '../postgres.ts'
import { until } from '../redis.ts'
import { expectOnlyRecordsToFail } from './database-outage.ts'
import { componentsOf, everyPriceChecked, report, type Stage, startStage } from './stage.ts'
import { failures, kindOf } from './traffic.ts'

let stage: Stage
beforeAll(async () => {
  stage = await startStage()
}, 90_000)
afterAll(() => stage?.end(), 60_000)

/** Longer than a copy in a process is fresh. */
const AWAY_MS = 1_500
const CALM_MS = 700
/** What a request may take, and what a machine that does many things at once adds to it. */
const ANSWER_MS_MAX = DEADLINE_DEFAULT_MS + 2_000
const TEST_MS = 40_000

describe('Redis goes away while quotes flow', () => {
  test.each([
    ['is killed and comes back empty', () => stage.redis.kill(), () => stage.redis.start()],
    ['hangs', async () => stage.redis.pause(), async () => stage.redis.resume()],
    ['is cut off', () => stage.redisLink.cut(), () => stage.redisLink.mend()],
  ])(
    'it %s: no quote fails, and it is used again afterwards',
    async (what, breakIt, mendIt) => {
      const { traffic, services } = stage
      const during = await traffic.during(async () => {
        await breakIt()
        await sleep(AWAY_MS)
        await mendIt()
        await sleep(CALM_MS)
      })
      report(`Redis ${what}`, during)
      expect(failures(during)).toEqual({})
      for (const name of ['data-service', 'calculation-service'] as const) {
        await until(`${name} is connected again`, 10_000, async () => {
          const { redis } = await componentsOf(services, name)
          return redis?.state === 'up' && (redis as unknown as { connected?: boolean }).connected === true
        })
      }
    },
    TEST_MS,
  )
})

describe('PostgreSQL goes away while quotes flow', () => {
  test.each([
    ['is killed', () => stage.postgres.kill()],
    ['is stopped', () => stage.postgres.stop()],
    ['is killed, and Redis comes back from a moment away', () => killedAsRedisReturns()],
  ])(
    'it %s: quotes are refused as AUDIT_UNAVAILABLE and nothing else, rates are read from copies, and all is well soon after',
    async (what, breakIt) => expectOnlyRecordsToFail(stage, what, breakIt),
    TEST_MS,
  )

  /** Every process has to ask for all that it knows anew, and there is nobody to ask. */
  async function killedAsRedisReturns(): Promise<void> {
    await stage.redisLink.cut()
    await stage.postgres.kill()
    await stage.redisLink.mend()
  }
})

test(
  'PostgreSQL stalls: nobody waits longer than a request may, with a key, a name or an idempotency key that is new either',
  async () => {
    const { traffic, postgres, services, database } = stage
    const { apiKey } = await createApiKey(database, () => new Date(), {
      clientId: 'traffic',
      role: 'desk',
      label: 'never used',
    })
    const known = stage.apiKey
    const stalled: { readonly what: string; readonly tookMs: number; readonly answer: Answer }[] = []
    const quote = async (what: string, key: string, body: object, headers: Record<string, string> = {}) => {
      const sentAt = performance.now()
      const answer = await ask(services, { path: '/api/v1/calculate-locate', key, body, headers })
      stalled.push({ what, tookMs: performance.now() - sentAt, answer })
    }
    const short = { ticker: 'GME', position_value: 50_000, loan_days: 30, client_id: 'traffic' }
    const during = await traffic.during(async () => {
      postgres.pause()
      try {
        await Promise.all([
          quote('a new key', apiKey, short),
          quote('a new name', known, { ...short, ticker: 'CVNA' }),
          quote('a new idempotency key', known, short, { 'idempotency-key': 'asked-while-it-stalls' }),
        ])
        await quote('the new key again', apiKey, short)
      } finally {
        postgres.resume()
      }
      await sleep(CALM_MS)
    })
    report('PostgreSQL stalls', during)
    for (const { what, tookMs, answer } of stalled) {
      console.log(`  ${what}: ${answer.status} ${answer.json.error_code} after ${tookMs.toFixed(0)} ms`)
    }
    for (const { what, tookMs, answer } of stalled) {
      expect(answer.status, what).toBe(503)
      expect(tookMs, what).toBeLessThan(ANSWER_MS_MAX)
    }
    expect(Math.max(...during.map(({ tookMs }) => tookMs))).toBeLessThan(ANSWER_MS_MAX)
    // Who waits for the record behind others may come to the end of a request's time first.
    expect(Object.keys(failures(during)).filter((why) => !isRefusalOfStall(why))).toEqual([])
    await until('prices leave again', 5_000, async () => {
      const again = await ask(services, { path: '/api/v1/calculate-locate', key: apiKey, body: short })
      return again.status === 200
    })
  },
  TEST_MS,
)

/** No price leaves without its record, and nobody waits longer than a request may. */
function isRefusalOfStall(kind: string): boolean {
  return /^503 (?:AUDIT_UNAVAILABLE|SERVICE_UNAVAILABLE)\b/.test(kind)
}

describe('the passwords of the database change while quotes flow', () => {
  const CHANGED: readonly (readonly [ServiceName, UserRole])[] = [
    ['calculation-service', 'calculation_service'],
    ['api-gateway', 'api_gateway'],
    ['data-service', 'data_service'],
    ['audit-service', 'audit_service'],
  ]

  test.each(['the database first', 'the files first'])(
    '%s: no quote fails, on new connections too',
    async (order) => {
      const { traffic, services, postgres } = stage
      const during = await traffic.during(async () => {
        const changed = CHANGED.map(([name, role]) => ({
          name,
          role,
          password: `${role}-${order.replaceAll(' ', '-')}`,
        }))
        const inDatabase = async () => {
          for (const { role, password } of changed) await postgres.changePassword(role, password)
        }
        const inFiles = async () => {
          for (const { name, password } of changed) services.changePassword(name, password)
        }
        const [first, second] = order === 'the database first' ? [inDatabase, inFiles] : [inFiles, inDatabase]
        await first()
        await cutConnections()
        await sleep(400)
        await second()
        await cutConnections()
        await sleep(CALM_MS)
      })
      report(`passwords changed, ${order}`, during)
      expect(failures(during)).toEqual({})
    },
    TEST_MS,
  )

  /** As if all had reached the end of their life at once: what comes next connects with a password. */
  async function cutConnections(): Promise<void> {
    await asOwner(stage.postgres.url, (owner) =>
      owner.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
          where pid <> pg_backend_pid() and backend_type = 'client backend' and usename <> current_user`,
      ),
    )
  }
})

test('no price was wrong, and each is on the record once', async () => {
  expect(await everyPriceChecked(stage)).toEqual([])
  const kinds = [...new Set(stage.traffic.quotes.map(kindOf))]
  expect(kinds).toEqual(expect.arrayContaining(['200', '503 AUDIT_UNAVAILABLE']))
  expect(kinds.filter((kind) => kind !== '200' && !isRefusalOfStall(kind))).toEqual([])
}, 30_000)
