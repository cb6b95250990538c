// Legal holds: records that are kept beyond their years because of a dispute or an examination. A hold names a client, a ticker, a
// time range, or several of these, and covers the records that fit all of it, those to come included. It never ends by itself:
// somebody releases it. Who placed or released one, when and why is on the record itself, in the same transaction.
//
// What a hold covers is said once, by the database function legal_holds_on (0009_audit_retention.sql): retention keeps by it, and
// reads show by it.
import type pg from 'pg'
import type { Queryable } from '../database/connect.ts'
import { inTransaction } from '../database/transaction.ts'
import { TICKER_PATTERN } from '../pricing/units.ts'
import { invalidParameters, Problem, type ValidationError } from '../server/problem.ts'
import { CLIENT_ID_PATTERN } from '../server/shape.ts'
import { HOUSE_CLIENT_ID, type Operator, type RecordedActor, recordedActor } from './change-record.ts'
import type { Actor, AuditRow } from './quote-record.ts'

/** What is to be held. Null where a hold does not narrow; at least one of the first four is given. */
export interface HoldRequest {
  readonly clientId: string | null
  readonly ticker: string | null
  /** Of the records' occurred_at, inclusive. */
  readonly from: Date | null
  /** Exclusive. */
  readonly to: Date | null
  readonly reason: string
}

export interface LegalHold extends HoldRequest {
  readonly holdId: string
  /** Key id, or the user at the command line. */
  readonly placedBy: string
  readonly placedAt: Date
  /** Null: in force. */
  readonly release: { readonly reason: string; readonly releasedBy: string; readonly releasedAt: Date } | null
}

export interface HoldList {
  /** True: those in force. False: those released. Null: all. */
  readonly inForce: boolean | null
  readonly skip: number
  /** 1 to {@link HOLDS_LISTED_MAX}. */
  readonly limit: number
}

/** Who acts on a hold, and when. */
export interface HoldAct {
  readonly actor: Actor | Operator
  readonly at: Date
  /** Makes UUIDv7s: for the hold and for its record. */
  readonly newId: () => string
}

export const HOLDS_LISTED_MAX = 1000
export const HOLD_REASON_LENGTH_MAX = 1000
/** Grows when the shape of {@link HoldRecordBody} changes. */
export const HOLD_RECORD_SCHEMA_VERSION = 1

/** A month that is being let go at this moment keeps holds waiting; nobody waits for it longer than this. */
const LOCK_WAIT_MS = 10_000
const RETRY_AFTER_SECONDS = 30
const HOLD_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** SQL: whether a hold covers the record of this alias; the record is of audit_records, held_records or anything with their columns. */
export function heldSql(alias: string): string {
  return `exists (select from legal_holds_on(${alias}.client_id, ${alias}.ticker, ${alias}.occurred_at))`
}

/** Holds, the newest first, with how many there are in all. */
export async function listHolds(
  database: Queryable,
  { inForce, skip, limit }: HoldList,
): Promise<{ readonly items: readonly LegalHold[]; readonly total: number }> {
  const which = inForce === null ? 'true' : inForce ? 'r.hold_id is null' : 'r.hold_id is not null'
  const { rows } = await database.query<HoldRow>(
    `${SELECT_HOLDS} where ${which} order by h.placed_at desc, h.hold_id desc offset $1 limit $2`,
    [skip, Math.min(limit, HOLDS_LISTED_MAX)],
  )
  const count = await database.query<{ total: string }>(`select count(*) as total ${FROM_HOLDS} where ${which}`)
  return { items: rows.map(holdOf), total: Number(count.rows[0]?.total) }
}

/** @returns the hold, in force or released; null when there is none of that id (a text that is no UUID included). */
export async function readHold(database: Queryable, holdId: string): Promise<LegalHold | null> {
  if (!HOLD_ID.test(holdId)) return null
  const { rows } = await database.query<HoldRow>(`${SELECT_HOLDS} where h.hold_id = $1`, [holdId])
  return rows[0] === undefined ? null : holdOf(rows[0])
}

/**
 * Places a hold and puts it on the record, both or neither.
 * @throws Problem INVALID_PARAMETER that names every field at fault; SERVICE_UNAVAILABLE while a month is being let go
 */
