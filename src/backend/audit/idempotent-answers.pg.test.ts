import { createHash } from 'node:crypto'
import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connectDatabase } from '../database/connect.ts'
import { auditRow } from '../test/audit-rows.ts'
import { type TestDatabase, testDatabase } from '../test/database.ts'
import { type IdempotentAnswers, idempotentAnswers } from './idempotent-answers.ts'

let database: TestDatabase
let pool: pg.Pool
let answers: IdempotentAnswers
beforeAll(async () => {
  database = await testDatabase()
  pool = connectDatabase(database.url, { applicationName: 'idempotent answers', connectionsMax: 2 })
  answers = idempotentAnswers(pool)
})
afterAll(async () => {
  await pool.end()
  await database.drop()
})

const hash = (text: string) => createHash('sha256').update(text).digest()
const ask = (key: string, body = 'one', clientId = 'broker-1') => ({ clientId, key, requestHash: hash(body) })

async function recordsOf(auditId: string): Promise<number> {
  const { rowCount } = await database.pool.query('select from audit_records where audit_id = $1', [auditId])
  return rowCount ?? 0
}

/** Answers a request as the desk does, unless it was answered before. */
async function answer(from: IdempotentAnswers, asked: ReturnType<typeof ask>, workMs = 0): Promise<[string, string]> {
  const begun = await from.begin(asked)
  if (begun.kept !== null) return ['kept', `${begun.kept.auditId} ${begun.kept.answer}`]
  const row = auditRow()
  await begun.first.keepRow(row)
  await new Promise((resolve) => setTimeout(resolve, workMs))
  await begun.first.finish({ auditId: row.audit_id, answer: Buffer.from(`answer to ${asked.key}`) })
  return ['first', `${row.audit_id} answer to ${asked.key}`]
}

describe('a request with an Idempotency-Key', () => {
  test('is answered once: whoever asks again gets the same answer, and there is one record', async () => {
    const [first, text] = await answer(answers, ask('k1'))
    expect(first).toBe('first')
    expect(await answer(answers, ask('k1'))).toEqual(['kept', text])
    expect(await recordsOf(text.slice(0, 36))).toBe(1)
  })

  test('is refused when the key stood for another request; another broker has keys of its own', async () => {
    await answer(answers, ask('k2', 'one'))
    await expect(answers.begin(ask('k2', 'two'))).rejects.toMatchObject({ code: 'IDEMPOTENCY_CONFLICT', status: 422 })
    expect((await answer(answers, ask('k2', 'two', 'broker-2')))[0]).toBe('first')
  })

  test('waits for the one that is being answered, in this process and in another, more of them than connections', async () => {
    const otherPool = connectDatabase(database.url, { applicationName: 'another replica', connectionsMax: 2 })
    try {
      const other = idempotentAnswers(otherPool)
      const all = await Promise.all(
        Array.from({ length: 40 }, (_, index) => answer(index % 2 === 0 ? answers : other, ask('k3'), 20)),
      )
      expect(all.filter(([which]) => which === 'first')).toHaveLength(1)
      expect(new Set(all.map(([, text]) => text)).size).toBe(1)
    } finally {
      await otherPool.end()
    }
  })

  test('keeps neither record nor answer when it is abandoned or its connection breaks, and can be asked again', async () => {
    const abandoned = await answers.begin(ask('k4'))
    if (abandoned.kept !== null) throw new Error('nothing was kept yet')
    const row = auditRow()
    await abandoned.first.keepRow(row)
    await abandoned.first.abandon()
    expect(await recordsOf(row.audit_id)).toBe(0)

    const broken = await answers.begin(ask('k4'))
    if (broken.kept !== null) throw new Error('nothing was kept yet')
    const other = auditRow()
    await broken.first.keepRow(other)
    await database.pool.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'idempotent answers' and state = 'idle in transaction'",
    )
    await expect(broken.first.finish({ auditId: other.audit_id, answer: Buffer.from('x') })).rejects.toMatchObject({
      code: 'AUDIT_UNAVAILABLE',
    })
    expect(await recordsOf(other.audit_id)).toBe(0)

    expect((await answer(answers, ask('k4')))[0]).toBe('first')
  })

  test('has its answer for 24 hours', async () => {
    const insert = (key: string, age: string) =>
      database.pool.query(
        `insert into idempotent_answers (client_id, idempotency_key, kept_at, request_hash, audit_id, answer)
         values ('broker-1', $1, now() - $2::interval, $3, gen_random_uuid(), 'old')`,
        [key, age, hash('one')],
      )
    const today = new Date().toISOString().slice(0, 10)
    await database.pool.query(
      `create table idempotent_answers_before partition of idempotent_answers for values from ('2020-01-01') to ('${today}T00:00:00Z')`,
    )
    await insert('young', '23 hours 59 minutes')
    await insert('old', '24 hours 1 minute')
    expect((await answer(answers, ask('young')))[0]).toBe('kept')
    expect((await answer(answers, ask('old')))[0]).toBe('first')
    await database.pool.query('drop table idempotent_answers_before')
  })
})

describe('the days of idempotent answers', () => {
  const days = async () => {
    const { rows } = await database.pool.query<{ day: string }>(
      `select right(relname, 10) as day from pg_inherits join pg_class on pg_class.oid = inhrelid
        where inhparent = 'idempotent_answers'::regclass order by relname`,
    )
    return rows.map(({ day }) => day.replaceAll('_', '-'))
  }
  const day = (ahead: number) => new Date(Date.now() + ahead * 86_400_000).toISOString().slice(0, 10)

  test('reach a week ahead; days before yesterday go, yesterday stays', async () => {
    const owner = await database.pool.connect()
    await owner.query('set role borrow_rate_owner')
    for (const ahead of [-3, -2, -1]) {
      const name = day(ahead).replaceAll('-', '_')
      await owner.query(
        `create table idempotent_answers_${name} partition of idempotent_answers for values from ('${day(ahead)}T00:00:00Z') to ('${day(ahead + 1)}T00:00:00Z')`,
      )
    }
    await owner.query(`drop table idempotent_answers_${day(7).replaceAll('-', '_')}`)
    owner.release(true)
    await answers.turnDays()
    expect(await days()).toEqual([-1, 0, 1, 2, 3, 4, 5, 6, 7].map(day))
    await answers.turnDays()
    expect(await days()).toHaveLength(9)
  })
})
