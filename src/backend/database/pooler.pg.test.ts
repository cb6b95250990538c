// Everything that talks to PostgreSQL, through a real PgBouncer in transaction mode with fewer connections to the server than
// there are clients.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { apiKeys, createApiKey } from '../access/api-keys.ts'
import { auditLog } from '../audit/audit-log.ts'
import { readAuditRecord } from '../audit/read-record.ts'
import { importEvents } from '../market-data/import.ts'
import { readStoredObservations } from '../market-data/stored-observations.ts'
import type { IsoDate, Ticker } from '../pricing/units.ts'
import { readBroker } from '../reference-data/broker-terms.ts'
import { auditRow } from '../test/audit-rows.ts'
import { type PgBouncer, startPgBouncer } from '../test/pgbouncer.ts'
import { HOW_TO_GET_PGBOUNCER, pgbouncerFound } from '../test/pgbouncer-found.ts'
import { asOwner, type RealPostgres, startPostgres } from '../test/postgres.ts'
import { connectDatabase } from './connect.ts'
import { requireCurrentSchema } from './schema-state.ts'
import { seedDemoData, seedReferenceData } from './seed.ts'
import { USER_ROLES, type UserRole } from './service-users.ts'

const found = pgbouncerFound() !== null
if (!found) console.warn(`\nThe tests through PgBouncer are skipped. To have them: ${HOW_TO_GET_PGBOUNCER}\n`)

const POOL_SIZE = 3
const CLIENTS = 40

