// A log of millions of quotes, made inside the database: texts as the use case writes them, and over them what a market looks like.
// A fifth of all records is one broker's, thousands share the rest unevenly, and one has five; tickers likewise; values and rates are
// log-normal. Some records are changes of terms, which have no ticker and no amounts. Every record has a seal.
//
// The same numbers give the same log, so that two runs measure the same searches.
import type { RecordSearch } from '../../audit/search.ts'
import type { Queryable } from '../../database/connect.ts'
import { quoteRecords } from './quote-records.ts'

export interface LogFill {
  readonly records: number
  /** When the last record was made. They are spread evenly over the days before. */
  readonly until: Date
  readonly days: number
  /** False: their texts are a few characters, for who looks at plans and not at sizes. */
  readonly trueTexts?: boolean
  /** As many connections fill it at once, one unless said: making up a record takes a processor longer than keeping it. */
  readonly connections?: number
  /** Told how many are there after each slice of them. */
  readonly onProgress?: (filled: number) => void
}

const SLICE = 50_000
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/**
 * One condition each, as searches combine them, from those that nearly every record fits to those that none does. The shares are of all
 * records; amounts are quantiles of the distributions below.
 * @param until when the last record was made
 */
export function conditions(until: Date): Readonly<Record<string, Partial<RecordSearch>>> {
  const daysBefore = (days: number) => new Date(until.getTime() - days * DAY_MS)
  return {
    'client, a fifth of all': { clientId: 'broker-0000' },
    'client, 0.3 %': { clientId: 'broker-0010' },
    'client, 5 records': { clientId: 'broker-rare' },
    'ticker, 3 %': { ticker: 'AAAA' },
    'ticker, 0.1 %': { ticker: 'AABA' },
    'ticker, 5 records': { ticker: 'ZRARE' },
    '31 days': { from: daysBefore(31) },
    'a day': { from: daysBefore(41), to: daysBefore(40) },
    'an hour': { from: daysBefore(41), to: new Date(daysBefore(41).getTime() + HOUR_MS) },
    'min value, a half': { minPositionValue: '98715' },
    'min value, a tenth': { minPositionValue: '767000' },
    'min value, 1 %': { minPositionValue: '4080000' },
    'min value, a few': { minPositionValue: '90000000' },
    'min value, none': { minPositionValue: '999999999' },
    'max value, 1 %': { maxPositionValue: '2388' },
    'max value, a few': { maxPositionValue: '110' },
    'value between, 0.2 %': { minPositionValue: '100000', maxPositionValue: '101000' },
    'min rate, a half': { minBorrowRate: '0.02732' },
    'min rate, a tenth': { minBorrowRate: '0.1272' },
    'min rate, 1 %': { minBorrowRate: '0.4456' },
    'min rate, a few': { minBorrowRate: '4.5' },
    'min rate, none': { minBorrowRate: '99' },
    'max rate, 1 %': { maxBorrowRate: '0.001675' },
    'max rate, a few': { maxBorrowRate: '0.00017' },
    'rate between, 0.3 %': { minBorrowRate: '0.02732', maxBorrowRate: '0.0275' },
    'type, nearly all': { recordType: 'quote' },
    'type, 0.1 %': { recordType: 'broker_changed' },
    'type, none': { recordType: 'api_key_created' },
  }
}

/** Two conditions at once; those that ask for the same thing twice do not go together. */
export function pairs(of: Readonly<Record<string, Partial<RecordSearch>>>): Record<string, Partial<RecordSearch>> {
  const named = Object.entries(of)
  return Object.fromEntries(
    named.flatMap(([name, condition], index) =>
      named
        .slice(index + 1)
        .filter(([, other]) => goTogether(condition, other))
        .map(([otherName, other]) => [`${name} + ${otherName}`, { ...condition, ...other }]),
    ),
  )
}

/** False: both ask about the same column. */
export function goTogether(one: Partial<RecordSearch>, other: Partial<RecordSearch>): boolean {
  const columns = (of: Partial<RecordSearch>) =>
    Object.keys(of).map((field) => field.replace(/^(min|max)/, '').replace(/^(from|to)$/, 'time'))
  return !columns(one).some((column) => columns(other).includes(column))
}

