// Searching the audit log, newest first, by what somebody knows of a record. One statement gives a page and the total of one moment.
//
// Pages are for people, and reach as far as the total is exact. A cursor goes on from any of them, as far as there are records: it
// names the last one that was seen, so that no place is deeper than another.
//
// What keeps the plans good on a log of years (0008_audit_search.sql has the indexes, search.plans.pg.test.ts looks at the plans):
// - A record's time is the one in its audit_id, so that a time range is a range of the key, and months outside of it are not even
//   planned for. "Until now" is a bound as well: two years of empty months lie ahead.
// - Values are planned for as they are, since the statement has no name: the planner chooses between the index of an amount and a
//   walk through time by how many records fit.
// - It may be wrong about that, at the ends of a distribution by a hundred times. So the total is found first, in whatever order is
//   cheapest and no further than one beyond what is exact. When that was everything, the page is made of it, and nothing is
//   walked through in search of records that do not exist; when it was not, there are so many that a walk soon has a page.
// - Only one of the two is ever carried out. Each is planned by itself (materialized): together they would look like twice as many
//   records, of which a deep page needs but half.
import { createHash } from 'node:crypto'
import type { Queryable } from '../database/connect.ts'
import { compare, decimal, trim } from '../pricing/decimal.ts'
import { invalidParameters, type ValidationError } from '../server/problem.ts'
import { type Clock, systemClock } from '../server/uuidv7.ts'
import { lowestIdOf } from './record-time.ts'

/** What is looked for. Everything given must fit; null fits all. */
export interface RecordSearch {
  readonly clientId: string | null
  readonly ticker: string | null
  readonly recordType: string | null
  /** Inclusive. A record's time is the one in its audit_id, to the millisecond. */
  readonly from: Date
  /** Exclusive; null: to now. */
  readonly to: Date | null
  /** USD, decimal text, inclusive. */
  readonly minPositionValue: string | null
  readonly maxPositionValue: string | null
  /** Fractions a year, decimal text, inclusive. */
  readonly minBorrowRate: string | null
  readonly maxBorrowRate: string | null
  /** From 1. With a cursor always 1. */
  readonly page: number
  readonly pageSize: number
  /** `nextCursor` of the page before, of a search for the same; null: from the newest. */
  readonly cursor: string | null
}

/** A record in a list: its columns, without the record itself. Times are ISO 8601, UTC, to the microsecond; decimals are text. */
export interface RecordSummary {
  readonly audit_id: string
  readonly record_type: string
  readonly schema_version: number
  readonly occurred_at: string
  readonly recorded_at: string
  readonly client_id: string
  readonly ticker: string | null
  readonly position_value: string | null
  readonly borrow_rate: string | null
  readonly total_fee: string | null
  readonly request_id: string | null
  readonly actor_id: string | null
  /** Its place in the chain; null until it is sealed. */
  readonly sequence: number | null
}

export interface RecordPage {
  readonly items: readonly RecordSummary[]
  /** Of the whole search, wherever the page lies. When it is not exact, there are more than this. */
  readonly total: number
  readonly totalIsExact: boolean
  /** Goes on after the last item; null when that was the last of all. */
  readonly nextCursor: string | null
}

export type SearchRecords = (search: RecordSearch) => Promise<RecordPage>

/** A total is exact up to here, and pages reach as far: beyond, a cursor goes on. */
export const EXACT_TOTAL_MAX = 10_000
/** A service whose clock is ahead of ours makes ids from our future: searches until now still find them. */
const CLOCK_AHEAD_MS = 86_400_000

/**
 * The function that searches. The database may be a replica: a list need not have the record of this moment.
 * It rejects with Problem INVALID_PARAMETER that names every fault: a cursor that is not whole or is of another search, a page beyond
 * the first {@link EXACT_TOTAL_MAX} records or beside a cursor, bounds that leave nothing between them.
 */
export function searchRecords(database: Queryable, clock: Clock = systemClock): SearchRecords {
  return async (search) => {
    const { text, values } = searchStatement(search, clock())
    const { rows } = await database.query<Found>({ text, values: [...values] })
    const total = Number(rows[0]?.total)
    const found = rows.flatMap(({ total: _, ...row }) => (row.audit_id === null ? [] : [row]))
    const items = found
      .slice(0, search.pageSize)
      .map((row) => ({ ...row, sequence: row.sequence === null ? null : Number(row.sequence) }))
    const last = items.at(-1)
    return {
      items,
      total: Math.min(total, EXACT_TOTAL_MAX),
      totalIsExact: total <= EXACT_TOTAL_MAX,
      nextCursor: found.length > search.pageSize && last !== undefined ? cursorAfter(last.audit_id, search) : null,
    }
  }
}

/** A row of the answer; one without a record when the page is empty, for the sake of the total. */
type Found = { readonly total: string } & (
  | (Omit<RecordSummary, 'sequence'> & { readonly sequence: string | null })
  | { readonly audit_id: null }
)

const COLUMNS = `audit_id, record_type, schema_version, occurred_at, recorded_at, client_id, ticker, position_value, borrow_rate,
  total_fee, request_id, actor_id`
const TIME = `'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'`

/**
 * The statement of a search with its values: exported for the test of its plans.
 * @throws Problem INVALID_PARAMETER
 */