describe.runIf(found)('through PgBouncer in transaction mode', () => {
  let server: RealPostgres
  let pooler: PgBouncer
  const pools: pg.Pool[] = []

  beforeAll(async () => {
    server = await startPostgres(inject('postgres').own)
    pooler = await startPgBouncer({ serverPort: server.port, users: users(), poolSize: POOL_SIZE })
  })
  afterAll(async () => {
    for (const pool of pools) await pool.end()
    await pooler.end()
    await server.end()
  })

  function users(): Record<string, string> {
    return Object.fromEntries(USER_ROLES.map((role) => [server.userOf(role), server.passwordOf(role)]))
  }

  /** As a service connects: with the limits that it has everywhere, and no word about a pooler. */
  function connect(role: UserRole, connectionsMax: number = CLIENTS): pg.Pool {
    const pool = connectDatabase(pooler.through(server.urlFor(role)), { applicationName: role, connectionsMax })
    pools.push(pool)
    return pool
  }

  async function serverConnections(): Promise<{ usename: string; connections: number }[]> {
    return asOwner(server.url, async (client) => {
      const { rows } = await client.query(
        "select usename, count(*)::int as connections from pg_stat_activity where usename like '%\\_user' group by 1 order by 1",
      )
      return rows
    })
  }

  test('what it refuses when a connection starts is left out, and nothing is left of it in the pool', async () => {
    const pool = connect('data_service', 2)
    expect(pool.options.statement_timeout).toBe(15_000)
    expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    expect(pool.options.statement_timeout).toBeUndefined()
    expect(pool.totalCount).toBe(1)
  })

  test('the database user has the limit of a statement all the same', async () => {
    const { rows } = await connect('calculation_service', 1).query(
      "select current_setting('statement_timeout') as limit",
    )
    expect(rows).toEqual([{ limit: '15s' }])
  })

  test('a service that starts finds whether the database fits', async () => {
    for (const role of ['api_gateway', 'calculation_service', 'data_service', 'audit_service'] as const) {
      await requireCurrentSchema(connect(role, 1))
    }
  })

  test('seeds, imports, keys, terms, market data and records, all at once, with more clients than connections', async () => {
    const data = connect('data_service')
    const gateway = connect('api_gateway')
    const calculation = connect('calculation_service')
    const now = new Date('2026-11-24T15:00:00Z')
    await seedReferenceData(data)
    const taken = await seedDemoData(data, { now })
    expect(taken.every(({ result }) => result.leftAlone === null)).toBe(true)
    const { apiKey } = await createApiKey(gateway, () => new Date(), { clientId: 'demo-classic', role: 'broker' })

    const log = auditLog({ pool: calculation, lanes: 8, batchMax: 16 })
    const appended: string[] = []
    const tickers = ['AAPL', 'GME', 'TSLA'] as Ticker[]
    let connectionsMax = 0
    const client = async (index: number) => {
      for (let round = 0; round < 20; round += 1) {
        const kind = (index + round) % 4
        if (kind === 0) {
          const row = auditRow()
          await log.append(row)
          appended.push(row.audit_id)
        } else if (kind === 1) {
          const stored = await readStoredObservations(data, tickers, '2026-11-24' as IsoDate)
          expect(stored.map(({ ticker, known }) => ({ ticker, known }))).toEqual(
            tickers.map((ticker) => ({ ticker, known: true })),
          )
        } else if (kind === 2) {
          expect((await readBroker(data, 'demo-classic'))?.terms.dayCount).toBe('ACT/365')
        } else {
          // A cache of its own each time, so that the row is read each time.
          const principal = await apiKeys({ database: gateway, clock: () => new Date() }).authenticate(apiKey)
          expect(principal).toMatchObject({ clientId: 'demo-classic', tier: 'standard' })
        }
      }
    }
    const importing = async () => {
      for (let round = 0; round < 6; round += 1) {
        const source = `ticker,type,date,risk_factor\nAAPL,earnings,2026-12-0${round + 1},4\n`
        await importEvents(data, { source, provider: 'p', demo: false, receivedAt: new Date(now.getTime() + round) })
      }
    }
    const watching = { over: false }
    const watch = async () => {
      while (!watching.over) {
        for (const { connections } of await serverConnections()) connectionsMax = Math.max(connectionsMax, connections)
        await sleep(20)
      }
    }
    const watched = watch()
    await Promise.all([...Array.from({ length: CLIENTS }, (_, index) => client(index)), importing(), importing()])
    watching.over = true
    await watched
    expect(connectionsMax).toBeGreaterThan(1)
    expect(connectionsMax).toBeLessThanOrEqual(POOL_SIZE)
    const shown = await pooler.console('SHOW POOLS')
    expect(shown.filter(({ user }) => user === 'data_service_user')).toMatchObject([{ pool_mode: 'transaction' }])

    // Every import was whole: the last one's event, and it alone.
    const { rows } = await data.query("select event_date from market_events where provider = 'p'")
    expect(rows).toEqual([{ event_date: '2026-12-06' }])
    const audit = connect('audit_service', 2)
    for (const id of appended) expect(await readAuditRecord(audit, id)).not.toBeNull()
    expect(appended.length).toBe((CLIENTS * 20) / 4)
    await log.close()
  })

  test('a record that the database cannot accept fails alone, and the connection goes on', async () => {
    const log = auditLog({ pool: connect('calculation_service', 1), lanes: 1 })
    const record = JSON.stringify({ text: 'x'.repeat(4_000) })
    for (let round = 0; round < 5; round += 1) {
      const rows = Array.from({ length: 250 }, () => auditRow({ record }))
      // In its first row the server refuses what is still on its way: more than any buffer between holds.
      const settled = await Promise.allSettled(
        [auditRow({ record: 'a\u0000b' }), ...rows].map((row) => log.append(row)),
      )
      expect(settled.map(({ status }) => status)).toEqual(['rejected', ...rows.map(() => 'fulfilled')])
    }
    expect(log.stats()).toMatchObject({ committed: 1_250, failed: 5 })
    await log.close()
  })

  test('a password that changes at the server, in the pooler and then in the file fails no request', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'borrow-rate-engine-password-'))
    const passwordFile = join(folder, 'password')
    writeFileSync(passwordFile, server.passwordOf('data_service'))
    const pool = connectDatabase(pooler.through(server.urlFor('data_service')), {
      applicationName: 'restless',
      connectionsMax: 4,
      passwordFile,
    })
    pools.push(pool)
    ;(pool.options as { maxUses: number }).maxUses = 5 // new connections all the time
    let running = true
    let done = 0
    const clients = Promise.all(
      Array.from({ length: 12 }, async () => {
        while (running) {
          await pool.query('select count(*) from brokers')
          done += 1
        }
      }),
    )
    await sleep(200)
    const password = await server.changePassword('data_service')
    await pooler.changeUsers(users())
    await sleep(400)
    const before = done
    writeFileSync(passwordFile, password)
    await expect.poll(() => done, { timeout: 5_000 }).toBeGreaterThan(before + 50)
    running = false
    await clients // rejects when a single one failed
    rmSync(folder, { recursive: true })
  })

  test('when the server behind it is killed, records are refused, none acknowledged is lost, and within 2 s of its return it goes on', async () => {
    const log = auditLog({ pool: connect('calculation_service', 2) })
    const acknowledged: string[] = []
    let refusals = 0
    let running = true
    const clients = Array.from({ length: 16 }, async () => {
      while (running) {
        const row = auditRow()
        await log.append(row).then(
          () => acknowledged.push(row.audit_id),
          (error) => {
            expect(error).toMatchObject({ code: 'AUDIT_UNAVAILABLE' })
            refusals += 1
          },
        )
      }
    })
    await expect.poll(() => acknowledged.length).toBeGreaterThan(50)
    await server.kill()
    await expect.poll(() => refusals, { timeout: 10_000 }).toBeGreaterThan(0)
    const before = acknowledged.length
    await server.start()
    const returned = performance.now()
    await expect.poll(() => acknowledged.length, { timeout: 10_000, interval: 10 }).toBeGreaterThan(before)
    expect(performance.now() - returned).toBeLessThan(2_000)
    running = false
    await Promise.all(clients)
    const { rows } = await connect('audit_service', 1).query(
      'select count(*)::int as kept from audit_records where audit_id = any($1)',
      [acknowledged],
    )
    expect(rows).toEqual([{ kept: acknowledged.length }])
    await log.close()
  })
})
