import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { isAlive } from '../database/process-identity.ts'
import { USER_ROLES } from '../database/service-users.ts'
import { type PgBouncer, startPgBouncer } from '../test/pgbouncer.ts'
import { pgbouncerFound } from '../test/pgbouncer-found.ts'
import { type RealPostgres, startPostgres } from '../test/postgres.ts'
import { startRedis, type TestRedis } from '../test/redis.ts'
import { until } from '../test/until.ts'
import { type FiveServices, SERVICE_NAMES, startFiveServices } from './local-cluster.ts'

let postgres: RealPostgres
let redis: TestRedis
let pgbouncer: PgBouncer | undefined
let cluster: FiveServices

beforeAll(async () => {
  postgres = await startPostgres({ ...inject('postgres').own, durable: false })
  redis = await startRedis()
  pgbouncer = pgbouncerFound()
    ? await startPgBouncer({
        serverPort: postgres.port,
        users: Object.fromEntries(USER_ROLES.map((role) => [postgres.userOf(role), postgres.passwordOf(role)])),
        poolSize: 10,
      })
    : undefined
  cluster = await startFiveServices({ postgres, redis, ...(pgbouncer && { pgbouncer }) })
})

afterAll(async () => {
  await cluster?.stop()
  await pgbouncer?.end()
  await redis?.stop()
  await postgres?.end()
})

describe('five services on one machine', () => {
  test('price as soon as they are said to be there, each with a process and a user of its own', async () => {
    const answer = await fetch(`${cluster.url}/api/v1/rates/GME`, { headers: { 'X-API-Key': cluster.key('desk') } })
    expect(answer.status).toBe(200)
    const pids = SERVICE_NAMES.map((name) => cluster.services[name].pid())
    expect(new Set(pids).size).toBe(5)
    for (const name of SERVICE_NAMES) {
      const details = await (await fetch(`${cluster.services[name].url}/health/details`)).json()
      expect(details, name).toMatchObject({ status: 'ok', service: name })
    }
  })

  test.each(SERVICE_NAMES)('%s comes back on its address after it was killed', async (name) => {
    const before = cluster.services[name].pid()
    expect(await cluster.kill(name)).toEqual({ code: null, signal: 'SIGKILL' })
    await expect(fetch(`${cluster.services[name].url}/health`)).rejects.toThrow()
    await cluster.restart(name)
    expect(cluster.services[name].pid()).not.toBe(before)
    expect((await fetch(`${cluster.services[name].url}/health`)).status).toBe(200)
  })

  test('take a password that changed, in the pooler too, when they connect anew', async () => {
    const password = await postgres.changePassword('api_gateway')
    cluster.changePassword('api-gateway', password)
    const users = Object.fromEntries(USER_ROLES.map((role) => [postgres.userOf(role), postgres.passwordOf(role)]))
    await pgbouncer?.changeUsers(users)
    await pgbouncer?.console('RECONNECT')
    await cluster.restart('api-gateway')
    const details = await (await fetch(`${cluster.url}/health/details`)).json()
    expect(details).toMatchObject({ components: { database: { state: 'up' } } })
  })

  test('end in order when told to', async () => {
    for (const name of ['cache-service', 'api-gateway'] as const) {
      expect(await cluster.kill(name, 'SIGTERM')).toEqual({ code: 0, signal: null })
      await cluster.restart(name)
    }
  })
})

test('nothing outlives whoever started it, also when that was killed', async () => {
  const starter = spawn(
    process.execPath,
    ['--import', 'tsx', fileURLToPath(new URL('../test/cluster-process.ts', import.meta.url))],
    { stdio: ['pipe', 'pipe', 'inherit'], cwd: fileURLToPath(new URL('..', import.meta.url)) },
  )
  starter.stdin.end(
    JSON.stringify({
      url: postgres.url,
      urls: Object.fromEntries(USER_ROLES.map((role) => [role, postgres.urlFor(role)])),
    }),
  )
  const [line] = (await once(starter.stdout, 'data')) as [Buffer]
  const { pids, folder } = JSON.parse(line.toString()) as { pids: number[]; folder: string }
  expect(pids.filter(isAlive)).toHaveLength(5)
  starter.kill('SIGKILL')
  await until('the five have ended', 10_000, () => !pids.some(isAlive) && !existsSync(folder))
}, 60_000)