export async function placeHold(database: pg.Pool, request: HoldRequest, act: HoldAct): Promise<LegalHold> {
  const hold = { ...request, reason: request.reason.trim() }
  const faults = faultsOf(hold)
  if (faults.length > 0) throw invalidParameters(faults, ['client_id', 'ticker', 'from', 'to', 'reason'])
  const placed: LegalHold = {
    ...hold,
    holdId: act.newId(),
    placedBy: keyOf(act.actor),
    placedAt: act.at,
    release: null,
  }
  await changeHolds(database, async (transaction) => {
    await transaction.query(
      `insert into legal_holds (hold_id, client_id, ticker, from_time, to_time, reason, placed_by, placed_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [
        placed.holdId,
        placed.clientId,
        placed.ticker,
        placed.from,
        placed.to,
        placed.reason,
        placed.placedBy,
        placed.placedAt,
      ],
    )
    await appendAuditEvent(transaction, holdRecordRow(placed, act))
  })
  return placed
}

/**
 * Releases a hold for good and puts that on the record, both or neither. The records stay for now: those past their years go with
 * the next month that is let go, unless another hold covers them by then.
 * @throws Problem NOT_FOUND; CONFLICT when it is released already; INVALID_PARAMETER; SERVICE_UNAVAILABLE while a month is being let go
 */
export async function releaseHold(database: pg.Pool, holdId: string, reason: string, act: HoldAct): Promise<LegalHold> {
  const faults = reasonFaults(reason.trim())
  if (faults.length > 0) throw invalidParameters(faults, ['reason'])
  const release = { reason: reason.trim(), releasedBy: keyOf(act.actor), releasedAt: act.at }
  return await changeHolds(database, async (transaction) => {
    const hold = await readHold(transaction, holdId)
    if (hold === null) throw new Problem('NOT_FOUND', 'There is no such legal hold')
    if (hold.release !== null) throw new Problem('CONFLICT', 'The legal hold is released already')
    // Of two who release it at once the second waits here, and then adds nothing.
    const { rowCount } = await transaction.query(
      `insert into legal_hold_releases (hold_id, reason, released_by, released_at) values ($1, $2, $3, $4) on conflict do nothing`,
      [hold.holdId, release.reason, release.releasedBy, release.releasedAt],
    )
    if (rowCount === 0) throw new Problem('CONFLICT', 'The legal hold is released already')
    const released = { ...hold, release }
    await appendAuditEvent(transaction, holdRecordRow(released, act))
    return released
  })
}

/** Puts an event of the audit log itself on the record. Only the types that the database function knows are taken. */
export async function appendAuditEvent(transaction: Queryable, row: AuditRow): Promise<void> {
  await transaction.query('select append_audit_event($1, $2, $3::smallint, $4, $5, $6, $7, $8, $9)', [
    row.audit_id,
    row.record_type,
    row.schema_version,
    row.occurred_at,
    row.client_id,
    row.ticker,
    row.request_id,
    row.actor_id,
    row.record,
  ])
}

/** The recorded JSON, schema version 1. */
export interface HoldRecordBody {
  readonly audit_id: string
  readonly record_type: 'legal_hold_placed' | 'legal_hold_released'
  readonly schema_version: number
  readonly occurred_at: string
  readonly actor: RecordedActor
  readonly hold: {
    readonly hold_id: string
    readonly client_id: string | null
    readonly ticker: string | null
    readonly from: string | null
    readonly to: string | null
    readonly reason: string
    readonly placed_by: string
    readonly placed_at: string
  }
  /** Of a release alone. */
  readonly release_reason?: string
}

function holdRecordRow(hold: LegalHold, { actor, at, newId }: HoldAct): AuditRow {
  const body: HoldRecordBody = {
    audit_id: newId(),
    record_type: hold.release === null ? 'legal_hold_placed' : 'legal_hold_released',
    schema_version: HOLD_RECORD_SCHEMA_VERSION,
    occurred_at: at.toISOString(),
    actor: recordedActor(actor),
    hold: {
      hold_id: hold.holdId,
      client_id: hold.clientId,
      ticker: hold.ticker,
      from: hold.from?.toISOString() ?? null,
      to: hold.to?.toISOString() ?? null,
      reason: hold.reason,
      placed_by: hold.placedBy,
      placed_at: hold.placedAt.toISOString(),
    },
    ...(hold.release !== null && { release_reason: hold.release.reason }),
  }
  return {
    audit_id: body.audit_id,
    record_type: body.record_type,
    schema_version: body.schema_version,
    occurred_at: body.occurred_at,
    client_id: hold.clientId ?? HOUSE_CLIENT_ID,
    ticker: hold.ticker,
    position_value: null,
    borrow_rate: null,
    total_fee: null,
    request_id: body.actor.request_id,
    actor_id: body.actor.key_id,
    record: JSON.stringify(body),
  }
}

const keyOf = (actor: Actor | Operator) => ('keyId' in actor ? actor.keyId : actor.actorId)

async function changeHolds<T>(database: pg.Pool, work: (transaction: pg.PoolClient) => Promise<T>): Promise<T> {
  try {
    return await inTransaction(database, async (transaction) => {
      await transaction.query(`set local lock_timeout = ${LOCK_WAIT_MS}`)
      return await work(transaction)
    })
  } catch (error) {
    if ((error as { code?: unknown }).code !== LOCK_NOT_AVAILABLE) throw error
    throw new Problem('SERVICE_UNAVAILABLE', 'A month of the log is being let go, and holds wait for that', {
      retryAfterSeconds: RETRY_AFTER_SECONDS,
      cause: error,
    })
  }
}

const LOCK_NOT_AVAILABLE = '55P03'

const CLIENT_ID = new RegExp(CLIENT_ID_PATTERN)
const TICKER = new RegExp(TICKER_PATTERN)

/** The rules of a hold. The shape at the door says the same of single fields; these hold wherever a hold comes from. */
function faultsOf({ clientId, ticker, from, to, reason }: HoldRequest): ValidationError[] {
  const faults: ValidationError[] = []
  const fault = (field: string, rule: string) => faults.push({ field, location: 'body', message: `${field} ${rule}` })
  if (clientId === null && ticker === null && from === null && to === null) {
    fault('client_id', 'must be given, or a ticker, or a time range: nobody holds everything')
  }
  if (clientId !== null && !CLIENT_ID.test(clientId)) {
    fault('client_id', 'must be 3 to 50 letters, digits, hyphens or underscores')
  }
  if (ticker !== null && !TICKER.test(ticker)) {
    fault('ticker', 'must be one to five capital letters, with an optional share class as in BRK.B')
  }
  if (from !== null && to !== null && from >= to) fault('to', 'must be later than from')
  return [...faults, ...reasonFaults(reason)]
}

function reasonFaults(reason: string): ValidationError[] {
  if (reason.length >= 1 && reason.length <= HOLD_REASON_LENGTH_MAX && !reason.includes('\0')) return []
  const message = `reason must be text of 1 to ${HOLD_REASON_LENGTH_MAX} characters`
  return [{ field: 'reason', location: 'body', message }]
}

interface HoldRow {
  hold_id: string
  client_id: string | null
  ticker: string | null
  from_time: Date | null
  to_time: Date | null
  reason: string
  placed_by: string
  placed_at: Date
  release_reason: string | null
  released_by: string | null
  released_at: Date | null
}

const FROM_HOLDS = 'from legal_holds h left join legal_hold_releases r on r.hold_id = h.hold_id'
const SELECT_HOLDS = `
select h.hold_id, h.client_id, h.ticker, h.from_time, h.to_time, h.reason, h.placed_by, h.placed_at,
       r.reason as release_reason, r.released_by, r.released_at
  ${FROM_HOLDS}`

function holdOf(row: HoldRow): LegalHold {
  return {
    holdId: row.hold_id,
    clientId: row.client_id,
    ticker: row.ticker,
    from: row.from_time,
    to: row.to_time,
    reason: row.reason,
    placedBy: row.placed_by,
    placedAt: row.placed_at,
    release:
      row.release_reason === null || row.released_by === null || row.released_at === null
        ? null
        : { reason: row.release_reason, releasedBy: row.released_by, releasedAt: row.released_at },
  }
}
