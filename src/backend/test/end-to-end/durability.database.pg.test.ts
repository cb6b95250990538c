// The database server dies under load and comes back. Meanwhile no price leaves that could not be kept; everything else that can go
// on goes on; and nothing that was answered is lost.
import { mkdtempSync, rmSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../database/embedded.ts'
import { upgrade } from '../../database/migrate.ts'
import { expectFailure } from './answers.ts'
import { type Deployment, databaseProcessOf, sleep, startDeployment } from './deployment.ts'
import { ask } from './http.ts'
import { answered, type Load, lost, startLoad, until } from './load.ts'

const BACK_WITHIN_MS = 2000
/** Above the second for which a record waits for a database that only stumbles. */
const AWAY_MS = 2500
/** Answers that were made before it died arrive within this, on a busy machine. */
const SETTLE_MS = 1000
const WAIT_MS = 60_000
const QUOTE = '/api/v1/calculate-locate'
let folder: string
let server: EmbeddedPostgres
let deployed: Deployment
let coldKey: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'borrow-rate-engine-test-'))
  await chmod(folder, 0o755)
  server = await startServer()
  await upgrade(server.url)
  deployed = await startDeployment({ database: { url: server.url } })
  coldKey = await deployed.newKey('demo-percentage', 'broker')
}, WAIT_MS)

afterAll(async () => {
  await deployed.stop()
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
}, WAIT_MS)

/** On the disk, as in production, and on the port that it had. */
function startServer(): Promise<EmbeddedPostgres> {
  return startEmbeddedPostgres({
    dataDir: join(folder, 'data'),
    durable: true,
    log: { info: () => {}, warn: () => {} },
    binariesFolder: inject('postgres').binariesFolder,
  })
}

const get = (path: string, key = deployed.keys.desk) => ask(deployed, { path, key })

describe('with its server killed -9 under load', () => {
  let load: Load
  let away: number
  let calledBack = Number.NaN

  beforeAll(async () => {
    // What is asked for once is kept: a rate, and the keys of who will ask.
    expect((await get('/api/v1/rates/GME')).status).toBe(200)
    expect((await get('/api/v1/rates/GME', deployed.keys.auditor)).status).toBe(200)
    load = startLoad(deployed)
    await until('prices', () => answered(load.outcomes).length > 200)
    process.kill(databaseProcessOf(join(folder, 'data')) as number, 'SIGKILL')
    away = performance.now()
    await until('a refusal', () => load.outcomes.some(({ status }) => status === 503))
  }, WAIT_MS)

  test('a rate is still answered, from the copy', async () => {
    expect((await get('/api/v1/rates/GME')).status).toBe(200)
  })

  test('the process is healthy, and says in detail what is away', async () => {
    expect((await get('/health')).status).toBe(200)
    const { status, json, text } = await get('/health/details')
    expect(status).toBe(200)
    expect(json.status).toBe('degraded')
    expect(json.components.database.state).toBe('down')
    expect(text).not.toMatch(/ECONN|127\.0\.0\.1|postgres/i)
  })

  test.each([
    ['a name that is in no copy', '/api/v1/rates/TSLA'],
    ['a page of names', '/api/v1/rates/status/HARD'],
    ['the configuration', '/api/v1/config'],
  ])('%s is 503 with Retry-After, not an internal error', async (_, path) => {
    const answer = await get(path)
    // What is in a copy may still be answered.
    if (answer.status === 200) return
    expectFailure(answer, 'SERVICE_UNAVAILABLE')
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
  })

  test('a record that is asked for is 503, as one that may be there', async () => {
    const [id] = answered(load.outcomes)
    expectFailure(await get(`/api/v1/audit/${id}`, deployed.keys.auditor), 'SERVICE_UNAVAILABLE')
  })

  test('a key that cannot be looked up is 503 and never 401', async () => {
    expectFailure(await get('/api/v1/rates/GME', coldKey), 'SERVICE_UNAVAILABLE')
  })

  test(
    'it is back within 2 s of its server',
    async () => {
      await sleep(Math.max(0, AWAY_MS - (performance.now() - away)))
      calledBack = performance.now()
      server = await startServer()
      const back = performance.now()
      await until('a price', () => load.outcomes.some(({ status, at }) => status === 200 && at > back), BACK_WITHIN_MS)
      // And stays back.
      const count = load.outcomes.length
      await until('more prices', () => load.outcomes.length > count + 100)
      expect(load.outcomes.slice(count).map(({ status }) => status)).not.toContain(503)
      for (const path of ['/api/v1/rates/TSLA', '/api/v1/rates/status/HARD', '/api/v1/config']) {
        expect((await get(path)).status, path).toBe(200)
      }
      expect((await get('/api/v1/rates/GME', coldKey)).status).toBe(200)
      expect((await get('/health/details')).json.status).toBe('ok')
    },
    WAIT_MS,
  )

  test('meanwhile quotes were refused as AUDIT_UNAVAILABLE with Retry-After, in no other way', async () => {
    const outcomes = await load.stop()
    const refused = outcomes.filter(({ status }) => status !== 200)
    expect(refused.length).toBeGreaterThan(0)
    const kinds = new Set(refused.map(({ status, errorCode }) => `${status} ${errorCode}`))
    const why = deployed.logLines().filter((line) => line.includes('SERVICE_UNAVAILABLE') && line.includes(QUOTE))
    expect(kinds, why[0]).toEqual(new Set(['503 AUDIT_UNAVAILABLE']))
    for (const { retryAfter } of refused) expect(Number(retryAfter)).toBeGreaterThan(0)
    // What was committed before may still have been on its way; after that moment there was no price until the server was called back.
    const priced = outcomes.filter(({ status, at }) => status === 200 && at > away + SETTLE_MS && at < calledBack)
    expect(priced).toEqual([])
  })

  test('no price that was answered, before or after, is lost', async () => {
    const ids = answered(load.outcomes)
    expect(ids.length).toBeGreaterThan(200)
    expect(await lost(deployed.database, ids)).toEqual([])
  })
})

describe('with its server restarted for a moment', () => {
  test('no quote fails: records wait for it', async () => {
    const load = startLoad(deployed, { connections: 2 })
    await until('prices', () => answered(load.outcomes).length > 20)
    // Every connection is cut, as at a failover; new ones are taken at once.
    await deployed.database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'`,
    )
    const count = load.outcomes.length
    await until('more prices', () => load.outcomes.length > count + 50)
    const outcomes = await load.stop()
    expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set([200]))
    expect(await lost(deployed.database, answered(outcomes))).toEqual([])
  })
})
