import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest'
import { connectDatabase } from '../database/connect.ts'
import { auditId, auditRow } from '../test/audit-rows.ts'
import { type TestDatabase, testDatabase } from '../test/database.ts'
import { type PgBouncer, startPgBouncer } from '../test/pgbouncer.ts'
import { pgbouncerFound } from '../test/pgbouncer-found.ts'
import { asOwner, type RealPostgres, startPostgres } from '../test/postgres.ts'
import { until } from '../test/until.ts'
import { type ChainRow, headText, NO_HASH, recordHash } from './hash-chain.ts'
import { HEAD_COLUMNS, type HeadRow, isGenuine, readHead } from './heads.ts'
import type { AuditRow } from './quote-record.ts'
import { STORED_COLUMNS } from './read-record.ts'
import { BATCH_RECORDS_MAX, ChainBrokenError, type Sealer, type SealerOptions, sealer } from './sealer.ts'
import { createSigningKey, readTrustedKeys } from './signing-key.ts'

const folder = mkdtempSync(join(tmpdir(), 'sealer-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const KEY = createSigningKey(join(folder, 'key.pem'))
const TRUSTED = readTrustedKeys([], [KEY])
/** The longest interval: such a sealer looks once, at its start, and then when it is told. */
const ONCE_MS = 2 ** 31 - 1

const databases: TestDatabase[] = []
async function database(): Promise<TestDatabase> {
  const made = await testDatabase()
  databases.push(made)
  return made
}
afterAll(async () => {
  for (const made of databases) await made.drop()
})

function sealing(pool: pg.Pool, options: Partial<SealerOptions> = {}): Sealer {
  const made = sealer({
    database: pool,
    key: KEY,
    trusted: TRUSTED,
    clock: () => new Date(),
    intervalMs: ONCE_MS,
    ...options,
  })
  onTestFinished(() => made.close())
  return made
}

/** Seals all there is with a sealer of its own. @returns how many records */
async function sealAll(pool: pg.Pool): Promise<number> {
  const made = sealing(pool)
  await made.sealNow()
  await made.close()
  return made.stats().sealed
}

const INSERT = `
insert into audit_records
  (audit_id, record_type, schema_version, occurred_at, client_id, ticker, position_value, borrow_rate, total_fee, request_id, actor_id, record)
select audit_id, record_type, schema_version, occurred_at, client_id, ticker, position_value, borrow_rate, total_fee, request_id, actor_id, record
  from json_populate_recordset(null::audit_records, $1)`

async function keep(database: pg.Pool | pg.ClientBase, rows: readonly AuditRow[]): Promise<void> {
  await database.query(INSERT, [JSON.stringify(rows)])
}

/** Rows made at moments so many milliseconds before now. */
function rowsAgo(...agesMs: number[]): AuditRow[] {
  return agesMs.map((ageMs) => auditRow({ audit_id: auditId(new Date(Date.now() - ageMs)) }))
}

interface SealedRow extends ChainRow {
  readonly sequence: string | null
  readonly prev_hash: Buffer
  readonly hash: Buffer
  readonly sealed_at: Date
}

/**
 * Reads the whole chain and holds it to its definition: numbered from 1 without gaps, every hash follows from its record and the one
 * before, every batch ends with a genuine head, and no record has no seal.
 * @returns the ids in the order of the chain
 */
async function wholeChain(pool: pg.Pool | pg.ClientBase): Promise<string[]> {
  const { rows } = await pool.query<SealedRow>(
    `select ${STORED_COLUMNS}, sequence, prev_hash, hash, sealed_at from audit_records left join audit_seals using (audit_id) order by sequence`,
  )
  const { rows: heads } = await pool.query<HeadRow>(`select ${HEAD_COLUMNS} from audit_heads order by sequence`)
  let sequence = 0
  let hash: Buffer = Buffer.from(NO_HASH)
  for (const head of heads.map(readHead)) {
    expect(head.firstSequence).toBe(sequence + 1)
    expect(isGenuine(head, TRUSTED), `head at ${head.sequence}`).toBe(true)
    for (const row of rows.slice(sequence, head.sequence)) {
      sequence += 1
      expect(Number(row.sequence)).toBe(sequence)
      if (!row.prev_hash.equals(hash)) expect.fail(`${row.audit_id} does not follow the one before`)
      hash = recordHash(hash, sequence, row)
      if (!row.hash.equals(hash)) expect.fail(`${row.audit_id} has another hash`)
      if (row.sealed_at.getTime() !== head.signedAt.getTime())
        expect.fail(`${row.audit_id} has another time than its head`)
    }
    expect(head.sequence).toBe(sequence)
    expect(head.hash).toEqual(hash)
  }
  expect(rows.length, 'records without a seal').toBe(sequence)
  return rows.map((row) => row.audit_id)
}

async function batches(pool: pg.Pool): Promise<string[]> {
  const { rows } = await pool.query('select first_sequence, sequence from audit_heads order by sequence')
  return rows.map((row) => `${row.first_sequence}-${row.sequence}`)
}

describe('sealing', () => {
  test('numbers records from 1 in the order of their ids, a thousand to a signed head, whatever they hold', async () => {
    const { pool } = await database()
    const rows = rowsAgo(...Array.from({ length: 2_100 }, (_, index) => 60_000 - index))
    const odd = auditRow({
      record: '{"a":"é€😀 \\" \\\\ ","n":"0.10"}',
      ticker: null,
      position_value: '100.00',
      borrow_rate: '0.000000',
      total_fee: null,
    })
    await keep(pool, [...rows, odd].toReversed())
    expect(await sealAll(pool)).toBe(2_101)
    expect(await wholeChain(pool)).toEqual([...rows, odd].map((row) => row.audit_id).sort())
    expect(await batches(pool)).toEqual(['1-1000', '1001-2000', '2001-2101'])
  })

  test('goes on where the chain ends; a record that is older than the end comes after it', async () => {
    const { pool } = await database()
    const [first, second, older] = [rowsAgo(1_000), rowsAgo(500), rowsAgo(2_000)]
    const sealed: number[] = []
    for (const rows of [first, second, older]) {
      await keep(pool, rows)
      sealed.push(await sealAll(pool))
    }
    expect(sealed).toEqual([1, 1, 1])
    expect(await wholeChain(pool)).toEqual([first, second, older].map(([row]) => row?.audit_id))
    expect(await sealAll(pool)).toBe(0)
    expect(await batches(pool)).toEqual(['1-1', '2-2', '3-3'])
  })

  test('a batch of large records has fewer of them: 16 MB at the most', async () => {
    const { pool } = await database()
    const record = `"${'x'.repeat(999_998)}"`
    for (let index = 0; index < 18; index += 1) await keep(pool, [auditRow({ record })])
    await sealAll(pool)
    await wholeChain(pool)
    expect(await batches(pool)).toEqual(['1-16', '17-18'])
  })

  test('a month ahead and a month long past are sealed too, for clocks are wrong at times', async () => {
    const { pool } = await database()
    await pool.query("select add_audit_months('2020-01-01', 1)")
    const ahead = auditRow({ audit_id: auditId(new Date(Date.now() + 40 * 86_400_000)) })
    await keep(pool, [ahead, auditRow({ audit_id: auditId(new Date('2020-01-15T00:00:00Z')) })])
    const running = sealing(pool, { intervalMs: 10 })
    await until('both are sealed', 5_000, () => running.stats().sealed === 2)
    // The record that is ahead does not draw the looks away.
    const now = auditRow()
    await keep(pool, [now])
    await until('the next is sealed', 2_000, () => running.stats().sealed === 3)
    expect((await wholeChain(pool)).at(-1)).toBe(now.audit_id)
  })
})

describe('a record whose transaction commits late', () => {
  // The circles of looking, with only one of them turning: what it is good for, and that it is enough.
  test.each([
    ['a second before the newest seal', 2_500, {}],
    ['10 seconds before the newest seal', 10_000, { behindEveryMs: 50 }],
    ['10 minutes before the newest seal', 600_000, { recentEveryMs: 50 }],
    ['4 hours before the newest seal', 4 * 3_600_000, { everythingEveryMs: 50 }],
    ['70 days before the newest seal', 70 * 86_400_000, { everythingEveryMs: 50 }],
  ] as const)('%s is sealed after those that overtook it', async (_, ageMs, circle) => {
    const { pool, url } = await database()
    await pool.query("select add_audit_months((now() - interval '100 days')::date, 3)")
    const once = { behindEveryMs: ONCE_MS, recentEveryMs: ONCE_MS, everythingEveryMs: ONCE_MS }
    const running = sealing(pool, { intervalMs: 10, ...once, ...circle })
    const late = rowsAgo(ageMs, ageMs + 1)
    const others = rowsAgo(...Array.from({ length: 1_500 }, (_, index) => 3_000 - index))
    await asOwner(url, async (slow) => {
      await slow.query('begin')
      await keep(slow, late)
      await keep(pool, others)
      await until('the others are sealed', 5_000, () => running.stats().sealed === 1_500)
      await until('everything was looked at', 5_000, () => running.stats().everythingSeenAt !== null)
      await slow.query('commit')
    })
    await until('the late ones are sealed', 5_000, () => running.stats().sealed === 1_502)
    const chain = await wholeChain(pool)
    expect(chain.slice(1_500)).toEqual(late.map((row) => row.audit_id).sort())
    expect(chain.slice(0, 1_500)).toEqual(others.map((row) => row.audit_id).sort())
  })

  test('and many such transactions, of all ages and in any order, leave nothing out', async () => {
    const { pool, url } = await database()
    const running = sealing(pool, { intervalMs: 5, recentEveryMs: 20, everythingEveryMs: 50 })
    const writers = Array.from({ length: 6 }, (_, writer) =>
      asOwner(url, async (client) => {
        for (let round = 0; round < 12; round += 1) {
          await client.query('begin')
          await keep(client, rowsAgo(0, 10 * round * writer, 20_000 * writer, 1_000_000 * round))
          await client.query('select pg_sleep($1)', [((writer * 7 + round * 3) % 10) / 100])
          await client.query(round % 5 === 4 ? 'rollback' : 'commit')
        }
      }),
    )
    await Promise.all(writers)
    await until('all are sealed', 10_000, () => running.stats().sealed === 6 * 10 * 4)
    expect(await wholeChain(pool)).toHaveLength(6 * 10 * 4)
    expect(running.stats().failures).toBe(0)
  })
})

describe('two sealers on one database', () => {
  test('never fork the chain and never seal a record twice', async () => {
    const { pool, url } = await database()
    const pools = [0, 1].map((index) => connectDatabase(url, { applicationName: `sealer ${index}`, connectionsMax: 2 }))
    const both = pools.map((own) => sealing(own, { intervalMs: 1, recentEveryMs: 30, everythingEveryMs: 100 }))
    let kept = 0
    const bothHadTheirShare = () => both.every((each) => each.stats().sealed > 0)
    for (let round = 0; round < 60 || (!bothHadTheirShare() && round < 2_000); round += 1) {
      const rows = rowsAgo(...Array.from({ length: 1 + ((round * 37) % 90) }, (_, index) => index))
      await keep(pool, rows)
      kept += rows.length
    }
    const sealed = () => both.reduce((sum, each) => sum + each.stats().sealed, 0)
    await until('all are sealed', 10_000, () => sealed() >= kept)
    expect(await wholeChain(pool)).toHaveLength(kept)
    expect(sealed()).toBe(kept)
    expect(both.map((each) => each.stats().failures)).toEqual([0, 0])
    expect(bothHadTheirShare()).toBe(true)
    await Promise.all(both.map((each) => each.close()))
    await Promise.all(pools.map((own) => own.end()))
  })

  test('one that is told to seal now waits for the other, and takes what is left', async () => {
    const { pool, url } = await database()
    await keep(pool, rowsAgo(5))
    let waiting: Sealer | undefined
    let isDone = false
    let sealed: Promise<unknown> = Promise.resolve()
    await asOwner(url, async (other) => {
      await other.query('begin')
      await other.query('select pg_advisory_xact_lock(7241865326)')
      // Only now: a sealer begins at once.
      waiting = sealing(pool)
      sealed = waiting.sealNow().finally(() => {
        isDone = true
      })
      await sleep(200)
      expect(isDone).toBe(false)
      await other.query('commit')
    })
    await sealed
    expect(waiting?.stats().sealed).toBe(1)
  })

  test('the database itself refuses a second head that begins at the same place', async () => {
    const { pool } = await database()
    await keep(pool, rowsAgo(5, 4, 3))
    await sealAll(pool)
    const fork = pool.query(
      `insert into audit_heads select sequence + 1, first_sequence, hash, signed_at, key_id, signature from audit_heads`,
    )
    await expect(fork).rejects.toMatchObject({ constraint: 'audit_heads_first_sequence_once' })
  })
})

describe('how far behind', () => {
  test('the lag is the age of the oldest record without a seal, and nothing when there is none', async () => {
    const { pool, url } = await database()
    const running = sealing(pool, { intervalMs: 10, recentEveryMs: 20 })
    await until('it has looked', 2_000, () => running.stats().everythingSeenAt !== null)
    expect(running.stats().lagSeconds).toBeLessThan(1)
    await asOwner(url, async (other) => {
      await other.query('begin')
      await other.query('select pg_advisory_xact_lock(7241865326)')
      await keep(pool, rowsAgo(40_000, 20_000))
      await until('it is behind', 2_000, () => running.stats().lagSeconds > 30)
      expect(running.stats().lagSeconds).toBeGreaterThan(39.9)
      expect(running.stats().lagSeconds).toBeLessThan(50)
      expect(running.stats()).toMatchObject({ sealed: 0, failures: 0, broken: null })
      await other.query('commit')
    })
    await until('it has caught up', 2_000, () => running.stats().lagSeconds < 1)
    expect(running.stats()).toMatchObject({
      sealed: 2,
      batches: 1,
      sequence: 2,
      lastBatch: { records: 2, sequence: 2 },
    })
  })
})

describe('the database is killed', () => {
  let server: RealPostgres
  let pooler: PgBouncer | null = null
  beforeAll(async () => {
    server = await startPostgres(inject('postgres').own)
    const users = { [server.userOf('audit_service')]: server.passwordOf('audit_service') }
    if (pgbouncerFound() !== null) pooler = await startPgBouncer({ serverPort: server.port, users, poolSize: 2 })
  })
  afterAll(async () => {
    await pooler?.end()
    await server.end()
  })

  // With the rights of the audit service, and through PgBouncer in transaction mode where there is one: five clients on two connections.
  const TITLE =
    'in the middle of batches: none is half sealed, none is sealed twice, and the lag says how long it lasted'
  test(TITLE, { timeout: 120_000 }, async () => {
    const url = server.urlFor('audit_service')
    const pool = connectDatabase(pooler?.through(url) ?? url, { applicationName: 'sealer', connectionsMax: 5 })
    await asOwner(server.url, async (owner) => {
      for (let made = 0; made < 12; made += 1) {
        await keep(owner, rowsAgo(...Array.from({ length: 1_000 }, (_, index) => 60_000 - made * 1_000 - index)))
      }
    })
    const told: string[] = []
    const both = [0, 1].map(() =>
      sealing(pool, {
        intervalMs: 20,
        onFailure: () => told.push('failed'),
        onRecovered: () => told.push('recovered'),
        onSealed: () => {
          batchesSealed += 1
        },
      }),
    )
    let batchesSealed = 0
    for (const [kill, afterBatches] of [2, 5, 8].entries()) {
      await until(`${afterBatches} batches are sealed`, 20_000, () => batchesSealed >= afterBatches)
      await sleep(7 * kill) // somewhere in the next one
      await server.kill(kill === 1 ? 'SIGKILL' : 'SIGQUIT')
      await sleep(600)
      for (const each of both) expect(each.stats().lagSeconds).toBeGreaterThan(0.5)
      await server.start()
      // As it came back: every batch is there with its head, or not at all. The sealers may have gone on in between.
      const { rows } = await asOwner(server.url, (owner) =>
        owner.query(
          `select (select coalesce(max(sequence), 0) from audit_heads)::int as signed, count(*)::int as seals, coalesce(max(sequence), 0)::int as last from audit_seals`,
        ),
      )
      expect(rows[0]).toEqual({ signed: rows[0].last, seals: rows[0].last, last: rows[0].last })
      expect(rows[0].last).toBeGreaterThanOrEqual(afterBatches * 1_000)
    }
    await until('all are sealed', 30_000, async () => {
      const { rows } = await asOwner(server.url, (owner) =>
        owner.query('select count(*)::int as seals from audit_seals'),
      )
      return rows[0].seals === 12_000
    })
    expect(await asOwner(server.url, wholeChain)).toHaveLength(12_000)
    // A statement that was sent to the pooler when the server died is given up after 17 s.
    await until('they have noticed', 30_000, () => both.every((each) => each.stats().lagSeconds < 1))
    for (const each of both) expect(each.stats()).toMatchObject({ broken: null })
    // One word about each failure and one about its end, however often it was tried in between.
    const times = (word: string) => told.filter((other) => other === word).length
    await until('every failure has its end', 30_000, () => times('failed') === times('recovered'))
    expect(told.length).toBeLessThanOrEqual(2 * 2 * 3)
    expect(told.length).toBeGreaterThan(0)
    await Promise.all(both.map((each) => each.close()))
    await pool.end()
  })
})

describe('a chain that is not one to go on from', () => {
  const elsewhere = createSigningKey(join(folder, 'elsewhere.pem'))
  const BYTES = { hash: Buffer.alloc(32, 7), noSignature: Buffer.alloc(64, 7) }

  /** What somebody does who owns the database, triggers or not. */
  async function tamper(pool: pg.Pool, statement: string, values: unknown[] = []): Promise<void> {
    const client = await pool.connect()
    await client.query("set session_replication_role = 'replica'")
    await client.query(statement, values)
    await client.query('reset session_replication_role')
    client.release()
  }

  const FORGED_HEAD =
    'insert into audit_heads (sequence, first_sequence, hash, signed_at, key_id, signature) values (9, 6, $1, $2, $3, $4)'
  const headBy = (key: typeof KEY) => {
    const head = { sequence: 9, firstSequence: 6, hash: BYTES.hash, signedAt: new Date() }
    return [head.hash, head.signedAt, key.keyId, key.sign(headText(head))]
  }
  const SEAL = 'insert into audit_seals (audit_id, sequence, prev_hash, hash, sealed_at) values ($1, 6, $2, $2, now())'

  test.each<[string, RegExp, (pool: pg.Pool) => Promise<void>, (pool: pg.Pool) => Promise<void>]>([
    [
      'a head without a genuine signature',
      /^the newest head, at 9, does not bear the signature of the key [0-9a-f]{16}$/,
      (pool) => tamper(pool, FORGED_HEAD, [BYTES.hash, new Date(), KEY.keyId, BYTES.noSignature]),
      (pool) => tamper(pool, 'delete from audit_heads where sequence = 9'),
    ],
    [
      'a head of a key that is not trusted',
      /^the newest head, at 9, is signed by the key [0-9a-f]{16}, which is not trusted: .*AUDIT_TRUSTED_KEYS_FILE$/,
      (pool) => tamper(pool, FORGED_HEAD, headBy(elsewhere)),
      (pool) => tamper(pool, 'delete from audit_heads where sequence = 9'),
    ],
    [
      'a signed head over records that have no seals',
      /^the newest head is at 9, and there is no seal of that place$/,
      (pool) => tamper(pool, FORGED_HEAD, headBy(KEY)),
      (pool) => tamper(pool, 'delete from audit_heads where sequence = 9'),
    ],
    [
      'seals without a head',
      /^the records from 6 to 6 have seals, and no signed head: this sealer did not write them$/,
      (pool) => tamper(pool, SEAL, [auditId(new Date()), BYTES.hash]),
      (pool) => tamper(pool, 'delete from audit_seals where sequence = 6'),
    ],
    [
      'another seal at the end than the head signed',
      /^the seal at 5 is another than the newest head signed$/,
      (pool) =>
        tamper(pool, 'update audit_seals set hash = set_byte(hash, 0, get_byte(hash, 0) # 1) where sequence = 5'),
      (pool) =>
        tamper(pool, 'update audit_seals set hash = set_byte(hash, 0, get_byte(hash, 0) # 1) where sequence = 5'),
    ],
    [
      'the newest head gone, with its seals',
      /^the newest head was at 5 and is now another, at 3: the end of the chain was taken away$/,
      async (pool) => {
        await tamper(pool, 'create table stolen_heads as select * from audit_heads where sequence > 3')
        await tamper(pool, 'create table stolen_seals as select * from audit_seals where sequence > 3')
        await tamper(pool, 'delete from audit_heads where sequence > 3')
        await tamper(pool, 'delete from audit_seals where sequence > 3')
      },
      async (pool) => {
        await tamper(
          pool,
          'with heads as (insert into audit_heads select * from stolen_heads) insert into audit_seals select * from stolen_seals',
        )
      },
    ],
  ])('%s: it stops, says so once, and goes on when it is put right', async (_, sentence, breakIt, mendIt) => {
    const { pool } = await database()
    await keep(pool, rowsAgo(900, 800, 700))
    await sealAll(pool)
    await keep(pool, rowsAgo(600, 500))
    const told: string[] = []
    const running = sealing(pool, {
      intervalMs: 10,
      recentEveryMs: 20,
      onBroken: (words) => told.push(words),
      onRecovered: () => told.push('recovered'),
    })
    await until('it has sealed', 2_000, () => running.stats().sequence === 5)
    await breakIt(pool)
    await until('it has noticed', 2_000, () => running.stats().broken !== null)
    const waiting = rowsAgo(0)
    await keep(pool, waiting)
    await expect(running.sealNow()).rejects.toThrow(ChainBrokenError)
    await until('the lag grows', 2_000, () => running.stats().lagSeconds > 0.3)
    expect(running.stats()).toMatchObject({ sealed: 2, broken: expect.stringMatching(sentence), failures: 0 })
    expect(told).toEqual([expect.stringMatching(sentence)])
    await mendIt(pool)
    await until('it has gone on', 2_000, () => running.stats().sealed === 3)
    expect(running.stats().broken).toBeNull()
    expect(told).toEqual([expect.stringMatching(sentence), 'recovered'])
    expect((await wholeChain(pool)).at(-1)).toBe(waiting[0]?.audit_id)
  })

  test('a chain that an older, trusted key signed is gone on with under the new key', async () => {
    const { pool } = await database()
    await keep(pool, rowsAgo(2))
    await sealAll(pool)
    await keep(pool, rowsAgo(1))
    const after = sealing(pool, { key: elsewhere, trusted: readTrustedKeys([], [elsewhere, KEY]) })
    await after.sealNow()
    expect(after.stats()).toMatchObject({ sealed: 1, sequence: 2, broken: null })
    const { rows } = await pool.query('select key_id from audit_heads order by sequence')
    expect(rows.map((row) => row.key_id)).toEqual([KEY.keyId, elsewhere.keyId])
  })

  test('heads that are all gone are missed by a sealer that knew one, and by a new one as long as there are seals', async () => {
    const { pool } = await database()
    await keep(pool, rowsAgo(2))
    await sealAll(pool)
    await tamper(pool, 'delete from audit_heads')
    await expect(sealing(pool).sealNow()).rejects.toThrow(
      'the records from 1 to 1 have seals, and no signed head: this sealer did not write them',
    )
  })
})

describe('with hundreds of thousands of records', () => {
  const TITLE = 'a look reads the indexes and nothing else, also when statistics are fresh and nothing is vacuumed'
  test(TITLE, { timeout: 120_000 }, async () => {
    const { pool, url } = await database()
    await pool.query("select add_audit_months((now() - interval '190 days')::date, 7)")
    const client = await pool.connect()
    await client.query("set statement_timeout = '60s'")
    // Some 33 000 in a month, so that a step of looking at everything takes in whole months.
    await client.query(
      `insert into audit_records (audit_id, record_type, schema_version, occurred_at, client_id, record)
       select overlay(uuid7_lower_bound(now() - interval '180 days' + n * interval '180 days' / 200000)::text placing '7' || substr(md5(n::text), 1, 3) from 15 for 4)::uuid,
              'quote', 1, now(), 'acme', '{"n":' || n || ',"padding":"' || repeat('padding ', 30) || '"}'
         from generate_series(1, 200000) n`,
    )
    // A chain that nobody computed, under a head that is genuine: the sealer believes it.
    const hash = Buffer.alloc(32, 1)
    await client.query(
      'insert into audit_seals select audit_id, row_number() over (order by audit_id), $1, $1, now() from audit_records',
      [hash],
    )
    const head = { sequence: 200_000, firstSequence: 1, hash, signedAt: new Date() }
    await client.query('insert into audit_heads values ($1, $2, $3, $4, $5, $6)', [
      head.sequence,
      head.firstSequence,
      hash,
      head.signedAt,
      KEY.keyId,
      KEY.sign(headText(head)),
    ])
    await client.query('analyze audit_records')
    await client.query('analyze audit_seals')
    client.release()

    const reads = async () => {
      const { rows } = await pool.query(
        `select sum(seq_tup_read)::int as scanned, sum(idx_scan)::int as by_index from pg_stat_user_tables where relname ~ '^audit_(records|seals)'`,
      )
      return rows[0] as { scanned: number; by_index: number }
    }
    const own = connectDatabase(url, { applicationName: 'sealer', connectionsMax: 2 })
    const before = await reads()
    const late = rowsAgo(50 * 86_400_000, 600_000, 10)
    await keep(pool, late)
    const running = sealing(own, { intervalMs: 50 })
    await running.sealNow()
    expect(running.stats()).toMatchObject({ sealed: 3, sequence: 200_003 })
    await until('looks were made', 5_000, () => running.stats().everythingSeenAt !== null)
    await running.close()
    await own.end()
    // What a connection counted is there to be read when it has ended.
    await until('the counts are there', 5_000, async () => (await reads()).by_index > before.by_index)
    expect((await reads()).scanned - before.scanned).toBe(0)
  })

  test('a batch reads its own records and not all that wait', { timeout: 60_000 }, async () => {
    const WAITING = 20_000
    const { pool, url } = await database()
    // Of a new month the planner knows nothing.
    await pool.query(
      `insert into audit_records (audit_id, record_type, schema_version, occurred_at, client_id, record)
       select overlay(uuid7_lower_bound(now() - n * interval '1 ms')::text placing '7' || substr(md5(n::text), 1, 3) from 15 for 4)::uuid,
              'quote', 1, now(), 'acme', '{"n":' || n || '}'
         from generate_series(1, ${WAITING}) n`,
    )
    const entriesRead = async () => {
      const { rows } = await pool.query(
        `select sum(idx_tup_read)::int as read from pg_stat_user_indexes where indexrelname ~ '^audit_records_.*pkey$'`,
      )
      return rows[0].read as number
    }
    const before = await entriesRead()
    const own = connectDatabase(url, { applicationName: 'sealer', connectionsMax: 2 })
    const running = sealing(own, { intervalMs: ONCE_MS })
    await running.sealNow()
    expect(running.stats()).toMatchObject({ sealed: WAITING, batches: WAITING / BATCH_RECORDS_MAX })
    await running.close()
    await own.end()
    await until('the counts are there', 5_000, async () => (await entriesRead()) > before)
    // Each is looked for, found and read, a few times in all, however many wait behind it.
    expect((await entriesRead()) - before).toBeLessThan(12 * WAITING)
  })
})