/** A search for everything that was ever recorded, with whatever is different. */
export function searchFor(different: Partial<RecordSearch>): RecordSearch {
  return {
    clientId: null,
    ticker: null,
    recordType: null,
    from: new Date(0),
    to: null,
    minPositionValue: null,
    maxPositionValue: null,
    minBorrowRate: null,
    maxBorrowRate: null,
    page: 1,
    pageSize: 50,
    cursor: null,
    ...different,
  }
}

/** Fills `audit_records` and `audit_seals`. The months must be there. */
export async function fillLog(database: Queryable, fill: LogFill): Promise<void> {
  const { records, until, days, trueTexts = true, connections = 1, onProgress = () => {} } = fill
  const texts = (await quoteRecords()).map((row) => ({ id: row.audit_id, text: trueTexts ? row.record : '{}' }))
  const stepMs = (days * DAY_MS) / records
  const firstMs = until.getTime() - days * DAY_MS
  let next = 0
  let filled = 0
  async function fillSlices(): Promise<void> {
    for (let from = next; from < records; from = next) {
      const to = Math.min(records, from + SLICE)
      next = to
      await database.query(RECORDS, [
        from,
        to - 1,
        firstMs,
        stepMs,
        records,
        texts.map(({ text }) => text),
        texts.map(({ id }) => id),
      ])
      filled += to - from
      onProgress(filled)
    }
  }
  await Promise.all(Array.from({ length: connections }, fillSlices))
}

/** A number of 0 to 1 that depends on the record and a word alone: as good as random, and the same in every run. */
const share = (word: string): string =>
  `((('x' || substr(md5(n || '${word}'), 1, 8))::bit(32)::bigint + 0.5) / 4294967296.0)::float8`

/** A standard normal number, by Box and Muller. */
const normal = (word: string): string => `sqrt(-2 * ln(${share(`${word} 1`)})) * cos(2 * pi() * ${share(`${word} 2`)})`

const RECORDS = `
with made as materialized (
  select n,
         (lpad(to_hex(($3::float8 + n * $4::float8)::bigint), 12, '0') || '7' || substr(md5(n || 'id'), 1, 3)
           || '8' || substr(md5(n || 'id'), 4, 15))::uuid as audit_id,
         to_timestamp(($3::float8 + n * $4::float8)::bigint / 1000.0) as occurred_at,
         n % 1000 = 999 as is_change,
         n % greatest($5::integer / 5, 1) = 3 as is_rare,
         case when ${share('large')} < 0.2 then 0 else 1 + floor(3000 * power(${share('client')}, 3))::integer end as client,
         floor(6000 * power(${share('ticker')}, 2.5))::integer as ticker,
         round(exp(11.5 + 1.6 * ${normal('value')})::numeric, 2) as position_value,
         trim_scale(round(exp(-3.6 + 1.2 * ${normal('rate')})::numeric, 8)) as borrow_rate,
         ($6::text[])[1 + n % cardinality($6::text[])] as text,
         ($7::text[])[1 + n % cardinality($7::text[])] as text_id
    from generate_series($1::integer, $2::integer) n
), kept as (
  insert into audit_records
    (audit_id, record_type, schema_version, occurred_at, recorded_at, client_id, ticker, position_value, borrow_rate, total_fee, request_id, actor_id, record)
  select audit_id, case when is_change then 'broker_changed' else 'quote' end, 1, occurred_at, occurred_at + interval '2 ms',
         case when is_rare then 'broker-rare' else 'broker-' || lpad(client::text, 4, '0') end,
         case when is_change then null when is_rare then 'ZRARE'
              else chr(65 + ticker / 2197 % 13) || chr(65 + ticker / 169 % 13) || chr(65 + ticker / 13 % 13) || chr(65 + ticker % 13) end,
         case when not is_change then position_value end,
         case when not is_change then borrow_rate end,
         case when not is_change then round(position_value * borrow_rate * 30 / 365 * 1.05 + 25, 2) end,
         gen_random_uuid(), 'k' || lpad(client::text, 7, '0'),
         case when is_change then '{"audit_id":"' || audit_id || '","record_type":"broker_changed"}' else replace(text, text_id, audit_id::text) end
    from made
)
insert into audit_seals (audit_id, sequence, prev_hash, hash, sealed_at)
select audit_id, n + 1, sha256(convert_to('place ' || n, 'UTF8')), sha256(convert_to('place ' || n + 1, 'UTF8')), occurred_at + interval '1 s'
  from made`
