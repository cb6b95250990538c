// What an operator is shown of the connections to the database: by a real server, through a real PgBouncer, with a real replica.
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { type PgBouncer, startPgBouncer } from '../test/pgbouncer.ts'
import { HOW_TO_GET_PGBOUNCER, pgbouncerFound } from '../test/pgbouncer-found.ts'
import { type RealPostgres, startPostgres } from '../test/postgres.ts'
import { type Standby, startStandby } from '../test/standby.ts'

const SCRIPT = fileURLToPath(new URL('./db_connections.ts', import.meta.url))
const hasPgbouncer = pgbouncerFound() !== null
if (!hasPgbouncer) console.warn(`\nThe tests of PgBouncer's pools are skipped. To have them: ${HOW_TO_GET_PGBOUNCER}\n`)

interface Ran {
  readonly status: number
  readonly text: string
}

let server: RealPostgres

beforeAll(async () => {
  server = await startPostgres({ ...inject('postgres').own, durable: false })
})
afterAll(() => server.end())

function run(environment: Record<string, string>, ...words: string[]): Promise<Ran> {
  const { DATABASE_URL: _url, DATABASE_DIRECT_URL: _direct, ...others } = process.env
  return new Promise((done) => {
    execFile(
      process.execPath,
      ['--import', 'tsx', SCRIPT, ...words],
      { encoding: 'utf8', env: { ...others, ...environment } },
      (error, stdout, stderr) => done({ status: Number(error?.code ?? 0), text: stdout + stderr }),
    )
  })
}

/** A connection that stays while the work is done. */
async function whileConnected(url: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url, application_name: 'somebody' })
  client.on('error', () => {})
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}

describe('db_connections', () => {
  test('shows version, limit, and who is connected in which state; the password nowhere', async () => {
    await whileConnected(server.urlFor('data_service'), async (client) => {
      await client.query('begin')
      await client.query('select 1')
      const { status, text } = await run({ DATABASE_URL: server.url })
      expect(status).toBe(0)
      expect(text).toMatch(
        new RegExp(`^127\\.0\\.0\\.1:${server.port}/\\w+: PostgreSQL \\d+\\.\\d+.*, reached in \\d+ ms as \\w+\n`),
      )
      expect(text).toMatch(/^connections: 2 of \d+, of which \d+ are kept for superusers$/m)
      expect(text).toMatch(/^data_service_user +idle in transaction +somebody +1$/m)
      expect(text).toMatch(/^longest transaction: \d+\.\d s, of data_service_user, idle in transaction$/m)
      expect(text).toMatch(/^replication: nobody follows this server$/m)
      expect(text).not.toContain('pools')
    })
  })

  test('says what a service’s own user may not see', async () => {
    await whileConnected(server.urlFor('data_service'), async () => {
      const url = server.urlFor('audit_service')
      const { status, text } = await run({ DATABASE_URL: url })
      expect(status).toBe(0)
      expect(text).toMatch(/^data_service_user +\(hidden\)/m)
      expect(text).toMatch(/^audit_service_user +active +borrow-rate-engine connections +1$/m)
      expect(text).toMatch(/^\(hidden\): /m)
      expect(text).not.toContain(server.passwordOf('audit_service'))
    })
  })

  test('reads the address from a mounted file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'borrow-rate-engine-address-'))
    writeFileSync(join(folder, 'url'), server.urlFor('data_service'))
    const { status, text } = await run({ DATABASE_URL_FILE: join(folder, 'url') })
    rmSync(folder, { recursive: true })
    expect(text).toMatch(/as data_service_user$/m)
    expect(status).toBe(0)
  })

  test.each([
    ['nobody listens', () => 'postgres://nobody:secret-word@127.0.0.1:1/nowhere', /not reached: .*ECONNREFUSED/],
    [
      'the password is wrong',
      () => withPassword(server.urlFor('data_service'), 'secret-word'),
      /not reached: password authentication failed/,
    ],
  ])('%s: the reason, exit status 1, and no password', async (_, url, sentence) => {
    const { status, text } = await run({ DATABASE_URL: url() })
    expect(text).toMatch(sentence)
    expect(text).not.toContain('secret-word')
    expect(status).toBe(1)
  })
})

describe('db_connections with a replica', () => {
  let standby: Standby

  beforeAll(async () => {
    standby = await startStandby(server)
  })
  afterAll(() => standby.end())

  test('shows who follows, and of a replica how old its newest transaction is', async () => {
    const primary = await run({ DATABASE_URL: server.url })
    expect(primary.text).toMatch(/^replication: \S+ (streaming|catchup), \d+ bytes behind$/m)
    const replica = await run({ DATABASE_URL: standby.url })
    expect(replica.text).toMatch(
      /^replication: this is a replica; its newest transaction is (\d+\.\d s|nothing.*) old$/m,
    )
    expect(replica.status).toBe(0)
  })
})

describe.runIf(hasPgbouncer)('db_connections through PgBouncer', () => {
  let pooler: PgBouncer

  beforeAll(async () => {
    pooler = await startPgBouncer({
      serverPort: server.port,
      users: { data_service_user: server.passwordOf('data_service') },
      poolSize: 2,
    })
  })
  afterAll(() => pooler.end())

  test('shows the pools to whom PgBouncer lets see them', async () => {
    const url = pooler.through(server.urlFor('data_service'))
    await whileConnected(url, async (client) => {
      await client.query('begin')
      const consoleUrl = `postgres://console:console@127.0.0.1:${pooler.port}/pgbouncer`
      const { status, text } = await run({ DATABASE_URL: url }, '--pools', consoleUrl)
      expect(status).toBe(0)
      expect(text).toMatch(new RegExp(`^pools of PgBouncer at 127\\.0\\.0\\.1:${pooler.port}$`, 'm'))
      expect(text).toMatch(/^database +user +mode +clients active +clients waiting/m)
      expect(text).toMatch(/^\w+ +data_service_user +transaction +1 +0 +1 /m)
    })
  })

  test('and says so to whom it does not, without failing', async () => {
    const { status, text } = await run({ DATABASE_URL: pooler.through(server.urlFor('data_service')) })
    expect(text).toMatch(/^no pools are shown of 127\.0\.0\.1:\d+: .*/m)
    expect(text).toMatch(/PostgreSQL \d+/)
    expect(status).toBe(0)
  })

  test('a PgBouncer that was named and is none is a failure', async () => {
    const { status, text } = await run({ DATABASE_URL: server.url }, '--pools', server.url)
    expect(text).toContain(`there is no PgBouncer at 127.0.0.1:${server.port}`)
    expect(status).toBe(1)
  })
})

function withPassword(url: string, password: string): string {
  const other = new URL(url)
  other.password = password
  return other.href
}