export function searchStatement(search: RecordSearch, now: Date): { text: string; values: readonly unknown[] } {
  const place = placeOf(search)
  const values: unknown[] = []
  const value = (of: unknown, type: string) => `$${values.push(of)}::${type}`
  const to = search.to ?? new Date(now.getTime() + CLOCK_AHEAD_MS)
  const inRange = `audit_id >= ${value(lowestIdOf(search.from), 'uuid')} and audit_id < ${value(lowestIdOf(to), 'uuid')}`
  const fits = [inRange]
  const also = (condition: string, of: string | null, type: string) => {
    if (of !== null) fits.push(`${condition} ${value(of, type)}`)
  }
  also('client_id =', search.clientId, 'text')
  also('ticker =', search.ticker, 'text')
  also('record_type =', search.recordType, 'text')
  also('position_value >=', search.minPositionValue, 'numeric')
  also('position_value <=', search.maxPositionValue, 'numeric')
  also('borrow_rate >=', search.minBorrowRate, 'numeric')
  also('borrow_rate <=', search.maxBorrowRate, 'numeric')
  const fit = fits.join(' and ')
  const below = place === null ? '' : `and audit_id < ${value(place, 'uuid')}`
  const skip = value((search.page - 1) * search.pageSize, 'integer')
  const take = value(search.pageSize + 1, 'integer')
  const text = `
with found as materialized (
  select audit_id from audit_records where ${fit} limit ${EXACT_TOTAL_MAX + 1}
), counted as materialized (
  select (select count(*) from found) as in_log,
         (select count(*) from (select from held_records where ${fit} limit ${EXACT_TOTAL_MAX + 1}) as few) as held
), many as materialized (
  select audit_id from audit_records
   where (select in_log from counted) > ${EXACT_TOTAL_MAX} and ${fit} ${below} order by audit_id desc limit ${skip} + ${take}
), page as (
  select audit_id from (
    (select audit_id from found where (select in_log from counted) <= ${EXACT_TOTAL_MAX} ${below})
    union all
    (select audit_id from many)
    union all
    (select audit_id from held_records where ${fit} ${below} order by audit_id desc limit ${skip} + ${take})
  ) as every
  order by audit_id desc limit ${take} offset ${skip}
)
select counted.in_log + counted.held as total,
       kept.audit_id, record_type, schema_version, to_char(occurred_at at time zone 'UTC', ${TIME}) as occurred_at,
       to_char(recorded_at at time zone 'UTC', ${TIME}) as recorded_at, client_id, ticker, position_value, borrow_rate, total_fee,
       request_id, actor_id,
       coalesce(place, (select sequence from audit_seals where audit_seals.audit_id = kept.audit_id and ${inRange})) as sequence
  from counted
  left join page on true
  left join lateral (
    select ${COLUMNS}, null::bigint as place from audit_records where audit_records.audit_id = page.audit_id and ${inRange}
    union all
    select ${COLUMNS}, sequence from held_records where held_records.audit_id = page.audit_id
    limit 1
  ) as kept on true
 order by kept.audit_id desc`
  return { text, values }
}

// ---- the place that a search goes on from ----

const ID_BYTES = 16
const CHECK_BYTES = 8
const CURSOR = /^[A-Za-z0-9_-]{32}$/

/**
 * The last record that was seen, and a check over it and what is searched for. A cursor is no secret and opens nothing: the check is there
 * so that one that was cut, or belongs to another search, is refused instead of giving a page from somewhere. Times are left out:
 * "the last 31 days" are others with each request.
 */
function cursorAfter(auditId: string, search: RecordSearch): string {
  const id = Buffer.from(auditId.replaceAll('-', ''), 'hex')
  return Buffer.concat([id, cursorCheck(id, search)]).toString('base64url')
}

function cursorCheck(id: Buffer, search: RecordSearch): Buffer {
  const bounds = [search.minPositionValue, search.maxPositionValue, search.minBorrowRate, search.maxBorrowRate]
  const searched = [
    search.clientId,
    search.ticker,
    search.recordType,
    // 100 and 100.00 are one bound.
    ...bounds.map((bound) => (bound === null ? null : trim(decimal(bound)).toString())),
  ]
  return createHash('sha256')
    .update(`search cursor 1\n${id.toString('hex')}\n${JSON.stringify(searched)}`)
    .digest()
    .subarray(0, CHECK_BYTES)
}

/**
 * The id to go on below; null from the newest on.
 * @throws Problem INVALID_PARAMETER for the cursor, and for whatever else does not fit together
 */
function placeOf(search: RecordSearch): string | null {
  const { page, pageSize, cursor } = search
  const faults: ValidationError[] = []
  const refuse = (field: string, rule: string) => faults.push({ field, location: 'query', message: `${field} ${rule}` })
  if (search.to !== null && search.to <= search.from) refuse('to', 'must be after from')
  const ordered = (name: string, least: string | null, most: string | null) => {
    if (least === null || most === null || compare(decimal(least), decimal(most)) <= 0) return
    refuse(`max_${name}`, `must not be below min_${name}`)
  }
  ordered('position_value', search.minPositionValue, search.maxPositionValue)
  ordered('borrow_rate', search.minBorrowRate, search.maxBorrowRate)
  if (page * pageSize > EXACT_TOTAL_MAX) {
    refuse('page', `times page_size must be at most ${EXACT_TOTAL_MAX}: beyond, go on with next_cursor`)
  } else if (cursor !== null && page > 1) refuse('page', 'and cursor cannot both be given')

  const bytes = cursor !== null && CURSOR.test(cursor) ? Buffer.from(cursor, 'base64url') : null
  const id = bytes?.subarray(0, ID_BYTES) ?? null
  const isOurs = id !== null && bytes?.subarray(ID_BYTES).equals(cursorCheck(id, search))
  if (cursor !== null && !isOurs) refuse('cursor', 'must be the next_cursor of the same search')
  if (faults.length > 0) throw invalidParameters(faults)
  return id?.toString('hex') ?? null
}
