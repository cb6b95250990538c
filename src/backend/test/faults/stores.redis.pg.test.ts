// Quotes flow while the stores go away: Redis, which nobody needs for a price, and PostgreSQL, which everybody needs for its record.
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { UserRole } from '../../database/service-users.ts'
import type { ServiceName } from '../../tools/local-cluster.ts'
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
  expect(new Set(stage.traffic.quotes.map(kindOf))).toEqual(new Set(['200', '503 AUDIT_UNAVAILABLE']))
}, 30_000)
