// Answers that are given twice: a request with an Idempotency-Key that was answered before gets the same answer, with the same
// audit_id, and nothing is priced again. The answer is kept in the transaction of its record, so that there is never one without
// the other, however a process ends.
//
// Requests under one key wait for one another: in this process in a queue, so that they hold one connection, and across processes by
// a lock of the transaction.

import type pg from 'pg'
import { Problem } from '../server/problem.ts'
import { insertRecord } from './change-record.ts'
import type { AuditRow } from './quote-record.ts'

export interface IdempotentAsk {
  /** The broker of the credential: keys of two brokers have nothing to do with each other. */
  readonly clientId: string
  readonly key: string
  /** SHA-256 of what is asked, 32 bytes. */
  readonly requestHash: Buffer
}

export interface KeptAnswer {
  /** Of the quote, or the id of the batch. */
  readonly auditId: string
  /** Text, compressed with gzip. */
  readonly answer: Buffer
}

/** The right to answer a request for the first time. It is ended by `finish` or by `abandon`, exactly once. */
export interface FirstAnswer {
  /** Keeps a record in the transaction of the answer. Rejects with AUDIT_UNAVAILABLE when that cannot be. */
  keepRow(row: AuditRow): Promise<void>
  /** Resolves when records and answer are durable. Rejects with AUDIT_UNAVAILABLE otherwise; then nothing is kept. */
  finish(answer: KeptAnswer): Promise<void>
  /** Keeps nothing. */
  abandon(): Promise<void>
}

export interface IdempotentAnswers {
  /**
   * The answer that was given in the last 24 hours, or the right to give it first. Waits while another request under the key is
   * being answered.
   * Rejects with IDEMPOTENCY_CONFLICT when the key stands for another request, with AUDIT_UNAVAILABLE when the database is away.
   */
  begin(
    ask: IdempotentAsk,
  ): Promise<{ readonly kept: KeptAnswer } | { readonly kept: null; readonly first: FirstAnswer }>
  /** Makes room for the days ahead and drops days that are over. To be called at the start and every hour. */
  turnDays(): Promise<void>
}

const KEPT_FOR = '24 hours'
/** How long a request waits in the database for one under the same key. */
const LOCK_TIMEOUT_MS = 10_000

const LOOK_UP = `
select request_hash, audit_id, answer from idempotent_answers
 where client_id = $1 and idempotency_key = $2 and kept_at > now() - interval '${KEPT_FOR}'
 order by kept_at desc limit 1`

const KEEP = `
insert into idempotent_answers (client_id, idempotency_key, request_hash, audit_id, answer) values ($1, $2, $3, $4, $5)`

/** @param pool of its own: a connection is held for as long as a request is being answered */
export function idempotentAnswers(pool: pg.Pool): IdempotentAnswers {
  /** The last request under each key that is being answered in this process. */
  const underWay = new Map<string, Promise<void>>()

  /** Resolves when it is this request's turn; `done` lets the next one in. */
  async function turn(key: string): Promise<() => void> {
    const before = underWay.get(key)
    let done = () => {}
    const mine = new Promise<void>((resolve) => {
      done = resolve
    })
    underWay.set(key, mine)
    void mine.then(() => {
      if (underWay.get(key) === mine) underWay.delete(key)
    })
    await before
    return done
  }

  async function open(ask: IdempotentAsk) {
    const client = await pool.connect().catch((error: unknown) => {
      throw unavailable(error)
    })
    let ended = false
    const end = async (statement: 'commit' | 'rollback') => {
      if (ended) return
      ended = true
      let broken = true
      try {
        await client.query(statement)
        broken = false
      } finally {
        client.release(broken)
      }
    }
    try {
      await client.query('begin')
      await client.query(`set local lock_timeout = ${LOCK_TIMEOUT_MS}`)
      await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`${ask.clientId} ${ask.key}`])
      const { rows } = await client.query<{ request_hash: Buffer; audit_id: string; answer: Buffer }>(LOOK_UP, [
        ask.clientId,
        ask.key,
      ])
      return { client, end, found: rows[0] }
    } catch (error) {
      await end('rollback').catch(() => {})
      throw unavailable(error)
    }
  }

  return {
    async begin(ask) {
      const done = await turn(`${ask.clientId} ${ask.key}`)
      try {
        const { client, end, found } = await open(ask)
        if (found !== undefined) {
          await end('rollback').catch(() => {})
          done()
          if (!found.request_hash.equals(ask.requestHash)) {
            throw new Problem('IDEMPOTENCY_CONFLICT', 'The Idempotency-Key was used for another request before')
          }
          return { kept: { auditId: found.audit_id, answer: found.answer } }
        }
        return {
          kept: null,
          first: {
            keepRow: (row) =>
              insertRecord(client, row).catch((error: unknown) => {
                throw unavailable(error)
              }),
            async finish({ auditId, answer }) {
              try {
                await client.query(KEEP, [ask.clientId, ask.key, ask.requestHash, auditId, answer])
                await end('commit')
              } catch (error) {
                // After a commit that broke this does nothing: whether it happened shows when the request comes again.
                await end('rollback').catch(() => {})
                throw unavailable(error)
              } finally {
                done()
              }
            },
            async abandon() {
              await end('rollback').catch(() => {})
              done()
            },
          },
        }
      } catch (error) {
        done()
        throw error
      }
    },

    async turnDays() {
      await pool.query('select turn_idempotent_answer_days()')
    },
  }
}

function unavailable(cause: unknown): Problem {
  return new Problem(
    'AUDIT_UNAVAILABLE',
    'The answer cannot be kept under its Idempotency-Key now, so no price leaves',
    {
      cause,
    },
  )
}
