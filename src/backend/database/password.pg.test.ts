import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { auditLog } from '../audit/audit-log.ts'
import { auditRow } from '../test/audit-rows.ts'
import { type RealPostgres, startPostgres } from '../test/postgres.ts'
import { connectDatabase } from './connect.ts'
import { status } from './migrate.ts'

let server: RealPostgres
const folder = mkdtempSync(join(tmpdir(), 'borrow-rate-engine-password-'))
const passwordFile = join(folder, 'password')
beforeAll(async () => {
  server = await startPostgres({ ...inject('postgres').own, durable: false })
})
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  await server.end()
})

/** As a mounted secret changes: the new file takes the place of the old one whole. */
function writePassword(password: string): void {
  writeFileSync(`${passwordFile}.new`, `${password}\n`)
  renameSync(`${passwordFile}.new`, passwordFile)
}

/** A URL with a password that never was one: the file's is used. */
function urlWithoutPassword(): string {
  const url = new URL(server.urlFor('calculation_service'))
  url.password = 'never-a-password'
  return url.href
}

/** A pool that makes its connections anew all the time, as none does by itself: each is used a few times and replaced. */
function restlessPool(): pg.Pool {
  const pool = connectDatabase(urlWithoutPassword(), { applicationName: 'restless', connectionsMax: 4, passwordFile })
  ;(pool.options as { maxUses: number }).maxUses = 5
  return pool
}

describe('the password changes while records are appended and the schema is read', () => {
  test.each([
    ['the server first, the file 400 ms later', 'server'],
    ['the file first, the server 400 ms later', 'file'],
  ])('%s: no request fails, and new connections use the new password', async (_, first) => {
    writePassword(server.passwordOf('calculation_service'))
    const pool = restlessPool()
    let connections = 0
    pool.on('connect', () => {
      connections += 1
    })
    const log = auditLog({ pool, lanes: 2 })
    let done = 0
    let slowestMs = 0
    let running = true
    const client = async (work: () => Promise<unknown>) => {
      while (running) {
        const began = performance.now()
        await work()
        slowestMs = Math.max(slowestMs, performance.now() - began)
        done += 1
      }
    }
    const clients = Array.from({ length: 16 }, (_, index) =>
      client(() => (index % 2 === 0 ? log.append(auditRow()) : pool.query('select count(*) from schema_migrations'))),
    )
    const traffic = Promise.all(clients)
    await sleep(300)
    for (let round = 1; round <= 2; round += 1) {
      const password = `changed-password-${first}-${round}`
      if (first === 'server') await server.changePassword('calculation_service', password)
      else writePassword(password)
      await sleep(400)
      if (first === 'server') writePassword(password)
      else await server.changePassword('calculation_service', password)
      const before = connections
      await expect.poll(() => connections, { timeout: 5_000 }).toBeGreaterThan(before + 10)
    }
    running = false
    await traffic // rejects when a single one failed
    expect(done).toBeGreaterThan(200)
    expect(slowestMs).toBeLessThan(3_000)
    expect(log.stats().failed).toBe(0)
    await log.close()
    await pool.end()
  })
})

test('a password that stays wrong is said within the time to connect, and leaves no connection behind', async () => {
  writePassword('wrong-for-good')
  const pool = connectDatabase(urlWithoutPassword(), {
    applicationName: 'wrong',
    connectionsMax: 2,
    connectTimeoutMs: 500,
    passwordFile,
  })
  const began = performance.now()
  await expect(pool.query('select')).rejects.toMatchObject({ code: '28P01' })
  expect(performance.now() - began).toBeLessThan(2_500)
  expect(performance.now() - began).toBeGreaterThan(300)
  expect(pool.totalCount).toBe(0)
  await pool.end()
})

test('a wrong password in the URL is said at once: nobody is going to change it', async () => {
  const pool = connectDatabase(urlWithoutPassword(), { applicationName: 'wrong', connectionsMax: 1 })
  const began = performance.now()
  await expect(pool.query('select')).rejects.toMatchObject({ code: '28P01' })
  expect(performance.now() - began).toBeLessThan(2_000)
  await pool.end()
})

test('a file that is not there is said by the name of its setting', async () => {
  const missing = join(folder, 'missing')
  const pool = connectDatabase(urlWithoutPassword(), { applicationName: 'm', connectionsMax: 1, passwordFile: missing })
  await expect(pool.query('select')).rejects.toThrow(/cannot be read from DATABASE_PASSWORD_FILE .*: ENOENT/)
  expect(pool.totalCount).toBe(0)
  await pool.end()
})

test('the file may hold the whole address, as a mounted secret does: only its password is used', async () => {
  writePassword(`postgresql://somebody:${encodeURIComponent('f#r: a/while%')}@elsewhere.example.com:1/other`)
  await server.changePassword('calculation_service', 'f#r: a/while%')
  const pool = connectDatabase(urlWithoutPassword(), { applicationName: 'address', connectionsMax: 1, passwordFile })
  expect((await pool.query('select current_user as "user"')).rows).toEqual([
    { user: expect.stringMatching(/calculation/) },
  ])
  await pool.end()
})

test('migrations read it too', async () => {
  writePassword(server.passwordOf('borrow_rate_migrator'))
  const url = new URL(server.urlFor('borrow_rate_migrator'))
  url.password = ''
  expect((await status(url.href, { passwordFile })).every(({ state }) => state === 'applied')).toBe(true)
})
